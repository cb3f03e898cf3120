/* SPDX-License-Identifier: Apache-2.0
 *
 * audit_segment - the files of the audit store: which there are, and their lines. For audit_*.c only.
 */
#ifndef STORE_AUDIT_SEGMENT_H
#define STORE_AUDIT_SEGMENT_H

#include "store/audit_chain.h"

#define AUDIT_NAME_SIZE 15 /* "NNNNNNNNNN.log" and NUL */

void audit_segment_name(uint64_t segment, char out[AUDIT_NAME_SIZE]);

/* Numbers of the segments that are there, rising; other files are not looked at. The caller frees. */
enum error audit_segment_list(int dir_fd, uint64_t **ret_segments, size_t *ret_n);

enum audit_line {
	AUDIT_LINE_GOOD, /* a line with its LF */
	AUDIT_LINE_LONG, /* above AUDIT_LINE_MAX; its first bytes are given, the rest was skipped */
	AUDIT_LINE_TAIL, /* what is left without a LF; the end comes next */
	AUDIT_LINE_END,
	AUDIT_LINE_ERROR, /* reading failed: `error` */
};

struct audit_lines {
	int fd;
	uint64_t offset; /* where the next line begins */
	uint64_t number; /* of the last line given, from 1 */
	bool is_end;
	enum error error;
	size_t from, n;
	char bytes[65536];
};

enum error audit_lines_open(struct audit_lines *l, int dir_fd, uint64_t segment);
void audit_lines_close(struct audit_lines *l);
/* The line without its LF, a view until the next call. */
enum audit_line audit_lines_next(struct audit_lines *l, struct text *ret_line);

#endif
