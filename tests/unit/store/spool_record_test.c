/* SPDX-License-Identifier: Apache-2.0
 *
 * Export and import: a message comes out of one spool and into another as it was; a stream that is
 * damaged, cut, or tells lies is refused and leaves nothing.
 */
#include "spool_fixture.h"

#include "base/wire.h"
#include "store/spool_record.h"

static char dir[64], other_dir[64];

static struct spool *open_spool(void)
{
	struct spool_options o;
	struct spool *s = NULL;

	spool_options_init(&o);
	o.reserve_bytes = 0;
	assert_int_equal(spool_open(&o, &s), ERROR_NONE);
	return s;
}

static enum error put_in_buf(void *owner, struct text record)
{
	return buf_add(owner, record) ? ERROR_NONE : ERROR_TOO_LARGE;
}

enum { N = 5 };

static struct fixture_message messages[N];
static struct buf stream;

/* A spool with N messages, and what they are as records. */
static int set_up(void **state)
{
	static const size_t sizes[N] = { 0, 100, SPOOL_INLINE_MAX, SPOOL_INLINE_MAX + 1, 200000 };
	struct spool *s;

	(void)state;
	buf_init(&stream, 1 << 20);
	fixture_enter_fast(dir);
	s = open_spool();
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(fixture_insert(s, &messages[i], i, sizes[i]), ERROR_NONE);
		assert_int_equal(spool_export(s, messages[i].m.id, put_in_buf, &stream), ERROR_NONE);
	}
	spool_close(s);
	fixture_enter_fast(other_dir);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_leave(other_dir);
	fixture_leave(dir);
	for (unsigned i = 0; i < N; i++)
		fixture_free(&messages[i]);
	buf_done(&stream);
	return 0;
}

static enum error import(struct spool *s, struct text bytes, size_t step,
			 struct spool_import_count *ret_count)
{
	struct spool_import *i = spool_import_new(s);
	enum error e = ERROR_NONE, closing;

	for (; bytes.n > 0 && !e; bytes = text_skip(bytes, step))
		e = spool_import_add(i, text_slice(bytes, 0, step));
	closing = spool_import_close(i, ret_count);
	return e ? e : closing;
}

static void messages_move_as_they_are(void **state)
{
	static const size_t steps[] = { 1 << 20, 4096, 7 };
	struct spool_import_count count;
	struct spool *s = open_spool();

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(import(s, buf_text(&stream), steps[i], &count), ERROR_NONE);
		assert_int_equal(count.n_stored, i ? 0 : N); /* again is no error, and changes nothing */
		assert_int_equal(count.n_existing, i ? N : 0);
	}
	for (unsigned i = 0; i < N; i++) {
		assert_true(fixture_is_stored(s, &messages[i]));
		assert_true(spool_next_id(s) > messages[i].m.id);
	}
	spool_close(s);
}

static void the_same_message_twice_in_one_stream_is_stored_once(void **state)
{
	struct spool_import_count count;
	struct spool *s = open_spool();
	struct buf twice;

	(void)state;
	buf_init(&twice, 1 << 21);
	buf_add(&twice, buf_text(&stream));
	buf_add(&twice, buf_text(&stream));
	assert_int_equal(import(s, buf_text(&twice), 1 << 16, &count), ERROR_NONE);
	assert_int_equal(count.n_stored, N);
	assert_int_equal(count.n_existing, N);
	for (unsigned i = 0; i < N; i++)
		assert_true(fixture_is_stored(s, &messages[i]));
	spool_close(s);
	buf_done(&twice);
}

static void a_cut_stream_gives_what_is_complete(void **state)
{
	struct spool_import_count count;
	uint64_t last = 0;

	(void)state;
	for (size_t n = 0; n < stream.n; n += 9973) {
		struct spool *s = open_spool();
		enum error e = import(s, text_slice(buf_text(&stream), 0, n), 5000, &count);
		assert_int_equal(e, n == 0 ? ERROR_NONE : ERROR_MALFORMED);
		assert_in_range(count.n_stored + count.n_existing, last, N - 1);
		last = count.n_stored + count.n_existing;
		for (unsigned i = 0; i < N; i++)
			assert_int_equal(fixture_is_stored(s, &messages[i]), i < last);
		spool_close(s);
	}
}

static void a_damaged_stream_is_refused(void **state)
{
	struct spool_import_count count;

	(void)state;
	for (size_t at = 0; at < stream.n; at += at < 1000 ? 13 : 4999) {
		struct spool *s = open_spool();
		stream.p[at] ^= 0x40;
		assert_int_not_equal(import(s, buf_text(&stream), 1 << 16, &count), ERROR_NONE);
		assert_in_range(count.n_stored + count.n_existing, 0, N - 1);
		stream.p[at] ^= 0x40;
		spool_close(s);
	}
}

