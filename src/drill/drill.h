/* SPDX-License-Identifier: Apache-2.0
 *
 * drill - the containment drill: takes the place of posternd, has each role and zygote started by the
 * real starter, and tries from inside what attackers would.
 *
 * main.c      arguments, order, exit status
 * decoys.c    what the steps are aimed at
 * subject.c   one process or kind of room: start, orders, answers
 * matrix.c    every step under a set of layers; each layer alone
 * sweep.c     every system call by number, every row and condition of calls.c
 * inspect.c   one process beside its manifest, by /proc
 * manifest.c  posternd hands over what no manifest lists
 * mutate.c    one rule, layer or check left out at a time: a row must turn red
 * live.c      the processes of a whole gateway beside their manifest
 * hostile*.c  a taken-over room on the channels that it has
 * report.c    rows as a table or as JSON, the verdict
 */
#ifndef DRILL_DRILL_H
#define DRILL_DRILL_H

#include "drill/decoys.h"
#include "drill/report.h"
#include "drill/subject.h"

struct drill {
	struct decoys decoys;
	struct gateway gateway;
	struct report report;
	uint32_t layers;   /* all, but what is left out to be like an older kernel */
	uint32_t missing;  /* layers that are left out and counted on all the same */
	uint32_t mutation; /* of every process that is started; sandbox/sandbox.h */
	bool is_ablating, is_mutating, is_old_kernel;
	const char *only;
	unsigned uid_base;
	int live_pid;
};

/* matrix.c. All steps, or those wanted (by index of the step; NULL: all), under these layers. False: it
 * did not start. */
bool matrix_try(struct drill *d, const struct subject *s, uint32_t layers, const bool *wanted,
		int *ret_status, uint32_t *ret_layers);
/* Fills in `alone` and `told` of what was tried with all layers. */
void matrix_ablate(struct drill *d, const struct subject *s, struct report_subject *out);
/* Likewise for one layer, while this part of it (0: nothing) is missing. */
void matrix_ablate_one(struct drill *d, const struct subject *s, unsigned bit, const bool *wanted,
		       struct report_subject *out);

/* sweep.c. Three rows. */
void sweep_calls(struct drill *d, const struct subject *s);
/* One row of calls.c in a process that stands: is it as the table says? */
bool sweep_is_listed(struct run *r, const struct subject *s, unsigned row);
bool sweep_is_narrow(struct run *r, const struct subject *s, unsigned row);
bool sweep_is_lost(struct run *r, const struct subject *s, unsigned row);
/* The row of the drill that shows that a row of calls.c is missing, too wide, or kept by a room. */
const char *sweep_row_text(enum sandbox_mutation kind);
bool sweep_has_row(const struct sandbox_profile *p, unsigned row);

/* inspect.c. Rows about one process, which is as far as its last filter. */
#define INSPECT_ANY_USER ((uid_t)-1)

struct inspected {
	pid_t pid;
	enum process_id id; /* PROCESS_COUNT: posternd itself */
	const struct sandbox_profile *profile;
	bool is_room;
	uid_t uid;
	const struct gateway *gateway;
	uint32_t layers; /* that it should have */
};

void inspect_process(const struct inspected *p, struct report *r);
/* Starts it, has it wait, and looks; also at its starter. */
void inspect_subject(struct drill *d, const struct subject *s);
/* The layers that this process should reach on this machine. */
uint32_t inspect_expected_layers(const struct drill *d, const struct sandbox_profile *p);
/* One key of /proc/PID/status or limits. */
bool inspect_read(pid_t pid, const char *file, char *out, size_t n);
bool inspect_value(const char *text, const char *key, char *out, size_t n);
pid_t inspect_parent(pid_t pid);
pid_t inspect_await_child(pid_t parent); /* the one that sleeps; -1 */
void inspect_await_end(pid_t pid);       /* until it holds nothing any more */

/* manifest.c */
void manifest_check(struct drill *d, const struct subject *s);

/* mutate.c */
void mutate_all(struct drill *d);

/* hostile.c */
void drill_hostile(struct gateway *g, struct report *r);
/* live.c: starts a gateway of its own, and compares it, and the one of live_pid (0: none). */
void drill_live(struct drill *d);

#endif
