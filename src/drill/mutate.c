/* SPDX-License-Identifier: Apache-2.0
 *
 * The test of the drill itself: leaves out one rule, layer or check of the sandbox at a time and runs
 * the part of the drill that is about it. A row must turn red; otherwise the drill would not notice
 * when it is missing, or it is not needed. Called by main.c for --mutate.
 *
 * All there is: every row of sandbox/calls.c in each profile that has it, every condition of one, every
 * call that a room loses; every right that Landlock handles and every rule of it; every layer; every
 * limit, namespace and identity; every check of what is handed over. Invariant: the same part is run
 * with nothing left out first, and must be green.
 */
#include "base/ensure.h"
#include "drill/drill.h"
#include "sandbox/calls.h"

#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define FILE_RIGHTS 16
#define ALL_BITS    32

enum part { PART_INSPECT, PART_LANDLOCK, PART_MANIFEST };

struct mutation {
	enum sandbox_mutation kind;
	unsigned index;
	enum part part;
	const char *what;
};

/* Tried in each process until a row turns: these are the same for all. */
static const struct mutation common[] = {
#define RIGHT(bit, name)                                                                                     \
	{                                                                                                    \
		SANDBOX_WITHOUT_FILE_RIGHT, bit, PART_LANDLOCK, "Landlock without " name                     \
	}
	RIGHT(0, "execute"),
	RIGHT(1, "write file"),
	RIGHT(2, "read file"),
	RIGHT(3, "read directory"),
	RIGHT(4, "remove directory"),
	RIGHT(5, "remove file"),
	RIGHT(6, "make character device"),
	RIGHT(7, "make directory"),
	RIGHT(8, "make file"),
	RIGHT(9, "make socket"),
	RIGHT(10, "make pipe"),
	RIGHT(11, "make block device"),
	RIGHT(12, "make link"),
	RIGHT(13, "move between directories"),
	RIGHT(14, "truncate"),
	RIGHT(15, "command devices"),
#undef RIGHT
	{ SANDBOX_WITHOUT_PORT_RIGHT, 0, PART_LANDLOCK, "Landlock without bind" },
	{ SANDBOX_WITHOUT_PORT_RIGHT, 1, PART_LANDLOCK, "Landlock without connect" },
	{ SANDBOX_WITHOUT_SCOPE, 0, PART_LANDLOCK, "Landlock without abstract sockets" },
	{ SANDBOX_WITHOUT_SCOPE, 1, PART_LANDLOCK, "Landlock without signals" },
	{ SANDBOX_WITHOUT_RULE, 0, PART_LANDLOCK, "Landlock without the own directory" },
	{ SANDBOX_WITHOUT_RULE, 1, PART_LANDLOCK, "Landlock without directories handed over" },
	{ SANDBOX_WITHOUT_RULE, 2, PART_LANDLOCK, "Landlock without ports" },
	/* Some roles look themselves too. */
	{ SANDBOX_WITHOUT_MANIFEST, 1, PART_MANIFEST, "any channel is taken" },
};

