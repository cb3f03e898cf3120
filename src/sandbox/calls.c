/* SPDX-License-Identifier: Apache-2.0
 *
 * The allow-lists of all sandboxes. What is not here ends the process (SIGSYS). Read with profiles.c:
 * a profile names groups, this table says what is in them. A row wants a reason; prefer changing the
 * part that asks for a call to adding it here.
 */
#include "sandbox/calls.h"

#include "sandbox/sandbox.h"

#include <seccomp.h>

#define BASE(call, condition)                                                                                \
	{                                                                                                    \
		SANDBOX_CALLS_BASE, SCMP_SYS(call), SANDBOX_##condition                                      \
	}
#define LOOP(call, condition)                                                                                \
	{                                                                                                    \
		SANDBOX_CALLS_LOOP, SCMP_SYS(call), SANDBOX_##condition                                      \
	}
#define CHANNELS(call, condition)                                                                            \
	{                                                                                                    \
		SANDBOX_CALLS_CHANNELS, SCMP_SYS(call), SANDBOX_##condition                                  \
	}
#define ACCEPT(call, condition)                                                                              \
	{                                                                                                    \
		SANDBOX_CALLS_ACCEPT, SCMP_SYS(call), SANDBOX_##condition                                    \
	}
#define CONNECT(call, condition)                                                                             \
	{                                                                                                    \
		SANDBOX_CALLS_CONNECT, SCMP_SYS(call), SANDBOX_##condition                                   \
	}
#define FILES(call, condition)                                                                               \
	{                                                                                                    \
		SANDBOX_CALLS_FILES, SCMP_SYS(call), SANDBOX_##condition                                     \
	}
#define DATABASE(call, condition)                                                                            \
	{                                                                                                    \
		SANDBOX_CALLS_DATABASE, SCMP_SYS(call), SANDBOX_##condition                                  \
	}
#define FORK(call, condition)                                                                                \
	{                                                                                                    \
		SANDBOX_CALLS_FORK, SCMP_SYS(call), SANDBOX_##condition                                      \
	}
#define MAP_FILE(call, condition)                                                                            \
	{                                                                                                    \
		SANDBOX_CALLS_MAP_FILE, SCMP_SYS(call), SANDBOX_##condition                                  \
	}
#define SUPERVISE(call, condition)                                                                           \
	{                                                                                                    \
		SANDBOX_CALLS_SUPERVISE, SCMP_SYS(call), SANDBOX_##condition                                 \
	}
#define RESOLVER(call, condition)                                                                            \
	{                                                                                                    \
		SANDBOX_CALLS_RESOLVER, SCMP_SYS(call), SANDBOX_##condition                                  \
	}
#define MEMFD(call, condition)                                                                               \
	{                                                                                                    \
		SANDBOX_CALLS_MEMFD, SCMP_SYS(call), SANDBOX_##condition                                     \
	}

