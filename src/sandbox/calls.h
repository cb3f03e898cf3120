/* SPDX-License-Identifier: Apache-2.0
 *
 * calls - the system calls of each group of a profile, with conditions on their arguments.
 */
#ifndef SANDBOX_CALLS_H
#define SANDBOX_CALLS_H

#include <stddef.h>

enum sandbox_condition {
	SANDBOX_IF_ANY,      /* any arguments */
	SANDBOX_IF_NOT_EXEC, /* argument 2 (protection) without PROT_EXEC */
	SANDBOX_IF_FORK,     /* argument 0 is what fork gives: SIGCHLD, thread id, nothing shared */
	SANDBOX_IF_UNIX,   /* AF_UNIX, SOCK_STREAM or SOCK_SEQPACKET: a datagram socket could send by path */
	SANDBOX_IF_STREAM, /* a TCP socket of IPv4 or IPv6; not MPTCP, which Landlock does not see */
	SANDBOX_IF_DATAGRAM,     /* a UDP socket of IPv4 or IPv6 */
	SANDBOX_IF_NO_FAST_OPEN, /* without MSG_FASTOPEN, a connect that Landlock does not see; else
				    EOPNOTSUPP */
	SANDBOX_IF_MODE,         /* a file mode without execute and setuid bits */
	SANDBOX_IF_SELF,         /* argument 0 is 0: this process */
	SANDBOX_IF_FCNTL,        /* argument 1 is F_GETFD, F_SETFD, F_GETFL, F_SETFL or F_DUPFD_CLOEXEC */
	SANDBOX_IF_LOCK,         /* argument 1 is a record lock */
	SANDBOX_IF_SEAL,         /* argument 1 is F_ADD_SEALS or F_GET_SEALS */
	SANDBOX_IF_PRCTL,        /* argument 0 is PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP or PR_SET_PDEATHSIG */
	SANDBOX_FAILS_ENOSYS,    /* not allowed, but told politely: the C library has a way around it */
};

struct sandbox_call {
	unsigned group; /* bit of enum sandbox_group */
	int number;
	enum sandbox_condition condition;
};

extern const struct sandbox_call sandbox_calls[];
extern const size_t sandbox_n_calls;

#endif
