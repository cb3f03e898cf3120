/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiles the rows of calls.c that belong to a profile into a BPF program with libseccomp. Called by
 * sandbox_seal and, once per zygote, for its rooms. Trusts the tables only.
 *
 * Invariants: a profile's default action is to end the process, also for calls of another architecture
 * (x32, i386). Filters add up, and the strictest answer holds: so a room's own filter only takes away
 * what its zygote may do and a room may not, and costs a tenth of a whole one to load.
 */
#include "sandbox/filter.h"

#include "base/ensure.h"
#include "sandbox/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef SANDBOX_REPORT
#define DENIED SCMP_ACT_LOG /* sanitizers make calls of their own; the kernel log tells which */
#else
#define DENIED SCMP_ACT_KILL_PROCESS
#endif

#define FILTER_MAX  65536 /* bytes of a compiled filter */
#define SOCKET_TYPE 0xf   /* the rest of the argument is flags */

/* One allowed value of one argument. */
static void allow_value(scmp_filter_ctx ctx, int number, unsigned argument, uint64_t value)
{
	ASSERT(seccomp_rule_add(ctx, SCMP_ACT_ALLOW, number, 1, SCMP_CMP64(argument, SCMP_CMP_EQ, value)) ==
	       0);
}

static void allow_values(scmp_filter_ctx ctx, int number, unsigned argument, const uint64_t *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		allow_value(ctx, number, argument, values[i]);
}

static void allow_masked(scmp_filter_ctx ctx, int number, unsigned argument, uint64_t mask, uint64_t value)
{
	ASSERT(seccomp_rule_add(ctx, SCMP_ACT_ALLOW, number, 1,
				SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, mask, value)) == 0);
}

/* A socket of IPv4 or IPv6 of this type, with the protocol that the type implies. */
static void allow_socket(scmp_filter_ctx ctx, int nr, uint64_t type, uint64_t protocol)
{
	static const uint64_t families[] = { AF_INET, AF_INET6 };
	const uint64_t protocols[] = { 0, protocol };

	for (size_t i = 0; i < 4; i++)
		ASSERT(seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 3, SCMP_A0_64(SCMP_CMP_EQ, families[i / 2]),
					SCMP_A1_64(SCMP_CMP_MASKED_EQ, SOCKET_TYPE, type),
					SCMP_A2_64(SCMP_CMP_EQ, protocols[i % 2])) == 0);
}

static void allow_pair(scmp_filter_ctx ctx, int nr)
{
	static const uint64_t types[] = { SOCK_STREAM, SOCK_SEQPACKET };

	for (size_t i = 0; i < 2; i++)
		ASSERT(seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 2, SCMP_A0_64(SCMP_CMP_EQ, AF_UNIX),
					SCMP_A1_64(SCMP_CMP_MASKED_EQ, SOCKET_TYPE, types[i])) == 0);
}

/* Told politely: libunbound tries it and goes on with connect. */
static void allow_unless_fast_open(scmp_filter_ctx ctx, int nr, unsigned argument)
{
	allow_masked(ctx, nr, argument, MSG_FASTOPEN, 0);
	ASSERT(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EOPNOTSUPP), nr, 1,
				SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, MSG_FASTOPEN)) == 0);
}

static unsigned mode_argument(int nr)
{
	return nr == SCMP_SYS(openat) ? 3 : nr == SCMP_SYS(open) ? 2 : 1;
}

static void add_call(scmp_filter_ctx ctx, int nr, enum sandbox_condition condition)
{
	static const uint64_t commands[] = { F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC };
	static const uint64_t locks[] = { F_GETLK, F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_GETLK };
	static const uint64_t seals[] = { F_ADD_SEALS, F_GET_SEALS };
	static const uint64_t controls[] = { PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_SET_PDEATHSIG };

	switch (condition) {
	case SANDBOX_IF_ANY:
		ASSERT(seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0) == 0);
		return;
	case SANDBOX_IF_NOT_EXEC:
		allow_masked(ctx, nr, 2, PROT_EXEC, 0);
		return;
	case SANDBOX_IF_FORK:
		allow_masked(ctx, nr, 0, ~(uint64_t)(CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID), SIGCHLD);
		return;
	case SANDBOX_IF_UNIX:
		allow_pair(ctx, nr);
		return;
	case SANDBOX_IF_STREAM:
		allow_socket(ctx, nr, SOCK_STREAM, IPPROTO_TCP);
		return;
	case SANDBOX_IF_DATAGRAM:
		allow_socket(ctx, nr, SOCK_DGRAM, IPPROTO_UDP);
		return;
	case SANDBOX_IF_NO_FAST_OPEN:
		allow_unless_fast_open(ctx, nr, nr == SCMP_SYS(sendmsg) ? 2 : 3);
		return;
	case SANDBOX_IF_MODE:
		allow_masked(ctx, nr, mode_argument(nr), 07111, 0);
		return;
	case SANDBOX_IF_SELF:
		allow_value(ctx, nr, 0, 0);
		return;
	case SANDBOX_IF_FCNTL:
		allow_values(ctx, nr, 1, commands, sizeof commands / sizeof *commands);
		return;
	case SANDBOX_IF_LOCK:
		allow_values(ctx, nr, 1, locks, sizeof locks / sizeof *locks);
		return;
	case SANDBOX_IF_SEAL:
		allow_values(ctx, nr, 1, seals, sizeof seals / sizeof *seals);
		return;
	case SANDBOX_IF_PRCTL:
		allow_values(ctx, nr, 0, controls, sizeof controls / sizeof *controls);
		return;
	case SANDBOX_FAILS_ENOSYS:
		ASSERT(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), nr, 0) == 0);
		return;
	}
}