const struct sandbox_call sandbox_calls[] = {
	BASE(read, IF_ANY),
	BASE(write, IF_ANY),
	BASE(readv, IF_ANY),
	BASE(writev, IF_ANY),
	BASE(close, IF_ANY),
	BASE(recvmsg, IF_ANY),
	BASE(sendmsg, IF_NO_FAST_OPEN),
	BASE(poll, IF_ANY),
	BASE(ppoll, IF_ANY),
	BASE(futex, IF_ANY),
	BASE(clock_gettime, IF_ANY),
	BASE(gettimeofday, IF_ANY),
	BASE(clock_nanosleep, IF_ANY),
	BASE(nanosleep, IF_ANY),
	BASE(mmap, IF_NOT_EXEC),
	BASE(mprotect, IF_NOT_EXEC),
	BASE(munmap, IF_ANY),
	BASE(mremap, IF_ANY),
	BASE(madvise, IF_ANY),
	BASE(brk, IF_ANY),
	BASE(getrandom, IF_ANY),
	BASE(getpid, IF_ANY),
	BASE(gettid, IF_ANY),
	BASE(fcntl, IF_FCNTL),
	BASE(fstat, IF_ANY),
	BASE(newfstatat, FAILS_ENOSYS), /* of glibc's fstat: stdio asks, and does without */
	BASE(lseek, IF_ANY),
	BASE(rt_sigreturn, IF_ANY),
	BASE(rt_sigprocmask, IF_ANY),
	BASE(rt_sigaction, IF_ANY),
	BASE(sched_yield, IF_ANY),
	BASE(set_robust_list, IF_ANY), /* a new thread's or forked child's first words */
	BASE(rseq, IF_ANY),
	BASE(restart_syscall, IF_ANY),
	BASE(exit, IF_ANY),
	BASE(exit_group, IF_ANY),
	BASE(getsockopt, IF_ANY),
	BASE(setsockopt, IF_ANY),
	BASE(shutdown, IF_ANY),

	LOOP(epoll_wait, IF_ANY),
	LOOP(epoll_pwait, IF_ANY),
	LOOP(epoll_pwait2, FAILS_ENOSYS),
	LOOP(epoll_ctl, IF_ANY),

	CHANNELS(socketpair, IF_UNIX),

	ACCEPT(accept4, IF_ANY),
	ACCEPT(getsockname, IF_ANY),
	ACCEPT(getpeername, IF_ANY),

	CONNECT(socket, IF_STREAM),
	CONNECT(connect, IF_ANY),
	CONNECT(bind, IF_ANY),
	CONNECT(getsockname, IF_ANY),
	CONNECT(getpeername, IF_ANY),
	CONNECT(recvfrom, IF_ANY),
	CONNECT(sendto, IF_NO_FAST_OPEN),

	FILES(openat, IF_MODE),
	FILES(open, IF_MODE),
	FILES(newfstatat, IF_ANY),
	FILES(stat, IF_ANY),
	FILES(lstat, IF_ANY),
	FILES(unlink, IF_ANY),
	FILES(unlinkat, IF_ANY),
	FILES(renameat, IF_ANY),
	FILES(rename, IF_ANY),
	FILES(linkat, IF_ANY),
	FILES(mkdirat, IF_ANY),
	FILES(mkdir, IF_ANY),
	FILES(fsync, IF_ANY),
	FILES(fdatasync, IF_ANY),
	FILES(pread64, IF_ANY),
	FILES(pwrite64, IF_ANY),
	FILES(ftruncate, IF_ANY),
	FILES(fallocate, IF_ANY),
	FILES(getdents64, IF_ANY),
	FILES(getcwd, IF_ANY),
	FILES(access, IF_ANY),
	FILES(faccessat, IF_ANY),
	FILES(fstatfs, IF_ANY),
	FILES(fcntl, IF_LOCK),

	DATABASE(readlink, IF_ANY),
	DATABASE(geteuid, IF_ANY),
	DATABASE(fchmod, IF_MODE),
	DATABASE(umask, IF_ANY),

	FORK(clone, IF_FORK),
	FORK(clone3, FAILS_ENOSYS),
	FORK(fork, IF_ANY),
	FORK(wait4, IF_ANY),
	FORK(waitid, IF_ANY),
	FORK(kill, IF_ANY), /* of its own rooms; another user's process is out of reach */
	FORK(dup2, IF_ANY),
	FORK(dup3, IF_ANY),
	FORK(close_range, IF_ANY),
	FORK(prlimit64, IF_SELF),
	FORK(setrlimit, IF_ANY),
	FORK(seccomp, IF_ANY),
	FORK(prctl, IF_PRCTL),
	FORK(getppid, IF_ANY),

	MAP_FILE(pread64, IF_ANY),

	SUPERVISE(openat, IF_ANY),
	SUPERVISE(newfstatat, IF_ANY),
	SUPERVISE(getdents64, IF_ANY),
	SUPERVISE(readlink, IF_ANY),
	SUPERVISE(readlinkat, IF_ANY),
	SUPERVISE(pread64, IF_ANY),
	SUPERVISE(accept4, IF_ANY),
	SUPERVISE(wait4, IF_ANY),
	SUPERVISE(uname, IF_ANY),  /* the host's name, at a reload */
	SUPERVISE(sendto, IF_ANY), /* readiness to the service manager, on a socket made before */

	RESOLVER(socket, IF_DATAGRAM),
	RESOLVER(sysinfo, IF_ANY), /* qsort of the C library asks how much memory there is */

	MEMFD(memfd_create, IF_ANY),
	MEMFD(fcntl, IF_SEAL),
	MEMFD(ftruncate, IF_ANY),
	MEMFD(pwrite64, IF_ANY),
};

const size_t sandbox_n_calls = sizeof sandbox_calls / sizeof *sandbox_calls;
