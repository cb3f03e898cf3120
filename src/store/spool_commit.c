/* SPDX-License-Identifier: Apache-2.0
 *
 * Group commit: the thread that puts all groups that wait into one transaction, and what it does when
 * nobody waits (checkpoint, shrinking, the reserve).
 *
 * A transaction holds all groups of a batch, so when one fails all are rolled back; the failed one is
 * taken out with its error, and the rest is tried again. A full disk takes out all new mail at once,
 * then gives up the reserve, so that removals and results of deliveries still commit. An I/O error
 * ends everything: what is on disk is unknown, and the next start finds out (S6 holds, since nobody
 * was told ERROR_NONE).
 *
 * Checkpoints are not SQLite's automatic ones, which would run inside somebody's commit: they run
 * when the lane is empty for a moment, or between two batches when the WAL is long.
 */
#include "store/database.h"
#include "store/spool_private.h"

#include "base/clock.h"
#include "base/ensure.h"

#include <errno.h>
#include <sqlite3.h>

enum {
	IDLE_MS = 100,          /* an empty lane for so long is time for housework */
	HOUSEWORK_MS = 5000,    /* and so often at least it is looked for */
	REFILL_MS = 4000,       /* after the reserve was given up */
	FREE_PAGES_KEPT = 4096, /* 16 MB of free pages are not worth shrinking */
};

static bool is_new_mail(const struct spool_op *group)
{
	return group->verb == SPOOL_INSERT && !(group->message->flags & SPOOL_NOTICE);
}

static enum error write_group(struct spool *s, const struct spool_op *group)
{
	enum error e = ERROR_NONE;
	unsigned n = 0;

	for (const struct spool_op *op = group; op && !e; op = op->with) {
		ASSERT(++n <= SPOOL_GROUP_MAX);
		e = spool_write_op(s, op);
	}
	return e;
}

static void roll_back(struct spool *s, uint64_t id_limit)
{
	/* SQLite may have rolled back by itself: then this says an error that means nothing. */
	if (!sqlite3_get_autocommit(s->writer.sqlite))
		spool_sql_run(&s->writer, spool_sql_use(&s->writer, SPOOL_DO_ROLLBACK));
	s->id_limit = id_limit;
}

/* One transaction. On failure nothing is stored and ret_culprit is the group that failed, or NULL when
 * it was none in particular. */
static enum error try_batch(struct spool *s, const struct spool_lane *batch, struct spool_op **ret_culprit)
{
	uint64_t id_limit = s->id_limit;
	enum error e = spool_sql_run(&s->writer, spool_sql_use(&s->writer, SPOOL_DO_BEGIN));

	*ret_culprit = NULL;
	for (struct spool_op *group = batch->first; group && !e; group = group->next) {
		e = write_group(s, group);
		if (e)
			*ret_culprit = group;
	}
	if (!e)
		e = spool_sql_run(&s->writer, spool_sql_use(&s->writer, SPOOL_DO_COMMIT));
	if (e)
		roll_back(s, id_limit);
	return e;
}

/* Moves groups out of the batch with this result: the culprit, or all, or all new mail. */
static size_t take_out(struct spool_lane *batch, struct spool_lane *failed, enum error e,
		       const struct spool_op *culprit, bool only_new)
{
	struct spool_lane rest = { 0 };
	struct spool_op *group;
	size_t n = 0;

	while ((group = spool_lane_pop(batch))) {
		bool goes = culprit ? group == culprit : !only_new || is_new_mail(group);
		if (goes)
			group->result = e;
		spool_lane_push(goes ? failed : &rest, group);
		n += goes;
	}
	*batch = rest;
	return n;
}

static void checkpoint(struct spool *s)
{
	int n_log = 0, n_done = 0, rc;

	rc = sqlite3_wal_checkpoint_v2(s->writer.sqlite, NULL, SQLITE_CHECKPOINT_PASSIVE, &n_log, &n_done);
	if (rc == SQLITE_OK && n_log == n_done)
		s->wal_pages = 0; /* the next commit starts the WAL anew */
	/* A full disk or a read-only one is no news here: the WAL still has everything. */
	if (rc != SQLITE_OK && database_error(s->writer.sqlite, rc) == ERROR_IO)
		s->is_broken = true;
	if (rc != SQLITE_OK && database_error(s->writer.sqlite, rc) == ERROR_CORRUPT)
		s->is_corrupt = true;
}

/* What one failed transaction means for its groups. After it the batch is smaller, or there is more
 * space than before, so that trying again ends. */
static void settle(struct spool *s, struct spool_lane *batch, struct spool_lane *failed, enum error e,
		   struct spool_op *culprit)
{
	switch (e) {
	case ERROR_DISK_FULL:
		s->is_full = true;
		checkpoint(s); /* lets the WAL begin anew, in space that it has */
		if (take_out(batch, failed, e, NULL, true) > 0)
			return;
		if (spool_file_release_reserve(s)) {
			s->has_reserve = false;
			s->reserve_lost_at = clock_mono_ms();
			return;
		}
		break;
	case ERROR_NOT_FOUND:
	case ERROR_EXISTS:
		ASSERT(culprit);
		take_out(batch, failed, e, culprit, false);
		return;
	case ERROR_CORRUPT:
		s->is_corrupt = true;
		if (!culprit)
			break;
		take_out(batch, failed, e, culprit, false);
		return;
	case ERROR_READ_ONLY:
		s->is_read_only = true;
		break;
	case ERROR_BUSY: /* another process holds our lock: that cannot be, stop touching the file */
	default:
		e = ERROR_IO;
		s->is_broken = true;
	}
	take_out(batch, failed, e, NULL, false);
}