/* An errno row gives way to an allow row of another group of the same profile. */
static bool is_allowed_elsewhere(const struct sandbox_call *call, unsigned groups)
{
	if (call->condition != SANDBOX_FAILS_ENOSYS)
		return false;
	for (size_t i = 0; i < sandbox_n_calls; i++)
		if (sandbox_calls[i].number == call->number && (sandbox_calls[i].group & groups) &&
		    sandbox_calls[i].condition != SANDBOX_FAILS_ENOSYS)
			return true;
	return false;
}

/* Through a pipe, which no limit of file sizes concerns; FILTER_MAX fits into one. */
static void export_filter(scmp_filter_ctx ctx, struct sandbox_filter *ret_filter)
{
	int fds[2];
	ssize_t size;

	ASSERT(pipe2(fds, O_CLOEXEC) == 0);
	ASSERT(fcntl(fds[1], F_SETPIPE_SZ, FILTER_MAX) >= FILTER_MAX);
	ASSERT(seccomp_export_bpf(ctx, fds[1]) == 0);
	close(fds[1]);
	ret_filter->instructions = mem_alloc(FILTER_MAX);
	size = read(fds[0], ret_filter->instructions, FILTER_MAX);
	ASSERT(size > 0 && size < FILTER_MAX);
	close(fds[0]);
	ret_filter->n = (unsigned short)((size_t)size / sizeof(struct sock_filter));
}

static scmp_filter_ctx begin(uint32_t otherwise)
{
	scmp_filter_ctx ctx = seccomp_init(otherwise);

	ASSERT(ctx != NULL);
	ASSERT(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0);
	/* A tree instead of a list: the kernel walks it once per call number when it is loaded. */
	ASSERT(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0);
	return ctx;
}

static void end(scmp_filter_ctx ctx, struct sandbox_filter *ret_filter)
{
	export_filter(ctx, ret_filter);
	seccomp_release(ctx);
}

void sandbox_compile(const struct sandbox_profile *profile, struct sandbox_filter *ret_filter)
{
	scmp_filter_ctx ctx = begin(DENIED);

	for (unsigned i = 0; i < sandbox_n_calls; i++) {
		const struct sandbox_call *call = &sandbox_calls[i];
		bool is_loose = sandbox_is_mutated(SANDBOX_WITHOUT_CONDITION, i);
		if ((call->group & profile->calls) && !is_allowed_elsewhere(call, profile->calls) &&
		    !sandbox_is_mutated(SANDBOX_WITHOUT_CALL, i))
			add_call(ctx, call->number, is_loose ? SANDBOX_IF_ANY : call->condition);
	}
	end(ctx, ret_filter);
}

static bool has_number(unsigned groups, int number)
{
	for (size_t i = 0; i < sandbox_n_calls; i++)
		if (sandbox_calls[i].number == number && (sandbox_calls[i].group & groups))
			return true;
	return false;
}

void sandbox_compile_room(const struct sandbox_profile *zygote, const struct sandbox_profile *room,
			  struct sandbox_filter *ret_filter)
{
	scmp_filter_ctx ctx = begin(SCMP_ACT_ALLOW);
	unsigned lost = zygote->calls & ~room->calls;

	ASSERT((room->calls & ~zygote->calls) == 0);
	for (unsigned i = 0; i < sandbox_n_calls; i++) {
		const struct sandbox_call *call = &sandbox_calls[i];
		if (!(call->group & lost))
			continue;
		/* With a number in both, the room's conditions would be lost here. */
		ASSERT(!has_number(room->calls, call->number));
		if (!sandbox_is_mutated(SANDBOX_WITHOUT_DENIAL, i))
			ASSERT(seccomp_rule_add(ctx, DENIED, call->number, 0) == 0);
	}
	end(ctx, ret_filter);
}

void sandbox_load_filter(const struct sandbox_filter *filter, bool all_threads)
{
	struct sock_fprog program = { filter->n, filter->instructions };

	/* seccomp(2) by number: the C library has no wrapper. 1: SET_MODE_FILTER, flag 1: TSYNC. */
	ASSERT(syscall(SCMP_SYS(seccomp), 1, all_threads ? 1 : 0, &program) == 0);
}
