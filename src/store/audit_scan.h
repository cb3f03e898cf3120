/* SPDX-License-Identifier: Apache-2.0
 *
 * audit_scan - one pass over the chain, line by line, naming what does not fit. For audit_read.c and
 * the start of the writer.
 */
#ifndef STORE_AUDIT_SCAN_H
#define STORE_AUDIT_SCAN_H

#include "store/audit_read.h"
#include "store/audit_segment.h"

struct audit_scan {
	struct audit_check *check;
	struct audit_hasher *hasher;
	struct arena arena;
	const struct audit_head *kept; /* NULL: none */
	bool kept_seen, kept_differs;

	uint64_t expected;          /* SEQ of the next record; 0: whatever comes */
	struct audit_hash previous; /* HASH of the last record, as it stands there */
	struct audit_hash computed; /* and as it should be: what the next one may continue too */
	struct audit_hash before;   /* HASH before the last record */
	uint64_t unread;            /* lines since then that are no record */
	int64_t last_time;

	struct audit_head oldest; /* before the first record of the oldest segment */
	bool oldest_named;        /* a segment_deleted names it */

	uint64_t segment;
	uint64_t good_end;  /* of the current segment: behind its last line that fits */
	uint64_t torn_line; /* where a torn end may have begun; 0: nowhere */
};

void audit_scan_begin(struct audit_scan *s, struct audit_check *check, const struct audit_head *kept);
/* In order; is_last: its end may be torn. */
enum error audit_scan_segment(struct audit_scan *s, int dir_fd, uint64_t segment, bool is_last);
/* Frees, judges the kept head and gives the gravest verdict. */
enum audit_verdict audit_scan_end(struct audit_scan *s);

#endif
