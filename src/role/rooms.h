/* SPDX-License-Identifier: Apache-2.0
 *
 * rooms - a role's side of its zygotes: ask for a room, hear of its end.
 *
 * Hides that zygotes come and go: each is re-executed after a crash of any of its rooms and every
 * `rooms.refresh`; rooms of an older one live on until they end. Spawns wait, bounded, while there is
 * no zygote. A ticket is the role's own number for a room and is unique while the room lives.
 */
#ifndef ROLE_ROOMS_H
#define ROLE_ROOMS_H

#include "role/role.h"

struct rooms;

enum rooms_end {
	ROOMS_FINISHED, /* exit status 0 */
	ROOMS_FAILED,   /* another exit status: the room's own words for an ordinary failure */
	ROOMS_CRASHED,  /* a signal: SIGSYS, SIGSEGV, SIGABRT, SIGXCPU ... */
	ROOMS_KILLED,   /* by rooms_kill */
	ROOMS_LOST,     /* never started, or its zygote went away */
};

typedef void rooms_ended_function(void *owner, uint64_t ticket, enum rooms_end end, int status);

struct rooms *rooms_new(struct role *r, enum process_id kind, size_t max_rooms, rooms_ended_function *ended,
			void *owner);
/* From role_definition.zygote. Takes the descriptor. */
void rooms_add_zygote(struct rooms *rooms, int fd);
/* Public bytes for every room of every later zygote, and of this one. Replaces the kind's earlier
 * bytes and, when there were some, asks for a fresh zygote. */
void rooms_set_material(struct rooms *rooms, unsigned kind, struct text data);
/* ERROR_TOO_MANY above max_rooms. The descriptors stay the caller's. */
enum error rooms_spawn(struct rooms *rooms, uint64_t ticket, const int *fds, size_t n_fds);
void rooms_kill(struct rooms *rooms, uint64_t ticket);
size_t rooms_count(const struct rooms *rooms);

#endif
