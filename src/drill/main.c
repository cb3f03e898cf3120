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
#include "drill/drill.h"

#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#define UID_BASE 64800

static const char usage[] =
	"usage: postern drill [--only NAME] [--ablate] [--mutate] [--kernel-6.1] [--live PID] [--json]\n"
	"  --only NAME   only this process or room, such as \"session room\"\n"
	"  --ablate      also under each layer alone: how many of them deny each step\n"
	"  --mutate      instead: leaves out one rule, layer or check at a time; a row must turn red\n"
	"                (in builds with tests only)\n"
	"  --kernel-6.1  with the layers of Debian 12's kernel only (Landlock 2, no MDWE)\n"
	"  --live PID    compares the gateway of this posternd too\n"
	"  --uid-base N  first of 64 free user ids (as root)\n"
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
		 "deliver { port %u }\nqueue { reserve 0 }\nscan { breaker 1000/1m }\nresolver { mode stub "
		 "}\n",
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

static bool is_wanted(const struct drill *d, const struct subject *s)
{
	return !d->only || strcmp(d->only, s->profile->name) == 0;
}

static void drill_subject(struct drill *d, const struct subject *s)
{
	struct report_subject *out = report_add(&d->report, s->profile);
	uint32_t none;

	if (!matrix_try(d, s, d->layers, NULL, out->status, &out->layers) ||
	    !matrix_try(d, s, 0, NULL, out->control, &none)) {
		report_check(&d->report, s->profile->name, "it starts", false, "see the log");
		return;
	}
	if (d->is_ablating)
		matrix_ablate(d, s, out);
	report_judge(&d->report, out, d->is_ablating);
	if (!d->is_old_kernel) /* which has the same filter */
		sweep_calls(d, s);
	inspect_subject(d, s);
	manifest_check(d, s);
}

/* So that what a process should lose is there to be lost. */
static void widen(void)
{
	const struct rlimit most = { RLIM_INFINITY, RLIM_INFINITY };
	const gid_t group = UID_BASE - 1;

	if (geteuid() != 0)
		return;
	if (setgroups(1, &group) < 0 || setrlimit(RLIMIT_CORE, &most) < 0)
		log_debug("the drill keeps its own groups and limits");
}

/* ---- arguments ---- */

static void use_number(struct drill *d, int option, const char *text)
{
	uint64_t number = 0;

	if (!text_parse_u64(text_from_cstr(text), UINT32_MAX - 64, &number)) {
		fputs(usage, stderr);
		exit(EX_USAGE);
	}
	if (option == 'l')
		d->live_pid = (int)number;
	else
		d->uid_base = (unsigned)number;
}

static void parse_arguments(struct drill *d, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "only", required_argument, NULL, 'o' },
		{ "ablate", no_argument, NULL, 'a' },       { "kernel-6.1", no_argument, NULL, 'k' },
		{ "live", required_argument, NULL, 'l' },   { "json", no_argument, NULL, 'j' },
		{ "mutate", no_argument, NULL, 'm' },       { "uid-base", required_argument, NULL, 'u' },
		{ "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (c == 'h' || c == '?')
			exit(fputs(usage, c == 'h' ? stdout : stderr) < 0 || c == '?' ? EX_USAGE : EX_OK);
		if (c == 'l' || c == 'u')
			use_number(d, c, optarg);
		d->only = c == 'o' ? optarg : d->only;
		d->is_ablating |= c == 'a';
		d->is_mutating |= c == 'm';
		d->is_old_kernel |= c == 'k';
		d->report.is_json |= c == 'j';
	}
	if (optind < argc || (d->is_mutating && d->is_old_kernel)) {
		fputs(usage, stderr);
		exit(EX_USAGE);
	}
	if (d->is_mutating && !sandbox_can_mutate()) {
		fputs("postern drill: this build is the one to be installed, which can leave nothing out; "
		      "--mutate is for the build of the tests\n",
		      stderr);
		exit(EX_USAGE);
	}
}

static void check_only(const struct drill *d)
{
	const struct subject *s;

	for (size_t i = 0; (s = subject_at(i)); i++)
		if (is_wanted(d, s))
			return;
	fprintf(stderr, "postern drill: there is no process '%s'; these are:", d->only);
	for (size_t i = 0; (s = subject_at(i)); i++)
		fprintf(stderr, "%s %s", i ? "," : "", s->profile->name);
	fputs("\n", stderr);
	exit(EX_USAGE);
}

static void run(struct drill *d)
{
	const struct subject *s;

	if (d->is_mutating) {
		mutate_all(d);
		return;
	}
	for (size_t i = 0; (s = subject_at(i)); i++)
		if (is_wanted(d, s))
			drill_subject(d, s);
	if (d->only)
		return;
	drill_hostile(&d->gateway, &d->report);
	drill_live(d);
}

int main(int argc, char **argv)
{
	static struct drill d = { .layers = SANDBOX_ALL, .uid_base = UID_BASE };
	int status;

	parse_arguments(&d, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	if (d.is_old_kernel) {
		d.mutation = (uint32_t)SANDBOX_AS_LINUX_6_1 << 16;
		d.layers &= ~(uint32_t)SANDBOX_MDWE;
	}
	d.report.is_old_kernel = d.is_old_kernel;
	widen();
	decoys_open(&d.decoys);
	if (chdir(d.decoys.home) < 0) /* a core file, where a limit is left out, goes away with the rest */
		log_debug("the drill stays where it is");
	open_gateway(&d);
	check_only(&d);
	report_begin(&d.report);
	run(&d);
	status = report_end(&d.report);
	decoys_close(&d.decoys);
	return status;
}
