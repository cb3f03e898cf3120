/* SPDX-License-Identifier: Apache-2.0
 *
 * The logging layer: an SQLite VFS around the default one, and a table of calls for the spool's own
 * files. Called from the spool's threads; one lock orders what they do, so that the order of the log
 * is the order of the disk.
 */
#include "disk_log.h"

#include "base/ensure.h"
#include "store/spool_private.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <unistd.h>

enum { NAMES_MAX = 512, FDS_MAX = 1024 };

/* What a failing disk spares. */
enum effort { TAKES_SPACE, CHANGES_NAMES, SYNCS };

struct log_file {
	sqlite3_file base;
	unsigned inode; /* 0: not logged */
	bool is_new_journal;
	int last_errno;
	sqlite3_file *real;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct disk_event *events;
static size_t n_events, cap;
static unsigned n_inodes;
static struct {
	enum disk_dir dir;
	unsigned inode;
	char name[24];
} names[NAMES_MAX];
static size_t n_names;
static unsigned inode_of_fd[FDS_MAX];
static bool is_bodies[FDS_MAX];
static sqlite3_vfs *real_vfs;
static const struct spool_disk *real_disk;
static struct {
	unsigned at, times, count;
	int number;
	bool (*condition)(void);
} plan;
static _Thread_local int last_errno;

/* ---- the log; all under the lock ---- */

static struct disk_event *add_event(enum disk_kind kind, unsigned inode)
{
	if (n_events == cap) {
		cap = cap ? 2 * cap : 1024;
		events = mem_realloc(events, cap * sizeof *events);
	}
	events[n_events] = (struct disk_event){ .kind = kind, .inode = inode };
	return &events[n_events++];
}

static void log_write(unsigned inode, const void *p, size_t n, uint64_t offset)
{
	struct disk_event *e = add_event(DISK_WRITE, inode);

	e->bytes = mem_alloc(n ? n : 1);
	memcpy(e->bytes, p, n);
	e->n = n;
	e->offset = offset;
}

static unsigned *find_name(enum disk_dir dir, const char *name)
{
	for (size_t i = 0; i < n_names; i++)
		if (names[i].dir == dir && strcmp(names[i].name, name) == 0)
			return &names[i].inode;
	ASSERT(n_names < NAMES_MAX);
	names[n_names].dir = dir;
	snprintf(names[n_names].name, sizeof names[n_names].name, "%s", name);
	return &names[n_names++].inode;
}

static void log_name(enum disk_kind kind, enum disk_dir dir, const char *name, unsigned inode)
{
	struct disk_event *e = add_event(kind, inode);

	e->dir = dir;
	snprintf(e->name, sizeof e->name, "%s", name);
}

/* The inode of a file that is open now; a new one when it was not there. */
static unsigned log_open(enum disk_dir dir, const char *name)
{
	unsigned *inode = find_name(dir, name);

	if (*inode == 0) {
		*inode = ++n_inodes;
		log_name(DISK_CREATE, dir, name, *inode);
	}
	return *inode;
}

static void log_unlink(enum disk_dir dir, const char *name)
{
	unsigned *inode = find_name(dir, name);

	if (*inode)
		log_name(DISK_UNLINK, dir, name, *inode);
	*inode = 0;
}

static int next_failure(enum effort effort)
{
	unsigned at = plan.count++;
	bool is_spared =
		(effort != TAKES_SPACE && plan.number == ENOSPC) || (effort == SYNCS && plan.number == EROFS);

	bool is_due = plan.condition ? plan.condition() : at >= plan.at && at - plan.at < plan.times;

	if (!is_due || is_spared)
		return 0;
	last_errno = plan.number;
	return plan.number;
}

/* ---- the VFS ---- */

static struct log_file *file_of(sqlite3_file *f)
{
	return (struct log_file *)(void *)f;
}

#define REAL(f) (file_of(f)->real->pMethods)

static int file_close(sqlite3_file *f)
{
	return REAL(f)->xClose(file_of(f)->real);
}

static int file_read(sqlite3_file *f, void *p, int n, sqlite3_int64 offset)
{
	return REAL(f)->xRead(file_of(f)->real, p, n, offset);
}

static int file_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 offset)
{
	struct log_file *file = file_of(f);
	int rc, number;

	pthread_mutex_lock(&lock);
	number = file->inode ? next_failure(TAKES_SPACE) : 0;
	file->last_errno = number;
	if (number)
		rc = number == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
	else
		rc = REAL(f)->xWrite(file->real, p, n, offset);
	if (rc == SQLITE_OK && file->inode)
		log_write(file->inode, p, (size_t)n, (uint64_t)offset);
	pthread_mutex_unlock(&lock);
	return rc;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct log_file *file = file_of(f);
	int rc, number;

	pthread_mutex_lock(&lock);
	number = file->inode ? next_failure(CHANGES_NAMES) : 0;
	rc = number ? SQLITE_IOERR_TRUNCATE : REAL(f)->xTruncate(file->real, size);
	if (rc == SQLITE_OK && file->inode)
		add_event(DISK_TRUNCATE, file->inode)->offset = (uint64_t)size;
	pthread_mutex_unlock(&lock);
	return rc;
}

