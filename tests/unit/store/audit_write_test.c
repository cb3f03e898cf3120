/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer of the audit record: what was written reads back, across restarts, segments, crashes and full
 * disks, and is taken over to another machine (A4 to A7 of store/audit_chain.h).
 */
#include "audit_fixture.h"

#include "store/audit_import.h"

#include <signal.h>
#include <sys/resource.h>

static void chain_goes_on_after_a_restart(void **state)
{
	struct store *s = *state;
	struct audit_head head = make_store(s);

	open_writer(s, BIG);
	assert_false(s->opened.is_new || s->opened.is_tampered || s->opened.torn_bytes);
	write_records(s, 5, 1);
	assert_int_equal(audit_writer_head(s->writer).seq, 25);
	assert_int_equal(verify(s, &head), AUDIT_GOOD);
}

static bool keep_last(void *arg, const struct audit_record *record, const struct audit_hash *hash)
{
	struct audit_record *kept = arg;

	(void)hash;
	assert_int_equal(record->subject.n, 7);
	assert_memory_equal(record->subject.p, "a\tb\n\\\0\xff", 7);
	assert_true(text_is_cstr(record->detail, "gr\303\274n"));
	kept->seq = record->seq;
	kept->time = record->time;
	return true;
}

static void any_bytes_read_back(void **state)
{
	struct store *s = *state;
	struct audit_record r = record_of(1), kept = { 0 };

	open_writer(s, BIG);
	r.subject = text_from_bytes("a\tb\n\\\0\xff", 7);
	r.detail = text_from_cstr("gr\303\274n");
	assert_int_equal(audit_writer_add(s->writer, &r), ERROR_NONE);
	assert_int_equal(audit_writer_flush(s->writer), ERROR_NONE);
	assert_int_equal(audit_read(s->dir_fd, 1, keep_last, &kept), ERROR_NONE);
	assert_int_equal(kept.seq, 1);
	assert_int_equal(kept.time, r.time);
	assert_int_equal(verify(s, NULL), AUDIT_GOOD);
}

static void fields_above_their_bounds_are_refused(void **state)
{
	struct store *s = *state;
	char big[AUDIT_DETAIL_MAX + 1] = { 0 };
	struct audit_record r = record_of(1);

	open_writer(s, BIG);
	r.detail = text_from_bytes(big, sizeof big);
	assert_int_equal(audit_writer_add(s->writer, &r), ERROR_MALFORMED);
	r = record_of(1);
	r.subject = text_from_bytes(big, AUDIT_SUBJECT_MAX + 1);
	assert_int_equal(audit_writer_add(s->writer, &r), ERROR_MALFORMED);
	r = record_of(1);
	r.role = text_from_cstr("Queue");
	assert_int_equal(audit_writer_add(s->writer, &r), ERROR_MALFORMED);
	r = record_of(1);
	r.detail = text_from_bytes(big, AUDIT_DETAIL_MAX); /* the longest there is, all escaped */
	assert_int_equal(audit_writer_add(s->writer, &r), ERROR_NONE);
	assert_int_equal(audit_writer_flush(s->writer), ERROR_NONE);
	assert_int_equal(verify(s, NULL), AUDIT_GOOD);
}

static void segments_follow_each_other(void **state)
{
	struct store *s = *state;
	struct audit_head head;

	open_writer(s, 2000);
	write_records(s, 60, 5);
	head = audit_writer_head(s->writer);
	assert_true(audit_writer_segment(s->writer) > 3);
	assert_int_equal(verify(s, &head), AUDIT_GOOD);
	assert_int_equal(last_check.n_records, 60);
	assert_int_equal(last_check.n_segments, audit_writer_segment(s->writer));
	close_writer(s);
	open_writer(s, 2000);
	assert_int_equal(audit_writer_head(s->writer).seq, 60);
}

static void old_segments_go_and_the_record_says_so(void **state)
{
	struct store *s = *state;
	unsigned n = 0;

	open_writer(s, 2000);
	write_records(s, 60, 5);
	assert_int_equal(audit_writer_expire(s->writer, START + 1000, START + 350, &n), ERROR_NONE);
	assert_in_range(n, 1, 10);
	assert_int_equal(verify(s, NULL), AUDIT_GOOD);
	assert_true(last_check.first_seq > 1 && last_check.first_seq <= 36);
	assert_int_equal(last_check.head.seq, 60 + n);
	close_writer(s);
	open_writer(s, 2000);
	assert_int_equal(audit_writer_expire(s->writer, START + 1000, START + 350, &n), ERROR_NONE);
	assert_int_equal(n, 0);
	assert_int_equal(audit_writer_expire(s->writer, START + 1000, START + 100000, &n), ERROR_NONE);
	assert_true(n > 0);
	assert_int_equal(verify(s, NULL), AUDIT_GOOD);
}

