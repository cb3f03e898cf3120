/* SPDX-License-Identifier: Apache-2.0
 *
 * disk_log - a layer under the spool that writes down, in order, whatever changes the disk, and that
 * can fail on demand. From the log a power cut at any moment is played (disk_model).
 *
 * SQLite's files pass through a VFS named DISK_LOG_VFS, the spool's own through its spool_disk table.
 * Everything below happens to one directory and its bodies/, which are empty at the start.
 *
 * What a disk promises, and no more: a write is safe after the next sync of its file, a name after the
 * next sync of its directory. Until then each write may be there, not there, or there in some of its
 * 512-byte sectors, whatever became of those before and after it; a file may have grown without its
 * bytes. (SQLite asks for one thing more, that bytes outside a write stay as they are.)
 */
#ifndef TEST_DISK_LOG_H
#define TEST_DISK_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_LOG_VFS "postern-test-log"

enum disk_kind { DISK_CREATE, DISK_WRITE, DISK_TRUNCATE, DISK_SYNC, DISK_UNLINK, DISK_SYNC_DIR };
enum disk_dir { DISK_ROOT, DISK_BODIES };

struct disk_event {
	enum disk_kind kind;
	enum disk_dir dir;
	unsigned inode;
	uint64_t offset; /* of a truncation: the new size */
	size_t n;
	char *bytes;
	char name[24];
};

void disk_log_start(void);
void disk_log_stop(void); /* takes the layer away; the log stays */
void disk_log_free(void);
size_t disk_log_size(void);
const struct disk_event *disk_log_at(size_t index);

/* From the `at`-th change of the disk on (counted from now, from 0), `times` changes fail with this
 * errno. ENOSPC spares what takes no space, EROFS spares syncs. times 0: none. */
void disk_fail(unsigned at, unsigned times, int number);
/* Every change fails while the condition holds. NULL: none. */
void disk_fail_while(bool (*condition)(void), int number);
unsigned disk_count(void); /* changes since the last disk_fail */

struct disk_model;

struct disk_model *disk_model_new(void);
void disk_model_free(struct disk_model *m);
/* Takes the next event of the log in; false at its end. */
bool disk_model_step(struct disk_model *m);
/* Writes into the current directory what a power cut now may leave. Seed 0: nothing that was not
 * synced; 1: everything; others: a choice for each write. */
void disk_model_cut(const struct disk_model *m, unsigned seed);

#endif
