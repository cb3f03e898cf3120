/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of the drill: what a status means, tables, JSON, the summary. Called by the other files of
 * the drill. Pure but for printing.
 */
#include "drill/report.h"

#include "base/buf.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

bool report_is_denied(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGXFSZ; /* the filter; a limit */
	return WIFEXITED(status) && WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != STEPS_INCONCLUSIVE;
}

static bool is_allowed(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void report_begin(struct report *r)
{
	if (r->is_json)
		printf("[");
}

struct report_subject *report_add(struct report *r, const struct sandbox_profile *profile)
{
	r->subject = (struct report_subject){ .profile = profile };
	return &r->subject;
}

static void print_layers(uint32_t layers, char *out, size_t n)
{
	size_t at = 0;

	out[0] = 0;
	for (unsigned bit = 0; bit < SANDBOX_LAYER_COUNT && at < n; bit++)
		if (layers >> bit & 1)
			at += (size_t)snprintf(out + at, n - at, "%s%s", at ? " " : "",
					       sandbox_layer_name(bit));
}

/* Layers of the table that this profile and kernel have: what the row rests on. */
static uint32_t expected_layers(const struct step *step, const struct report_subject *s)
{
	uint32_t layers = step->layers & s->layers;
	int abi = sandbox_landlock_abi();

	if (step->passes & s->profile->calls)
		layers &= ~(uint32_t)SANDBOX_SECCOMP;
	if (abi < step->landlock)
		layers &= ~(uint32_t)SANDBOX_LANDLOCK;
	return layers;
}

enum row { ROW_DENIED, ROW_GRANTED, ROW_VACUOUS, ROW_ALLOWED, ROW_INCONCLUSIVE };

/* Meant by a group of calls, or bounded by the configuration instead of the profile. */
static bool is_granted(const struct step *step, const struct sandbox_profile *p)
{
	return (step->granted & p->calls) || ((step->flags & STEPS_IF_FILES) && p->n_files == 0) ||
	       ((step->flags & STEPS_IF_MEMORY) && p->memory == 0);
}

static enum row row_of(const struct step *step, const struct report_subject *s, size_t i)
{
	if (is_allowed(s->status[i]))
		return is_granted(step, s->profile) ? ROW_GRANTED : ROW_ALLOWED;
	if (!is_allowed(s->control[i]))
		return ROW_VACUOUS;
	return report_is_denied(s->status[i]) ? ROW_DENIED : ROW_INCONCLUSIVE;
}

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
	else if (WEXITSTATUS(status))
		snprintf(out, n, "%s", strerror(WEXITSTATUS(status)));
	else
		snprintf(out, n, "done");
}

static void print_row(struct report *r, const struct step *step, const struct report_subject *s, size_t i,
		      const char *word, uint32_t layers)
{
	char names[160], how[64];

	print_layers(layers, names, sizeof names);
	describe_status(s->status[i], how, sizeof how);
	if (r->is_json) {
		printf("%s\n{ \"process\": \"%s\", \"step\": %u, \"what\": \"%s\", \"incident\": \"%s\", "
		       "\"result\": "
		       "\"%s\", \"how\": \"%s\", \"layers\": \"%s\" }",
		       r->has_rows ? "," : "", s->profile->name, step->number, step->text, step->incident,
		       word, how, names);
		r->has_rows = true;
		return;
	}
	printf("  %3u  %-9s %-46s %-24s %s\n", step->number, word, step->text, how, names);
}

/* What a process is there for takes one layer away: whoever writes files or forks for a living has no
 * limit there, and whoever connects stands in the machine's network. THREAT-MODEL.md lists them. */
static bool is_excepted(const struct step *step, const struct sandbox_profile *p)
{
	return (!p->own_network && (step->layers & SANDBOX_NETWORK)) ||
	       ((step->flags & STEPS_IF_FSIZE) && p->may_write_files) ||
	       ((step->flags & STEPS_IF_FORK) && p->may_fork);
}

static void count_thin(struct report *r, const struct step *step, const struct report_subject *s,
		       uint32_t layers)
{
	char names[160];

	if (__builtin_popcount(layers) >= 2 || (step->flags & STEPS_SINGLE) || r->is_old_kernel ||
	    is_excepted(step, s->profile))
		return;
	print_layers(layers, names, sizeof names);
	r->n_thin++;
	if (!r->is_json)
		printf("       only one layer denies step %u of %s: %s\n", step->number, s->profile->name,
		       names);
}

void report_judge(struct report *r, const struct report_subject *s, bool is_ablated)
{
	static const char *const words[] = { "denied", "granted", "vacuous", "ALLOWED", "UNCLEAR" };
	const struct step *step;
	char names[160];

	print_layers(s->layers, names, sizeof names);
	if (!r->is_json)
		printf("\n%s (%s)\n", s->profile->name, names);
	for (size_t i = 0; (step = steps_at(i)) && !(step->flags & STEPS_MANY); i++) {
		enum row row = row_of(step, s, i);
		uint32_t layers = is_ablated ? s->alone[i] : expected_layers(step, s);
		r->n_denied += row == ROW_DENIED;
		r->n_granted += row == ROW_GRANTED;
		r->n_vacuous += row == ROW_VACUOUS;
		r->n_allowed += row == ROW_ALLOWED || row == ROW_INCONCLUSIVE;
		print_row(r, step, s, i, words[row], row == ROW_DENIED ? layers : 0);
		if (row == ROW_DENIED && is_ablated)
			count_thin(r, step, s, layers);
	}
}

void report_check(struct report *r, const char *group, const char *what, bool is_good, const char *detail)
{
	r->n_checks++;
	r->n_failed += !is_good;
	if (r->is_json) {
		printf("%s\n{ \"group\": \"%s\", \"what\": \"%s\", \"result\": \"%s\", \"detail\": \"%s\" }",
		       r->has_rows ? "," : "", group, what, is_good ? "good" : "FAILED", detail);
		r->has_rows = true;
		return;
	}
	printf("  %-16s %-6s %s%s%s\n", group, is_good ? "good" : "FAILED", what, *detail ? ": " : "",
	       detail);
}

int report_end(struct report *r)
{
	bool is_good =
		r->n_allowed == 0 && r->n_failed == 0 && r->n_thin == 0 && r->n_denied + r->n_checks > 0;

	if (r->is_json) {
		printf("\n]\n");
		return is_good ? 0 : 1;
	}
	printf("\n%u denied, %u granted as listed, %u vacuous (not possible here even without a sandbox), %u "
	       "allowed, "
	       "%u with one layer only; %u comparisons and conversations, %u failed\n%s\n",
	       r->n_denied, r->n_granted, r->n_vacuous, r->n_allowed, r->n_thin, r->n_checks, r->n_failed,
	       is_good ? "Nothing was allowed that no profile lists." : "THE DRILL FAILED.");
	return is_good ? 0 : 1;
}
