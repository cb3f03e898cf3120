/* SPDX-License-Identifier: Apache-2.0
 *
 * Verification of the audit record: everything that can be done to its files has a verdict of its own (A1
 * to A6 of store/audit_chain.h).
 */
#include "audit_fixture.h"

static void written_records_verify(void **state)
{
	struct audit_head head = make_store(*state);

	assert_int_equal(head.seq, 20);
	assert_int_equal(verify(*state, NULL), AUDIT_GOOD);
	assert_int_equal(last_check.n_records, 20);
	assert_int_equal(last_check.first_seq, 1);
	assert_true(audit_hash_is_equal(&last_check.head.hash, &head.hash));
	assert_int_equal(verify(*state, &head), AUDIT_GOOD);
}

static void altered_text_is_named(void **state)
{
	struct store *s = *state;
	struct audit_head head = make_store(s);
	struct lines l;

	read_lines(s, 1, &l);
	memcpy(memmem(l.line[8], l.n[8], "detail=1", 8), "detail=2", 8);
	write_lines(s, 1, &l);
	assert_int_equal(verify(s, NULL), AUDIT_ALTERED);
	assert_one_fault(AUDIT_ALTERED, 8, 8);
	assert_int_equal(last_check.faults[0].line, 9);
	assert_int_equal(verify(s, &head), AUDIT_ALTERED);
}

static void altered_hash_is_named(void **state)
{
	struct store *s = *state;
	struct lines l;
	char *last;

	make_store(s);
	read_lines(s, 1, &l);
	last = l.line[8] + l.n[8] - 2;
	*last = *last == '0' ? '1' : '0';
	write_lines(s, 1, &l);
	assert_int_equal(verify(s, NULL), AUDIT_ALTERED);
	assert_one_fault(AUDIT_ALTERED, 8, 8);
}

static void removed_record_is_named(void **state)
{
	struct store *s = *state;
	struct lines l;

	make_store(s);
	read_lines(s, 1, &l);
	drop_line(&l, 5);
	drop_line(&l, 5);
	write_lines(s, 1, &l);
	assert_int_equal(verify(s, NULL), AUDIT_REMOVED);
	assert_one_fault(AUDIT_REMOVED, 5, 6);
}

/* What AquaPurge does: every line with a keyword goes. */
static void lines_purged_by_keyword_are_named(void **state)
{
	struct store *s = *state;
	struct lines l;

	make_store(s);
	read_lines(s, 1, &l);
	for (size_t i = l.count; i-- > 0;)
		if (memmem(l.line[i], l.n[i], "message_refused", 15))
			drop_line(&l, i);
	write_lines(s, 1, &l);
	assert_int_equal(verify(s, NULL), AUDIT_REMOVED);
	assert_int_equal(last_check.n_faults, 6);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(last_check.faults[i].from, 3 * (i + 1));
}

static void inserted_record_is_named(void **state)
{
	struct store *s = *state;
	struct lines l;
	char copy[AUDIT_LINE_MAX];

	make_store(s);
	read_lines(s, 1, &l);
	memcpy(copy, l.line[4], l.n[4]);
	insert_line(&l, 9, copy, l.n[4]);
	write_lines(s, 1, &l);
	assert_int_equal(verify(s, NULL), AUDIT_INSERTED);
	assert_one_fault(AUDIT_INSERTED, 4, 4);
}

static void forged_record_before_the_true_one_is_named(void **state)
{
	struct store *s = *state;
	struct lines l;
	char copy[AUDIT_LINE_MAX];

	make_store(s);
	read_lines(s, 1, &l);
	memcpy(copy, l.line[4], l.n[4]);
	memcpy(memmem(copy, l.n[4], "detail=1", 8), "detail=2", 8);
	insert_line(&l, 4, copy, l.n[4]);
	write_lines(s, 1, &l);
	assert_int_equal(verify(s, NULL), AUDIT_ALTERED);
	assert_int_equal(last_check.n_faults, 2);
}

static void reordered_records_are_named(void **state)
{
	struct store *s = *state;
	struct lines l;
	char *line;
	size_t n;

	make_store(s);
	read_lines(s, 1, &l);
	line = l.line[5];
	n = l.n[5];
	drop_line(&l, 5);
	insert_line(&l, 6, line, n);
	write_lines(s, 1, &l);
	assert_int_equal(verify(s, NULL), AUDIT_REMOVED);
	assert_int_equal(last_check.n_faults, 2);
	assert_int_equal(last_check.faults[0].what, AUDIT_REMOVED);
	assert_int_equal(last_check.faults[1].what, AUDIT_INSERTED);
}

static void line_that_is_no_record_is_named(void **state)
{
	struct store *s = *state;
	struct lines l;

	make_store(s);
	read_lines(s, 1, &l);
	l.line[6][0] = 'x';
	write_lines(s, 1, &l);
	assert_int_equal(verify(s, NULL), AUDIT_MALFORMED);
	assert_one_fault(AUDIT_MALFORMED, 6, 6);
}

