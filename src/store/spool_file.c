/* SPDX-License-Identifier: Apache-2.0
 *
 * The spool's files beside the database: bodies above SPOOL_INLINE_MAX, and the reserve for a full
 * disk. The thread that syncs bodies before their rows are committed (S3).
 *
 * A body file is written by the loop's thread without sync, while the message still waits for its
 * verdict; what is refused costs no sync. An insert passes through the syncing thread first: all
 * files that wait are synced, then their directory once, then the groups go on to the committer. So a
 * large message never holds up the commits of small ones.
 *
 * Names are made from ids here and nowhere else; nothing a stranger wrote becomes part of a name.
 */
#include "store/database.h"
#include "store/spool_format.h"
#include "store/spool_private.h"

#include "base/ensure.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <sqlite3.h>

static int open_file(int dir_fd, const char *name, int flags, mode_t mode)
{
	return openat(dir_fd, name, flags, mode);
}

static const struct spool_disk real_disk = { open_file, write, fsync, fdatasync, unlinkat };

const struct spool_disk *spool_disk = &real_disk;

static enum error last_error(void)
{
	return error_of_errno(errno);
}

enum error spool_file_sync(int fd)
{
	int n;

	do
		n = spool_disk->fsync(fd);
	while (n < 0 && errno == EINTR);
	return n < 0 ? ERROR_IO : ERROR_NONE;
}

/* ---- opening ---- */

static enum error open_bodies(struct spool *s)
{
	if (mkdirat(AT_FDCWD, SPOOL_BODIES_NAME, 0700) < 0 && errno != EEXIST)
		return last_error();
	s->bodies_fd = spool_disk->openat(AT_FDCWD, SPOOL_BODIES_NAME,
					  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	if (s->bodies_fd < 0)
		return last_error();
	/* One process has the spool; the lock goes with the descriptor. */
	return flock(s->bodies_fd, LOCK_EX | LOCK_NB) < 0 ? ERROR_BUSY : ERROR_NONE;
}

enum error spool_file_open(struct spool *s)
{
	enum error e = open_bodies(s);
	struct stat st;

	if (e || s->options.reserve_bytes == 0)
		return e;
	s->reserve_fd = open(SPOOL_RESERVE_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s->reserve_fd < 0 || fstat(s->reserve_fd, &st) < 0)
		return last_error();
	if ((uint64_t)st.st_size > s->options.reserve_bytes &&
	    ftruncate(s->reserve_fd, (off_t)s->options.reserve_bytes) < 0)
		return last_error();
	spool_file_refill_reserve(s);
	return ERROR_NONE;
}

void spool_file_close(struct spool *s)
{
	if (s->bodies_fd >= 0)
		close(s->bodies_fd);
	if (s->reserve_fd >= 0)
		close(s->reserve_fd);
	s->bodies_fd = s->reserve_fd = -1;
}

bool spool_file_release_reserve(struct spool *s)
{
	if (!s->has_reserve || ftruncate(s->reserve_fd, 0) < 0)
		return false;
	s->has_reserve = false;
	return true;
}

void spool_file_refill_reserve(struct spool *s)
{
	int number;

	if (s->reserve_fd < 0)
		return;
	do
		number = posix_fallocate(s->reserve_fd, 0, (off_t)s->options.reserve_bytes);
	while (number == EINTR);
	/* What was got of a reserve that does not fit would only make the disk fuller. */
	if (number != 0 && ftruncate(s->reserve_fd, 0) < 0)
		number = errno;
	s->has_reserve = number == 0;
}

uint64_t spool_free_bytes(struct spool *s)
{
	struct statvfs st;

	if (fstatvfs(s->bodies_fd, &st) < 0)
		return 0;
	return (uint64_t)st.f_bavail * st.f_frsize;
}

/* ---- the sweep (S4) ---- */

/* Is there a row that says this file is its body? */
static enum error is_wanted(struct spool *s, uint64_t id, bool *ret_wanted)
{
	sqlite3_stmt *st = spool_sql_use(&s->reader, SPOOL_DO_READ_FILE);
	int rc;

