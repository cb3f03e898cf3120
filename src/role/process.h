/* SPDX-License-Identifier: Apache-2.0
 *
 * process - the manifest: which processes there are, who talks with whom, who is given what.
 *
 * Read by posternd (what to hand out), by the skeletons (what to accept) and by the drill (what to
 * compare with).
 */
#ifndef ROLE_PROCESS_H
#define ROLE_PROCESS_H

#include "base/role_id.h"
#include "ipc/codec.h"
#include "ipc/posternd_role.h"

enum process_id {
#define PROCESS(name, text, owner, profile, room, user) PROCESS_##name,
#include "role/process.def"
	PROCESS_COUNT
};

struct process {
	const char *name;         /* also of its program: "postern-queue"; a zygote runs its owner's */
	enum role_id owner;       /* itself, or the role whose rooms a zygote forks */
	const char *profile;      /* sandbox/profiles.c */
	const char *room_profile; /* NULL: not a zygote */
	unsigned user;
};

struct process_peers {
	enum role_id a, b; /* a is side 0 */
	const struct ipc_edge *edge;
};

const struct process *process_of(enum process_id id);
enum process_id process_of_role(enum role_id role);
bool process_is_zygote(enum process_id id);
bool process_may_have(enum process_id id, enum posternd_role_thing thing);
/* NULL behind the last. */
const struct process_peers *process_peers_at(size_t index);
/* The edge between two roles and the side of the first; NULL when they do not talk. */
const struct ipc_edge *process_find_edge(enum role_id self, enum role_id peer, unsigned *ret_side);

#endif
