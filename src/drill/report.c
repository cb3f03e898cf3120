/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of the drill: what a status means, tables, JSON, the summary. Called by the other files of
 * the drill. Pure but for printing.
 */
#include "drill/report.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* Good rows first: what is behind ROW_OPEN is a failure. */
enum row {
	ROW_DENIED,
	ROW_GRANTED,
	ROW_VACUOUS,
	ROW_OPEN,
	ROW_ALLOWED,
	ROW_REFUSED,
	ROW_WEAK,
	ROW_INCONCLUSIVE
};

static const char *const words[] = { "denied",  "granted", "vacuous", "open",
				     "ALLOWED", "REFUSED", "WEAK",    "UNCLEAR" };

bool report_is_denied(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGXFSZ; /* the filter; a limit */
	return WIFEXITED(status) && WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != STEPS_INCONCLUSIVE;
}

bool report_is_allowed(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- output ---- */

__attribute__((format(printf, 2, 3))) static void print(const struct report *r, const char *format, ...)
{
	va_list ap;

	if (r->is_quiet)
		return;
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
}

/* A field of a JSON object; what is not plain is left out. */
static void print_field(const struct report *r, const char *name, const char *value)
{
	print(r, "%s\"%s\": \"", strcmp(name, "result") == 0 ? "" : ", ", name);
	for (; *value; value++)
		print(r, "%s%c", *value == '"' || *value == '\\' ? "\\" : "",
		      (unsigned char)*value < ' ' ? ' ' : *value);
	print(r, "\"");
}

static void begin_object(struct report *r, const char *result)
{
	print(r, "%s\n{ ", r->has_rows ? "," : "");
	print_field(r, "result", result);
	r->has_rows = true;
}

void report_begin(struct report *r)
{
	if (r->is_json)
		printf("[");
}

void report_title(struct report *r, const char *title)
{
	if (!r->is_json)
		print(r, "\n%s\n", title);
}

struct report report_quiet(const struct report *like)
{
	return (struct report){ .is_quiet = true,
				.is_json = like->is_json,
				.is_old_kernel = like->is_old_kernel };
}

static void note_red(struct report *r, const char *process, const char *what)
{
	if (!r->first_red[0])
		snprintf(r->first_red, sizeof r->first_red, "%s: %s", process, what);
}

struct report_subject *report_add(struct report *r, const struct sandbox_profile *profile)
{
	r->subject = (struct report_subject){ .profile = profile };
	return &r->subject;
}

static void name_layers(uint32_t layers, char *out, size_t n)
{
	size_t at = 0;

	out[0] = 0;
	for (unsigned bit = 0; bit < SANDBOX_LAYER_COUNT && at < n; bit++)
		if (layers >> bit & 1)
			at += (size_t)snprintf(out + at, n - at, "%s%s", at ? " " : "",
					       sandbox_layer_name(bit));
}

/* ---- what is expected ---- */

static int landlock_version(const struct report *r)
{
	int abi = sandbox_landlock_abi();

	return r->is_old_kernel && abi > 2 ? 2 : abi;
}

uint32_t report_expected_layers(const struct report *r, const struct step *step,
				const struct report_subject *s)
{
	const struct sandbox_profile *p = s->profile;
	uint32_t layers = step->layers & s->layers;

	if (step->passes & p->calls)
		layers &= ~(uint32_t)SANDBOX_SECCOMP;
	if (landlock_version(r) < step->landlock)
		layers &= ~(uint32_t)SANDBOX_LANDLOCK;
	if (((step->flags & STEPS_IF_FSIZE) && p->may_write_files) ||
	    ((step->flags & STEPS_IF_FORK) && p->may_fork))
		layers &= ~(uint32_t)SANDBOX_LIMITS;
	return layers;
}

/* Meant by a group of calls, or bounded by the configuration instead of the profile. */
static bool is_granted(const struct step *step, const struct sandbox_profile *p)
{
	if ((step->flags & STEPS_OWN) && p->may_fork)
		return false;
	if ((step->flags & STEPS_HOPS) && (p->calls & SANDBOX_CALLS_RESOLVER))
		return false;
	return (step->granted & p->calls) || ((step->flags & STEPS_IF_FILES) && p->n_files == 0) ||
	       ((step->flags & STEPS_IF_MEMORY) && p->memory == 0);
}

/* What the profile is there for must also be possible. */
bool report_must_be_possible(const struct step *step, const struct sandbox_profile *p)
{
	return (step->granted & p->calls) && is_granted(step, p);
}

/* A newer kernel would have a layer here; THREAT-MODEL.md names the step. */
static bool is_for_newer_kernel(const struct report *r, const struct step *step)
{
	return (step->layers & SANDBOX_LANDLOCK) && landlock_version(r) < step->landlock;
}

static enum row row_of(const struct report *r, const struct step *step, const struct report_subject *s,
		       size_t i)
{
	uint32_t expected = report_expected_layers(r, step, s);

	if (report_is_allowed(s->status[i])) {
		if (is_granted(step, s->profile))
			return ROW_GRANTED;
		return expected == 0 && is_for_newer_kernel(r, step) ? ROW_OPEN : ROW_ALLOWED;
	}
	if (!report_is_allowed(s->control[i]))
		return ROW_VACUOUS;
	if (!report_is_denied(s->status[i]))
		return ROW_INCONCLUSIVE;
	if (report_must_be_possible(step, s->profile))
		return ROW_REFUSED;
	return expected & s->told[i] & ~s->alone[i] ? ROW_WEAK : ROW_DENIED;
}

/* ---- rows ---- */

static void describe_status(int status, char *out, size_t n)
{
	if (WIFSIGNALED(status))
		snprintf(out, n,
			 WTERMSIG(status) == SIGSYS    ? "killed by the filter"
			 : WTERMSIG(status) == SIGXFSZ ? "killed by a limit"
						       : "signal %d",
			 WTERMSIG(status));
	else if (WEXITSTATUS(status) == STEPS_INCONCLUSIVE)
		snprintf(out, n, "no answer");
	else
		snprintf(out, n, "%s", WEXITSTATUS(status) ? strerror(WEXITSTATUS(status)) : "done");
}

static void print_row(struct report *r, const struct step *step, const struct report_subject *s, size_t i,
		      enum row row, uint32_t layers)
{
	char names[160], how[64], number[16];

	name_layers(layers, names, sizeof names);
	/* Why it is vacuous is for the control to say. */
	describe_status(row == ROW_VACUOUS ? s->control[i] : s->status[i], how, sizeof how);
	if (!r->is_json) {
		print(r, "  %3u  %-8s %-45s %-25s %s\n", step->number, words[row], step->text, how, names);
		return;
	}
	snprintf(number, sizeof number, "%u", step->number);
	begin_object(r, words[row]);
	print_field(r, "process", s->profile->name);
	print_field(r, "step", number);
	print_field(r, "what", step->text);
	print_field(r, "incident", step->incident);
	print_field(r, "how", how);
	print_field(r, "layers", names);
	print(r, " }");
}

static void print_note(const struct report *r, const char *text, const char *more)
{
	if (!r->is_json)
		print(r, "                 %s%s\n", text, more);
}

/* What a process is there for takes one layer away: whoever writes files or forks for a living has no
 * limit there, and whoever connects stands in the machine's network. An older kernel has fewer layers,
 * and so has a machine without root and without user namespaces. THREAT-MODEL.md lists them. */
static bool is_excepted(const struct report *r, const struct step *step, const struct report_subject *s)
{
	const struct sandbox_profile *p = s->profile;
	const uint32_t of_root = SANDBOX_USER | SANDBOX_NETWORK | SANDBOX_NAMESPACES | SANDBOX_ROOT;

	return (step->flags & STEPS_SINGLE) || (!p->own_network && (step->layers & SANDBOX_NETWORK)) ||
	       ((step->flags & STEPS_IF_FSIZE) && p->may_write_files) ||
	       ((step->flags & STEPS_IF_FORK) && p->may_fork) || is_for_newer_kernel(r, step) ||
	       (step->layers & ~s->layers & (of_root | SANDBOX_MDWE));
}

static void count(struct report *r, enum row row)
{
	r->n_denied += row == ROW_DENIED;
	r->n_granted += row == ROW_GRANTED;
	r->n_vacuous += row == ROW_VACUOUS;
	r->n_open += row == ROW_OPEN;
	r->n_red += row > ROW_OPEN;
}

static void judge_step(struct report *r, const struct report_subject *s, const struct step *step, size_t i,
		       bool is_ablated)
{
	enum row row = row_of(r, step, s, i);
	uint32_t expected = report_expected_layers(r, step, s), layers = is_ablated ? s->alone[i] : expected;
	bool is_thin = row == ROW_DENIED && __builtin_popcount(layers) < 2;
	char names[160];

	count(r, row);
	print_row(r, step, s, i, row, row == ROW_DENIED || row == ROW_WEAK ? layers : 0);
	if (row > ROW_OPEN)
		note_red(r, s->profile->name, step->text);
	name_layers(expected & s->told[i] & ~s->alone[i], names, sizeof names);
	if (row == ROW_WEAK)
		print_note(r, "should deny it alone, and does not: ", names);
	if ((row == ROW_OPEN || row == ROW_GRANTED) && *step->note)
		print_note(r, step->note, "");
	if (is_thin && is_excepted(r, step, s))
		r->n_excepted++;
	else if (is_thin) {
		r->n_thin++;
		note_red(r, s->profile->name, step->text);
		print_note(r, "ONE LAYER ONLY", "");
	}
}

void report_judge(struct report *r, const struct report_subject *s, bool is_ablated)
{
	const struct step *step;
	char names[160], title[200];

	name_layers(s->layers, names, sizeof names);
	snprintf(title, sizeof title, "%s (%s)", s->profile->name, names);
	report_title(r, title);
	for (size_t i = 0; (step = steps_at(i)) && !(step->flags & STEPS_MANY); i++)
		judge_step(r, s, step, i, is_ablated);
}

void report_judge_layer(struct report *r, const struct step *step, const struct report_subject *s, size_t i,
			uint32_t layer)
{
	bool is_denied = s->alone[i] & layer;

	if (!(s->told[i] & layer))
		return;
	if (report_must_be_possible(step, s->profile) ? is_denied : !is_denied)
		note_red(r, s->profile->name, step->text);
}

void report_check(struct report *r, const char *group, const char *what, bool is_good, const char *detail)
{
	const char *result = is_good ? "good" : "FAILED";

	r->n_checks++;
	r->n_failed += !is_good;
	if (!is_good)
		note_red(r, group, what);
	if (!r->is_json) {
		print(r, "  %-16s %-6s %s%s%s\n", group, result, what, *detail ? ": " : "", detail);
		return;
	}
	begin_object(r, result);
	print_field(r, "group", group);
	print_field(r, "what", what);
	print_field(r, "detail", detail);
	print(r, " }");
}

static void print_summary(const struct report *r)
{
	printf("\nsteps         %5u denied\n"
	       "              %5u granted, as the profile lists\n"
	       "              %5u vacuous: not possible here even without a sandbox\n",
	       r->n_denied, r->n_granted, r->n_vacuous);
	if (r->n_open)
		printf("              %5u open: only a newer kernel has a layer for them\n", r->n_open);
	printf("              %5u allowed, refused, weak or unclear\n"
	       "              %5u denied by one layer only, and %u more that THREAT-MODEL.md names\n"
	       "comparisons   %5u, of which %u failed\n",
	       r->n_red, r->n_thin, r->n_excepted, r->n_checks, r->n_failed);
}

int report_end(struct report *r)
{
	bool is_good = r->n_red == 0 && r->n_failed == 0 && r->n_thin == 0 && r->n_checks > 0;
	char detail[200];

	if (!r->is_json) {
		print_summary(r);
		if (is_good)
			printf("\nNothing was allowed that no profile lists.\n");
		else
			printf("\nTHE DRILL FAILED, first at %s\n", r->first_red);
		return is_good ? 0 : 1;
	}
	snprintf(detail, sizeof detail,
		 "%u denied, %u granted, %u vacuous, %u open, %u red, %u thin, %u failed", r->n_denied,
		 r->n_granted, r->n_vacuous, r->n_open, r->n_red, r->n_thin, r->n_failed);
	begin_object(r, is_good ? "good" : "FAILED");
	print_field(r, "group", "summary");
	print_field(r, "what", "nothing was allowed that no profile lists");
	print_field(r, "detail", detail);
	printf(" }\n]\n");
	return is_good ? 0 : 1;
}
