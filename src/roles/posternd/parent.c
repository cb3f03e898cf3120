/* SPDX-License-Identifier: Apache-2.0
 *
 * posternd's own parent, where no service manager watches: keeps the listening sockets, so that
 * clients wait in the backlog while a failed posternd is started again, and passes signals on. Called
 * by main.c after the sockets are bound. Reads nothing; is root for as long as the gateway runs if it
 * was started so, because the next posternd needs it.
 */
#include "base/clock.h"
#include "base/log.h"
#include "roles/posternd/posternd.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define CALM_MS 60000 /* a child that lived so long starts the pauses anew */

static volatile sig_atomic_t child_pid, stop_asked;

static void pass_on(int number)
{
	if (number != SIGHUP)
		stop_asked = 1;
	if (child_pid > 0)
		kill(child_pid, number);
}

static void set_handlers(void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static int wait_for_child(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			exit(EX_OSERR);
	child_pid = 0;
	return status;
}

/* What another start would meet again; the same list stands in dist/postern.service.in. */
static bool is_final(int status)
{
	static const int lasting[] = { EX_OK,        EX_USAGE,  EX_NOUSER, EX_UNAVAILABLE,
				       EX_CANTCREAT, EX_NOPERM, EX_CONFIG };

	for (size_t i = 0; i < sizeof lasting / sizeof *lasting; i++)
		if (WIFEXITED(status) && WEXITSTATUS(status) == lasting[i])
			return true;
	return stop_asked;
}

void parent_run(const struct conf *conf)
{
	int64_t delay = conf->top.restart_delay;

	set_handlers(pass_on);
	for (;;) {
		int64_t since = clock_mono_ms();
		pid_t parent = getpid(), pid = fork();
		int status;
		if (pid == 0) {
			set_handlers(SIG_DFL);
			prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
			if (getppid() != parent)
				exit(EX_OK);
			return;
		}
		if (pid < 0)
			log_fatal(EX_OSERR, "cannot start posternd: %s", error_text(error_of_errno(errno)));
		child_pid = pid;
		status = wait_for_child(pid);
		if (is_final(status))
			exit(WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE);
		if (clock_mono_ms() - since > CALM_MS)
			delay = conf->top.restart_delay;
		log_warning("posternd ended (%s %d), starting it again in %lld ms",
			    WIFSIGNALED(status) ? "signal" : "status",
			    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), (long long)delay);
		usleep((useconds_t)delay * 1000);
		delay = delay * 2 < conf->top.restart_delay_max ? delay * 2 : conf->top.restart_delay_max;
	}
}
