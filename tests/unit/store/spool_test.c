/* SPDX-License-Identifier: Apache-2.0
 *
 * The spool's behaviour on a disk that works: what is inserted can be read, also by the next start;
 * updates, removals, groups, ids, orphans, a changed schema. Failing disks: spool_fault_test.c; power
 * cuts: spool_power_test.c.
 */
#include "spool_fixture.h"

#include "base/clock.h"
#include "store/spool_format.h"

#include <sqlite3.h>
#include <sys/stat.h>

static char dir[64];

static struct spool *open_spool(void)
{
	struct spool_options o;
	struct spool *s = NULL;

	spool_options_init(&o);
	o.reserve_bytes = 1 << 20;
	assert_int_equal(spool_open(&o, &s), ERROR_NONE);
	return s;
}

static int enter(void **state)
{
	(void)state;
	fixture_enter(dir);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	fixture_leave(dir);
	return 0;
}

static size_t count_messages(struct spool *s)
{
	uint64_t ids[64];
	size_t n = 0;

	assert_int_equal(spool_read_ids(s, 0, ids, 64, &n), ERROR_NONE);
	return n;
}

static void an_inserted_message_is_read_back(void **state)
{
	static const size_t sizes[] = { 0, 1, 4096, SPOOL_INLINE_MAX, SPOOL_INLINE_MAX + 1, 300000 };
	struct fixture_message f[6];
	struct spool *s = open_spool();

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(fixture_insert(s, &f[i], i, sizes[i]), ERROR_NONE);
		assert_true(fixture_is_stored(s, &f[i]));
	}
	spool_close(s);
	s = open_spool();
	for (unsigned i = 0; i < 6; i++)
		assert_true(fixture_is_stored(s, &f[i]));
	assert_int_equal(count_messages(s), 6);
	spool_close(s);
	for (unsigned i = 0; i < 6; i++)
		fixture_free(&f[i]);
}

static void many_waiting_inserts_share_a_transaction(void **state)
{
	struct fixture_message *f = calloc(200, sizeof *f);
	struct spool *s = open_spool();
	struct spool_status st;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		fixture_make(s, &f[i], i, 1000);
		f[i].op.is_lazy = true;
		spool_submit(s, &f[i].op);
	}
	spool_flush(s);
	for (unsigned i = 0; i < 200; i++) {
		assert_true(f[i].is_done);
		assert_int_equal(f[i].result, ERROR_NONE);
		assert_true(fixture_is_stored(s, &f[i]));
		fixture_free(&f[i]);
	}
	spool_get_status(s, &st);
	assert_int_equal(st.n_messages, 200);
	assert_in_range(st.n_commits, 1, 20);
	spool_close(s);
	free(f);
}

static void lazy_work_is_committed_without_a_flush(void **state)
{
	struct fixture_message f;
	struct spool *s = open_spool();
	int64_t start = clock_mono_ms();

	(void)state;
	fixture_make(s, &f, 1, 10);
	f.op.is_lazy = true;
	spool_submit(s, &f.op);
	while (!f.is_done) {
		assert_true(clock_mono_ms() - start < 5000);
		usleep(2000);
		spool_reap(s);
	}
	assert_int_equal(f.result, ERROR_NONE);
	spool_close(s);
	fixture_free(&f);
}