/* The default VFS also syncs the directory when it first syncs a journal or WAL that it has made. */
static int file_sync(sqlite3_file *f, int flags)
{
	struct log_file *file = file_of(f);
	int rc, number;

	pthread_mutex_lock(&lock);
	number = file->inode ? next_failure(SYNCS) : 0;
	rc = number ? SQLITE_IOERR_FSYNC : REAL(f)->xSync(file->real, flags);
	if (rc == SQLITE_OK && file->inode) {
		add_event(DISK_SYNC, file->inode);
		if (file->is_new_journal)
			add_event(DISK_SYNC_DIR, 0)->dir = DISK_ROOT;
		file->is_new_journal = false;
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *ret_size)
{
	return REAL(f)->xFileSize(file_of(f)->real, ret_size);
}

static int file_lock(sqlite3_file *f, int level)
{
	return REAL(f)->xLock(file_of(f)->real, level);
}

static int file_unlock(sqlite3_file *f, int level)
{
	return REAL(f)->xUnlock(file_of(f)->real, level);
}

static int file_reserved(sqlite3_file *f, int *ret_reserved)
{
	return REAL(f)->xCheckReservedLock(file_of(f)->real, ret_reserved);
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
	if (op == SQLITE_FCNTL_LAST_ERRNO && file_of(f)->last_errno) {
		*(int *)arg = file_of(f)->last_errno;
		return SQLITE_OK;
	}
	return REAL(f)->xFileControl(file_of(f)->real, op, arg);
}

static int file_sector(sqlite3_file *f)
{
	return REAL(f)->xSectorSize(file_of(f)->real);
}

static int file_traits(sqlite3_file *f)
{
	return REAL(f)->xDeviceCharacteristics(file_of(f)->real);
}

static int shm_map(sqlite3_file *f, int region, int n, int extend, void volatile **ret)
{
	return REAL(f)->xShmMap(file_of(f)->real, region, n, extend, ret);
}

static int shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return REAL(f)->xShmLock(file_of(f)->real, offset, n, flags);
}

static void shm_barrier(sqlite3_file *f)
{
	REAL(f)->xShmBarrier(file_of(f)->real);
}

static int shm_unmap(sqlite3_file *f, int unlinks)
{
	return REAL(f)->xShmUnmap(file_of(f)->real, unlinks);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_traits,
	.xShmMap = shm_map,
	.xShmLock = shm_lock,
	.xShmBarrier = shm_barrier,
	.xShmUnmap = shm_unmap,
};

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *ret_flags)
{
	struct log_file *file = file_of(f);
	bool is_logged = path && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL));
	bool is_new = is_logged && access(path, F_OK) != 0;
	int rc = SQLITE_CANTOPEN;

	(void)vfs;
	*file = (struct log_file){ .real = (sqlite3_file *)(void *)(file + 1) };
	pthread_mutex_lock(&lock);
	if (!is_new || !next_failure(TAKES_SPACE))
		rc = real_vfs->xOpen(real_vfs, path, file->real, flags, ret_flags);
	if (rc == SQLITE_OK && is_logged)
		file->inode = log_open(DISK_ROOT, last_part(path));
	file->is_new_journal = is_new && !(flags & SQLITE_OPEN_MAIN_DB);
	pthread_mutex_unlock(&lock);
	file->base.pMethods = rc == SQLITE_OK ? &methods : NULL;
	return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int syncs)
{
	int rc, number;

	(void)vfs;
	pthread_mutex_lock(&lock);
	number = next_failure(CHANGES_NAMES);
	rc = number ? SQLITE_IOERR_DELETE : real_vfs->xDelete(real_vfs, path, syncs);
	if (rc == SQLITE_OK)
		log_unlink(DISK_ROOT, last_part(path));
	if (rc == SQLITE_OK && syncs)
		add_event(DISK_SYNC_DIR, 0)->dir = DISK_ROOT;
	pthread_mutex_unlock(&lock);
	return rc;
}

static int vfs_last_error(sqlite3_vfs *vfs, int n, char *out)
{
	(void)vfs;
	(void)n;
	(void)out;
	return last_errno;
}

static sqlite3_vfs log_vfs;

