/* SPDX-License-Identifier: Apache-2.0
 *
 * One row per role, zygote and kind of room. What a process may do is its row here, its groups in
 * calls.c and its row in role/process.def (peers and resources); nothing else. A room's row lists
 * less than its zygote's, since both filters hold.
 */
#include "sandbox/sandbox.h"

#include <string.h>

#define MB (1ull << 20)

#define ZYGOTE_CALLS (SANDBOX_CALLS_BASE | SANDBOX_CALLS_FORK | SANDBOX_CALLS_MAP_FILE)

static const struct sandbox_profile profiles[] = {
	/* name, own_network, root, calls, n_files, may_write_files, may_fork, memory, cpu_seconds */
	{ "posternd", false, SANDBOX_ROOT_WHOLE,
	  SANDBOX_CALLS_BASE | SANDBOX_CALLS_LOOP | SANDBOX_CALLS_CHANNELS | SANDBOX_CALLS_MEMFD |
		  SANDBOX_CALLS_SUPERVISE,
	  0, true, false, 0, 0 },
	{ "audit", true, SANDBOX_ROOT_STATE, SANDBOX_CALLS_BASE | SANDBOX_CALLS_LOOP | SANDBOX_CALLS_FILES,
	  64, true, false, 256 * MB, 0 },
	{ "keyring", true, SANDBOX_ROOT_STATE, SANDBOX_CALLS_BASE | SANDBOX_CALLS_LOOP | SANDBOX_CALLS_FILES,
	  0, true, false, 256 * MB, 0 },
	{ "resolver", false, SANDBOX_ROOT_STATE,
	  SANDBOX_CALLS_BASE | SANDBOX_CALLS_LOOP | SANDBOX_CALLS_CONNECT | SANDBOX_CALLS_RESOLVER, 0, false,
	  false, 1536 * MB, 0 }, /* CONF_RESOLVER_MEMORY */
	{ "judge-resolver", false, SANDBOX_ROOT_EMPTY,
	  SANDBOX_CALLS_BASE | SANDBOX_CALLS_LOOP | SANDBOX_CALLS_CONNECT | SANDBOX_CALLS_RESOLVER, 0, false,
	  false, 1536 * MB, 0 }, /* CONF_RESOLVER_MEMORY */
	{ "report", true, SANDBOX_ROOT_STATE,
	  SANDBOX_CALLS_BASE | SANDBOX_CALLS_LOOP | SANDBOX_CALLS_FILES | SANDBOX_CALLS_DATABASE, 32, true,
	  false, 512 * MB, 0 },
	{ "scan", true, SANDBOX_ROOT_EMPTY, SANDBOX_CALLS_BASE | SANDBOX_CALLS_LOOP | SANDBOX_CALLS_CHANNELS,
	  0, false, false, 256 * MB, 0 },
	{ "deliver", false, SANDBOX_ROOT_EMPTY,
	  SANDBOX_CALLS_BASE | SANDBOX_CALLS_LOOP | SANDBOX_CALLS_CHANNELS | SANDBOX_CALLS_CONNECT, 0, false,
	  false, 512 * MB, 0 },
	{ "queue", true, SANDBOX_ROOT_STATE,
	  SANDBOX_CALLS_BASE | SANDBOX_CALLS_LOOP | SANDBOX_CALLS_CHANNELS | SANDBOX_CALLS_FILES |
		  SANDBOX_CALLS_DATABASE,
	  0, true, false, 0, 0 },
	{ "policy", true, SANDBOX_ROOT_STATE,
	  SANDBOX_CALLS_BASE | SANDBOX_CALLS_LOOP | SANDBOX_CALLS_CHANNELS, 0, false, false, 1024 * MB, 0 },
	{ "receive", true, SANDBOX_ROOT_EMPTY,
	  SANDBOX_CALLS_BASE | SANDBOX_CALLS_LOOP | SANDBOX_CALLS_CHANNELS | SANDBOX_CALLS_ACCEPT, 0, false,
	  false, 512 * MB, 0 },

	{ "session zygote", true, SANDBOX_ROOT_EMPTY, ZYGOTE_CALLS, 0, false, true, 0, 0 },
	{ "message zygote", true, SANDBOX_ROOT_EMPTY, ZYGOTE_CALLS, 0, false, true, 0, 0 },
	{ "compose zygote", true, SANDBOX_ROOT_EMPTY, ZYGOTE_CALLS, 0, false, true, 0, 0 },
	{ "authentication zygote", true, SANDBOX_ROOT_EMPTY, ZYGOTE_CALLS, 0, false, true, 0, 0 },
	{ "delivery zygote", true, SANDBOX_ROOT_EMPTY, ZYGOTE_CALLS, 0, false, true, 0, 0 },
	{ "maildir zygote", true, SANDBOX_ROOT_EMPTY, ZYGOTE_CALLS | SANDBOX_CALLS_FILES, 0, true, true, 0,
	  0 },

	/* Descriptors of a room: its own, 2 for the log, and room to be passed one. */
	{ "session room", true, SANDBOX_ROOT_EMPTY, SANDBOX_CALLS_BASE, 8, false, false, 256 * MB, 600 },
	{ "message room", true, SANDBOX_ROOT_EMPTY, SANDBOX_CALLS_BASE | SANDBOX_CALLS_MAP_FILE, 6, false,
	  false, 512 * MB, 60 },
	{ "compose room", true, SANDBOX_ROOT_EMPTY, SANDBOX_CALLS_BASE | SANDBOX_CALLS_MAP_FILE, 6, false,
	  false, 256 * MB, 30 },
	{ "authentication room", true, SANDBOX_ROOT_EMPTY, SANDBOX_CALLS_BASE | SANDBOX_CALLS_MAP_FILE, 7,
	  false, false, 512 * MB, 60 },
	{ "delivery room", true, SANDBOX_ROOT_EMPTY, SANDBOX_CALLS_BASE | SANDBOX_CALLS_MAP_FILE, 8, false,
	  false, 256 * MB, 600 },
	{ "maildir room", true, SANDBOX_ROOT_EMPTY,
	  SANDBOX_CALLS_BASE | SANDBOX_CALLS_MAP_FILE | SANDBOX_CALLS_FILES, 12, true, false, 256 * MB, 60 },
};

const struct sandbox_profile *sandbox_profile_at(size_t index)
{
	return index < sizeof profiles / sizeof *profiles ? &profiles[index] : NULL;
}

const struct sandbox_profile *sandbox_find_profile(const char *name)
{
	const struct sandbox_profile *p;

	for (size_t i = 0; (p = sandbox_profile_at(i)); i++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}
