/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes the drill's orders (drill.h). Called by standing.c and zygote.c when posternd's first words
 * ended with `go_drill`. Trusts the drill, which has the place of posternd. Invariants: every order is
 * answered by one `drilled`; a step runs in a child that ends within STEP_SECONDS.
 */
#include "role/drill.h"

#include "base/ensure.h"
#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define STEP_SECONDS 5

void drill_read_order(const struct posternd_role_drill *m, struct steps_order *ret_order)
{
	*ret_order = (struct steps_order){
		.step = m->step,
		.argument = m->argument,
		.tcp_port = m->tcp_port,
		.listed_port = m->listed_port,
		.udp_port = m->udp_port,
		.victim = (pid_t)m->victim,
		.secret = m->secret,
		.other = (pid_t)m->other,
		.uid = m->uid,
	};
	snprintf(ret_order->dir, sizeof ret_order->dir, "%.*s", TEXT_ARGS(m->dir));
}

static void answer(struct link *posternd, uint32_t step, int status)
{
	struct posternd_role_drilled drilled = { step, status };

	if (link_send(posternd, POSTERND_ROLE_DRILLED, &drilled, NULL, 0, LINK_FOREVER))
		exit(EX_OK);
}

void drill_keep_order(struct link *posternd, const struct posternd_role_drill *m,
		      struct steps_order *ret_order)
{
	drill_read_order(m, ret_order);
	answer(posternd, m->step, 0);
}

/* The filter is compiled once; it is loaded as a room's is. */
static int run_step(const struct steps_order *order, const struct sandbox_profile *profile,
		    const struct sandbox_filter *filter, const struct sandbox_options *options)
{
	pid_t pid = fork();
	int status = 0;

	ASSERT(pid >= 0);
	if (pid == 0) {
		alarm(STEP_SECONDS);
		sandbox_seal_room(profile, filter, options);
		_exit(steps_run(order));
	}
	while (waitpid(pid, &status, 0) < 0)
		ASSERT(errno == EINTR);
	return status;
}

void drill_serve(struct boot *b, const struct sandbox_profile *profile, const struct sandbox_options *options,
		 uint32_t achieved)
{
	struct posternd_role_ready ready = { achieved };
	struct sandbox_filter filter;
	struct steps_order order;
	struct link_in in;

	sandbox_compile(profile, &filter);
	link_in_init(&in, &posternd_role_edge);
	if (link_send(&b->posternd, POSTERND_ROLE_READY, &ready, NULL, 0, LINK_FOREVER))
		exit(EX_OK);
	for (;;) {
		enum error e = link_receive(&b->posternd, &in, LINK_FOREVER);
		if (e == ERROR_CLOSED)
			exit(EX_OK);
		if (e)
			log_fatal(EX_PROTOCOL, "the drill's orders: %s", error_text(e));
		if (in.type != POSTERND_ROLE_DRILL)
			break;
		drill_read_order(link_body(&in), &order);
		answer(&b->posternd, order.step, run_step(&order, profile, &filter, options));
	}
	link_in_done(&in);
	free(filter.instructions);
}
