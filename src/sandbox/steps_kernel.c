/* SPDX-License-Identifier: Apache-2.0
 *
 * The drill's steps on other processes and on the kernel. Called through the table of steps.c. Trusts
 * the drill's order. Invariant: signals are SIGCONT, limits are read and not set, mounts cover a decoy
 * and are taken off again: a step that is allowed does no harm.
 */
#include "sandbox/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOTHING_THERE        4096 /* too low for any mapping */
#define SYSLOG_READ_ALL      3
#define FANOTIFY_CONTENT     4
#define USERFAULTFD_USERMODE 1
#define GET_PID_I386         20
#define GET_PID_X32          0x40000027l

int steps_PTRACE(const struct steps_order *o)
{
	return steps_result(syscall(SYS_ptrace, PTRACE_SEIZE, o->victim, NULL, NULL));
}

int steps_READ_MEMORY(const struct steps_order *o)
{
	char bytes[16];
	struct iovec here = { bytes, sizeof bytes }, there = { (void *)(uintptr_t)o->secret, sizeof bytes };

	return steps_result(syscall(SYS_process_vm_readv, o->victim, &here, 1, &there, 1, 0));
}

int steps_PROC_MEMORY(const struct steps_order *o)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/mem", o->victim);
	return steps_result(syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0));
}

int steps_STEAL_FD(const struct steps_order *o)
{
	long fd = syscall(SYS_pidfd_open, o->victim, 0);

	return steps_result(fd < 0 ? fd : syscall(SYS_pidfd_getfd, fd, 0, 0));
}

int steps_SIGNAL(const struct steps_order *o)
{
	return steps_result(syscall(SYS_kill, o->victim, SIGCONT));
}

int steps_OWNER(const struct steps_order *o)
{
	return steps_result(syscall(SYS_fcntl, 0, F_SETOWN, (long)o->other));
}

int steps_SIGNAL_OTHER(const struct steps_order *o)
{
	return steps_result(syscall(SYS_kill, o->other, SIGCONT));
}

int steps_LIMIT_OTHER(const struct steps_order *o)
{
	struct rlimit limit;

	return steps_result(syscall(SYS_prlimit64, o->other, RLIMIT_CORE, NULL, &limit));
}

int steps_FORK(const struct steps_order *o)
{
	long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	(void)o;
	if (pid == 0)
		syscall(SYS_exit_group, 0);
	return steps_result(pid);
}

int steps_SHARED_MEMORY(const struct steps_order *o)
{
	return steps_result(syscall(SYS_shmget, (key_t)o->argument, 0, 0));
}

int steps_USER_NAMESPACE(const struct steps_order *o)
{
	(void)o;
	return steps_result(syscall(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS));
}

int steps_MOUNT(const struct steps_order *o)
{
	char path[STEPS_DIR_SIZE + 16];
	long r;

	snprintf(path, sizeof path, "%s/mnt", o->dir);
	r = syscall(SYS_mount, "none", path, "tmpfs", 0, NULL);
	if (r < 0)
		return steps_result(r);
	syscall(SYS_umount2, path, 0);
	return 0;
}

int steps_CHROOT(const struct steps_order *o)
{
	(void)o;
	return steps_result(syscall(SYS_chroot, "."));
}

int steps_ROOT(const struct steps_order *o)
{
	(void)o;
	return steps_result(syscall(SYS_setresuid, 0, 0, 0));
}

int steps_BPF(const struct steps_order *o)
{
	static const struct bpf_insn program[] = { { BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0 },
						   { BPF_JMP | BPF_EXIT, 0, 0, 0, 0 } };
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SCHED_CLS,
				.insn_cnt = 2,
				.insns = (uintptr_t)program,
				.license = (uintptr_t) "" };

	(void)o;
	return steps_result(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr));
}

int steps_PERF(const struct steps_order *o)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.size = sizeof attr,
					.config = PERF_COUNT_SW_TASK_CLOCK,
					.exclude_kernel = 1 };

	(void)o;
	return steps_result(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

int steps_USERFAULT(const struct steps_order *o)
{
	(void)o;
	return steps_result(syscall(SYS_userfaultfd, USERFAULTFD_USERMODE));
}

int steps_IO_URING(const struct steps_order *o)
{
	unsigned char parameters[256] = { 0 };

	(void)o;
	return steps_result(syscall(SYS_io_uring_setup, 1, parameters));
}

int steps_KEYRING(const struct steps_order *o)
{
	(void)o;
	return steps_result(syscall(SYS_add_key, "user", "drill", "x", 1, -1 /* of this thread */));
}

/* Bytes that are no module: whoever may load one is told so, all others are not let so far. */
int steps_MODULE(const struct steps_order *o)
{
	long r = syscall(SYS_init_module, "not a module", 12, "");

	(void)o;
	return r < 0 && errno == ENOEXEC ? 0 : steps_result(r);
}

int steps_KERNEL_LOG(const struct steps_order *o)
{
	char line[64];

	(void)o;
	return steps_result(syscall(SYS_syslog, SYSLOG_READ_ALL, line, sizeof line));
}

int steps_WATCH(const struct steps_order *o)
{
	(void)o;
	return steps_result(syscall(SYS_fanotify_init, FANOTIFY_CONTENT, O_RDONLY));
}

int steps_CALL_I386(const struct steps_order *o)
{
	(void)o;
#ifdef __x86_64__
	long pid;

	__asm__ volatile("int $0x80" : "=a"(pid) : "a"(GET_PID_I386) : "memory", "r8", "r9", "r10", "r11");
	return pid > 0 ? 0 : STEPS_INCONCLUSIVE;
#else
	return STEPS_INCONCLUSIVE;
#endif
}

int steps_CALL_X32(const struct steps_order *o)
{
	(void)o;
#ifdef __x86_64__
	return steps_result(syscall(GET_PID_X32));
#else
	return STEPS_INCONCLUSIVE;
#endif
}

int steps_MEMORY(const struct steps_order *o)
{
	long p = syscall(SYS_mmap, NULL, 64l << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			 -1, 0);

	(void)o;
	return p > NOTHING_THERE ? 0 : steps_result(p);
}

int steps_FILES(const struct steps_order *o)
{
	(void)o;
	return steps_result(syscall(SYS_fcntl, 0, F_DUPFD_CLOEXEC, 900));
}