static void an_update_changes_what_changes(void **state)
{
	struct spool_message m = { .state = SPOOL_HELD,
				   .flags = SPOOL_BAD,
				   .scans = 2,
				   .reason = TEXT("spam"),
				   .head = TEXT("X: y\r\n") };
	struct spool_rcpt r = { .index = 2,
				.address = TEXT("ignored"),
				.route = TEXT("r"),
				.state = SPOOL_FAILED,
				.attempts = 7,
				.next_attempt = 8,
				.last_attempt = 9,
				.warned = 10,
				.code = 550,
				.enhanced = TEXT("5.1.1"),
				.answer = TEXT("no"),
				.remote = TEXT("mx") };
	struct fixture_message f, update = { 0 };
	struct spool *s = open_spool();
	struct spool_rcpt *rcpts;
	struct arena arena;

	(void)state;
	assert_int_equal(fixture_insert(s, &f, 3, 100), ERROR_NONE);
	update.op = (struct spool_op){ .verb = SPOOL_UPDATE,
				       .id = f.m.id,
				       .message = &m,
				       .rcpts = &r,
				       .n_rcpts = 1,
				       .done = fixture_done,
				       .owner = &update };
	spool_submit(s, &update.op);
	spool_close(s);
	assert_int_equal(update.result, ERROR_NONE);
	s = open_spool();
	arena_init(&arena, SPOOL_ARENA_SIZE(4));
	assert_int_equal(spool_read(s, f.m.id, &arena, &m, &rcpts), ERROR_NONE);
	assert_int_equal(m.state, SPOOL_HELD);
	assert_int_equal(m.flags, SPOOL_BAD);
	assert_int_equal(m.scans, 2);
	assert_true(text_is_cstr(m.reason, "spam"));
	assert_true(text_is_cstr(m.head, "X: y\r\n"));
	assert_true(text_is_equal(m.sender, f.m.sender));
	assert_int_equal(rcpts[1].state, SPOOL_PENDING);
	assert_int_equal(rcpts[2].state, SPOOL_FAILED);
	assert_int_equal(rcpts[2].attempts, 7);
	assert_int_equal(rcpts[2].next_attempt, 8);
	assert_int_equal(rcpts[2].last_attempt, 9);
	assert_int_equal(rcpts[2].warned, 10);
	assert_int_equal(rcpts[2].code, 550);
	assert_true(text_is_cstr(rcpts[2].enhanced, "5.1.1"));
	assert_true(text_is_cstr(rcpts[2].answer, "no"));
	assert_true(text_is_cstr(rcpts[2].remote, "mx"));
	assert_true(text_is_equal(rcpts[2].address, f.rcpts[2].address));
	arena_reset(&arena);
	spool_close(s);
	fixture_free(&f);
}

static void a_removed_message_leaves_nothing(void **state)
{
	struct fixture_message f[2], removal[2] = { 0 };
	struct spool *s = open_spool();
	char name[64];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(fixture_insert(s, &f[i], i, i ? 100000 : 100), ERROR_NONE);
		removal[i].op = (struct spool_op){ .verb = SPOOL_REMOVE,
						   .is_lazy = true,
						   .has_file = i,
						   .id = f[i].m.id,
						   .done = fixture_done,
						   .owner = &removal[i] };
		spool_submit(s, &removal[i].op);
	}
	spool_flush(s);
	assert_int_equal(removal[0].result, ERROR_NONE);
	assert_int_equal(removal[1].result, ERROR_NONE);
	assert_int_equal(count_messages(s), 0);
	assert_false(fixture_is_stored(s, &f[0]));
	snprintf(name, sizeof name, "bodies/");
	spool_print_id(f[1].m.id, name + 7);
	assert_int_equal(access(name, F_OK), -1);
	spool_close(s);
	fixture_free(&f[0]);
	fixture_free(&f[1]);
}

static void a_group_is_stored_whole_or_not_at_all(void **state)
{
	struct spool_rcpt r = { .index = 0, .address = TEXT("x"), .state = SPOOL_NOTIFIED };
	struct fixture_message f, notice, other, change = { 0 };
	struct spool *s = open_spool();

	(void)state;
	assert_int_equal(fixture_insert(s, &f, 0, 100), ERROR_NONE);
	fixture_make(s, &notice, 1, 50);
	fixture_make(s, &other, 2, 50);
	/* The second half names a message that is not there. */
	change.op = (struct spool_op){ .verb = SPOOL_UPDATE, .id = 12345, .rcpts = &r, .n_rcpts = 1 };
	notice.op.with = &change.op;
	spool_submit(s, &notice.op);
	spool_submit(s, &other.op);
	spool_flush(s);
	assert_int_equal(notice.result, ERROR_NOT_FOUND);
	assert_false(fixture_is_stored(s, &notice));
	assert_int_equal(other.result, ERROR_NONE);
	assert_true(fixture_is_stored(s, &other));

	change.op.id = f.m.id;
	spool_submit(s, &notice.op);
	spool_flush(s);
	assert_int_equal(notice.result, ERROR_NONE);
	assert_true(fixture_is_stored(s, &notice));
	spool_close(s);
	fixture_free(&f);
	fixture_free(&notice);
	fixture_free(&other);
}

static void an_id_is_inserted_once(void **state)
{
	struct fixture_message f, again;
	struct spool *s = open_spool();

	(void)state;
	assert_int_equal(fixture_insert(s, &f, 0, 100), ERROR_NONE);
	fixture_make(s, &again, 1, 100);
	again.m.id = again.op.id = f.m.id;
	spool_submit(s, &again.op);
	spool_flush(s);
	assert_int_equal(again.result, ERROR_EXISTS);
	assert_true(fixture_is_stored(s, &f));
	spool_close(s);
	fixture_free(&f);
	fixture_free(&again);
}