/* Tried in each process, and must be seen there. */
static const struct mutation each[] = {
	{ SANDBOX_WITHOUT_BOUNDING, 0, PART_INSPECT, "the bounding set stays" },
	{ SANDBOX_WITHOUT_CAPSET, 0, PART_INSPECT, "capabilities stay" },
	{ SANDBOX_WITHOUT_UNDUMPABLE, 0, PART_INSPECT, "memory may be dumped" },
	{ SANDBOX_WITHOUT_NAMESPACE, 0, PART_INSPECT, "the machine's network" },
	{ SANDBOX_WITHOUT_NAMESPACE, 1, PART_INSPECT, "the machine's IPC" },
	{ SANDBOX_WITHOUT_NAMESPACE, 2, PART_INSPECT, "the machine's host name" },
	{ SANDBOX_WITHOUT_IDENTITY, 0, PART_INSPECT, "groups stay" },
	{ SANDBOX_WITHOUT_IDENTITY, 1, PART_INSPECT, "the group stays" },
	{ SANDBOX_WITHOUT_IDENTITY, 2, PART_INSPECT, "the user stays" },
	{ SANDBOX_WITHOUT_CLOSING, 1, PART_INSPECT, "posternd's descriptors stay in the starter" },
	{ SANDBOX_WITHOUT_LIMIT, RLIMIT_CORE, PART_INSPECT, "no limit of core files" },
	{ SANDBOX_WITHOUT_LIMIT, RLIMIT_MEMLOCK, PART_INSPECT, "no limit of locked memory" },
	{ SANDBOX_WITHOUT_LIMIT, RLIMIT_MSGQUEUE, PART_INSPECT, "no limit of message queues" },
	{ SANDBOX_WITHOUT_LIMIT, RLIMIT_FSIZE, PART_INSPECT, "no limit of file sizes" },
	{ SANDBOX_WITHOUT_LIMIT, RLIMIT_NPROC, PART_INSPECT, "no limit of processes" },
	{ SANDBOX_WITHOUT_LIMIT, RLIMIT_NOFILE, PART_INSPECT, "no limit of descriptors" },
	{ SANDBOX_WITHOUT_LIMIT, RLIMIT_AS, PART_INSPECT, "no limit of memory" },
	{ SANDBOX_WITHOUT_LIMIT, RLIMIT_CPU, PART_INSPECT, "no limit of time" },
	{ SANDBOX_WITHOUT_MANIFEST, 0, PART_MANIFEST, "any descriptor is taken" },
	{ SANDBOX_WITHOUT_MANIFEST, 2, PART_MANIFEST, "any room is made" },
	{ SANDBOX_WITHOUT_CLOSING, 0, PART_INSPECT, "a room inherits descriptors" },
	{ SANDBOX_WITHOUT_CLOSING, 2, PART_INSPECT, "a room may write to the log" },
};

static struct report_subject base[2 * PROCESS_COUNT]; /* with nothing left out, by index of the subject */
static bool has_base[2 * PROCESS_COUNT];

/* ---- running a part in silence ---- */

static void run_landlock(struct drill *d, const struct subject *s, const struct report_subject *b,
			 struct report *quiet)
{
	bool wanted[REPORT_STEPS_MAX] = { false };
	struct report_subject out = *b;
	const struct step *step;

	for (size_t i = 0; (step = steps_at(i)) && !(step->flags & STEPS_MANY); i++) {
		bool is_held = report_expected_layers(quiet, step, b) & SANDBOX_LANDLOCK;
		wanted[i] = report_is_allowed(b->control[i]) &&
			    (is_held || report_must_be_possible(step, s->profile));
		out.alone[i] &= ~(uint32_t)SANDBOX_LANDLOCK;
	}
	matrix_ablate_one(d, s, SANDBOX_BIT_LANDLOCK, wanted, &out);
	for (size_t i = 0; (step = steps_at(i)) && !(step->flags & STEPS_MANY); i++)
		if (wanted[i])
			report_judge_layer(quiet, step, &out, i, SANDBOX_LANDLOCK);
}

static struct report run_part(struct drill *d, const struct subject *s, const struct report_subject *b,
			      enum part part)
{
	struct report kept = d->report, quiet = report_quiet(&d->report);

	d->report = quiet;
	if (part == PART_INSPECT)
		inspect_subject(d, s);
	else if (part == PART_MANIFEST)
		manifest_check(d, s);
	quiet = d->report;
	d->report = kept;
	if (part == PART_LANDLOCK)
		run_landlock(d, s, b, &quiet);
	return quiet;
}

static struct report run_mutated(struct drill *d, const struct subject *s, const struct report_subject *b,
				 const struct mutation *m)
{
	uint32_t before = d->mutation;
	struct report quiet;

	d->mutation = (uint32_t)m->kind << 16 | m->index;
	quiet = run_part(d, s, b, m->part);
	d->mutation = before;
	return quiet;
}

/* ---- what applies to whom ---- */

static bool is_limited(const struct sandbox_profile *p, unsigned limit)
{
	struct rlimit ours;

	if (getrlimit((__rlimit_resource_t)limit, &ours) == 0 && ours.rlim_max == 0)
		return false; /* nobody here may raise it: not to be told */
	switch (limit) {
	case RLIMIT_FSIZE:
		return !p->may_write_files;
	case RLIMIT_NPROC:
		return !p->may_fork;
	case RLIMIT_NOFILE:
		return p->n_files != 0;
	case RLIMIT_AS:
		return p->memory != 0;
	case RLIMIT_CPU:
		return p->cpu_seconds != 0;
	default:
		return true;
	}
}

