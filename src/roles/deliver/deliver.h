/* SPDX-License-Identifier: Apache-2.0
 *
 * deliver - connections to next servers, and the rooms that speak over them.
 *
 * The standing part takes jobs from queue: find the servers of a route, connect to one, fork a room
 * over the socket. It never reads from a server. A delivery room has
 *
 *	descriptor 3  the connected socket, or the directory of a domain's Maildirs
 *	           4  queue (edge queue_delivery), handed through from the job
 *	           5  deliver (edge deliver_room): `begin`, read first
 *
 * A room that has not asked queue for a message yet may end with one of these, and the job goes on:
 */
#ifndef ROLES_DELIVER_DELIVER_H
#define ROLES_DELIVER_DELIVER_H

#include "base/table.h"
#include "ipc/deliver_room.h"
#include "ipc/queue_deliver.h"
#include "role/role.h"
#include "role/rooms.h"
#include "role/zygote.h"
#include "roles/deliver/lookup.h"
#include "roles/deliver/route.h"

#define DELIVER_TRY_NEXT     75 /* the server turned us away: try another address */
#define DELIVER_NO_TLS       76 /* the handshake failed: try this address again in clear */
#define DELIVER_ROOM_DIR     ROOM_FD
#define DELIVER_ROOM_QUEUE   (ROOM_FD + 1)
#define DELIVER_ROOM_CONTROL (ROOM_FD + 2)

extern const struct zygote_definition delivery_zygote, maildir_zygote;

struct maildir_root {
	uint64_t domain; /* its id */
	int fd;
};

struct deliver {
	struct role *role;
	struct peer *queue;
	struct lookups *lookups;
	struct rooms *rooms, *maildir_rooms;
	struct table jobs; /* by ticket */
	uint64_t last_ticket;
	struct maildir_root *maildirs;
	size_t n_maildirs;
	struct addr *own; /* addresses of this machine */
	size_t n_own, next_source;
	bool is_leaving; /* a fresh process comes when the jobs are done */
	uint64_t n_connected, n_failed, n_crashed;
};

/* job.c: one job from queue, to its end. Takes the room's channel. */
void job_start(struct deliver *d, const struct queue_deliver_job *m, int room_fd);
void job_room_ended(struct deliver *d, uint64_t ticket, enum rooms_end end, int status);
/* Queue wants it no more: it ends without a `failed`, or with `ended` when it has a room. */
void job_cancel(struct deliver *d, uint64_t number);
void job_cancel_all(struct deliver *d); /* the queue that gave them is gone */

#endif