	ASSERT(sqlite3_bind_int64(st, 1, (int64_t)id) == SQLITE_OK);
	rc = sqlite3_step(st);
	*ret_wanted = rc == SQLITE_ROW && sqlite3_column_int(st, 0) == 1;
	sqlite3_reset(st);
	return database_error(s->reader.sqlite, rc);
}

enum error spool_file_sweep(struct spool *s)
{
	int fd = openat(s->bodies_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	enum error e = dir ? ERROR_NONE : last_error();
	struct dirent *entry;

	while (!e && (entry = readdir(dir))) {
		bool is_body = true;
		uint64_t id;
		if (!spool_parse_id(text_from_cstr(entry->d_name), &id))
			continue; /* not a name of ours: leave it to people */
		e = is_wanted(s, id, &is_body);
		if (!e && !is_body)
			spool_body_discard(s, id);
	}
	if (dir)
		closedir(dir);
	return e;
}

/* ---- bodies ---- */

enum error spool_body_create(struct spool *s, uint64_t id, int *ret_fd)
{
	char name[SPOOL_ID_SIZE];

	*ret_fd = -1;
	if (s->options.reserve_bytes > 0 && !s->has_reserve)
		return ERROR_DISK_FULL;
	spool_print_id(id, name);
	*ret_fd = spool_disk->openat(s->bodies_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				     0600);
	return *ret_fd < 0 ? last_error() : ERROR_NONE;
}

enum error spool_body_append(int fd, struct text chunk)
{
	while (chunk.n > 0) {
		ssize_t n = spool_disk->write(fd, chunk.p, chunk.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return last_error();
		chunk = text_skip(chunk, (size_t)n);
	}
	return ERROR_NONE;
}

void spool_body_discard(struct spool *s, uint64_t id)
{
	char name[SPOOL_ID_SIZE];

	spool_print_id(id, name);
	/* If it stays, it is an orphan of the next start. */
	(void)spool_disk->unlinkat(s->bodies_fd, name, 0);
}

enum error spool_open_body(struct spool *s, uint64_t id, uint64_t size, int *ret_fd)
{
	char name[SPOOL_ID_SIZE];
	struct stat st;

	spool_print_id(id, name);
	*ret_fd = spool_disk->openat(s->bodies_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
	if (*ret_fd < 0)
		return errno == ENOENT ? ERROR_CORRUPT : last_error();
	if (fstat(*ret_fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == size)
		return ERROR_NONE;
	close(*ret_fd);
	*ret_fd = -1;
	return ERROR_CORRUPT;
}

void spool_file_remove_of(struct spool *s, const struct spool_op *group)
{
	for (const struct spool_op *op = group; op; op = op->with)
		if (op->verb == SPOOL_REMOVE && op->has_file)
			spool_body_discard(s, op->id);
}

/* ---- the thread that syncs ---- */

static enum error sync_group(const struct spool_op *group)
{
	for (const struct spool_op *op = group; op; op = op->with) {
		int n = 0;
		while (op->verb == SPOOL_INSERT && op->message->has_file &&
		       (n = spool_disk->fdatasync(op->body_fd)) < 0)
			if (errno != EINTR)
				break;
		if (n < 0) /* this file was promised to nobody: lack of space is no reason to end */
			return errno == ENOSPC || errno == EDQUOT ? ERROR_DISK_FULL : ERROR_IO;
	}
	return ERROR_NONE;
}

static void sync_batch(struct spool *s, struct spool_lane *batch, struct spool_lane *ret_synced)
{
	struct spool_lane failed = { 0 };
	struct spool_op *group;

	*ret_synced = (struct spool_lane){ 0 };
	while ((group = spool_lane_pop(batch))) {
		group->result = s->is_broken ? ERROR_IO : sync_group(group);
		spool_lane_push(group->result ? &failed : ret_synced, group);
		if (group->result == ERROR_IO)
			s->is_broken = true;
	}
	if (ret_synced->n > 0 && spool_file_sync(s->bodies_fd) != ERROR_NONE) {
		s->is_broken = true; /* the committer answers ERROR_IO to all */
	}
	spool_complete(s, &failed);
}

void *spool_file_sync_main(void *spool)
{
	struct spool *s = spool;
	struct spool_lane batch, synced;
	struct spool_op *group;

	pthread_mutex_lock(&s->mutex);
	for (;;) {
		while (s->to_sync.n == 0 && !s->is_stopping)
			pthread_cond_wait(&s->sync_wanted, &s->mutex);
		if (s->to_sync.n == 0)
			break;
		batch = s->to_sync;
		s->to_sync = (struct spool_lane){ 0 };
		pthread_mutex_unlock(&s->mutex);
		sync_batch(s, &batch, &synced);
		pthread_mutex_lock(&s->mutex);
		while ((group = spool_lane_pop(&synced)))
			spool_lane_push(&s->to_commit, group);
		pthread_cond_signal(&s->commit_wanted);
	}
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}
