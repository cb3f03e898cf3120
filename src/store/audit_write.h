/* SPDX-License-Identifier: Apache-2.0
 *
 * audit_write - appends records to the audit store. For the role audit only; one writer per store.
 *
 * Records are added in memory and put on disk together by audit_writer_flush. Opening reads the last
 * segment: a torn end is cut off; a segment that was tampered with is left as it is, as evidence, and a
 * new one is begun behind it.
 */
#ifndef STORE_AUDIT_WRITE_H
#define STORE_AUDIT_WRITE_H

#include "store/audit_chain.h"

struct audit_writer;

struct audit_opened {
	bool is_new;
	bool is_tampered;    /* the last segment has faults that no crash makes */
	uint64_t torn_bytes; /* were cut off */
};

/* dir_fd stays the caller's and must stay open. ERROR_IO, ERROR_DISK_FULL, ERROR_READ_ONLY, ... */
enum error audit_writer_open(int dir_fd, uint64_t segment_size, struct audit_writer **ret_writer,
			     struct audit_opened *ret_opened);
/* For import: a store that has no segment yet, whose chain goes on behind `before`. */
enum error audit_writer_begin(int dir_fd, uint64_t segment_size, const struct audit_head *before,
			      struct audit_writer **ret_writer);
void audit_writer_close(struct audit_writer *w); /* what was not flushed is lost */

/* record->seq is not read: the writer numbers. ERROR_TOO_MANY: flush first. ERROR_MALFORMED. */
enum error audit_writer_add(struct audit_writer *w, const struct audit_record *record);
size_t audit_writer_pending(const struct audit_writer *w); /* bytes */

/* Everything added is on disk, synced. After ERROR_DISK_FULL, ERROR_READ_ONLY or ERROR_IO nothing of it
 * is: the chain stands where it stood after the last flush, and flushing may be tried again with what
 * the caller adds again. A sync that fails ends the process: what is on disk then is unknown. */
enum error audit_writer_flush(struct audit_writer *w);

/* The last record on disk. */
struct audit_head audit_writer_head(const struct audit_writer *w);
uint64_t audit_writer_segment(const struct audit_writer *w);

/* Deletes segments all of whose records are older than this moment (A5). Flushes. */
enum error audit_writer_expire(struct audit_writer *w, int64_t now, int64_t before, unsigned *ret_n_deleted);

void audit_writer_set_segment_size(struct audit_writer *w, uint64_t segment_size);

#endif
