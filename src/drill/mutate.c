/* SPDX-License-Identifier: Apache-2.0
 *
 * The test of the drill itself: leaves out one rule, layer or check of the sandbox at a time and runs
 * the part of the drill that is about it. A row must turn red; otherwise the drill would not notice
 * when it is missing, or it is not needed. Called by main.c for --mutate.
 *
 * All there is: every row of sandbox/calls.c, every condition of one, every call that a room loses; every
 * right that Landlock handles and every rule of it; every layer; every limit, namespace and identity;
 * every check of what is handed over. Each in one process that has it; with --only in that one.
 * Invariant: the same part is run with nothing left out first, and must be green.
 */
#include "base/ensure.h"
#include "base/log.h"
#include "drill/drill.h"
#include "sandbox/calls.h"

#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define FILE_RIGHTS 16
#define CALLS_MAX   256
#define EACH_MAX    64
#define BASE_TRIES  3
#define N_KINDS     (SANDBOX_AS_LINUX_6_1 + 1)

enum part { PART_INSPECT, PART_LANDLOCK, PART_MANIFEST, PART_COUNT };

struct mutation {
	enum sandbox_mutation kind;
	unsigned index;
	enum part part;
	const char *what;
};

/* Tried in one process after another until a row turns: they are the same for all, and not all show them. */
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

/* Must be seen in each process to which they apply; tried in the first, or in the one that was asked for. */
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

/* A process in which it is tried, and what its parts say with nothing left out. */
struct bench {
	const struct subject *subject;
	struct report_subject base; /* for PART_LANDLOCK */
	enum { STATE_NEW, STATE_GREEN, STATE_RED } state[PART_COUNT];
};

/* What has been tried in one process need not be in the next. */
struct tried {
	bool calls[N_KINDS][CALLS_MAX]; /* by kind of mutation and row of calls.c */
	bool each[EACH_MAX];
	uint32_t layers;
};

static struct bench benches[2 * PROCESS_COUNT];
static struct tried tried;

/* ---- running a part in silence ---- */

static void run_landlock(struct drill *d, const struct bench *b, struct report *quiet)
{
	const struct report_subject *base = &b->base;
	bool wanted[REPORT_STEPS_MAX] = { false };
	struct report_subject out = *base;
	const struct step *step;

	for (size_t i = 0; (step = steps_at(i)) && !(step->flags & STEPS_MANY); i++) {
		bool is_held = report_expected_layers(quiet, step, base) & SANDBOX_LANDLOCK;
		wanted[i] = report_is_allowed(base->control[i]) &&
			    (is_held || report_must_be_possible(step, base->profile));
		out.alone[i] &= ~(uint32_t)SANDBOX_LANDLOCK;
	}
	matrix_ablate_one(d, b->subject, SANDBOX_BIT_LANDLOCK, wanted, &out);
	for (size_t i = 0; (step = steps_at(i)) && !(step->flags & STEPS_MANY); i++)
		if (wanted[i])
			report_judge_layer(quiet, step, &out, i, SANDBOX_LANDLOCK);
}

static struct report run_part(struct drill *d, const struct bench *b, enum part part)
{
	struct report kept = d->report, quiet = report_quiet(&d->report);

	d->report = quiet;
	if (part == PART_INSPECT)
		inspect_subject(d, b->subject);
	else if (part == PART_MANIFEST)
		manifest_check(d, b->subject);
	quiet = d->report;
	d->report = kept;
	if (part == PART_LANDLOCK)
		run_landlock(d, b, &quiet);
	return quiet;
}

static struct report run_mutated(struct drill *d, const struct bench *b, const struct mutation *m)
{
	uint32_t before = d->mutation;
	struct report quiet;

	d->mutation = (uint32_t)m->kind << 16 | m->index;
	quiet = run_part(d, b, m->part);
	d->mutation = before;
	return quiet;
}

static bool find_base(struct drill *d, struct bench *b)
{
	uint32_t none;

	b->base.profile = b->subject->profile;
	return matrix_try(d, b->subject, d->layers, NULL, b->base.status, &b->base.layers) &&
	       matrix_try(d, b->subject, 0, NULL, b->base.control, &none);
}

