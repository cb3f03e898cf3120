/* SPDX-License-Identifier: Apache-2.0
 *
 * postern-drill: the containment drill. For every role, zygote and kind of room: enters its sandbox through
 * the real starter and zygote and tries every step of sandbox/steps.def from inside, beside a positive
 * control without any layer; with --ablate also under each layer alone. Then it compares live
 * processes with their manifest (live.c) and speaks as a hostile room (hostile.c).
 *
 * Everything happens below a directory of its own in /tmp, on loopback. The exit status is 0 only when
 * nothing was allowed that no profile lists.
 */
#include "base/ensure.h"
#include "base/log.h"
#include "drill/report.h"
#include "drill/subject.h"
#include "sandbox/calls.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define UID_BASE  64800
#define CALLS_MAX 470 /* behind the newest system call */

struct drill {
	struct decoys decoys;
	struct gateway gateway;
	struct report report;
	bool is_ablating, is_old_kernel;
	uint32_t mutation;
	const char *only;
	unsigned uid_base;
	int live_pid;
};

static const char usage[] =
	"usage: postern drill [--only NAME] [--ablate] [--kernel-6.1] [--live PID] [--json]\n"
	"  --only NAME   only this process or room, such as \"session room\"\n"
	"  --ablate      also under each layer alone: how many of them deny each step\n"
	"  --kernel-6.1  with the layers of Debian 12's kernel only (Landlock 2, no MDWE)\n"
	"  --live PID    compares the gateway of this posternd too\n"
	"  --uid-base N  first of 32 free user ids (as root)\n"
	"  --json        for programs\n";

/* ---- a gateway of its own ---- */

static struct conf *make_conf(const struct drill *d)
{
	char text[2048];
	struct buf errors;
	struct conf *conf;

	snprintf(text, sizeof text,
		 "hostname drill.example.com\nstate %s/state\nrun %s/run\nuid-base %u\nminimum-landlock 0\n"
		 "listener drill { address 127.0.0.1:%u }\n"
		 "domain drill.example.com { maildir %s/mail }\n"
		 "domain next.example.com { next-hop 127.0.0.1:%u }\n"
		 "deliver { port %u }\nqueue { reserve 0 }\nresolver { mode stub }\n",
		 d->decoys.home, d->decoys.home, d->uid_base, 20000 + (unsigned)getpid() % 10000,
		 d->decoys.home, d->decoys.listed_port, d->decoys.listed_port);
	buf_init(&errors, CONF_MAX_ERROR_TEXT);
	conf = conf_parse(text_from_cstr(text), "drill", CONF_WHOLE, &errors);
	if (!conf)
		log_fatal(EX_SOFTWARE, "the drill's own configuration: %s", buf_cstr(&errors));
	buf_done(&errors);
	return conf;
}

static void open_gateway(struct drill *d)
{
	d->gateway.settings.config_file = "drill";
	d->gateway.conf = make_conf(d);
	places_open(&d->gateway.places, &d->gateway.settings, d->gateway.conf);
	subject_find_all(&d->gateway);
}

/* ---- the matrix ---- */

static struct steps_order order_of(const struct drill *d, const struct subject *s, const struct step *step,
				   pid_t victim, uint64_t secret, pid_t other)
{
	struct steps_order o = { .step = step->number,
				 .argument = (uint64_t)d->decoys.shm_key,
				 .tcp_port = d->decoys.tcp_port,
				 .listed_port = d->decoys.listed_port,
				 .udp_port = d->decoys.udp_port,
				 .victim = victim,
				 .secret = secret,
				 .other = other,
				 .uid = s->uid };

	snprintf(o.dir, sizeof o.dir, "%s", d->decoys.dir);
	return o;
}

/* All steps under these layers; results by index of the step. False: it did not start. */
static bool try_all(struct drill *d, const struct subject *s, uint32_t layers, int *ret_status,
		    uint32_t *ret_layers)
{
	uint64_t secret, nobody;
	pid_t victim = decoys_start_victim(s->uid, &secret),
	      other = decoys_start_victim(s->uid + 40, &nobody);
	const struct step *step;
	struct run r;
	bool is_started = subject_start(&d->gateway, s, layers, d->mutation, &r);

	for (size_t i = 0; is_started && (step = steps_at(i)) && !(step->flags & STEPS_MANY); i++) {
		struct steps_order o = order_of(d, s, step, victim, secret, other);
		decoys_reset(&d->decoys, s->uid);
		ret_status[i] = subject_try(&r, &o);
	}
	if (is_started) {
		*ret_layers = r.layers | (layers & SANDBOX_SECCOMP); /* the filter comes with each step */
		subject_end(&r);
	}
	kill(victim, SIGKILL);
	kill(other, SIGKILL);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return is_started;
}

