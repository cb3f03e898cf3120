/* SPDX-License-Identifier: Apache-2.0
 *
 * The spool's face to the loop: opening and closing, handing operations to the threads and taking
 * them back. Called by the role that owns the spool, and by the tools that work on a stopped one.
 *
 * An operation belongs to exactly one lane or thread at a time: to_sync (it has a body file), then
 * to_commit, then completed. Lanes are touched under the mutex only; the operations themselves are
 * not locked, since whoever took them out of a lane has them alone.
 *
 * Trusts its caller to keep an operation and what it points to unchanged until the callback.
 */
#include "store/spool_format.h"
#include "store/spool_private.h"

#include "base/clock.h"
#include "base/ensure.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- lanes ---- */

void spool_lane_push(struct spool_lane *lane, struct spool_op *op)
{
	op->next = NULL;
	if (lane->last)
		lane->last->next = op;
	else
		lane->first = op;
	lane->last = op;
	lane->n++;
	lane->n_urgent += !op->is_lazy;
}

struct spool_op *spool_lane_pop(struct spool_lane *lane)
{
	struct spool_op *op = lane->first;

	if (!op)
		return NULL;
	lane->first = op->next;
	if (!lane->first)
		lane->last = NULL;
	lane->n--;
	lane->n_urgent -= !op->is_lazy;
	op->next = NULL;
	return op;
}

static bool has_body_file(const struct spool_op *group)
{
	for (const struct spool_op *op = group; op; op = op->with)
		if (op->verb == SPOOL_INSERT && op->message->has_file)
			return true;
	return false;
}

void spool_submit(struct spool *s, struct spool_op *op)
{
	bool syncs = has_body_file(op);

	ASSERT(op->done);
	op->since = clock_mono_ms();
	op->result = ERROR_NONE;
	pthread_mutex_lock(&s->mutex);
	s->n_waiting++;
	spool_lane_push(syncs ? &s->to_sync : &s->to_commit, op);
	pthread_cond_signal(syncs ? &s->sync_wanted : &s->commit_wanted);
	pthread_mutex_unlock(&s->mutex);
}

void spool_complete(struct spool *s, struct spool_lane *groups)
{
	struct spool_op *group;
	uint64_t one = 1;

	if (groups->n == 0)
		return;
	pthread_mutex_lock(&s->mutex);
	s->n_waiting -= groups->n;
	while ((group = spool_lane_pop(groups)))
		spool_lane_push(&s->completed, group);
	pthread_cond_signal(&s->all_done);
	pthread_mutex_unlock(&s->mutex);
	ASSERT(write(s->completed_fd, &one, sizeof one) == sizeof one);
}

int spool_completed_fd(const struct spool *s)
{
	return s->completed_fd;
}

size_t spool_reap(struct spool *s)
{
	struct spool_lane finished;
	struct spool_op *group;
	uint64_t ignored;
	size_t n;

	(void)!read(s->completed_fd, &ignored, sizeof ignored);
	pthread_mutex_lock(&s->mutex);
	finished = s->completed;
	s->completed = (struct spool_lane){ 0 };
	pthread_mutex_unlock(&s->mutex);
	n = finished.n;
	while ((group = spool_lane_pop(&finished)))
		group->done(group, group->result);
	return n;
}

void spool_flush(struct spool *s)
{
	do {
		pthread_mutex_lock(&s->mutex);
		s->flushing = true;
		pthread_cond_signal(&s->commit_wanted);
		while (s->n_waiting > 0)
			pthread_cond_wait(&s->all_done, &s->mutex);
		s->flushing = false;
		pthread_mutex_unlock(&s->mutex);
	} while (spool_reap(s) > 0);
}

/* ---- opening and closing ---- */

void spool_options_init(struct spool_options *ret_options)
{
	*ret_options = (struct spool_options){
		.reserve_bytes = UINT64_C(64) << 20,
		.lazy_ms = 50,
		.batch_max = 256,
		.checkpoint_pages = 8192,
	};
}

