/* SPDX-License-Identifier: Apache-2.0
 *
 * sandbox - what a process may do, as a table, and the way in.
 *
 * Every process of Postern but posternd's first moments runs under one row of profiles.c. A process
 * enters in two steps, because Landlock counts only for threads made after it and a role may want a
 * thread of its own:
 *
 *	achieved = sandbox_enter(profile, &options);        root, capabilities, no_new_privs, rlimits,
 *	                                                    MDWE, Landlock
 *	... make threads ...
 *	achieved |= sandbox_seal(profile, &options);        no more processes, system call filter
 *
 * What the starter did before (user, empty network, IPC and UTS namespaces) is measured, not assumed.
 * A zygote seals itself with its own profile and keeps the filter of its rooms ready, compiled, so
 * that a forked room only loads it (sandbox_seal_room).
 *
 * A layer that the kernel lacks is left out and is missing from `achieved`; a layer that exists and
 * fails ends the process. The caller compares with what the configuration demands.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Independent layers. LAYER(NAME, "name") in layers.def. */
enum sandbox_layer_bit {
#define LAYER(name, text) SANDBOX_BIT_##name,
#include "sandbox/layers.def"
#undef LAYER
	SANDBOX_LAYER_COUNT
};

enum sandbox_layer {
#define LAYER(name, text) SANDBOX_##name = 1 << SANDBOX_BIT_##name,
#include "sandbox/layers.def"
#undef LAYER
	SANDBOX_ALL = (1 << SANDBOX_LAYER_COUNT) - 1
};

/* Groups of system calls; the lists stand in calls.c. */
enum sandbox_group {
	SANDBOX_CALLS_BASE = 1 << 0,      /* memory, time, read, write, messages, exit */
	SANDBOX_CALLS_LOOP = 1 << 1,      /* epoll */
	SANDBOX_CALLS_CHANNELS = 1 << 2,  /* socketpair(AF_UNIX) */
	SANDBOX_CALLS_ACCEPT = 1 << 3,    /* accept4 on listeners that were handed over */
	SANDBOX_CALLS_CONNECT = 1 << 4,   /* TCP and UDP sockets outwards */
	SANDBOX_CALLS_FILES = 1 << 5,     /* files below the process's own root */
	SANDBOX_CALLS_DATABASE = 1 << 6,  /* what SQLite needs more than FILES */
	SANDBOX_CALLS_FORK = 1 << 7,      /* a zygote: fork, wait, limits, filter */
	SANDBOX_CALLS_MAP_FILE = 1 << 8,  /* read-only mapping of a descriptor that was handed over */
	SANDBOX_CALLS_SUPERVISE = 1 << 9, /* posternd: descriptors of /proc, kill of nothing */
	SANDBOX_CALLS_RESOLVER = 1 << 10, /* what libunbound needs more than CONNECT */
	SANDBOX_CALLS_MEMFD = 1 << 11,    /* memfd_create and sealing */
};

enum sandbox_root {
	SANDBOX_ROOT_EMPTY, /* an empty directory that nobody can write */
	SANDBOX_ROOT_STATE, /* the role's own state directory */
	SANDBOX_ROOT_WHOLE, /* posternd only: the whole tree, to read, as far as its user may */
};

struct sandbox_profile {
	const char *name; /* "receive", "session zygote", "session room" */
	bool own_network; /* an empty network namespace: no interface, no address */
	enum sandbox_root root;
	unsigned calls;       /* groups */
	unsigned n_files;     /* RLIMIT_NOFILE; 0: the limit that the process was started with */
	bool may_write_files; /* RLIMIT_FSIZE is not 0 */
	bool may_fork;        /* RLIMIT_NPROC is not 0 */
	uint64_t memory;      /* RLIMIT_AS, 0: none */
	uint64_t cpu_seconds; /* RLIMIT_CPU, 0: none */
};

#define SANDBOX_MAX_PORTS 64
#define SANDBOX_MAX_DIRS  64

