/* SPDX-License-Identifier: Apache-2.0
 *
 * Every system call by number, and every row of sandbox/calls.c as it is listed and as it is not.
 * Called by main.c for three rows per process, and by mutate.c for one row of the table.
 */
#include "drill/drill.h"
#include "sandbox/calls.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#define CALLS_MAX 470 /* behind the newest system call */

/* The kernel lets its own probes through every filter: uretprobe and uprobe do nothing but where the
 * kernel has put a probe. */
static bool is_exempt(unsigned number)
{
	return number == 335 || number == 336;
}

static bool is_listed(const struct sandbox_profile *p, int number)
{
	for (size_t i = 0; i < sandbox_n_calls; i++)
		if ((sandbox_calls[i].group & p->calls) && sandbox_calls[i].number == number)
			return true;
	return false;
}

/* Does the row count for this profile? What fails politely gives way to a row that allows. */
bool sweep_has_row(const struct sandbox_profile *p, unsigned row)
{
	const struct sandbox_call *call = &sandbox_calls[row];

	if (!(call->group & p->calls))
		return false;
	for (size_t i = 0; i < sandbox_n_calls && call->condition == SANDBOX_FAILS_ENOSYS; i++)
		if (sandbox_calls[i].number == call->number && (sandbox_calls[i].group & p->calls) &&
		    sandbox_calls[i].condition != SANDBOX_FAILS_ENOSYS)
			return false;
	return true;
}

/* Also when there is no answer: the process may not live without a call of its own. */
static bool is_passed(struct run *r, unsigned step, uint64_t argument)
{
	struct steps_order o = { .step = step, .argument = argument, .uid = r->subject->uid };
	int status = subject_try(r, &o);

	return report_is_allowed(status) || (WIFSIGNALED(status) && WTERMSIG(status) != SIGSYS);
}

static bool is_denied(struct run *r, unsigned step, uint64_t argument)
{
	struct steps_order o = { .step = step, .argument = argument, .uid = r->subject->uid };

	return report_is_denied(subject_try(r, &o));
}

bool sweep_is_listed(struct run *r, const struct subject *s, unsigned row)
{
	(void)s;
	return is_passed(r, STEPS_LISTED, row);
}

/* Each value outside of the row's condition. */
bool sweep_is_narrow(struct run *r, const struct subject *s, unsigned row)
{
	(void)s;
	for (unsigned i = 0; i < steps_count_unlisted(sandbox_calls[row].condition); i++)
		if (!is_denied(r, STEPS_UNLISTED, row | (uint64_t)i << 32))
			return false;
	return true;
}

/* Of another profile only: denied by number, and as it is listed there. */
bool sweep_is_lost(struct run *r, const struct subject *s, unsigned row)
{
	int number = sandbox_calls[row].number;

	if (is_listed(s->profile, number))
		return true;
	return is_denied(r, STEPS_CALL, (uint64_t)number) && is_denied(r, STEPS_LISTED, row);
}

const char *sweep_row_text(enum sandbox_mutation kind)
{
	return kind == SANDBOX_WITHOUT_CALL        ? "every listed call passes as it is listed"
	       : kind == SANDBOX_WITHOUT_CONDITION ? "no listed call passes with other arguments"
						   : "every system call that is not listed is denied";
}

static void tell(struct drill *d, const struct subject *s, const char *what, unsigned n, unsigned last)
{
	char detail[64] = "";

	if (n)
		snprintf(detail, sizeof detail, "%u are not, such as number %u", n, last);
	report_check(&d->report, s->profile->name, what, n == 0, detail);
}

static void sweep_numbers(struct drill *d, struct run *r, const struct subject *s)
{
	unsigned n = 0, last = 0;

	for (unsigned number = 0; number <= CALLS_MAX; number++) {
		if (is_exempt(number) || is_listed(s->profile, (int)number) ||
		    is_denied(r, STEPS_CALL, number))
			continue;
		n++;
		last = number;
	}
	for (unsigned i = 0; i < sandbox_n_calls; i++) {
		if (sweep_is_lost(r, s, i))
			continue;
		n++;
		last = (unsigned)sandbox_calls[i].number;
	}
	tell(d, s, sweep_row_text(SANDBOX_WITHOUT_DENIAL), n, last);
}

static void sweep_rows(struct drill *d, struct run *r, const struct subject *s, const char *what,
		       bool (*is_good)(struct run *r, const struct subject *s, unsigned row))
{
	unsigned n = 0, last = 0;

	for (unsigned i = 0; i < sandbox_n_calls; i++) {
		if (!sweep_has_row(s->profile, i) || is_good(r, s, i))
			continue;
		n++;
		last = (unsigned)sandbox_calls[i].number;
	}
	tell(d, s, what, n, last);
}

void sweep_calls(struct drill *d, const struct subject *s)
{
	struct run r;

	if (!subject_start(&d->gateway, s, d->layers, d->mutation, &r)) {
		report_check(&d->report, s->profile->name, "it starts for the calls", false, "");
		return;
	}
	sweep_numbers(d, &r, s);
	sweep_rows(d, &r, s, sweep_row_text(SANDBOX_WITHOUT_CALL), sweep_is_listed);
	sweep_rows(d, &r, s, sweep_row_text(SANDBOX_WITHOUT_CONDITION), sweep_is_narrow);
	subject_end(&r);
}
