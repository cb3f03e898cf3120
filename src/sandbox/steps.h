/* SPDX-License-Identifier: Apache-2.0
 *
 * steps - what attackers of mail gateways did next, one numbered step each, for the containment drill.
 *
 * A step is a few system calls made by number, inside a process that is sandboxed as in service. It is
 * aimed at a decoy that the drill made, never at a real path or process. The same step without any
 * layer is the positive control. steps.def says for each which layers deny it, each alone, and which
 * groups of calls of a profile let it pass.
 *
 * Nothing here is called in service: only from role/drill.c, when posternd's first message says so,
 * which posternd itself never does.
 */
#ifndef SANDBOX_STEPS_H
#define SANDBOX_STEPS_H

#include "sandbox/calls.h"
#include "sandbox/sandbox.h"

#include <sys/types.h>

#define STEPS_INCONCLUSIVE 200 /* exit status: neither allowed nor denied; below it: 0 or an errno */
#define STEPS_DIR_SIZE     80  /* a socket's path must fit behind it */

/* What steps leave in the process's own directory; the drill takes it away. */
#define STEPS_LEFT_FILE   "drill"
#define STEPS_LEFT_DIR    "drill.d"
#define STEPS_LEFT_DEVICE "drill-null"

/* Where the decoys are. */
struct steps_order {
	uint32_t step;
	uint64_t argument;        /* of steps that have many cases */
	char dir[STEPS_DIR_SIZE]; /* absolute */
	uint16_t tcp_port;        /* listens on 127.0.0.1; no configuration names it */
	uint16_t listed_port;     /* likewise; the configuration names it as a next hop */
	uint16_t udp_port;
	pid_t victim;    /* a process of the same user */
	uint64_t secret; /* an address in its memory */
	pid_t other;     /* a process of another user, where there is one */
	uid_t uid;       /* whose files in dir/own are the process's own */
};

enum steps_number {
#define STEP(number, name, ...) STEPS_##name = number,
#include "sandbox/steps.def"
#undef STEP
};

enum steps_flag {
	STEPS_PLAIN = 0,
	STEPS_SINGLE = 1 << 0,      /* one layer is all there is; `note` says why */
	STEPS_IF_FSIZE = 1 << 1,    /* LIMITS denies only where the profile writes no files */
	STEPS_IF_FORK = 1 << 2,     /* LIMITS denies only where the profile does not fork */
	STEPS_IF_FILES = 1 << 3,    /* ... where the profile fixes the number of descriptors */
	STEPS_IF_MEMORY = 1 << 4,   /* ... where the profile bounds memory */
	STEPS_MANY = 1 << 5,        /* has cases, not a row of the matrix */
	STEPS_OWN = 1 << 6,         /* granted to those with a directory: not to a zygote */
	STEPS_HOPS = 1 << 7,        /* granted to deliver, not to resolver */
	STEPS_WITH_DEVICE = 1 << 8, /* wants a device in the own directory; otherwise there is none */
};

struct step {
	unsigned number;
	const char *name;
	const char *text;
	const char *incident;
	uint32_t layers;  /* each of them denies it alone, where the profile and the kernel have it */
	int landlock;     /* the version of Landlock from which that layer does */
	unsigned passes;  /* groups of calls that let it through the filter */
	unsigned granted; /* groups of calls that mean it: allowed is as listed */
	unsigned flags;   /* enum steps_flag */
	const char *note;
	int (*run)(const struct steps_order *o);
};

const struct step *steps_at(size_t index); /* NULL behind the last */
const struct step *steps_find(unsigned number);

/* What a step returns for what a system call returned. */
int steps_result(long r);

/* Tries it and returns 0 (done), the errno, or STEPS_INCONCLUSIVE; may not return at all. */
int steps_run(const struct steps_order *o);

/* How many values steps_UNLISTED knows outside of a condition. Its argument: row of calls.c, and in the upper
 * half which of the values. */
unsigned steps_count_unlisted(enum sandbox_condition condition);

/* A program of a few bytes that ends with status 0; empty where this architecture has none. */
size_t steps_program(const unsigned char **ret_bytes);

#define STEP(number, name, ...) int steps_##name(const struct steps_order *o);
#include "sandbox/steps.def"
#undef STEP

#endif
