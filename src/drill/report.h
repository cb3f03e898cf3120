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
	int status[REPORT_STEPS_MAX];     /* as wait(2) says it, by index of the step */
	int control[REPORT_STEPS_MAX];    /* without any layer */
	uint32_t alone[REPORT_STEPS_MAX]; /* layers that deny it each alone, when that was tried */
	uint32_t told[REPORT_STEPS_MAX];  /* layers for which that was tried and says something */
};

struct report {
	bool is_json, is_old_kernel, has_rows;
	bool is_quiet; /* counts, and keeps the first row that is red */
	unsigned n_denied, n_granted, n_vacuous, n_open, n_red, n_thin, n_excepted, n_checks, n_failed;
	char first_red[200];
	struct report_subject subject; /* one at a time */
};

/* A report that prints nothing, with the settings of another. */
struct report report_quiet(const struct report *like);
void report_begin(struct report *r);
void report_title(struct report *r, const char *title);
struct report_subject *report_add(struct report *r, const struct sandbox_profile *profile);
/* Prints its table and counts. */
void report_judge(struct report *r, const struct report_subject *s, bool is_ablated);
/* Only whether this layer alone denies what it should, and lets through what it should. */
void report_judge_layer(struct report *r, const struct step *step, const struct report_subject *s, size_t i,
			uint32_t layer);
/* One line of the parts that are no matrix: comparisons and conversations. */
void report_check(struct report *r, const char *group, const char *what, bool is_good, const char *detail);
/* The summary. Returns the exit status. */
int report_end(struct report *r);

bool report_is_denied(int status);
bool report_is_allowed(int status);
/* Layers of the table that this profile and kernel have: what the row rests on. */
uint32_t report_expected_layers(const struct report *r, const struct step *step,
				const struct report_subject *s);
bool report_must_be_possible(const struct step *step, const struct sandbox_profile *p);

#endif