static void torn_last_record_is_no_tampering(void **state)
{
	struct store *s = *state;
	struct lines l;

	make_store(s);
	read_lines(s, 1, &l);
	l.n[20] -= 30;
	write_lines(s, 1, &l);
	assert_int_equal(verify(s, NULL), AUDIT_TORN);
	assert_int_equal(last_check.n_faults, 0);
	assert_int_equal(last_check.torn_bytes, l.n[20]);
	open_writer(s, BIG);
	assert_int_equal(s->opened.torn_bytes, l.n[20]);
	assert_false(s->opened.is_tampered);
	assert_int_equal(audit_writer_head(s->writer).seq, 19);
	write_records(s, 3, 1);
	assert_int_equal(verify(s, NULL), AUDIT_GOOD);
}

static void zeros_at_the_end_are_torn_and_in_the_middle_are_not(void **state)
{
	struct store *s = *state;
	struct lines l;

	make_store(s);
	read_lines(s, 1, &l);
	memset(l.line[20] + 10, 0, l.n[20] - 10);
	write_lines(s, 1, &l);
	assert_int_equal(verify(s, NULL), AUDIT_TORN);
	memset(l.line[10], 0, 20);
	write_lines(s, 1, &l);
	assert_int_equal(verify(s, NULL), AUDIT_MALFORMED);
}

static void kept_head_finds_a_cut_end(void **state)
{
	struct store *s = *state;
	struct audit_head head = make_store(s), bare = head;
	struct lines l;

	read_lines(s, 1, &l);
	l.count -= 2;
	write_lines(s, 1, &l);
	assert_int_equal(verify(s, NULL), AUDIT_GOOD);
	assert_int_equal(verify(s, &head), AUDIT_CUT);
	bare.seq = 0;
	assert_int_equal(verify(s, &bare), AUDIT_UNKNOWN_HEAD);
}

static void kept_head_finds_a_torn_promise(void **state)
{
	struct store *s = *state;
	struct audit_head head = make_store(s);
	struct lines l;

	read_lines(s, 1, &l);
	l.n[20] -= 1;
	write_lines(s, 1, &l);
	assert_int_equal(verify(s, &head), AUDIT_CUT);
}

static void kept_head_finds_a_chain_written_anew(void **state)
{
	struct store *s = *state;
	struct audit_head head = make_store(s);

	unlinkat(s->dir_fd, "0000000001.log", 0);
	open_writer(s, BIG);
	for (unsigned i = 0; i < 20; i++) {
		struct audit_record r = record_of(i + 100);
		assert_int_equal(audit_writer_add(s->writer, &r), ERROR_NONE);
	}
	assert_int_equal(audit_writer_flush(s->writer), ERROR_NONE);
	assert_int_equal(verify(s, NULL), AUDIT_GOOD);
	assert_int_equal(verify(s, &head), AUDIT_REWRITTEN);
}

static void missing_segments_are_named(void **state)
{
	static const char *const gone[] = { "0000000001.log", "0000000002.log" };
	struct store *s = *state;

	open_writer(s, 2000);
	write_records(s, 60, 5);
	close_writer(s);
	assert_int_equal(unlinkat(s->dir_fd, gone[1], 0), 0);
	assert_int_equal(verify(s, NULL), AUDIT_SEGMENT);
	assert_int_equal(unlinkat(s->dir_fd, gone[0], 0),
			 0); /* the oldest: nothing says that it may be gone */
	assert_int_equal(verify(s, NULL), AUDIT_SEGMENT);
}

static void exchanged_segments_are_named(void **state)
{
	struct store *s = *state;

	open_writer(s, 2000);
	write_records(s, 60, 5);
	close_writer(s);
	assert_int_equal(renameat(s->dir_fd, "0000000001.log", s->dir_fd, "x"), 0);
	assert_int_equal(renameat(s->dir_fd, "0000000002.log", s->dir_fd, "0000000001.log"), 0);
	assert_int_equal(renameat(s->dir_fd, "x", s->dir_fd, "0000000002.log"), 0);
	assert_int_equal(verify(s, NULL), AUDIT_SEGMENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(written_records_verify),
		TEST(altered_text_is_named),
		TEST(altered_hash_is_named),
		TEST(removed_record_is_named),
		TEST(lines_purged_by_keyword_are_named),
		TEST(inserted_record_is_named),
		TEST(forged_record_before_the_true_one_is_named),
		TEST(reordered_records_are_named),
		TEST(line_that_is_no_record_is_named),
		TEST(torn_last_record_is_no_tampering),
		TEST(zeros_at_the_end_are_torn_and_in_the_middle_are_not),
		TEST(kept_head_finds_a_cut_end),
		TEST(kept_head_finds_a_torn_promise),
		TEST(kept_head_finds_a_chain_written_anew),
		TEST(missing_segments_are_named),
		TEST(exchanged_segments_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