static void ids_rise_when_the_clock_goes_back(void **state)
{
	struct fixture_message f;
	struct spool *s;
	uint64_t last = 0;

	(void)state;
	for (int round = 0; round < 4; round++) {
		clock_set_fake(1700000000000 - round * 3600000, 1000);
		s = open_spool();
		for (int i = 0; i < 100; i++) {
			uint64_t id = spool_next_id(s);
			assert_true(id > last);
			last = id;
		}
		assert_int_equal(fixture_insert(s, &f, 0, 10), ERROR_NONE);
		assert_true(f.m.id > last);
		last = f.m.id;
		fixture_free(&f);
		clock_set_real();
		spool_close(s);
	}
}

static void ids_print_and_parse(void **state)
{
	static const uint64_t ids[] = { 1, 31, 32, UINT64_C(1700000000000) << 20, INT64_MAX };
	static const char *const bad[] = { "",
					   "0000000000000",
					   "000000000000",
					   "00000000000001",
					   "8zzzzzzzzzzzz",
					   "000000000000i",
					   "000000000000A",
					   "../../../../x",
					   "00000000000 1" };
	char out[SPOOL_ID_SIZE], before[SPOOL_ID_SIZE] = "";
	uint64_t id;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		spool_print_id(ids[i], out);
		assert_int_equal(strlen(out), 13);
		assert_true(strcmp(before, out) < 0);
		assert_true(spool_parse_id(text_from_cstr(out), &id));
		assert_true(id == ids[i]);
		memcpy(before, out, sizeof out);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(spool_parse_id(text_from_cstr(bad[i]), &id));
}

static void orphans_are_swept_and_bodies_are_kept(void **state)
{
	struct fixture_message f;
	struct spool *s = open_spool();
	char orphan[64] = "bodies/";
	uint64_t id;
	int fd;

	(void)state;
	assert_int_equal(fixture_insert(s, &f, 0, 70000), ERROR_NONE);
	id = spool_next_id(s);
	assert_int_equal(spool_body_create(s, id, &fd), ERROR_NONE);
	assert_int_equal(spool_body_append(fd, f.m.sender), ERROR_NONE);
	close(fd);
	spool_print_id(id, orphan + 7);
	assert_int_equal(access(orphan, F_OK), 0);
	spool_close(s);
	s = open_spool();
	assert_int_equal(access(orphan, F_OK), -1);
	assert_true(fixture_is_stored(s, &f));
	spool_close(s);
	fixture_free(&f);
}

static void a_missing_or_short_body_file_is_corrupt(void **state)
{
	struct fixture_message f;
	struct spool *s = open_spool();
	char name[64] = "bodies/";
	int fd;

	(void)state;
	assert_int_equal(fixture_insert(s, &f, 0, 70000), ERROR_NONE);
	spool_print_id(f.m.id, name + 7);
	assert_int_equal(truncate(name, 69999), 0);
	assert_int_equal(spool_open_body(s, f.m.id, 70000, &fd), ERROR_CORRUPT);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(spool_open_body(s, f.m.id, 70000, &fd), ERROR_CORRUPT);
	assert_int_equal(fd, -1);
	spool_close(s);
	fixture_free(&f);
}