static const struct {
	const char *what;
	enum error error;
	struct spool_message message;
	struct spool_rcpt rcpt;
	const char *body;
} lies[] = {
	{ "as it should be",
	  ERROR_NONE,
	  { .id = 1, .n_rcpts = 1, .body_size = 2 },
	  { .address = TEXT("a@b") },
	  "ab" },
	{ "no id", ERROR_MALFORMED, { .n_rcpts = 1, .body_size = 2 }, { .address = TEXT("a@b") }, "ab" },
	{ "an id of the future",
	  ERROR_MALFORMED,
	  { .id = INT64_MAX, .n_rcpts = 1, .body_size = 2 },
	  { .address = TEXT("a@b") },
	  "ab" },
	{ "an id that is no number of ours",
	  ERROR_MALFORMED,
	  { .id = UINT64_MAX, .n_rcpts = 1, .body_size = 2 },
	  { .address = TEXT("a@b") },
	  "ab" },
	{ "no recipients", ERROR_MALFORMED, { .id = 2, .body_size = 2 }, { .address = TEXT("a@b") }, "ab" },
	{ "one too few",
	  ERROR_MALFORMED,
	  { .id = 2, .n_rcpts = 2, .body_size = 2 },
	  { .address = TEXT("a@b") },
	  "ab" },
	{ "too many",
	  ERROR_MALFORMED,
	  { .id = 2, .n_rcpts = UINT32_MAX, .body_size = 2 },
	  { .address = TEXT("a@b") },
	  "ab" },
	{ "a wrong index",
	  ERROR_MALFORMED,
	  { .id = 2, .n_rcpts = 1, .body_size = 2 },
	  { .index = 1, .address = TEXT("a@b") },
	  "ab" },
	{ "no address", ERROR_MALFORMED, { .id = 2, .n_rcpts = 1, .body_size = 2 }, { .index = 0 }, "ab" },
	{ "an unknown state",
	  ERROR_MALFORMED,
	  { .id = 2, .n_rcpts = 1, .body_size = 2, .state = SPOOL_STATE_COUNT },
	  { .address = TEXT("a@b") },
	  "ab" },
	{ "unknown flags",
	  ERROR_MALFORMED,
	  { .id = 2, .n_rcpts = 1, .body_size = 2, .flags = ~0u },
	  { .address = TEXT("a@b") },
	  "ab" },
	{ "a short body",
	  ERROR_MALFORMED,
	  { .id = 2, .n_rcpts = 1, .body_size = 3 },
	  { .address = TEXT("a@b") },
	  "ab" },
	{ "a long body",
	  ERROR_MALFORMED,
	  { .id = 2, .n_rcpts = 1, .body_size = 1 },
	  { .address = TEXT("a@b") },
	  "ab" },
	{ "a size beyond all",
	  ERROR_MALFORMED,
	  { .id = 2, .n_rcpts = 1, .body_size = UINT64_MAX },
	  { .address = TEXT("a@b") },
	  "ab" },
	{ "a header longer than all",
	  ERROR_MALFORMED,
	  { .id = 2, .n_rcpts = 1, .body_size = 2, .header_size = 3 },
	  { .address = TEXT("a@b") },
	  "ab" },
};

static void lies_are_refused(void **state)
{
	struct spool_import_count count;
	struct spool *s = open_spool();

	(void)state;
	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		struct spool_import *in = spool_import_new(s);
		enum error e = spool_import_message(in, &lies[i].message), closing;
		e = e ? e : spool_import_rcpt(in, &lies[i].rcpt);
		e = e ? e : spool_import_body(in, text_from_cstr(lies[i].body));
		e = e ? e : spool_import_end(in);
		closing = spool_import_close(in, &count);
		if (e != lies[i].error || closing != lies[i].error || count.n_stored != !e)
			fail_msg("%s: %s", lies[i].what, error_text(e));
	}
	spool_close(s);
}

static void a_record_longer_than_allowed_is_not_read(void **state)
{
	struct spool_import_count count;
	struct spool *s = open_spool();

	(void)state;
	assert_int_equal(import(s, text_from_bytes("\xff\xff\xff\x7f", 4), 1, &count), ERROR_TOO_LARGE);
	assert_int_equal(import(s, text_from_bytes("\x01\0\0\0\x09", 5), 5, &count), ERROR_MALFORMED);
	assert_int_equal(import(s, text_from_bytes("\0\0\0\0", 4), 4, &count), ERROR_MALFORMED);
	spool_close(s);
}

static void a_message_that_is_cancelled_leaves_no_file(void **state)
{
	struct spool_message m = messages[4].m;
	struct spool *s = open_spool();
	struct spool_import *i = spool_import_new(s);
	struct spool_import_count count;
	char name[64] = "bodies/";

	(void)state;
	spool_print_id(m.id, name + 7);
	assert_int_equal(spool_import_message(i, &m), ERROR_NONE);
	assert_int_equal(access(name, F_OK), 0);
	spool_import_cancel(i);
	assert_int_equal(access(name, F_OK), -1);
	assert_int_equal(spool_import_close(i, &count), ERROR_NONE);
	assert_int_equal(count.n_stored, 0);
	spool_close(s);
}

static void a_damaged_body_is_not_exported(void **state)
{
	char name[64] = "bodies/";
	struct spool *s;
	struct buf out;

	(void)state;
	assert_int_equal(chdir(dir), 0);
	s = open_spool();
	buf_init(&out, 1 << 20);
	spool_print_id(messages[4].m.id, name + 7);
	assert_int_equal(truncate(name, 10), 0);
	assert_int_equal(spool_export(s, messages[4].m.id, put_in_buf, &out), ERROR_CORRUPT);
	assert_int_equal(spool_export(s, 1, put_in_buf, &out), ERROR_NOT_FOUND);
	spool_close(s);
	buf_done(&out);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(messages_move_as_they_are),
		ROW(the_same_message_twice_in_one_stream_is_stored_once),
		ROW(a_cut_stream_gives_what_is_complete),
		ROW(a_damaged_stream_is_refused),
		ROW(lies_are_refused),
		ROW(a_record_longer_than_allowed_is_not_read),
		ROW(a_message_that_is_cancelled_leaves_no_file),
		ROW(a_damaged_body_is_not_exported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
