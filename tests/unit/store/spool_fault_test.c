/* SPDX-License-Identifier: Apache-2.0
 *
 * Failing disks: the n-th change of the disk fails (once, or it and all later ones) with ENOSPC, EIO
 * or EROFS, for every n. Whatever was answered must be true on the next start; an answer with an error
 * other than ERROR_IO means that nothing happened; a disk that is full or read-only for a moment does
 * no harm for longer; after ERROR_IO nothing is acknowledged any more.
 *
 * POSTERN_LONG_TESTS=1 takes every n, else every fourth.
 */
#include "disk_log.h"
#include "spool_fixture.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

enum { N = 8 };

struct fact {
	struct fixture_message f, removal;
	bool is_removed; /* asked for */
};

static struct fact facts[N];
static char dir[64];
static const char *context;
static unsigned context_at, context_times;

static void complain(unsigned i, const char *what)
{
	fail_msg("%s at change %u, %u times: message %u %s", context, context_at, context_times, i, what);
}

static enum error open_spool(const char *vfs, uint64_t reserve, struct spool **ret_spool)
{
	struct spool_options o;

	spool_options_init(&o);
	o.vfs = vfs;
	o.reserve_bytes = reserve;
	o.checkpoint_pages = 8;
	*ret_spool = NULL;
	return spool_open(&o, ret_spool);
}

/* Inserts as a role does: takes the body file away when it was not stored. */
static void insert(struct spool *s, struct fixture_message *f, unsigned seed, size_t size)
{
	fixture_make(s, f, seed, size);
	f->result = fixture_submit(s, f);
	if (!f->result)
		spool_flush(s);
	if (f->op.body_fd >= 0)
		close(f->op.body_fd);
	if (f->result && f->m.has_file)
		spool_body_discard(s, f->m.id);
}

static void take_away(struct spool *s, struct fact *fact)
{
	fact->is_removed = true;
	fact->removal = (struct fixture_message){ 0 };
	fact->removal.op = (struct spool_op){ .verb = SPOOL_REMOVE,
					      .has_file = fact->f.m.has_file,
					      .id = fact->f.m.id,
					      .done = fixture_done,
					      .owner = &fact->removal };
	spool_submit(s, &fact->removal.op);
	spool_flush(s);
}

static void work(struct spool *s)
{
	static const size_t sizes[N] = { 300, 70000, 20000, 0, 66000, 9000, 100, 5000 };

	for (unsigned i = 0; i < N; i++) {
		insert(s, &facts[i].f, i, sizes[i]);
		if (i == 3 || i == 6)
			take_away(s, &facts[i - 2]);
	}
}

/* ---- what was answered is true ---- */

static void check_fact(struct spool *s, unsigned i)
{
	const struct fact *fact = &facts[i];
	enum error e = fact->f.result, removed = fact->is_removed ? fact->removal.result : ERROR_NONE;
	struct spool_message m;
	struct spool_rcpt *rcpts;
	struct arena arena;
	bool is_there;

	arena_init(&arena, SPOOL_ARENA_SIZE(8));
	is_there = spool_read(s, fact->f.m.id, &arena, &m, &rcpts) == ERROR_NONE;
	arena_reset(&arena);
	if (is_there && !fixture_is_stored(s, &fact->f))
		complain(i, "is stored differently");
	if (is_there && e && e != ERROR_IO)
		complain(i, "was refused and is there");
	if (is_there && fact->is_removed && !removed)
		complain(i, "was removed and is there");
	if (!is_there && !e && (!fact->is_removed || (removed && removed != ERROR_IO)))
		complain(i, "was acknowledged and is lost");
}

static void check_results(int number, enum error e)
{
	static const struct {
		int number;
		enum error error;
	} rows[] = { { ENOSPC, ERROR_DISK_FULL }, { EROFS, ERROR_READ_ONLY }, { EIO, ERROR_IO } };

	for (unsigned i = 0; e && i < 3; i++)
		if (rows[i].number == number && rows[i].error != e)
			fail_msg("%s at change %u gives: %s", context, context_at, error_text(e));
}

static void check_spool(int number)
{
	struct spool *s;
	struct buf out;

	assert_int_equal(open_spool(NULL, 0, &s), ERROR_NONE);
	for (unsigned i = 0; i < N; i++) {
		check_fact(s, i);
		check_results(number, facts[i].f.result);
		if (facts[i].is_removed)
			check_results(number, facts[i].removal.result);
	}
	buf_init(&out, 1000);
	if (spool_check(s, &out))
		fail_msg("%s at change %u: %s", context, context_at, buf_cstr(&out));
	buf_done(&out);
	spool_close(s);
}

