/* SPDX-License-Identifier: Apache-2.0
 *
 * spool_private - what the modules of the spool share. Nobody else includes it (but their tests).
 *
 * Who touches what: `reader` and everything that is not said to be shared belongs to the loop's
 * thread; `writer` to the committing thread alone, once it runs; the lanes, the counters and the
 * marks are shared, under `mutex`.
 */
#ifndef STORE_SPOOL_PRIVATE_H
#define STORE_SPOOL_PRIVATE_H

#include "store/spool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

struct sqlite3;
struct sqlite3_stmt;

enum spool_statement {
#define STATEMENT(name, sql) SPOOL_DO_##name,
#include "store/spool_statements.def"
#undef STATEMENT
	SPOOL_STATEMENT_COUNT
};

struct spool_db {
	struct sqlite3 *sqlite;
	struct sqlite3_stmt *statements[SPOOL_STATEMENT_COUNT];
};

/* Groups in the order of submission, linked by op->next. */
struct spool_lane {
	struct spool_op *first, *last;
	size_t n, n_urgent;
};

struct spool {
	struct spool_options options;
	struct spool_db writer, reader;
	int bodies_fd, reserve_fd, completed_fd;
	uint64_t last_id, id_limit; /* id_limit: the writer's copy of meta */

	pthread_mutex_t mutex;
	pthread_cond_t sync_wanted, commit_wanted, all_done;
	pthread_t syncer, committer;
	bool has_threads;
	struct spool_lane to_sync, to_commit, completed;
	size_t n_waiting; /* submitted, not yet in completed */
	bool flushing;    /* the lazy too go at once */
	bool is_stopping;

	_Atomic uint64_t n_commits, n_groups, n_messages;
	_Atomic uint32_t wal_pages;
	_Atomic bool is_full, has_reserve, is_read_only, is_corrupt, is_broken;
	int64_t reserve_lost_at; /* the committer's; mono ms */
};

/* ---- spool_sql.c: connections, schema, statements ---- */

enum error spool_sql_open(struct spool_db *db, const char *vfs, bool may_write);
void spool_sql_close(struct spool_db *db);
/* The statement, reset and without parameters. */
struct sqlite3_stmt *spool_sql_use(struct spool_db *db, enum spool_statement which);
/* Steps once and resets; for statements without rows. */
enum error spool_sql_run(struct spool_db *db, struct sqlite3_stmt *st);
enum error spool_sql_get_id_limit(struct spool_db *db, uint64_t *ret_limit);
bool spool_sql_is_valid_message(const struct spool_message *m);
bool spool_sql_is_valid_rcpt(const struct spool_rcpt *r);

/* ---- spool_write.c: one operation, inside a transaction ---- */

enum error spool_write_op(struct spool *s, const struct spool_op *op);

/* ---- spool_commit.c: batches ---- */

void *spool_commit_main(void *spool);
/* Makes one transaction of the groups in `batch`, gives each its result. */
void spool_commit_batch(struct spool *s, struct spool_lane *batch);

/* ---- spool_file.c: body files, their directory, the reserve ---- */

/* What the spool asks of the file system beside SQLite and changes the disk; as the calls of these
 * names do. Tests put a layer of their own between, before they open a spool. */
struct spool_disk {
	int (*openat)(int dir_fd, const char *name, int flags, mode_t mode);
	ssize_t (*write)(int fd, const void *p, size_t n);
	int (*fsync)(int fd);
	int (*fdatasync)(int fd);
	int (*unlinkat)(int dir_fd, const char *name, int flags);
};

extern const struct spool_disk *spool_disk;

enum error spool_file_sync(int fd);

enum error spool_file_open(struct spool *s);
void spool_file_close(struct spool *s);
enum error spool_file_sweep(struct spool *s);
void *spool_file_sync_main(void *spool);
/* Unlinks the files of the removals in a committed group. */
void spool_file_remove_of(struct spool *s, const struct spool_op *group);
bool spool_file_release_reserve(struct spool *s); /* false: there is none */
void spool_file_refill_reserve(struct spool *s);

/* ---- spool.c: lanes ---- */

void spool_lane_push(struct spool_lane *lane, struct spool_op *op);
struct spool_op *spool_lane_pop(struct spool_lane *lane);
/* From the threads, with results set: hands the groups to spool_reap. */
void spool_complete(struct spool *s, struct spool_lane *groups);

#endif
