/* SPDX-License-Identifier: Apache-2.0
 *
 * The stage of the hostile room: starts one process as in service and holds the other ends of its
 * channels. Called by hostile.c and hostile_queue.c. Trusts the process under test with nothing: every wait
 * has a deadline.
 */
#include "drill/hostile.h"

#include "base/clock.h"
#include "base/ensure.h"
#include "ipc/client_resolver.h"
#include "ipc/policy_session.h"
#include "ipc/queue_authenticate.h"
#include "ipc/queue_delivery.h"
#include "ipc/queue_judge.h"
#include "ipc/queue_keyring.h"
#include "ipc/receive_keyring.h"
#include "ipc/session_queue.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

int64_t hostile_soon(void)
{
	return clock_mono_ms() + HOSTILE_WAIT_MS;
}

bool hostile_open_stage(struct gateway *g, enum role_id role, struct stage *st)
{
	enum role_id peers[ROLE_COUNT];
	int fds[ROLE_COUNT];
	size_t n = 0;

	*st = (struct stage){ 0 };
	for (enum role_id other = 0; other < ROLE_COUNT; other++) {
		unsigned side;
		const struct ipc_edge *edge = process_find_edge(role, other, &side);
		int pair[2];
		st->ends[other].fd = -1;
		if (!edge || other == ROLE_POSTERND)
			continue;
		ASSERT(link_make_pair(edge, pair) == ERROR_NONE);
		st->ends[other] = link_of(pair[1], edge, !side);
		peers[n] = other;
		fds[n++] = pair[0];
	}
	link_in_init(&st->in, &session_queue_edge);
	link_in_fit(&st->in, &policy_session_edge);
	link_in_fit(&st->in, &queue_judge_edge);
	link_in_fit(&st->in, &queue_authenticate_edge);
	link_in_fit(&st->in, &client_resolver_edge);
	link_in_fit(&st->in, &queue_delivery_edge);
	link_in_fit(&st->in, &receive_keyring_edge);
	link_in_fit(&st->in, &queue_keyring_edge);
	return subject_serve(g, role, peers, fds, n, &st->run);
}

void hostile_close_stage(struct stage *st)
{
	for (enum role_id other = 0; other < ROLE_COUNT; other++)
		if (st->ends[other].fd >= 0)
			link_close(&st->ends[other]);
	link_in_done(&st->in);
	subject_end(&st->run);
}

/* The next message of this type on this channel; others are passed over. */
bool hostile_await(struct stage *st, struct link *l, unsigned type)
{
	int64_t until = hostile_soon();

	while (link_receive(l, &st->in, until) == ERROR_NONE) {
		if (st->in.type == type)
			return true;
		link_in_close_fds(&st->in);
	}
	return false;
}

/* Has the process ended this channel, without having said anything on it? */
bool hostile_is_ended(struct stage *st, struct link *l)
{
	return link_receive(l, &st->in, hostile_soon()) == ERROR_CLOSED;
}

/* Whatever still came: is the channel over behind it? */
bool hostile_is_at_end(struct link *room)
{
	struct pollfd fd = { room->fd, POLLIN, 0 };
	char bytes[4096];

	while (poll(&fd, 1, HOSTILE_WAIT_MS) == 1)
		if (recv(room->fd, bytes, sizeof bytes, MSG_DONTWAIT) <= 0)
			return true;
	return false;
}

/* Bytes that no encoder made. */
void hostile_send_raw(struct link *l, const void *bytes, size_t n)
{
	(void)!send(l->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void hostile_send_ok(struct link *l, unsigned type, const void *body)
{
	ASSERT(!link_send(l, type, body, NULL, 0, hostile_soon()));
}

/* As if our side were the other one, or the state another: what a room's own encoder would not send. */
void hostile_send_untimely(struct link *l, unsigned type, const void *body)
{
	char packet[512];
	struct wire_writer w = wire_writer_of((uint8_t *)packet, sizeof packet);

	ipc_encode(l->edge, type, body, &w);
	hostile_send_raw(l, packet, ipc_size(l->edge, type, body));
}

void hostile_finish(struct report *r, const char *group, const char *what, bool is_refused, bool still_serves)
{
	report_check(r, group, what, is_refused && still_serves,
		     is_refused ? still_serves ? "refused, sender ended" : "refused, but it serves no more"
				: "not refused");
}