/* Is this part green with nothing left out? Asked once. */
static bool is_green(struct drill *d, struct bench *b, enum part part)
{
	static const char *const names[] = { "inspection", "Landlock", "manifest" };
	struct report quiet;
	char text[64];

	if (b->state[part] != STATE_NEW)
		return b->state[part] == STATE_GREEN;
	b->state[part] = STATE_RED;
	if (part != PART_LANDLOCK || find_base(d, b)) {
		quiet = run_part(d, b, part);
		b->state[part] = quiet.first_red[0] ? STATE_RED : STATE_GREEN;
	}
	snprintf(text, sizeof text, "with nothing left out: %s", names[part]);
	report_check(&d->report, b->subject->profile->name, text, b->state[part] == STATE_GREEN,
		     b->state[part] == STATE_GREEN ? "" : "a row is red already");
	return b->state[part] == STATE_GREEN;
}

static void tell(struct drill *d, const char *process, const char *what, const struct report *quiet)
{
	char text[160];

	snprintf(text, sizeof text, "without it a row turns: %.120s", what);
	report_check(&d->report, process, text, quiet->first_red[0] != 0,
		     quiet->first_red[0] ? quiet->first_red : "no row has turned");
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

/* Of those that are the same for all: who cannot show it. */
static bool may_show(const struct subject *s, const struct mutation *m)
{
	if (m->kind == SANDBOX_WITHOUT_RULE && m->index == 0)
		return s->profile->root == SANDBOX_ROOT_STATE;
	if (m->kind == SANDBOX_WITHOUT_RULE && m->index == 1)
		return process_may_have(s->id, POSTERND_ROLE_THING_DIRECTORY);
	if (m->kind == SANDBOX_WITHOUT_RULE)
		return s->profile->calls & SANDBOX_CALLS_CONNECT;
	return m->kind != SANDBOX_WITHOUT_MANIFEST || !process_is_zygote(s->id);
}

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

/* ---- calls ---- */

/* One row of calls.c: is it as the table says? Not so in a process that does not even start. */
static bool is_row_good(struct drill *d, const struct subject *s, enum sandbox_mutation kind, unsigned row,
			uint32_t mutation)
{
	struct run r;
	bool is_good;

	if (!subject_start(&d->gateway, s, d->layers, mutation, &r))
		return false;
	is_good = kind == SANDBOX_WITHOUT_CALL        ? sweep_is_listed(&r, s, row)
		  : kind == SANDBOX_WITHOUT_CONDITION ? sweep_is_narrow(&r, s, row)
						      : sweep_is_lost(&r, s, row);
	subject_end(&r);
	return is_good;
}

/* With nothing left out. A busy machine may keep one process from its start or one call from its end within
 * the time there is, which says nothing about the row: it is asked again, and told if it was not good once.
 */
static bool is_row_good_alone(struct drill *d, const struct subject *s, enum sandbox_mutation kind,
			      unsigned row)
{
	bool before = subject_expect_failure(false);
	bool is_good = false;

	for (unsigned i = 0; i < BASE_TRIES && !is_good; i++) {
		is_good = is_row_good(d, s, kind, row, SANDBOX_WITHOUT_NOTHING);
		if (!is_good)
			log_info("row %u of %s, with nothing left out: not as the table says, try %u", row,
				 s->profile->name, i + 1);
	}
	subject_expect_failure(before);
	return is_good;
}

/* Left out, or loosened. Is that seen, and only that? */
static struct report try_call(struct drill *d, const struct subject *s, enum sandbox_mutation kind,
			      unsigned row)
{
	struct report quiet = report_quiet(&d->report);

	if (!is_row_good_alone(d, s, kind, row)) {
		report_check(&d->report, s->profile->name, "with nothing left out: a call", false,
			     sweep_row_text(kind));
		return quiet;
	}
	if (!is_row_good(d, s, kind, row, (uint32_t)kind << 16 | row))
		report_check(&quiet, s->profile->name, sweep_row_text(kind), false, "");
	return quiet;
}

static void mutate_calls(struct drill *d, const struct subject *s, enum sandbox_mutation kind,
			 const char *what, bool (*is_concerned)(const struct subject *s, unsigned row))
{
	struct report quiet;
	char text[120], *name;

	ASSERT(sandbox_n_calls <= CALLS_MAX);
	for (unsigned row = 0; row < sandbox_n_calls; row++) {
		if (tried.calls[kind][row] || !is_concerned(s, row))
			continue;
		tried.calls[kind][row] = true;
		name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, sandbox_calls[row].number);
		snprintf(text, sizeof text, "%s of %s (row %u)", what, name ? name : "?", row);
		quiet = try_call(d, s, kind, row);
		tell(d, s->profile->name, text, &quiet);
		free(name);
	}
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

/* ---- one process ---- */

static void mutate_parts(struct drill *d, struct bench *b)
{
	struct report quiet;

	for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
		if (tried.each[i] || !does_apply(d, b->subject, &each[i]) || !is_green(d, b, each[i].part))
			continue;
		tried.each[i] = true;
		quiet = run_mutated(d, b, &each[i]);
		tell(d, b->subject->profile->name, each[i].what, &quiet);
	}
}