/* One layer, or where a process does not start with it alone (its directory belongs to its user) on top
 * of its user: then only what the user does not deny already is told by it. */
static void ablate_one(struct drill *d, const struct subject *s, unsigned bit, struct report_subject *out)
{
	int status[REPORT_STEPS_MAX] = { 0 };
	uint32_t achieved = 0, below = 0;

	if (1u << bit == SANDBOX_LIMITS || !try_all(d, s, 1u << bit, status, &achieved)) {
		below = SANDBOX_USER; /* also where user 0 is above a limit */
		if (!try_all(d, s, 1u << bit | SANDBOX_USER, status, &achieved))
			return;
	}
	for (size_t i = 0; i < REPORT_STEPS_MAX; i++)
		if (report_is_denied(status[i]) && !(below & out->alone[i]))
			out->alone[i] |= 1u << bit;
}

static void ablate(struct drill *d, const struct subject *s, struct report_subject *out)
{
	for (unsigned bit = 0; bit < SANDBOX_LAYER_COUNT; bit++)
		if (out->layers >> bit & 1)
			ablate_one(d, s, bit, out);
}

/* ---- every system call ---- */

/* The kernel lets its own probes through every filter: uretprobe and uprobe do nothing but where the
 * kernel has put a probe. */
static bool is_exempt(unsigned number)
{
	return number == 335 || number == 336;
}

static bool is_listed(const struct sandbox_profile *p, unsigned number)
{
	for (size_t i = 0; i < sandbox_n_calls; i++)
		if ((sandbox_calls[i].group & p->calls) && sandbox_calls[i].number == (int)number)
			return true;
	return false;
}

/* By number, whatever they are, and as they are listed for others: all that are not listed for this one
 * end the process. */
static void try_unlisted(struct drill *d, struct run *r, const struct subject *s)
{
	struct steps_order o = { .step = STEPS_CALL, .uid = s->uid };
	unsigned n = 0, last = 0;
	char detail[64] = "";

	for (unsigned number = 0; number <= CALLS_MAX; number++) {
		o.argument = number;
		if (is_exempt(number) || is_listed(s->profile, number) ||
		    report_is_denied(subject_try(r, &o)))
			continue;
		n++;
		last = number;
	}
	o.step = STEPS_LISTED;
	for (size_t i = 0; i < sandbox_n_calls; i++) {
		unsigned number = (unsigned)sandbox_calls[i].number;
		o.argument = i;
		if (is_listed(s->profile, number) || report_is_denied(subject_try(r, &o)))
			continue;
		n++;
		last = number;
	}
	if (n)
		snprintf(detail, sizeof detail, "%u are not, such as number %u", n, last);
	report_check(&d->report, s->profile->name, "every system call that is not listed is denied", n == 0,
		     detail);
}