static void count(struct spool *s, const struct spool_lane *done)
{
	s->n_commits++;
	for (struct spool_op *group = done->first; group; group = group->next) {
		s->n_groups++;
		for (struct spool_op *op = group; op; op = op->with)
			s->n_messages += op->verb == SPOOL_INSERT;
		if (is_new_mail(group))
			s->is_full = false;
		spool_file_remove_of(s, group);
	}
	s->is_read_only = false;
}

/* Without the reserve the space that is left belongs to the messages already here. */
static bool may_take_mail(struct spool *s, enum error *ret_error)
{
	if (s->is_corrupt)
		*ret_error = ERROR_CORRUPT;
	else if (s->options.reserve_bytes > 0 && !s->has_reserve)
		*ret_error = ERROR_DISK_FULL;
	else
		return true;
	return false;
}

void spool_commit_batch(struct spool *s, struct spool_lane *batch)
{
	struct spool_lane failed = { 0 };
	struct spool_op *culprit;
	enum error e = ERROR_NONE;

	if (s->is_broken)
		take_out(batch, &failed, ERROR_IO, NULL, false);
	if (!may_take_mail(s, &e))
		take_out(batch, &failed, e, NULL, true);
	while (batch->n > 0) {
		e = try_batch(s, batch, &culprit);
		if (!e)
			break;
		settle(s, batch, &failed, e, culprit);
	}
	if (batch->n > 0)
		count(s, batch);
	for (struct spool_op *group = batch->first; group; group = group->next)
		group->result = ERROR_NONE;
	spool_complete(s, &failed);
	spool_complete(s, batch);
}

/* ---- housework ---- */

/* Gives free pages back to the disk, a little at a time. */
static void shrink(struct spool *s)
{
	sqlite3_stmt *st = spool_sql_use(&s->writer, SPOOL_DO_GET_FREE_PAGES);
	int64_t n_free = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	int rc;

	sqlite3_reset(st);
	if (n_free <= FREE_PAGES_KEPT)
		return;
	st = spool_sql_use(&s->writer, SPOOL_DO_SHRINK);
	do
		rc = sqlite3_step(st);
	while (rc == SQLITE_ROW);
	sqlite3_reset(st);
	if (database_error(s->writer.sqlite, rc) == ERROR_IO)
		s->is_broken = true;
}

static void do_housework(struct spool *s)
{
	if (s->is_broken)
		return;
	if (s->wal_pages > s->options.checkpoint_pages / 4)
		checkpoint(s);
	shrink(s);
	if (!s->has_reserve && clock_mono_ms() - s->reserve_lost_at >= REFILL_MS) {
		spool_file_refill_reserve(s);
		s->reserve_lost_at = clock_mono_ms();
	}
}

/* ---- the thread ---- */

/* How long there is nothing to do: 0 commit now. Needs the mutex. */
static int64_t wait_time(const struct spool *s, bool was_idle)
{
	const struct spool_lane *lane = &s->to_commit;
	int64_t left;

	if (lane->n_urgent > 0 || s->is_stopping || (s->flushing && lane->n) ||
	    lane->n >= s->options.batch_max)
		return 0;
	if (lane->n == 0)
		return was_idle ? HOUSEWORK_MS : IDLE_MS;
	left = lane->first->since + s->options.lazy_ms - clock_mono_ms();
	return left > 0 ? left : 0;
}

static void wait_ms(struct spool *s, int64_t ms)
{
	struct timespec t;

	ASSERT(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&s->commit_wanted, &s->mutex, &t);
}

/* Waits for a batch; an empty one means housework. Needs the mutex. False: stop. */
static bool next_batch(struct spool *s, struct spool_lane *ret_batch, bool was_idle)
{
	int64_t ms = wait_time(s, was_idle);

	*ret_batch = (struct spool_lane){ 0 };
	if (ms > 0)
		wait_ms(s, ms);
	if (ms > 0 && wait_time(s, was_idle) > 0)
		return true;
	while (ret_batch->n < s->options.batch_max && s->to_commit.n > 0)
		spool_lane_push(ret_batch, spool_lane_pop(&s->to_commit));
	return ret_batch->n > 0 || !s->is_stopping;
}

void *spool_commit_main(void *spool)
{
	struct spool *s = spool;
	struct spool_lane batch;
	bool was_idle = false;

	pthread_mutex_lock(&s->mutex);
	while (next_batch(s, &batch, was_idle)) {
		bool is_empty = s->to_commit.n == 0;
		pthread_mutex_unlock(&s->mutex);
		if (batch.n > 0)
			spool_commit_batch(s, &batch);
		else if (is_empty)
			do_housework(s);
		if (s->wal_pages > s->options.checkpoint_pages)
			checkpoint(s);
		pthread_mutex_lock(&s->mutex);
		was_idle = batch.n == 0 && is_empty;
	}
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}
