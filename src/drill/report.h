/* SPDX-License-Identifier: Apache-2.0
 *
 * report - what the drill found: one table per process, and one verdict.
 */
#ifndef DRILL_REPORT_H
#define DRILL_REPORT_H

#include "drill/decoys.h"
#include "roles/posternd/posternd.h"

#define REPORT_STEPS_MAX 128

struct report_subject {
	const struct sandbox_profile *profile;
	uint32_t layers;
	bool is_missing;                  /* it did not start */
	int status[REPORT_STEPS_MAX];     /* as wait(2) says it, by index of the step */
	int control[REPORT_STEPS_MAX];    /* without any layer */
	uint32_t alone[REPORT_STEPS_MAX]; /* layers that deny it each alone, when that was tried */
};

struct report {
	bool is_json, is_old_kernel;
	unsigned n_denied, n_granted, n_vacuous, n_allowed, n_thin, n_checks, n_failed;
	bool has_rows;
	struct report_subject subject; /* one at a time */
};

void report_begin(struct report *r);
struct report_subject *report_add(struct report *r, const struct sandbox_profile *profile);
/* Prints its table and counts. */
void report_judge(struct report *r, const struct report_subject *s, bool is_ablated);
/* One line of the parts that are no matrix: comparisons and conversations. */
void report_check(struct report *r, const char *group, const char *what, bool is_good, const char *detail);
/* The summary. Returns the exit status. */
int report_end(struct report *r);

bool report_is_denied(int status);

/* hostile.c */
void drill_hostile(struct gateway *g, struct report *r);
/* live.c: starts a gateway of its own, and compares it, and the one of `other` (0: none). */
void drill_live(struct gateway *g, const struct decoys *d, int other, struct report *r);

#endif