/* Some end the process by themselves, as rt_sigreturn does from nowhere. */
static bool is_by_filter(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

/* As they are listed: a row that is gone would be seen here. */
static void try_listed(struct drill *d, struct run *r, const struct subject *s)
{
	struct steps_order o = { .step = STEPS_LISTED, .uid = s->uid };
	unsigned n = 0, last = 0;
	char detail[64] = "";

	for (size_t i = 0; i < sandbox_n_calls; i++) {
		o.argument = i;
		if (!(sandbox_calls[i].group & s->profile->calls) || !is_by_filter(subject_try(r, &o)))
			continue;
		n++;
		last = (unsigned)i;
	}
	if (n)
		snprintf(detail, sizeof detail, "%u are not, such as row %u", n, last);
	report_check(&d->report, s->profile->name, "every listed call passes as it is listed", n == 0,
		     detail);
}

/* Another row of the same profile may list any arguments, as files do for newfstatat. */
static bool has_condition(const struct sandbox_profile *p, const struct sandbox_call *call)
{
	if (!(call->group & p->calls) || call->condition == SANDBOX_IF_NO_FAST_OPEN) /* steps 54 and 63 */
		return false;
	for (size_t i = 0; i < sandbox_n_calls; i++)
		if (sandbox_calls[i].number == call->number && (sandbox_calls[i].group & p->calls) &&
		    (sandbox_calls[i].condition == SANDBOX_IF_ANY ||
		     sandbox_calls[i].condition == SANDBOX_FAILS_ENOSYS))
			return false;
	return true;
}

static void try_other_arguments(struct drill *d, struct run *r, const struct subject *s)
{
	struct steps_order o = { .step = STEPS_UNLISTED, .uid = s->uid };
	unsigned n = 0, last = 0;
	char detail[64] = "";

	for (size_t i = 0; i < sandbox_n_calls; i++) {
		o.argument = i;
		if (!has_condition(s->profile, &sandbox_calls[i]) || is_by_filter(subject_try(r, &o)))
			continue;
		n++;
		last = (unsigned)i;
	}
	if (n)
		snprintf(detail, sizeof detail, "%u are not, such as row %u", n, last);
	report_check(&d->report, s->profile->name, "every listed call with other arguments is denied", n == 0,
		     detail);
}

static void try_calls(struct drill *d, const struct subject *s)
{
	struct run r;

	if (!subject_start(&d->gateway, s, SANDBOX_ALL, d->mutation, &r))
		return;
	try_unlisted(d, &r, s);
	try_listed(d, &r, s);
	try_other_arguments(d, &r, s);
	subject_end(&r);
}

static bool is_wanted(const struct drill *d, const struct subject *s)
{
	return !d->only || strcmp(d->only, s->profile->name) == 0;
}

static void drill_subject(struct drill *d, const struct subject *s)
{
	struct report_subject *out = report_add(&d->report, s->profile);
	uint32_t none;

	if (!try_all(d, s, SANDBOX_ALL, out->status, &out->layers)) {
		out->is_missing = true;
		return;
	}
	if (!try_all(d, s, 0, out->control, &none)) {
		out->is_missing = true;
		return;
	}
	if (d->is_ablating)
		ablate(d, s, out);
	report_judge(&d->report, out, d->is_ablating);
	try_calls(d, s);
}

/* ---- arguments ---- */

static void parse_arguments(struct drill *d, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "only", required_argument, NULL, 'o' },
		{ "ablate", no_argument, NULL, 'a' },       { "kernel-6.1", no_argument, NULL, 'k' },
		{ "live", required_argument, NULL, 'l' },   { "json", no_argument, NULL, 'j' },
		{ "mutate", required_argument, NULL, 'm' }, { "uid-base", required_argument, NULL, 'u' },
		{ "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
	};
	uint64_t number = 0;
	int c;

	d->uid_base = UID_BASE;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (strchr("lmu", c) && !text_parse_u64(text_from_cstr(optarg), UINT32_MAX - 64, &number))
			exit(fputs(usage, stderr) < 0 ? EX_IOERR : EX_USAGE);
		d->only = c == 'o' ? optarg : d->only;
		d->is_ablating |= c == 'a';
		d->is_old_kernel |= c == 'k';
		d->report.is_json |= c == 'j';
		d->live_pid = c == 'l' ? (int)number : d->live_pid;
		d->mutation = c == 'm' ? (uint32_t)number : d->mutation;
		d->uid_base = c == 'u' ? (unsigned)number : d->uid_base;
		if (c == 'h' || c == '?')
			exit(fputs(usage, c == 'h' ? stdout : stderr) < 0 || c == '?' ? EX_USAGE : EX_OK);
	}
	if (d->is_old_kernel)
		d->mutation = (uint32_t)SANDBOX_AS_LINUX_6_1 << 16;
}

int main(int argc, char **argv)
{
	static struct drill drill;
	const struct subject *s;
	int status;

	parse_arguments(&drill, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	drill.report.is_old_kernel = drill.is_old_kernel;
	decoys_open(&drill.decoys);
	open_gateway(&drill);
	report_begin(&drill.report);
	for (size_t i = 0; (s = subject_at(i)); i++)
		if (is_wanted(&drill, s))
			drill_subject(&drill, s);
	if (!drill.only) {
		drill_hostile(&drill.gateway, &drill.report);
		drill_live(&drill.gateway, &drill.decoys, drill.live_pid, &drill.report);
	}
	status = report_end(&drill.report);
	decoys_close(&drill.decoys);
	return status;
}
