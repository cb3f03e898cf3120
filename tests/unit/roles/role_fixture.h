/* SPDX-License-Identifier: Apache-2.0
 *
 * role_fixture - a role's real program, started as posternd would, in its sandbox as far as the user of
 * the tests may enter it, with the test as posternd and as the peer. The program lies two directories
 * above the test's own.
 */
#ifndef TESTS_ROLE_FIXTURE_H
#define TESTS_ROLE_FIXTURE_H

#include "unit.h"

#include "base/clock.h"
#include "ipc/link.h"
#include "ipc/posternd_role.h"
#include "role/process.h"
#include "sandbox/sandbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROLE_FIXTURE_WITHIN 20000 /* ms */
/* A sanitizer's runtime makes system calls of its own and wants its own root and limits. */
#ifdef __SANITIZE_ADDRESS__
#define ROLE_FIXTURE_LAYERS 0
#else
#define ROLE_FIXTURE_LAYERS SANDBOX_ALL
#endif

struct role_fixture {
	pid_t pid;
	struct link posternd;
	struct link_in in; /* of every receive */
	char state[64];    /* directory */
};

static inline int64_t role_fixture_deadline(void)
{
	return clock_mono_ms() + ROLE_FIXTURE_WITHIN;
}

/* By which processes name the domain block of this name. */
static inline uint64_t role_fixture_domain(const char *name)
{
	return text_hash(text_from_cstr(name));
}

static inline int role_fixture_file(struct text bytes)
{
	int fd = memfd_create("fixture", MFD_CLOEXEC);

	assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static inline void role_fixture_exec(const char *name, int fd)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 64);

	for (int up = 0; up < 3; up++)
		while (n > 0 && path[--n] != '/')
			;
	snprintf(path + n, 64, "/postern-%s", name);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a role that hangs ends with its test */
	/* Not what the test has open: the parent's ends would keep channels alive. */
	if (dup2(fd, 3) == 3 && close_range(4, ~0u, 0) == 0)
		execl(path, path, "role", "0", NULL);
	_exit(127);
}

static inline void role_fixture_tell(struct role_fixture *f, unsigned type, const void *body, int fd)
{
	assert_int_equal(link_send(&f->posternd, type, body, &fd, fd >= 0, role_fixture_deadline()),
			 ERROR_NONE);
	if (fd >= 0)
		close(fd);
}

/* The program with the state directory that is there: a restart. */
static inline void role_fixture_boot(struct role_fixture *f, const char *name, const char *conf)
{
	struct posternd_role_begin begin = { .layers = ROLE_FIXTURE_LAYERS };
	bool has_state = sandbox_find_profile(name)->root == SANDBOX_ROOT_STATE;
	struct posternd_role_resource state = { has_state ? POSTERND_ROLE_THING_STATE
							  : POSTERND_ROLE_THING_EMPTY,
						0 };
	int fds[2];

	assert_int_equal(link_make_pair(&posternd_role_edge, fds), ERROR_NONE);
	f->pid = fork();
	if (f->pid == 0)
		role_fixture_exec(name, fds[1]);
	close(fds[1]);
	f->posternd = link_of(fds[0], &posternd_role_edge, POSTERND_ROLE_SIDE_POSTERND);
	link_in_init(&f->in, &posternd_role_edge);
	role_fixture_tell(f, POSTERND_ROLE_BEGIN, &begin, role_fixture_file(text_from_cstr(conf)));
	role_fixture_tell(f, POSTERND_ROLE_RESOURCE, &state, open(f->state, O_RDONLY | O_DIRECTORY));
}

/* Begins; the test may hand over resources and peers before role_fixture_go. */
static inline void role_fixture_start(struct role_fixture *f, const char *name, const char *conf)
{
	snprintf(f->state, sizeof f->state, "/tmp/postern-role-XXXXXX");
	assert_non_null(mkdtemp(f->state));
	role_fixture_boot(f, name, conf);
}

/* A channel to the role on which the test is `peer`. */
static inline struct link role_fixture_peer(struct role_fixture *f, enum role_id peer,
					    const struct ipc_edge *edge, unsigned side)
{
	struct posternd_role_peer m = { (uint8_t)peer };
	int fds[2];

	assert_int_equal(link_make_pair(edge, fds), ERROR_NONE);
	link_in_fit(&f->in, edge);
	role_fixture_tell(f, POSTERND_ROLE_PEER, &m, fds[1]);
	return link_of(fds[0], edge, side);
}

static inline void role_fixture_receive(struct role_fixture *f, struct link *l, unsigned type)
{
	assert_int_equal(link_receive(l, &f->in, role_fixture_deadline()), ERROR_NONE);
	assert_int_equal(f->in.type, type);
}

static inline void role_fixture_go(struct role_fixture *f)
{
	const struct posternd_role_ready *ready;

	role_fixture_tell(f, POSTERND_ROLE_GO, NULL, -1);
	role_fixture_receive(f, &f->posternd, POSTERND_ROLE_READY);
	ready = link_body(&f->in);
	assert_int_equal(ready->layers & SANDBOX_SECCOMP, ROLE_FIXTURE_LAYERS & SANDBOX_SECCOMP);
}

static inline uint64_t role_fixture_counter(struct role_fixture *f, const char *name)
{
	uint64_t value = UINT64_MAX;

	role_fixture_tell(f, POSTERND_ROLE_ASK_COUNTERS, NULL, -1);
	for (;;) {
		const struct posternd_role_counter *m = link_body(&f->in);
		assert_int_equal(link_receive(&f->posternd, &f->in, role_fixture_deadline()), ERROR_NONE);
		if (f->in.type == POSTERND_ROLE_COUNTERS_END)
			return value;
		if (text_is_cstr(m->name, name))
			value = m->value;
	}
}

/* The status of waitpid. */
static inline int role_fixture_wait(struct role_fixture *f)
{
	int status = -1;

	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	return status;
}

static inline int role_fixture_stop(struct role_fixture *f)
{
	role_fixture_tell(f, POSTERND_ROLE_STOP, NULL, -1);
	return role_fixture_wait(f);
}

static inline void role_fixture_end(struct role_fixture *f)
{
	DIR *dir = opendir(f->state);
	struct dirent *entry;

	link_close(&f->posternd);
	link_in_done(&f->in);
	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	assert_int_equal(rmdir(f->state), 0);
}

#endif
