/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of the drill's steps, and those that are about programs and code.
 * Called by role/drill.c in a sealed process and by the drill itself for the words of its report.
 * Trusts the drill's order. Invariant: system calls are made by number, one for one thing, so that
 * what is denied is the step and not the C library's way to it.
 */
#include "sandbox/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define L(name) SANDBOX_##name
#define C(name) SANDBOX_CALLS_##name

static const struct step steps[] = {
#define STEP(number, name, text, incident, layers, landlock, passes, granted, flags, note)                   \
	{ number, #name, text, incident, layers, landlock, passes, granted, flags, note, steps_##name },
#include "sandbox/steps.def"
#undef STEP
};

const struct step *steps_at(size_t index)
{
	return index < sizeof steps / sizeof *steps ? &steps[index] : NULL;
}

const struct step *steps_find(unsigned number)
{
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (steps[i].number == number)
			return &steps[i];
	return NULL;
}

int steps_run(const struct steps_order *o)
{
	const struct step *step = steps_find(o->step);

	return step ? step->run(o) : STEPS_INCONCLUSIVE;
}

int steps_result(long r)
{
	return r >= 0 ? 0 : errno;
}

size_t steps_program(const unsigned char **ret_bytes)
{
#ifdef __x86_64__
	/* An ELF header, one segment, and: mov $60,%eax; xor %edi,%edi; syscall. */
	static const unsigned char bytes[] = {
		0x7f, 'E',  'L', 'F', 2, 1,    1,    0,    0, 0,    0, 0,    0,    0,    0,    0, 2,  0, 0x3e,
		0,    1,    0,   0,   0, 0x78, 0,    0x40, 0, 0,    0, 0,    0,    64,   0,    0, 0,  0, 0,
		0,    0,    0,   0,   0, 0,    0,    0,    0, 0,    0, 0,    0,    0,    64,   0, 56, 0, 1,
		0,    64,   0,   0,   0, 0,    0,    1,    0, 0,    0, 5,    0,    0,    0,    0, 0,  0, 0,
		0,    0,    0,   0,   0, 0,    0x40, 0,    0, 0,    0, 0,    0,    0,    0x40, 0, 0,  0, 0,
		0,    0x81, 0,   0,   0, 0,    0,    0,    0, 0x81, 0, 0,    0,    0,    0,    0, 0,  0, 0x10,
		0,    0,    0,   0,   0, 0,    0xb8, 60,   0, 0,    0, 0x31, 0xff, 0x0f, 0x05,
	};

	*ret_bytes = bytes;
	return sizeof bytes;
#else
	*ret_bytes = NULL;
	return 0;
#endif
}

static int execute(const struct steps_order *o)
{
	char path[STEPS_DIR_SIZE + 32], *argv[] = { path, NULL }, *envp[] = { NULL };

	snprintf(path, sizeof path, "%s/bin/program", o->dir);
	return steps_result(syscall(SYS_execve, path, argv, envp));
}

int steps_SPAWN(const struct steps_order *o)
{
	int status;
	long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		syscall(SYS_exit_group, execute(o));
	if (pid < 0)
		return steps_result(pid);
	if (syscall(SYS_wait4, pid, &status, 0, NULL) != pid)
		return STEPS_INCONCLUSIVE;
	/* The child meets the filter as this process would have: pass its end on. */
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? EPERM : STEPS_INCONCLUSIVE;
	return WEXITSTATUS(status);
}

int steps_EXEC(const struct steps_order *o)
{
	return execute(o);
}

int steps_FILELESS(const struct steps_order *o)
{
	const unsigned char *bytes;
	size_t n = steps_program(&bytes);
	char *argv[] = { (char[]){ "program" }, NULL }, *envp[] = { NULL };
	long fd, written;

	(void)o;
	if (n == 0)
		return STEPS_INCONCLUSIVE;
	fd = syscall(SYS_memfd_create, "program", 0);
	if (fd < 0)
		return steps_result(fd);
	written = syscall(SYS_write, fd, bytes, n);
	if (written < 0)
		return steps_result(written);
	return steps_result(syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH));
}

int steps_PAYLOAD(const struct steps_order *o)
{
	long fd = syscall(SYS_memfd_create, "payload", 0);

	(void)o;
	return steps_result(fd < 0 ? fd : syscall(SYS_write, fd, "payload", 7));
}

int steps_LIBRARY(const struct steps_order *o)
{
	char path[STEPS_DIR_SIZE + 32];
	long fd;

	snprintf(path, sizeof path, "%s/bin/program", o->dir);
	fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
	if (fd < 0)
		return steps_result(fd);
	return steps_result(syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0));
}

int steps_WRITE_EXEC(const struct steps_order *o)
{
	(void)o;
	return steps_result(syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

int steps_MAKE_EXEC(const struct steps_order *o)
{
	long p = syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)o;
	if (p < 0)
		return STEPS_INCONCLUSIVE;
	*(char *)p = 1;
	return steps_result(syscall(SYS_mprotect, p, 4096, PROT_READ | PROT_EXEC));
}