static void headless_segment_of_a_crash_is_dropped(void **state)
{
	struct store *s = *state;
	int fd;

	make_store(s);
	fd = openat(s->dir_fd, "0000000002.log", O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "postern-audit", 13), 13);
	close(fd);
	assert_int_equal(verify(s, NULL), AUDIT_TORN);
	open_writer(s, BIG);
	assert_int_equal(audit_writer_segment(s->writer), 1);
	assert_int_equal(audit_writer_head(s->writer).seq, 20);
	assert_int_equal(verify(s, NULL), AUDIT_GOOD);
}

static void tampered_segment_is_kept_as_evidence(void **state)
{
	struct store *s = *state;
	struct lines l;

	make_store(s);
	read_lines(s, 1, &l);
	drop_line(&l, 5);
	write_lines(s, 1, &l);
	open_writer(s, BIG);
	assert_true(s->opened.is_tampered);
	assert_int_equal(audit_writer_segment(s->writer), 2);
	write_records(s, 3, 1);
	assert_int_equal(verify(s, NULL), AUDIT_REMOVED);
	assert_one_fault(AUDIT_REMOVED, 5, 5);
	assert_int_equal(last_check.head.seq, 23);
}

static void failed_write_leaves_no_gap(void **state)
{
	struct store *s = *state;
	struct rlimit full = { 3000, RLIM_INFINITY }, before;
	struct audit_head head;

	make_store(s);
	open_writer(s, BIG);
	head = audit_writer_head(s->writer);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	for (unsigned i = 0; i < 10; i++) {
		struct audit_record r = record_of(i);
		assert_int_equal(audit_writer_add(s->writer, &r), ERROR_NONE);
	}
	assert_int_not_equal(audit_writer_flush(s->writer), ERROR_NONE);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(audit_writer_head(s->writer).seq, head.seq);
	assert_int_equal(verify(s, &head), AUDIT_GOOD);
	write_records(s, 10, 10);
	assert_int_equal(verify(s, &head), AUDIT_GOOD);
	assert_int_equal(last_check.head.seq, 30);
}

static bool take_over(void *arg, const struct audit_record *record, const struct audit_hash *hash)
{
	return audit_import_add(arg, record, hash) == ERROR_NONE;
}

static void store_is_taken_over_with_its_chain(void **state)
{
	struct store *s = *state, other;
	void *other_state;
	struct audit_head none = { 0 }, head = make_store(s), end;
	struct audit_import *import;

	set_up(&other_state);
	other = *(struct store *)other_state;
	assert_int_equal(audit_import_open(other.dir_fd, 2000, &none, &import), ERROR_NONE);
	assert_int_equal(audit_read(s->dir_fd, 1, take_over, import), ERROR_NONE);
	assert_int_equal(audit_import_close(import, &end), ERROR_NONE);
	assert_int_equal(end.seq, 20);
	assert_int_equal(verify(&other, &head), AUDIT_GOOD);
	assert_int_equal(audit_import_open(other.dir_fd, 2000, &none, &import), ERROR_EXISTS);
	tear_down(&other_state);
}

static void altered_record_is_not_taken_over(void **state)
{
	struct store *s = *state;
	struct audit_head none = { 0 }, end;
	struct audit_record r = record_of(1);
	struct audit_hash hash = { { 1 } };
	struct audit_import *import;

	assert_int_equal(audit_import_open(s->dir_fd, 2000, &none, &import), ERROR_NONE);
	r.seq = 1;
	assert_int_equal(audit_import_add(import, &r, &hash), ERROR_CORRUPT);
	r.kind = text_from_cstr("no kind");
	assert_int_equal(audit_import_add(import, &r, &hash), ERROR_MALFORMED);
	assert_int_equal(audit_import_close(import, &end), ERROR_NONE);
	assert_int_equal(end.seq, 0);
}

static void heads_print_and_parse(void **state)
{
	struct audit_head head = { 17, { { 0xab, 1 } } }, again;
	char text[AUDIT_HEAD_SIZE];

	(void)state;
	audit_head_print(&head, text);
	assert_true(audit_head_parse(text_from_cstr(text), &again));
	assert_int_equal(again.seq, 17);
	assert_true(audit_hash_is_equal(&again.hash, &head.hash));
	assert_true(audit_head_parse(text_from_cstr(text + 3), &again));
	assert_int_equal(again.seq, 0);
	assert_false(audit_head_parse(text_from_cstr("17"), &again));
	assert_false(audit_head_parse(text_from_cstr("x:00"), &again));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(chain_goes_on_after_a_restart),
		TEST(any_bytes_read_back),
		TEST(fields_above_their_bounds_are_refused),
		TEST(segments_follow_each_other),
		TEST(old_segments_go_and_the_record_says_so),
		TEST(headless_segment_of_a_crash_is_dropped),
		TEST(tampered_segment_is_kept_as_evidence),
		TEST(failed_write_leaves_no_gap),
		TEST(store_is_taken_over_with_its_chain),
		TEST(altered_record_is_not_taken_over),
		TEST(heads_print_and_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
