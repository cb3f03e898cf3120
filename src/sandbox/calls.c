/* SPDX-License-Identifier: Apache-2.0
 *
 * The allow-lists of all sandboxes. What is not here ends the process (SIGSYS). Read with profiles.c:
 * a profile names groups, this table says what is in them. A row wants a reason; prefer changing the
 * part that asks for a call to adding it here.
 */
#include "sandbox/calls.h"

#include "sandbox/sandbox.h"

#include <seccomp.h>

#define CALL(group, call, condition)                                                                         \
	{                                                                                                    \
		SANDBOX_CALLS_##group, SCMP_SYS(call), SANDBOX_##condition                                   \
	}

const struct sandbox_call sandbox_calls[] = {
	CALL(BASE, read, IF_ANY),
	CALL(BASE, write, IF_ANY),
	CALL(BASE, readv, IF_ANY),
	CALL(BASE, writev, IF_ANY),
	CALL(BASE, close, IF_ANY),
	CALL(BASE, recvmsg, IF_ANY),
	CALL(BASE, sendmsg, IF_NO_FAST_OPEN),
	CALL(BASE, poll, IF_ANY),
	CALL(BASE, ppoll, IF_ANY),
	CALL(BASE, futex, IF_ANY),
	CALL(BASE, clock_gettime, IF_ANY),
	CALL(BASE, gettimeofday, IF_ANY),
	CALL(BASE, clock_nanosleep, IF_ANY),
	CALL(BASE, nanosleep, IF_ANY),
	CALL(BASE, mmap, IF_NOT_EXEC),
	CALL(BASE, mprotect, IF_NOT_EXEC),
	CALL(BASE, munmap, IF_ANY),
	CALL(BASE, mremap, IF_ANY),
	CALL(BASE, madvise, IF_ANY),
	CALL(BASE, brk, IF_ANY),
	CALL(BASE, getrandom, IF_ANY),
	CALL(BASE, getpid, IF_ANY),
	CALL(BASE, gettid, IF_ANY),
	CALL(BASE, fcntl, IF_FCNTL),
	CALL(BASE, fstat, IF_ANY),
	CALL(BASE, newfstatat, FAILS_ENOSYS), /* of glibc's fstat: stdio asks, and does without */
	CALL(BASE, lseek, IF_ANY),
	CALL(BASE, rt_sigreturn, IF_ANY),
	CALL(BASE, rt_sigprocmask, IF_ANY),
	CALL(BASE, rt_sigaction, IF_ANY),
	CALL(BASE, sched_yield, IF_ANY),
	CALL(BASE, set_robust_list, IF_ANY), /* a new thread's or forked child's first words */
	CALL(BASE, rseq, IF_ANY),
	CALL(BASE, restart_syscall, IF_ANY),
	CALL(BASE, exit, IF_ANY),
	CALL(BASE, exit_group, IF_ANY),
	CALL(BASE, getsockopt, IF_ANY),
	CALL(BASE, setsockopt, IF_ANY),
	CALL(BASE, shutdown, IF_ANY),

	CALL(LOOP, epoll_wait, IF_ANY),
	CALL(LOOP, epoll_pwait, IF_ANY),
	CALL(LOOP, epoll_pwait2, FAILS_ENOSYS),
	CALL(LOOP, epoll_ctl, IF_ANY),

	CALL(CHANNELS, socketpair, IF_UNIX),

	CALL(ACCEPT, accept4, IF_ANY),
	CALL(ACCEPT, getsockname, IF_ANY),
	CALL(ACCEPT, getpeername, IF_ANY),

	CALL(CONNECT, socket, IF_STREAM),
	CALL(CONNECT, connect, IF_ANY),
	CALL(CONNECT, bind, IF_ANY),
	CALL(CONNECT, getsockname, IF_ANY),
	CALL(CONNECT, getpeername, IF_ANY),
	CALL(CONNECT, recvfrom, IF_ANY),
	CALL(CONNECT, sendto, IF_NO_FAST_OPEN),

	CALL(FILES, openat, IF_MODE),
	CALL(FILES, open, IF_MODE),
	CALL(FILES, newfstatat, IF_ANY),
	CALL(FILES, stat, IF_ANY),
	CALL(FILES, lstat, IF_ANY),
	CALL(FILES, unlink, IF_ANY),
	CALL(FILES, unlinkat, IF_ANY),
	CALL(FILES, renameat, IF_ANY),
	CALL(FILES, rename, IF_ANY),
	CALL(FILES, linkat, IF_ANY),
	CALL(FILES, mkdirat, IF_ANY),
	CALL(FILES, mkdir, IF_ANY),
	CALL(FILES, fsync, IF_ANY),
	CALL(FILES, fdatasync, IF_ANY),
	CALL(FILES, pread64, IF_ANY),
	CALL(FILES, pwrite64, IF_ANY),
	CALL(FILES, ftruncate, IF_ANY),
	CALL(FILES, fallocate, IF_ANY),
	CALL(FILES, getdents64, IF_ANY),
	CALL(FILES, getcwd, IF_ANY),
	CALL(FILES, access, IF_ANY),
	CALL(FILES, faccessat, IF_ANY),
	CALL(FILES, fstatfs, IF_ANY),
	CALL(FILES, fcntl, IF_LOCK),

	CALL(DATABASE, readlink, IF_ANY),
	CALL(DATABASE, geteuid, IF_ANY),
	CALL(DATABASE, fchmod, IF_MODE),
	CALL(DATABASE, umask, IF_ANY),

	CALL(FORK, clone, IF_FORK),
	CALL(FORK, clone3, FAILS_ENOSYS),
	CALL(FORK, fork, IF_ANY),
	CALL(FORK, wait4, IF_ANY),
	CALL(FORK, waitid, IF_ANY),
	CALL(FORK, kill, IF_ANY), /* of its own rooms; another user's process is out of reach */
	CALL(FORK, dup2, IF_ANY),
	CALL(FORK, dup3, IF_ANY),
	CALL(FORK, close_range, IF_ANY),
	CALL(FORK, prlimit64, IF_SELF),
	CALL(FORK, setrlimit, IF_ANY),
	CALL(FORK, seccomp, IF_ANY),
	CALL(FORK, prctl, IF_PRCTL),
	CALL(FORK, getppid, IF_ANY),

	CALL(MAP_FILE, pread64, IF_ANY),

	CALL(SUPERVISE, openat, IF_ANY),
	CALL(SUPERVISE, newfstatat, IF_ANY),
	CALL(SUPERVISE, getdents64, IF_ANY),
	CALL(SUPERVISE, readlink, IF_ANY),
	CALL(SUPERVISE, readlinkat, IF_ANY),
	CALL(SUPERVISE, pread64, IF_ANY),
	CALL(SUPERVISE, accept4, IF_ANY),
	CALL(SUPERVISE, wait4, IF_ANY),
	CALL(SUPERVISE, uname, IF_ANY),  /* the host's name, at a reload */
	CALL(SUPERVISE, sendto, IF_ANY), /* readiness to the service manager, on a socket made before */

	CALL(RESOLVER, socket, IF_DATAGRAM),
	CALL(RESOLVER, sysinfo, IF_ANY), /* qsort of the C library asks how much memory there is */

	CALL(MEMFD, memfd_create, IF_ANY),
	CALL(MEMFD, fcntl, IF_SEAL),
	CALL(MEMFD, ftruncate, IF_ANY),
	CALL(MEMFD, pwrite64, IF_ANY),
};

const size_t sandbox_n_calls = sizeof sandbox_calls / sizeof *sandbox_calls;
