/* SPDX-License-Identifier: Apache-2.0
 *
 * One question for the servers of the root, which every server of the DNS can answer. Called by main.c. What
 * is answered is not read: only whether there was an answer.
 *
 * Invariant: one line when the DNS does not answer, and one when it does again, however often it is asked.
 */
#include "roles/resolver/probe.h"

#include "base/ensure.h"
#include "base/log.h"
#include "role/role.h"

#include <event2/event.h>
#include <unbound-event.h>
#include <unbound.h>

#define TYPE_NS         2
#define CLASS_IN        1
#define FIRST_SECONDS   2 /* behind the noise of the start */
#define BETWEEN_SECONDS 60

static struct {
	struct role *role;
	struct ub_ctx *unbound;
	struct event *timer;
	bool is_asking, is_silent;
} probe;

static void arm(time_t seconds)
{
	struct timeval tv = { seconds, 0 };

	evtimer_add(probe.timer, &tv);
}

static void tell_silence(bool is_bogus)
{
	bool is_forward = probe.role->conf->resolver.mode == CONF_RESOLVER_MODE_FORWARD;

	if (probe.is_silent)
		return;
	probe.is_silent = true;
	if (is_bogus)
		log_warning(
			"the DNS root is not signed by the keys of trust-anchor: names are not found, mail "
			"waits; renew that file, set the clock, or set dnssec no");
	else if (is_forward)
		log_warning("no answer from any forwarder: names are not found, mail waits; check their "
			    "addresses, and that UDP and TCP to their ports may leave");
	else
		log_warning(
			"no answer from the root servers of the DNS: names are not found, mail waits; let "
			"UDP and TCP to port 53 leave, or name servers near by: mode forward and "
			"forwarder ADDRESS in the block resolver");
}

static void on_answer(void *arg, int rcode, void *packet, int packet_n, int security, char *why, int limited)
{
	(void)arg;
	(void)packet;
	(void)packet_n;
	(void)why;
	(void)limited;
	probe.is_asking = false;
	if (rcode != 0 || security == 1) {
		tell_silence(security == 1);
		return;
	}
	if (probe.is_silent)
		log_info("the DNS answers now");
	evtimer_del(probe.timer);
}

/* The time for the answer is over, or it is time to ask again. */
static void on_time(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	arm(BETWEEN_SECONDS);
	if (probe.is_asking) {
		tell_silence(false);
		return;
	}
	probe.is_asking = true;
	if (ub_resolve_event(probe.unbound, ".", TYPE_NS, CLASS_IN, NULL, on_answer, NULL))
		probe.is_asking = false;
	else if (probe.is_asking)
		arm(probe.role->conf->resolver.timeout / 1000 + 1);
}

void probe_start(struct role *r, struct ub_ctx *unbound)
{
	if (r->conf->resolver.mode == CONF_RESOLVER_MODE_STUB)
		return;
	probe.role = r;
	probe.unbound = unbound;
	probe.timer = evtimer_new(r->loop, on_time, NULL);
	ASSERT(probe.timer != NULL);
	arm(FIRST_SECONDS);
}
