/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit record: what was written reads back, and everything that can be done to the files afterwards
 * has a verdict of its own (A1 to A7 of store/audit_chain.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/audit_import.h"
#include "store/audit_read.h"
#include "store/audit_segment.h"
#include "store/audit_write.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#define START 1795492800000 /* ms */
#define BIG   ((uint64_t)1 << 30)

struct store {
	char path[64];
	int dir_fd;
	struct audit_writer *writer;
	struct audit_opened opened;
};

static void open_writer(struct store *s, uint64_t segment_size)
{
	assert_int_equal(audit_writer_open(s->dir_fd, segment_size, &s->writer, &s->opened), ERROR_NONE);
}

static void close_writer(struct store *s)
{
	audit_writer_close(s->writer);
	s->writer = NULL;
}

static int set_up(void **state)
{
	struct store *s = calloc(1, sizeof *s);

	snprintf(s->path, sizeof s->path, "/tmp/audit_test.XXXXXX");
	assert_non_null(mkdtemp(s->path));
	s->dir_fd = open(s->path, O_RDONLY | O_DIRECTORY);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct store *s = *state;
	DIR *dir = opendir(s->path);
	struct dirent *entry;

	audit_writer_close(s->writer);
	while ((entry = readdir(dir)))
		unlinkat(s->dir_fd, entry->d_name, 0);
	closedir(dir);
	close(s->dir_fd);
	assert_int_equal(rmdir(s->path), 0);
	free(s);
	return 0;
}

static struct audit_record record_of(unsigned n)
{
	static const struct text subject = TEXT("subject"), detail = TEXT("detail=1 of many");

	return (struct audit_record){ .time = START + n * 10,
				      .role = text_from_cstr("queue"),
				      .kind = text_from_cstr(n % 3 ? "message_accepted" : "message_refused"),
				      .subject = subject,
				      .detail = detail };
}

static void write_records(struct store *s, unsigned n, unsigned per_flush)
{
	for (unsigned i = 1; i <= n; i++) {
		struct audit_record r = record_of(i);
		assert_int_equal(audit_writer_add(s->writer, &r), ERROR_NONE);
		if (i % per_flush == 0)
			assert_int_equal(audit_writer_flush(s->writer), ERROR_NONE);
	}
	assert_int_equal(audit_writer_flush(s->writer), ERROR_NONE);
}

/* A store of 20 records in one segment, closed. Gives its head. */
static struct audit_head make_store(struct store *s)
{
	struct audit_head head;

	open_writer(s, BIG);
	write_records(s, 20, 7);
	head = audit_writer_head(s->writer);
	close_writer(s);
	return head;
}

static struct audit_check last_check;

static enum audit_verdict verify(struct store *s, const struct audit_head *kept)
{
	enum audit_verdict verdict;

	assert_int_equal(audit_verify(s->dir_fd, kept, &verdict, &last_check), ERROR_NONE);
	return verdict;
}

/* The lines of a segment, to be changed and written back. */
struct lines {
	char *line[200];
	size_t n[200];
	size_t count;
};

static void read_lines(struct store *s, unsigned segment, struct lines *l)
{
	static char bytes[1 << 20];
	char name[AUDIT_NAME_SIZE];
	int fd;
	ssize_t n;

	audit_segment_name(segment, name);
	fd = openat(s->dir_fd, name, O_RDONLY);
	n = read(fd, bytes, sizeof bytes);
	assert_true(n > 0);
	close(fd);
	l->count = 0;
	for (ssize_t at = 0; at < n;) {
		char *end = memchr(bytes + at, '\n', (size_t)(n - at));
		size_t size = end ? (size_t)(end - (bytes + at)) + 1 : (size_t)(n - at);
		l->line[l->count] = bytes + at;
		l->n[l->count++] = size;
		at += (ssize_t)size;
	}
}

static void write_lines(struct store *s, unsigned segment, const struct lines *l)
{
	char name[AUDIT_NAME_SIZE];
	int fd;

	audit_segment_name(segment, name);
	fd = openat(s->dir_fd, name, O_WRONLY | O_TRUNC);
	for (size_t i = 0; i < l->count; i++)
		assert_int_equal(write(fd, l->line[i], l->n[i]), l->n[i]);
	close(fd);
}

static void drop_line(struct lines *l, size_t at)
{
	for (size_t i = at; i + 1 < l->count; i++) {
		l->line[i] = l->line[i + 1];
		l->n[i] = l->n[i + 1];
	}
	l->count--;
}

static void insert_line(struct lines *l, size_t at, char *line, size_t n)
{
	for (size_t i = l->count; i > at; i--) {
		l->line[i] = l->line[i - 1];
		l->n[i] = l->n[i - 1];
	}
	l->count++;
	l->line[at] = line;
	l->n[at] = n;
}

static void assert_one_fault(enum audit_verdict what, uint64_t from, uint64_t to)
{
	assert_int_equal(last_check.n_faults, 1);
	assert_int_equal(last_check.faults[0].what, what);
	assert_int_equal(last_check.faults[0].from, from);
	assert_int_equal(last_check.faults[0].to, to);
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(written_records_verify),
		TEST(chain_goes_on_after_a_restart),
		TEST(any_bytes_read_back),
		TEST(fields_above_their_bounds_are_refused),
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
		TEST(segments_follow_each_other),
		TEST(missing_segments_are_named),
		TEST(exchanged_segments_are_named),
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