/* ---- the spool's own files ---- */

static enum disk_dir dir_of(int fd)
{
	return fd >= 0 && is_bodies[fd] ? DISK_BODIES : DISK_ROOT;
}

static void note_fd(int fd, int dir_fd, const char *name, bool is_new)
{
	ASSERT(fd < FDS_MAX);
	inode_of_fd[fd] = is_new ? log_open(dir_of(dir_fd), name) : 0;
	is_bodies[fd] = strcmp(name, "bodies") == 0;
}

static int disk_openat(int dir_fd, const char *name, int flags, mode_t mode)
{
	int fd = -1, number;

	pthread_mutex_lock(&lock);
	number = flags & O_CREAT ? next_failure(TAKES_SPACE) : 0;
	if (!number)
		fd = real_disk->openat(dir_fd, name, flags, mode);
	if (fd >= 0)
		note_fd(fd, dir_fd, name, flags & O_CREAT);
	pthread_mutex_unlock(&lock);
	if (number)
		errno = number;
	return fd;
}

static ssize_t disk_write(int fd, const void *p, size_t n)
{
	off_t offset = lseek(fd, 0, SEEK_CUR);
	ssize_t written = -1;
	int number;

	pthread_mutex_lock(&lock);
	number = next_failure(TAKES_SPACE);
	if (!number)
		written = real_disk->write(fd, p, n);
	if (written > 0)
		log_write(inode_of_fd[fd], p, (size_t)written, (uint64_t)offset);
	pthread_mutex_unlock(&lock);
	if (number)
		errno = number;
	return written;
}

static int disk_sync(int fd)
{
	int rc = -1, number;

	pthread_mutex_lock(&lock);
	number = next_failure(SYNCS);
	if (!number)
		rc = real_disk->fsync(fd);
	if (rc == 0 && inode_of_fd[fd])
		add_event(DISK_SYNC, inode_of_fd[fd]);
	else if (rc == 0)
		add_event(DISK_SYNC_DIR, 0)->dir = dir_of(fd);
	pthread_mutex_unlock(&lock);
	if (number)
		errno = number;
	return rc;
}

static int disk_unlinkat(int dir_fd, const char *name, int flags)
{
	int rc = -1, number;

	pthread_mutex_lock(&lock);
	number = next_failure(CHANGES_NAMES);
	if (!number)
		rc = real_disk->unlinkat(dir_fd, name, flags);
	if (rc == 0)
		log_unlink(dir_of(dir_fd), name);
	pthread_mutex_unlock(&lock);
	if (number)
		errno = number;
	return rc;
}

static const struct spool_disk log_disk = { disk_openat, disk_write, disk_sync, disk_sync, disk_unlinkat };

/* ---- for the tests ---- */

void disk_log_start(void)
{
	ASSERT(n_events == 0);
	real_vfs = sqlite3_vfs_find(NULL);
	log_vfs = *real_vfs;
	log_vfs.zName = DISK_LOG_VFS;
	log_vfs.szOsFile = (int)sizeof(struct log_file) + real_vfs->szOsFile;
	log_vfs.xOpen = vfs_open;
	log_vfs.xDelete = vfs_delete;
	log_vfs.xGetLastError = vfs_last_error;
	ASSERT(sqlite3_vfs_register(&log_vfs, 0) == SQLITE_OK);
	real_disk = spool_disk;
	spool_disk = &log_disk;
	disk_fail(0, 0, 0);
}

void disk_log_stop(void)
{
	sqlite3_vfs_unregister(&log_vfs);
	spool_disk = real_disk;
}

void disk_log_free(void)
{
	for (size_t i = 0; i < n_events; i++)
		free(events[i].bytes);
	free(events);
	events = NULL;
	n_events = cap = n_names = 0;
	n_inodes = 0;
	memset(names, 0, sizeof names);
}

size_t disk_log_size(void)
{
	size_t n;

	pthread_mutex_lock(&lock);
	n = n_events;
	pthread_mutex_unlock(&lock);
	return n;
}

const struct disk_event *disk_log_at(size_t index)
{
	return &events[index];
}

static void set_plan(unsigned at, unsigned times, bool (*condition)(void), int number)
{
	pthread_mutex_lock(&lock);
	plan.at = at;
	plan.times = times;
	plan.condition = condition;
	plan.number = number;
	plan.count = 0;
	pthread_mutex_unlock(&lock);
}

void disk_fail(unsigned at, unsigned times, int number)
{
	set_plan(at, times, NULL, number);
}

void disk_fail_while(bool (*condition)(void), int number)
{
	set_plan(0, 0, condition, number);
}

unsigned disk_count(void)
{
	return plan.count;
}