struct sandbox_options {
	uint32_t layers;                   /* which to apply; SANDBOX_ALL but in the drill */
	int root_fd;                       /* directory that becomes the root; -1: stay */
	uint16_t ports[SANDBOX_MAX_PORTS]; /* TCP ports that may be connected to */
	size_t n_ports;
	int dirs[SANDBOX_MAX_DIRS]; /* directories outside of the root that the process is handed */
	size_t n_dirs;
	unsigned n_files; /* overrides the profile's when not 0 */
	uint64_t memory;  /* likewise */
	uint64_t cpu_seconds;
};

/* One row of profiles.c; NULL when there is no such name. */
const struct sandbox_profile *sandbox_find_profile(const char *name);
const struct sandbox_profile *sandbox_profile_at(size_t index); /* NULL behind the last */

/* Both return the layers achieved by this step; both end the process when an existing layer fails. */
uint32_t sandbox_enter(const struct sandbox_profile *profile, const struct sandbox_options *options);
uint32_t sandbox_seal(const struct sandbox_profile *profile, const struct sandbox_options *options);

/* A compiled filter: struct sock_filter instructions. */
struct sandbox_filter {
	void *instructions;
	unsigned short n;
};

void sandbox_compile(const struct sandbox_profile *profile, struct sandbox_filter *ret_filter);
/* What a room loses of its zygote's calls; holds beside the filter that it inherits. Compiled once, in
 * the zygote before it seals itself. */
void sandbox_compile_room(const struct sandbox_profile *zygote, const struct sandbox_profile *room,
			  struct sandbox_filter *ret_filter);
/* In a forked room: limits and filter, some ten microseconds. */
void sandbox_seal_room(const struct sandbox_profile *profile, const struct sandbox_filter *filter,
		       const struct sandbox_options *options);

/* What the drill leaves out of one run, so that a row of its table must turn red: kind << 16 | index.
 * In service nothing is left out; a build without tests, as it is installed, could not. */
enum sandbox_mutation {
	SANDBOX_WITHOUT_NOTHING,
	SANDBOX_WITHOUT_CALL,       /* index: row of calls.c */
	SANDBOX_WITHOUT_CONDITION,  /* likewise: any arguments */
	SANDBOX_WITHOUT_FILE_RIGHT, /* index: bit of Landlock's file rights that is not handled */
	SANDBOX_WITHOUT_PORT_RIGHT, /* ... of its TCP rights */
	SANDBOX_WITHOUT_SCOPE,      /* ... of its scopes */
	SANDBOX_WITHOUT_LIMIT,      /* index: RLIMIT_... */
	SANDBOX_WITHOUT_BOUNDING,   /* the bounding set of capabilities stays */
	SANDBOX_WITHOUT_UNDUMPABLE, /* memory may be read by the same user */
	SANDBOX_WITHOUT_CLOSING,    /* 0 a room inherits its zygote's descriptors, 1 a starter posternd's, 2 a
				       room may write to the log */
	SANDBOX_WITHOUT_MANIFEST,   /* index: which check of what posternd hands over, see role/boot.c */
	SANDBOX_WITHOUT_DENIAL,     /* index: row of calls.c that a room does not lose */
	SANDBOX_WITHOUT_RULE,       /* Landlock: 0 the own directory, 1 those handed over, 2 ports */
	SANDBOX_WITHOUT_NAMESPACE,  /* 0 network, 1 IPC, 2 UTS */
	SANDBOX_WITHOUT_IDENTITY,   /* 0 groups stay, 1 the group, 2 the user */
	SANDBOX_WITHOUT_CAPSET,     /* capabilities stay */
	SANDBOX_AS_LINUX_6_1,       /* not a fault: only what Debian 12's kernel has */
};

void sandbox_mutate(uint32_t mutation);
bool sandbox_has_mutation(void);
bool sandbox_can_mutate(void);
bool sandbox_is_mutated(enum sandbox_mutation kind, unsigned index);

/* What this kernel has (asked without entering anything). */
int sandbox_landlock_abi(void); /* 0: none */
const char *sandbox_layer_name(unsigned bit);

#endif