/* Without root there is one user and one group; a room's own are its zygote's. */
static bool does_apply(const struct drill *d, const struct subject *s, const struct mutation *m)
{
	uint32_t layers = inspect_expected_layers(d, s->profile);

	if (m->kind == SANDBOX_WITHOUT_LIMIT)
		return is_limited(s->profile, m->index);
	if (m->kind == SANDBOX_WITHOUT_CLOSING && m->index != 1)
		return s->is_room && (m->index == 0 || d->gateway.places.as_root);
	if (m->kind == SANDBOX_WITHOUT_MANIFEST && m->index == 2)
		return s->is_room;
	if (s->is_room)
		return false;
	if (m->kind == SANDBOX_WITHOUT_NAMESPACE)
		return layers & (m->index == 0 ? SANDBOX_NETWORK : SANDBOX_NAMESPACES);
	if (m->kind == SANDBOX_WITHOUT_IDENTITY)
		return layers & SANDBOX_USER;
	if (m->kind == SANDBOX_WITHOUT_CAPSET || m->kind == SANDBOX_WITHOUT_BOUNDING)
		return layers & SANDBOX_ROOT; /* else there are none to keep */
	return true;
}

/* ---- one process ---- */

static void tell(struct drill *d, const char *process, const char *what, const struct report *quiet)
{
	char text[160];

	snprintf(text, sizeof text, "without it a row turns: %s", what);
	report_check(&d->report, process, text, quiet->first_red[0] != 0,
		     quiet->first_red[0] ? quiet->first_red : "no row has turned");
}

static void mutate_parts(struct drill *d, const struct subject *s, const struct report_subject *b)
{
	for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
		struct report quiet;
		if (!does_apply(d, s, &each[i]))
			continue;
		quiet = run_mutated(d, s, b, &each[i]);
		tell(d, s->profile->name, each[i].what, &quiet);
	}
}

/* One row of calls.c left out, or loosened. Is it seen? */
static bool is_call_missed(struct drill *d, const struct subject *s, enum sandbox_mutation kind, unsigned row)
{
	struct run r;
	bool is_good;

	if (!subject_start(&d->gateway, s, d->layers, (uint32_t)kind << 16 | row, &r))
		return true; /* it does not even start */
	is_good = kind == SANDBOX_WITHOUT_CALL        ? sweep_is_listed(&r, s, row)
		  : kind == SANDBOX_WITHOUT_CONDITION ? sweep_is_narrow(&r, s, row)
						      : sweep_is_lost(&r, s, row);
	subject_end(&r);
	return !is_good;
}

static void mutate_calls(struct drill *d, const struct subject *s, enum sandbox_mutation kind,
			 const char *what, bool (*is_concerned)(const struct subject *s, unsigned row))
{
	char detail[160] = "", text[160];
	unsigned n = 0, n_missed = 0;
	size_t n_detail = 0;

	for (unsigned row = 0; row < sandbox_n_calls; row++) {
		char *name;
		if (!is_concerned(s, row))
			continue;
		n++;
		if (is_call_missed(d, s, kind, row)) {
			n_missed++;
			continue;
		}
		name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, sandbox_calls[row].number);
		n_detail += (size_t)snprintf(detail + n_detail, sizeof detail - n_detail, "%s%s",
					     n_detail ? ", " : "not ", name ? name : "?");
		n_detail = n_detail < sizeof detail ? n_detail : sizeof detail - 1;
		free(name);
	}
	if (n == 0)
		return;
	snprintf(text, sizeof text, "without it a row turns: %s (%u of %u, one at a time)", what, n_missed,
		 n);
	report_check(&d->report, s->profile->name, text, n == n_missed, detail);
}

/* What two groups of the profile list alike is missed in those that have one of them. */
static bool is_listed_row(const struct subject *s, unsigned row)
{
	for (unsigned i = 0; i < sandbox_n_calls; i++)
		if (i != row && sandbox_calls[i].number == sandbox_calls[row].number &&
		    sandbox_calls[i].condition == sandbox_calls[row].condition &&
		    sweep_has_row(s->profile, i))
			return false;
	return sweep_has_row(s->profile, row);
}

static bool is_narrow_row(const struct subject *s, unsigned row)
{
	return sweep_has_row(s->profile, row) && steps_count_unlisted(sandbox_calls[row].condition) > 0;
}

/* What the zygote has and the room has not. */
static bool is_lost_row(const struct subject *s, unsigned row)
{
	const struct sandbox_profile *zygote = sandbox_find_profile(process_of(s->id)->profile);

	return s->is_room && (sandbox_calls[row].group & zygote->calls & ~s->profile->calls);
}

