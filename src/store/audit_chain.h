/* SPDX-License-Identifier: Apache-2.0
 *
 * audit_chain - the format of the audit record: lines, their chain of hashes, segments.
 *
 * The store is a directory of segments, NNNNNNNNNN.log, numbered from 1 without a gap. A segment is
 * text, to be read with any tool:
 *
 *	postern-audit 1 SEGMENT FIRST PREVIOUS LF          the header
 *	SEQ TAB TIME TAB ROLE TAB KIND TAB SUBJECT TAB DETAIL TAB HASH LF     one record
 *	...
 *
 * SEQ, FIRST and SEGMENT are decimal numbers, TIME is rfc3339 5.6 in UTC with milliseconds, ROLE and
 * KIND are words of a-z and _, SUBJECT and DETAIL are text in which every byte that is not printable
 * stands as \xNN, a backslash as \x5c. HASH and PREVIOUS are 64 hexadecimal digits.
 *
 * Invariants (named so in the code and the tests):
 *
 *   A1  HASH of record n is SHA-256(0x01, HASH of record n-1, length as 4 bytes big-endian, record),
 *       where record is the line before its last TAB. Before the first record of a store stand 32
 *       zero bytes.
 *   A2  SEQ rises by one from record to record, across segments.
 *   A3  A segment's header repeats the number of its file, the SEQ of its first record and the HASH
 *       before it. So a segment that is gone, or another's, is seen at the next header.
 *   A4  A segment is complete and synced before the next one is made; only the last can be torn.
 *   A5  Old segments go as a whole, oldest first, after the record `segment_deleted` that names
 *       segment, last SEQ and last HASH is synced. The oldest segment that is there continues the
 *       one named there, or begins with SEQ 1.
 *   A6  What follows the last complete record of the last segment, if it lacks its LF or holds NUL
 *       bytes, was torn by a crash; it was promised to nobody. Everything else that does not fit was
 *       done by somebody.
 *   A7  Printing what was parsed gives the same bytes: a store can be read out as records and written
 *       anew (audit_import.h), and its chain goes on.
 *
 * A chain proves nothing against one who can write it anew from some record on; a head kept elsewhere
 * does (audit_read.h).
 */
#ifndef STORE_AUDIT_CHAIN_H
#define STORE_AUDIT_CHAIN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"

#define AUDIT_HASH_SIZE   32
#define AUDIT_WORD_MAX    32 /* of ROLE and KIND */
#define AUDIT_SUBJECT_MAX 64
#define AUDIT_DETAIL_MAX  1000
#define AUDIT_LINE_MAX    8192 /* any line, with its LF */
/* For an arena that holds one parsed record. */
#define AUDIT_RECORD_ARENA 8192

struct audit_hash {
	uint8_t b[AUDIT_HASH_SIZE];
};

/* The end of the chain at some moment: what an administrator keeps elsewhere. seq 0: unknown. */
struct audit_head {
	uint64_t seq;
	struct audit_hash hash;
};

struct audit_record {
	uint64_t seq;
	int64_t time; /* ms since 1970 */
	struct text role, kind;
	struct text subject, detail; /* any bytes */
};

/* The text of a record without its hash; false when a field is above its bound or a word malformed. */
bool audit_record_print(const struct audit_record *record, struct buf *out);
/* One line without its LF. The record's texts live in the arena; ret_text, what the hash covers, is a
 * view into line. ERROR_MALFORMED. */
enum error audit_record_parse(struct text line, struct arena *a, struct audit_record *ret_record,
			      struct text *ret_text, struct audit_hash *ret_hash);

struct audit_header {
	uint64_t segment, first;
	struct audit_hash previous;
};

void audit_header_print(const struct audit_header *header, struct buf *out); /* with its LF */
bool audit_header_parse(struct text line, struct audit_header *ret_header);  /* without */

/* Hashes (A1). Making one may open OpenSSL's files: before the sandbox. */
struct audit_hasher;
struct audit_hasher *audit_hasher_new(void);
void audit_hasher_free(struct audit_hasher *h);
void audit_hasher_step(struct audit_hasher *h, const struct audit_hash *previous, struct text record,
		       struct audit_hash *ret_hash);

bool audit_hash_is_equal(const struct audit_hash *a, const struct audit_hash *b);
bool audit_hash_parse(struct text t, struct audit_hash *ret_hash);

#define AUDIT_HEAD_SIZE (20 + 1 + 2 * AUDIT_HASH_SIZE + 1)
/* "SEQ:HASH", NUL-terminated. Parsing accepts a bare HASH too. */
void audit_head_print(const struct audit_head *head, char out[AUDIT_HEAD_SIZE]);
bool audit_head_parse(struct text t, struct audit_head *ret_head);

#endif
