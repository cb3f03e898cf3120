/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of process.def.
 */
#include "role/process.h"

#include "ipc/client_resolver.h"
#include "ipc/policy_queue.h"
#include "ipc/queue_deliver.h"
#include "ipc/queue_keyring.h"
#include "ipc/queue_report.h"
#include "ipc/queue_scan.h"
#include "ipc/receive_keyring.h"
#include "ipc/receive_policy.h"
#include "ipc/role_audit.h"
#include "ipc/scan_resolver.h"

static const struct process processes[] = {
#define PROCESS(name, text, owner, profile, room, user)                                                      \
	[PROCESS_##name] = { text, ROLE_##owner, profile, room, user },
#include "role/process.def"
};

static const struct process_peers peers[] = {
#define PEERS(a, b, edge) { ROLE_##a, ROLE_##b, &edge##_edge },
#include "role/process.def"
};

static const struct {
	enum process_id process;
	enum posternd_role_thing thing;
} has[] = {
#define HAS(process, thing) { PROCESS_##process, POSTERND_ROLE_THING_##thing },
#include "role/process.def"
};

const struct process *process_of(enum process_id id)
{
	return &processes[id];
}

bool process_is_zygote(enum process_id id)
{
	return processes[id].room_profile != NULL;
}

enum process_id process_of_role(enum role_id role)
{
	for (enum process_id id = 0; id < PROCESS_COUNT; id++)
		if (!process_is_zygote(id) && processes[id].owner == role)
			return id;
	return PROCESS_COUNT;
}

bool process_may_have(enum process_id id, enum posternd_role_thing thing)
{
	if (thing == POSTERND_ROLE_THING_EMPTY)
		return true;
	for (size_t i = 0; i < sizeof has / sizeof *has; i++)
		if (has[i].process == id && has[i].thing == thing)
			return true;
	return false;
}

const struct process_peers *process_peers_at(size_t index)
{
	return index < sizeof peers / sizeof *peers ? &peers[index] : NULL;
}

const struct ipc_edge *process_find_edge(enum role_id self, enum role_id peer, unsigned *ret_side)
{
	const struct process_peers *p;

	for (size_t i = 0; (p = process_peers_at(i)); i++) {
		if ((p->a == self && p->b == peer) || (p->a == peer && p->b == self)) {
			*ret_side = p->a == self ? 0 : 1;
			return p->edge;
		}
	}
	return NULL;
}