static void mutate_layers(struct drill *d, const struct subject *s, const struct report_subject *b)
{
	const uint32_t by_proc = SANDBOX_USER | SANDBOX_NETWORK | SANDBOX_NAMESPACES | SANDBOX_ROOT |
				 SANDBOX_CAPABILITIES | SANDBOX_LIMITS | SANDBOX_SECCOMP;

	for (unsigned bit = 0; bit < SANDBOX_LAYER_COUNT; bit++) {
		struct report quiet;
		char what[64];
		if (!(b->layers >> bit & 1))
			continue;
		d->missing = 1u << bit;
		quiet = run_part(d, s, b,
				 1u << bit & by_proc || bit == SANDBOX_BIT_MDWE ? PART_INSPECT
										: PART_LANDLOCK);
		d->missing = 0;
		snprintf(what, sizeof what, "the layer %s", sandbox_layer_name(bit));
		tell(d, s->profile->name, what, &quiet);
	}
}

static bool is_green(struct drill *d, const struct subject *s, const struct report_subject *b)
{
	static const char *const names[] = { "inspection", "Landlock", "manifest" };

	for (enum part part = PART_INSPECT; part <= PART_MANIFEST; part++) {
		struct report quiet = run_part(d, s, b, part);
		if (!quiet.first_red[0])
			continue;
		report_check(&d->report, s->profile->name, names[part], false, quiet.first_red);
		return false;
	}
	return true;
}

static void mutate_subject(struct drill *d, const struct subject *s, size_t index)
{
	struct report_subject *b = &base[index];
	uint32_t none;

	b->profile = s->profile;
	if (!matrix_try(d, s, d->layers, NULL, b->status, &b->layers) ||
	    !matrix_try(d, s, 0, NULL, b->control, &none)) {
		report_check(&d->report, s->profile->name, "it starts", false, "");
		return;
	}
	if (!is_green(d, s, b))
		return;
	has_base[index] = true;
	subject_expect_failure(true);
	mutate_calls(d, s, SANDBOX_WITHOUT_CALL, "each call", is_listed_row);
	mutate_calls(d, s, SANDBOX_WITHOUT_CONDITION, "each condition", is_narrow_row);
	mutate_calls(d, s, SANDBOX_WITHOUT_DENIAL, "each call that a room loses", is_lost_row);
	mutate_parts(d, s, b);
	mutate_layers(d, s, b);
	subject_expect_failure(false);
}

/* ---- what is the same for all ---- */

static bool is_in_kernel(const struct mutation *m)
{
	int abi = sandbox_landlock_abi();

	if (m->kind == SANDBOX_WITHOUT_FILE_RIGHT && m->index >= 13)
		return abi >= (m->index == 13 ? 2 : m->index == 14 ? 3 : 5);
	if (m->kind == SANDBOX_WITHOUT_PORT_RIGHT || (m->kind == SANDBOX_WITHOUT_RULE && m->index == 2))
		return abi >= 4;
	if (m->kind == SANDBOX_WITHOUT_MANIFEST)
		return true;
	return m->kind == SANDBOX_WITHOUT_SCOPE ? abi >= 6 : abi >= 1;
}

static void mutate_common(struct drill *d, const struct mutation *m)
{
	struct report quiet = { 0 };
	const struct subject *s, *seen = NULL;

	for (size_t i = 0; !quiet.first_red[0] && (s = subject_at(i)); i++) {
		/* A room has its zygote's Landlock, and a directory that the zygote has not. */
		if (!has_base[i])
			continue;
		quiet = run_mutated(d, s, &base[i], m);
		seen = s;
	}
	if (quiet.first_red[0] || !d->only) /* one process alone need not show all */
		tell(d, seen ? seen->profile->name : "landlock", m->what, &quiet);
}

void mutate_all(struct drill *d)
{
	const struct subject *s;

	report_title(&d->report, "one rule, layer or check left out at a time");
	for (size_t i = 0; (s = subject_at(i)); i++)
		if (!d->only || strcmp(d->only, s->profile->name) == 0)
			mutate_subject(d, s, i);
	subject_expect_failure(true);
	for (size_t i = 0; i < sizeof common / sizeof *common; i++)
		if (is_in_kernel(&common[i]))
			mutate_common(d, &common[i]);
}
