/* SPDX-License-Identifier: Apache-2.0
 *
 * salvage - recovers messages from a damaged spool into a new one.
 *
 * The damaged database is never opened by SQLite and never written: its pages are read with bounds
 * (salvage_pages.h), rows are found by walking the tables and then among the pages that no table
 * reaches any more. Each message that can be put together is checked anew and inserted into the new
 * spool under its old id:
 *
 *   whole    everything is there and within bounds; state and recipients as they were
 *   held     something is doubtful (a recipient or the envelope is lost, or the row was found on an
 *            unlinked page and may have been removed long ago): a person decides
 *   lost     the body or every recipient is gone; the note says what is known
 *
 * What SQLite does not detect is not detected here either: a damaged byte inside a text.
 */
#ifndef STORE_SALVAGE_H
#define STORE_SALVAGE_H

#include "store/spool.h"

enum salvage_outcome { SALVAGE_WHOLE, SALVAGE_HELD, SALVAGE_LOST };

/* What became of one message; the texts live during the call. */
struct salvage_note {
	uint64_t id;
	enum salvage_outcome outcome;
	struct text sender; /* empty also when it is lost */
	struct text rcpt;   /* the first that is known */
	uint32_t n_rcpts;   /* found */
	const char *why;    /* NULL when whole */
};

struct salvage_options {
	int damaged_fd;     /* directory of the damaged spool; nobody has it open */
	struct spool *into; /* a new one, in the current directory */
	void (*tell)(void *owner, const struct salvage_note *note); /* may be NULL */
	void *owner;
};

struct salvage_report {
	uint64_t n_pages, n_bad_pages;   /* of the damaged database */
	uint64_t n_frames, n_bad_frames; /* of its WAL, as far as it counts */
	uint64_t n_whole, n_held, n_lost;
};

/* ERROR_NOT_FOUND: no spool.db there; or an error of the new spool. Damage is no error. */
enum error salvage_run(const struct salvage_options *options, struct salvage_report *ret_report);

#endif