static void mutate_layers(struct drill *d, struct bench *b)
{
	const struct sandbox_profile *p = b->subject->profile;
	uint32_t layers = inspect_expected_layers(d, p) & ~tried.layers;
	struct report quiet;
	char what[64];

	for (unsigned bit = 0; bit < SANDBOX_LAYER_COUNT; bit++) {
		enum part part = bit == SANDBOX_BIT_LANDLOCK ? PART_LANDLOCK : PART_INSPECT;
		if (!(layers >> bit & 1) || !is_green(d, b, part))
			continue;
		tried.layers |= 1u << bit;
		d->missing = 1u << bit;
		quiet = run_part(d, b, part);
		d->missing = 0;
		snprintf(what, sizeof what, "the layer %s", sandbox_layer_name(bit));
		tell(d, p->name, what, &quiet);
	}
}

static void mutate_bench(struct drill *d, struct bench *b)
{
	subject_expect_failure(true);
	mutate_calls(d, b->subject, SANDBOX_WITHOUT_CALL, "the call", is_listed_row);
	mutate_calls(d, b->subject, SANDBOX_WITHOUT_CONDITION, "the condition", is_narrow_row);
	mutate_calls(d, b->subject, SANDBOX_WITHOUT_DENIAL, "a room's loss", is_lost_row);
	mutate_parts(d, b);
	mutate_layers(d, b);
	subject_expect_failure(false);
}

/* ---- what is the same for all ---- */

static void mutate_common(struct drill *d, const struct mutation *m)
{
	struct report quiet = { 0 };
	const char *process = "landlock";

	/* A room has its zygote's Landlock, and a directory that the zygote has not. */
	for (struct bench *b = benches; b->subject && !quiet.first_red[0]; b++) {
		if (!may_show(b->subject, m) || !is_green(d, b, m->part))
			continue;
		quiet = run_mutated(d, b, m);
		process = b->subject->profile->name;
	}
	if (quiet.first_red[0] || !d->only) /* one process alone need not show all */
		tell(d, process, m->what, &quiet);
}

void mutate_all(struct drill *d)
{
	const struct subject *s;
	size_t n = 0;

	report_title(&d->report, "one rule, layer or check left out at a time");
	for (size_t i = 0; (s = subject_at(i)); i++)
		if (!d->only || strcmp(d->only, s->profile->name) == 0)
			benches[n++].subject = s;
	for (size_t i = 0; i < n; i++)
		mutate_bench(d, &benches[i]);
	subject_expect_failure(true);
	for (size_t i = 0; i < sizeof common / sizeof *common; i++)
		if (is_in_kernel(&common[i]))
			mutate_common(d, &common[i]);
}
