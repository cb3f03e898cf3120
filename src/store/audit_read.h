/* SPDX-License-Identifier: Apache-2.0
 *
 * audit_read - the audit record, read and verified. For the command line (offline, on the directory),
 * the writer's start, and whoever takes a store along.
 *
 * Verification reads everything and reports every fault it can tell apart, then one verdict, the
 * gravest. Without a kept head it finds what was done by hand to lines; with one it also finds a chain
 * that was written anew or cut. On a store that is being written a torn end may be a record on its
 * way: ask again.
 */
#ifndef STORE_AUDIT_READ_H
#define STORE_AUDIT_READ_H

#include "store/audit_chain.h"

enum audit_verdict {
#define AUDIT_VERDICT(name, word, text) AUDIT_##name,
#include "store/audit_verdicts.def"
#undef AUDIT_VERDICT
	AUDIT_VERDICT_COUNT
};

const char *audit_verdict_word(enum audit_verdict verdict); /* "removed", for machines */
const char *audit_verdict_text(enum audit_verdict verdict); /* a sentence for people */

struct audit_fault {
	enum audit_verdict what;
	uint64_t segment, line; /* where it was seen; line 1 is the header; 0: not in a file */
	uint64_t from, to;      /* the records meant; 0: unknown */
};

#define AUDIT_MAX_FAULTS 100

struct audit_check {
	uint64_t n_segments, n_records;
	uint64_t first_segment;
	uint64_t first_seq;       /* 0: no record */
	struct audit_head head;   /* the last record that fits */
	uint64_t torn_bytes;      /* behind it, in the last segment (A6) */
	uint64_t clock_went_back; /* records older than the one before; no fault, worth a look */
	size_t n_faults;          /* also those that are not in faults any more */
	struct audit_fault faults[AUDIT_MAX_FAULTS];
};

/* kept: a head from elsewhere, or NULL. ERROR_NONE: *ret_verdict and *ret_check say it all; otherwise
 * the store could not be read (ERROR_IO, ERROR_NOT_FOUND, ERROR_DENIED). */
enum error audit_verify(int dir_fd, const struct audit_head *kept, enum audit_verdict *ret_verdict,
			struct audit_check *ret_check);

/* Visits the records from this SEQ on, in order, until visit gives false. Lines that cannot be read are
 * left out: verify tells of them. The texts live as long as the call. */
typedef bool audit_visit_function(void *arg, const struct audit_record *record,
				  const struct audit_hash *hash);
enum error audit_read(int dir_fd, uint64_t from_seq, audit_visit_function *visit, void *arg);

#endif
