/* SPDX-License-Identifier: Apache-2.0
 *
 * posternd: the order of a start, and the signals. Started by an administrator, by ./run or by the
 * service manager. What it trusts is its configuration file and its own processes.
 */
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/role_audit.h"
#include "role/audit_client.h"
#include "roles/posternd/members.h"

#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

static struct gateway gateway;

static const char usage[] =
	"usage: posternd [--config FILE] [--check]\n"
	"\n"
	"Starts the gateway in the foreground and ends on SIGTERM. SIGHUP reads the configuration again.\n"
	"\n"
	"  --config FILE   the configuration (default /etc/postern/postern.conf)\n"
	"  --check         check the configuration and end\n"
	"  --no-parent     do not be its own parent: end when a core role fails (a service manager "
	"restarts)\n"
	"  --layers MASK   apply only these layers of the sandbox: for measurements\n"
	"  --version       print the version\n"
	"  --help          print this text\n"
	"\n"
	"examples:\n"
	"  posternd --config /etc/postern/postern.conf --check\n"
	"  posternd --config run/postern.conf\n";

static void parse_arguments(struct settings *s, int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
						 { "check", no_argument, NULL, 'k' },
						 { "no-parent", no_argument, NULL, 'p' },
						 { "layers", required_argument, NULL, 'l' },
						 { "version", no_argument, NULL, 'v' },
						 { "help", no_argument, NULL, 'h' },
						 { NULL, 0, NULL, 0 } };
	uint64_t layers = SANDBOX_ALL;
	int c;

	*s = (struct settings){ .config_file = "/etc/postern/postern.conf" };
	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (c == 'c')
			s->config_file = optarg;
		else if (c == 'k')
			s->check_only = true;
		else if (c == 'p')
			s->no_parent = true;
		else if (c == 'l' && text_parse_u64(text_from_cstr(optarg), SANDBOX_ALL, &layers))
			continue;
		else if (c == 'v')
			exit(printf("posternd %s\n", POSTERN_VERSION) < 0);
		else if (c == 'h')
			exit(fputs(usage, stdout) < 0);
		else
			exit(fputs(usage, stderr) < 0 ? EX_IOERR : EX_USAGE);
	}
	if (optind != argc)
		exit(fputs(usage, stderr) < 0 ? EX_IOERR : EX_USAGE);
	s->layers = (uint32_t)layers;
}

static void read_conf(struct gateway *g, struct conf *fallback)
{
	struct buf errors;

	buf_init(&errors, CONF_MAX_ERROR_TEXT);
	g->conf = places_read_conf(&g->settings, &errors);
	if (!g->conf && fputs(buf_cstr(&errors), stderr) >= 0 && !fallback)
		exit(EX_CONFIG);
	buf_done(&errors);
	if (g->conf)
		return;
	log_error("the configuration is wrong now; going on with the one of the start");
	g->conf = fallback;
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct gateway *g = arg;

	(void)what;
	if (number == SIGHUP) {
		control_reload(g, "signal=HUP");
		return;
	}
	log_info("stopping");
	members_stop_all(g);
}

static void watch_signals(struct gateway *g)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		struct event *e = evsignal_new(g->self.loop, numbers[i], on_signal, g);
		ASSERT(e && event_add(e, NULL) == 0);
	}
	signal(SIGPIPE, SIG_IGN);
}

void posternd_join_audit(struct gateway *g, int fd)
{
	audit_client_connect(&g->self, fd);
}

static void enter_sandbox(struct gateway *g)
{
	const struct sandbox_profile *profile = sandbox_find_profile("posternd");
	struct sandbox_options options = { .layers = g->settings.layers & ~(uint32_t)SANDBOX_ROOT,
					   .root_fd = -1 };

	places_drop_root(&g->places, g->conf);
	if (!g->settings.no_parent && !getenv("NOTIFY_SOCKET"))
		prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0); /* again: the change of user has cleared it */
	sandbox_enter(profile, &options);
	sandbox_seal(profile, &options);
}

static int serve(struct gateway *g)
{
	g->self.loop = event_base_new();
	ASSERT(g->self.loop != NULL);
	journal_init(g);
	watch_signals(g);
	members_start_starters(g);
	control_init(g);
	enter_sandbox(g);
	members_start_all(g);
	event_base_dispatch(g->self.loop);
	journal_flush(g);
	return g->exit_status;
}

int main(int argc, char **argv)
{
	struct gateway *g = &gateway;
	struct conf *first;

	parse_arguments(&g->settings, argc, argv);
	read_conf(g, NULL);
	if (g->settings.check_only) {
		printf("%s: correct\n", g->settings.config_file);
		return EX_OK;
	}
	preflight_check(g->conf, g->settings.layers);
	sockets_bind(&g->places, g->conf);
	first = g->conf;
	if (!g->settings.no_parent && !getenv("NOTIFY_SOCKET")) {
		parent_run(first);
		read_conf(g, first);
	}
	places_open(&g->places, &g->settings, g->conf);
	return serve(g);
}