/* The disk works again: so does the spool, unless it has seen an I/O error. */
static void check_recovery(struct spool *s, int number)
{
	struct fixture_message f;
	struct spool_status st;

	disk_fail(0, 0, 0);
	insert(s, &f, 99, 1000);
	spool_get_status(s, &st);
	if (f.result != (st.is_broken ? ERROR_IO : ERROR_NONE) || (st.is_broken && number != EIO))
		fail_msg("%s at change %u, %u times: a later insert gives: %s", context, context_at,
			 context_times, error_text(f.result));
	fixture_free(&f);
}

/* One run; false when the fault lay behind its end. */
static bool run(unsigned at, unsigned times, int number)
{
	struct spool *s;
	bool is_inside = true;
	enum error e;

	context = strerror(number);
	context_at = at;
	context_times = times;
	memset(facts, 0, sizeof facts);
	fixture_enter_fast(dir);
	disk_log_start();
	disk_fail(at, times, number);
	e = open_spool(DISK_LOG_VFS, 0, &s);
	if (!e) {
		work(s);
		is_inside = at < disk_count();
		check_recovery(s, number);
		spool_close(s);
	} else if (e != ERROR_IO) { /* a pragma does not always tell why */
		check_results(number, e);
	}
	disk_log_stop();
	disk_log_free();
	if (!e)
		check_spool(number);
	fixture_leave(dir);
	for (unsigned i = 0; !e && i < N; i++)
		fixture_free(&facts[i].f);
	return is_inside;
}

static void every_change_may_fail(int number)
{
	unsigned step = getenv("POSTERN_LONG_TESTS") ? 1 : 4, at;

	for (at = 0; run(at, 1, number); at += step)
		;
	assert_true(at > 40);
	for (at = 1; run(at, UINT_MAX, number); at += step)
		;
}

static void a_full_disk_loses_nothing(void **state)
{
	(void)state;
	every_change_may_fail(ENOSPC);
}

static void a_read_only_disk_loses_nothing(void **state)
{
	(void)state;
	every_change_may_fail(EROFS);
}

static void a_broken_disk_loses_nothing(void **state)
{
	(void)state;
	every_change_may_fail(EIO);
}

/* ---- the reserve ---- */

static bool is_reserve_there(void)
{
	struct stat st;

	return stat("reserve", &st) == 0 && st.st_size > 0;
}

static void the_reserve_lets_messages_leave_a_full_disk(void **state)
{
	struct spool_status st;
	struct fixture_message f;
	struct spool *s;
	int fd;

	(void)state;
	memset(facts, 0, sizeof facts);
	fixture_enter_fast(dir);
	disk_log_start();
	assert_int_equal(open_spool(DISK_LOG_VFS, 1 << 20, &s), ERROR_NONE);
	insert(s, &facts[0].f, 0, 5000);
	assert_int_equal(facts[0].f.result, ERROR_NONE);
	disk_fail_while(is_reserve_there, ENOSPC);
	insert(s, &f, 1, 5000);
	assert_int_equal(f.result, ERROR_DISK_FULL);
	spool_get_status(s, &st);
	assert_true(st.is_full && st.has_reserve); /* new mail is not worth the reserve */
	take_away(s, &facts[0]);
	assert_int_equal(facts[0].removal.result, ERROR_NONE);
	spool_get_status(s, &st);
	assert_false(st.has_reserve);
	/* What the reserve has freed is not for new mail. */
	spool_submit(s, &f.op);
	spool_flush(s);
	assert_int_equal(f.result, ERROR_DISK_FULL);
	assert_int_equal(spool_body_create(s, spool_next_id(s), &fd), ERROR_DISK_FULL);
	disk_fail(0, 0, 0);
	spool_close(s);
	assert_int_equal(open_spool(DISK_LOG_VFS, 1 << 20, &s), ERROR_NONE);
	spool_submit(s, &f.op);
	spool_flush(s);
	assert_int_equal(f.result, ERROR_NONE);
	assert_false(fixture_is_stored(s, &facts[0].f));
	spool_close(s);
	disk_log_stop();
	disk_log_free();
	fixture_leave(dir);
	fixture_free(&f);
	fixture_free(&facts[0].f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_disk_loses_nothing),
		cmocka_unit_test(a_read_only_disk_loses_nothing),
		cmocka_unit_test(a_broken_disk_loses_nothing),
		cmocka_unit_test(the_reserve_lets_messages_leave_a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