static int count_wal_pages(void *spool, sqlite3 *sqlite, const char *name, int n_pages)
{
	struct spool *s = spool;

	(void)sqlite;
	(void)name;
	s->wal_pages = (uint32_t)n_pages;
	return SQLITE_OK;
}

static void init_waiting(struct spool *s)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	ASSERT(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	ASSERT(pthread_mutex_init(&s->mutex, NULL) == 0);
	ASSERT(pthread_cond_init(&s->sync_wanted, &attr) == 0);
	ASSERT(pthread_cond_init(&s->commit_wanted, &attr) == 0);
	ASSERT(pthread_cond_init(&s->all_done, &attr) == 0);
	pthread_condattr_destroy(&attr);
}

/* The names of new files are on disk before the first promise. */
static enum error sync_directory(void)
{
	int fd = spool_disk->openat(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	enum error e = fd < 0 ? error_of_errno(errno) : spool_file_sync(fd);

	if (fd >= 0)
		close(fd);
	return e;
}

static enum error open_all(struct spool *s)
{
	enum error e = spool_file_open(s);

	if (!e)
		e = spool_sql_open(&s->writer, s->options.vfs, true);
	if (!e)
		e = spool_sql_open(&s->reader, s->options.vfs, false);
	if (!e)
		e = spool_sql_get_id_limit(&s->writer, &s->id_limit);
	if (!e)
		e = spool_file_sweep(s);
	return e ? e : sync_directory();
}

static void start_threads(struct spool *s)
{
	sigset_t all, before;

	/* Signals are the loop's. */
	sigfillset(&all);
	ASSERT(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	ASSERT(pthread_create(&s->syncer, NULL, spool_file_sync_main, s) == 0);
	ASSERT(pthread_create(&s->committer, NULL, spool_commit_main, s) == 0);
	ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	s->has_threads = true;
}

enum error spool_open(const struct spool_options *options, struct spool **ret_spool)
{
	struct spool *s = mem_zalloc(1, sizeof *s);
	mode_t mask = umask(077);
	enum error e;

	s->options = *options;
	s->bodies_fd = s->reserve_fd = -1;
	s->completed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT(s->completed_fd >= 0);
	init_waiting(s);
	e = open_all(s);
	umask(mask);
	if (e) {
		spool_close(s);
		return e;
	}
	s->last_id = s->id_limit;
	sqlite3_wal_hook(s->writer.sqlite, count_wal_pages, s);
	start_threads(s);
	*ret_spool = s;
	return ERROR_NONE;
}

static void stop_threads(struct spool *s)
{
	spool_flush(s);
	pthread_mutex_lock(&s->mutex);
	s->is_stopping = true;
	pthread_cond_signal(&s->sync_wanted);
	pthread_cond_signal(&s->commit_wanted);
	pthread_mutex_unlock(&s->mutex);
	ASSERT(pthread_join(s->syncer, NULL) == 0);
	ASSERT(pthread_join(s->committer, NULL) == 0);
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	if (s->has_threads)
		stop_threads(s);
	spool_sql_close(&s->reader);
	spool_sql_close(&s->writer); /* the last connection checkpoints */
	spool_file_close(s);
	close(s->completed_fd);
	pthread_cond_destroy(&s->sync_wanted);
	pthread_cond_destroy(&s->commit_wanted);
	pthread_cond_destroy(&s->all_done);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

void spool_get_status(struct spool *s, struct spool_status *ret_status)
{
	pthread_mutex_lock(&s->mutex);
	*ret_status = (struct spool_status){
		.n_commits = s->n_commits,
		.n_groups = s->n_groups,
		.n_messages = s->n_messages,
		.n_waiting = s->n_waiting,
		.wal_pages = s->wal_pages,
		.is_full = s->is_full,
		.has_reserve = s->has_reserve,
		.is_read_only = s->is_read_only,
		.is_corrupt = s->is_corrupt,
		.is_broken = s->is_broken,
	};
	pthread_mutex_unlock(&s->mutex);
}
