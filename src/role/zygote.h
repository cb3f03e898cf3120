/* SPDX-License-Identifier: Apache-2.0
 *
 * zygote - the process that rooms are forked from, and what a room is.
 *
 * A zygote is small and stateless: it reads nobody's bytes, holds no secret, and does three things:
 * fork, hand over descriptors, report ends. A room is a function that blocks, with a deadline on every
 * read and write, and returns an exit status. Its descriptors are 3, 4, ... in the order of the spawn;
 * 0, 1 and 2 are /dev/null.
 */
#ifndef ROLE_ZYGOTE_H
#define ROLE_ZYGOTE_H

#include "conf/conf.h"
#include "role/process.h"

#define ROOM_FD 3 /* the first of a room's descriptors */

struct zygote {
	const struct zygote_definition *definition;
	const struct conf *conf;
	void *self; /* what `open` made, shared by all rooms as their own copies */
};

struct zygote_definition {
	enum process_id kind;
	size_t n_fds; /* of a room's spawn: 1 to 3 */
	/* Before the sandbox: load what rooms need (an SSL_CTX), so that they need no file. May be NULL. */
	void (*open)(struct zygote *z);
	/* Public bytes from the role, before the rooms that need them. May be NULL. */
	void (*material)(struct zygote *z, unsigned kind, struct text data);
	/* Limits of a room from the configuration; 0 keeps the profile's. May be NULL. */
	void (*limits)(const struct conf *conf, uint64_t *ret_memory, uint64_t *ret_cpu_seconds);
	/* The room: in the forked child, sandboxed. Returns the exit status, 0 for an ordinary end. */
	int (*room)(struct zygote *z);
};

/* The main of a zygote; called by role_main. Returns the exit status. */
int zygote_main(const struct zygote_definition *definition, const char *achieved);

#endif