static void run_sql(const char *sql)
{
	sqlite3 *db;
	char *message = NULL;

	assert_int_equal(sqlite3_open("spool.db", &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	sqlite3_close(db);
}

static void a_changed_schema_is_refused(void **state)
{
	static const char *const changes[] = {
		"CREATE TRIGGER t AFTER INSERT ON message BEGIN DELETE FROM rcpt; END",
		"CREATE VIEW v AS SELECT * FROM message",
		"CREATE INDEX i ON message (state)",
		"ALTER TABLE body ADD COLUMN more ANY",
		"DROP TABLE meta",
		"PRAGMA application_id=1",
		"PRAGMA user_version=3",
		"PRAGMA journal_mode=DELETE",
	};
	struct spool_options o;
	struct spool *s;
	enum error e;

	(void)state;
	spool_options_init(&o);
	o.reserve_bytes = 0;
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		spool_close(open_spool());
		run_sql(changes[i]);
		s = NULL;
		e = spool_open(&o, &s);
		/* The journal mode is ours to set again; all else is not. */
		assert_int_equal(e, strstr(changes[i], "journal") ? ERROR_NONE : ERROR_CORRUPT);
		spool_close(s);
		unlink("spool.db");
		unlink("spool.db-wal");
	}
}

static void a_file_that_is_no_database_is_refused(void **state)
{
	struct spool_options o;
	struct spool *s = NULL;
	int fd = open("spool.db", O_WRONLY | O_CREAT, 0600);

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(write(fd, "not a database\n", 15), 15);
	close(fd);
	spool_options_init(&o);
	assert_int_equal(spool_open(&o, &s), ERROR_CORRUPT);
}

static void two_processes_do_not_share_a_spool(void **state)
{
	struct spool_options o;
	struct spool *s = open_spool(), *second = NULL;

	(void)state;
	spool_options_init(&o);
	assert_int_equal(spool_open(&o, &second), ERROR_BUSY);
	spool_close(s);
}

static void a_row_out_of_bounds_is_corrupt(void **state)
{
	static const char *const changes[] = {
		"UPDATE message SET state=9",        "UPDATE message SET n_rcpts=5",
		"UPDATE message SET n_rcpts=1",      "UPDATE message SET n_rcpts=0",
		"UPDATE message SET client=x'00'",   "UPDATE message SET sender=zeroblob(321)",
		"UPDATE message SET flags=-1",       "UPDATE message SET header_size=1000",
		"UPDATE rcpt SET idx=7 WHERE idx=1", "UPDATE rcpt SET state=-1",
		"UPDATE rcpt SET address=x''",       "UPDATE rcpt SET answer=zeroblob(513)",
		"DELETE FROM rcpt WHERE idx=0",
	};
	struct fixture_message f;
	struct spool_message m;
	struct spool_rcpt *rcpts;
	struct arena arena;
	struct spool *s;

	(void)state;
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		s = open_spool();
		assert_int_equal(fixture_insert(s, &f, 3, 100), ERROR_NONE);
		spool_close(s);
		run_sql(changes[i]);
		s = open_spool();
		arena_init(&arena, SPOOL_ARENA_SIZE(4));
		if (spool_read(s, f.m.id, &arena, &m, &rcpts) != ERROR_CORRUPT)
			fail_msg("not found corrupt: %s", changes[i]);
		arena_reset(&arena);
		spool_close(s);
		fixture_free(&f);
		unlink("spool.db");
	}
}

static void the_tables_have_the_roots_that_salvage_expects(void **state)
{
	static const struct {
		const char *name;
		int root;
	} roots[] = { { "message", SPOOL_ROOT_MESSAGE },
		      { "rcpt", SPOOL_ROOT_RCPT },
		      { "body", SPOOL_ROOT_BODY },
		      { "meta", SPOOL_ROOT_META } };
	char sql[200];

	(void)state;
	spool_close(open_spool());
	for (size_t i = 0; i < 4; i++) {
		sqlite3 *db;
		sqlite3_stmt *st;
		snprintf(sql, sizeof sql, "SELECT rootpage FROM sqlite_schema WHERE name='%s'",
			 roots[i].name);
		assert_int_equal(sqlite3_open("spool.db", &db), SQLITE_OK);
		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(st), SQLITE_ROW);
		assert_int_equal(sqlite3_column_int(st, 0), roots[i].root);
		sqlite3_finalize(st);
		sqlite3_close(db);
	}
}

static void files_are_for_the_owner_only(void **state)
{
	static const char *const names[] = { "spool.db", "bodies", "reserve" };
	struct stat st;

	(void)state;
	spool_close(open_spool());
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(stat(names[i], &st), 0);
		assert_int_equal(st.st_mode & 077, 0);
	}
}

static void a_sound_spool_passes_the_check(void **state)
{
	struct fixture_message f;
	struct spool *s = open_spool();
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(fixture_insert(s, &f, 3, 5000), ERROR_NONE);
	assert_int_equal(spool_check(s, &out), ERROR_NONE);
	spool_close(s);
	buf_done(&out);
	fixture_free(&f);
}

#define ROW(name)                                                                                            \
	{                                                                                                    \
#name, name, enter, leave, NULL                                                              \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(an_inserted_message_is_read_back),
		ROW(many_waiting_inserts_share_a_transaction),
		ROW(lazy_work_is_committed_without_a_flush),
		ROW(an_update_changes_what_changes),
		ROW(a_removed_message_leaves_nothing),
		ROW(a_group_is_stored_whole_or_not_at_all),
		ROW(an_id_is_inserted_once),
		ROW(ids_rise_when_the_clock_goes_back),
		ROW(ids_print_and_parse),
		ROW(orphans_are_swept_and_bodies_are_kept),
		ROW(a_missing_or_short_body_file_is_corrupt),
		ROW(a_changed_schema_is_refused),
		ROW(a_file_that_is_no_database_is_refused),
		ROW(two_processes_do_not_share_a_spool),
		ROW(a_row_out_of_bounds_is_corrupt),
		ROW(the_tables_have_the_roots_that_salvage_expects),
		ROW(files_are_for_the_owner_only),
		ROW(a_sound_spool_passes_the_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
