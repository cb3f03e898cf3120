/* SPDX-License-Identifier: Apache-2.0
 *
 * The decoys of the drill. Called by main.c and subject.c. Invariant: nothing outside of its own
 * directory is made, changed or removed but one shared memory segment and sockets on 127.0.0.1.
 */
#include "drill/decoys.h"

#include "base/ensure.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#define PATH_SIZE (STEPS_DIR_SIZE + 64)

static void must(bool is_done, const char *what)
{
	if (!is_done)
		log_fatal(EX_CANTCREAT, "the drill cannot make its decoys: %s: %s", what, strerror(errno));
}

static uint16_t listen_on_loopback(int type)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof address;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	must(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
		     (type != SOCK_STREAM || listen(fd, 4096) == 0) &&
		     getsockname(fd, (struct sockaddr *)&address, &n) == 0,
	     "a socket on 127.0.0.1");
	return ntohs(address.sin_port); /* open until the drill ends */
}

static int listen_at(const char *path, size_t skip, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	size_t n = strlen(path);

	ASSERT(n + skip < sizeof address.sun_path);
	memcpy(address.sun_path + skip, path, n);
	must(fd >= 0 &&
		     bind(fd, (struct sockaddr *)&address,
			  (socklen_t)(sizeof address.sun_family + skip + n + (skip ? 0 : 1))) == 0 &&
		     (type != SOCK_STREAM || listen(fd, 4096) == 0),
	     path);
	if (!skip)
		chmod(path, 0666);
	return fd;
}

static void make_directory(const struct decoys *d, const char *name, mode_t mode)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof path, "%s/%s", d->dir, name);
	must((mkdir(path, mode) == 0 || errno == EEXIST) && chmod(path, mode) == 0, path);
}

static void make_file(const struct decoys *d, const char *name, mode_t mode, const void *bytes, size_t n)
{
	char path[PATH_SIZE];
	int fd;

	snprintf(path, sizeof path, "%s/%s", d->dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	must(fd >= 0 && fchmod(fd, mode) == 0 && write(fd, bytes, n) == (ssize_t)n, path);
	close(fd);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	return ftw->level == 0 ? 0 : remove(path);
}

static void empty_directory(const struct decoys *d, const char *name)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof path, "%s/%s", d->dir, name);
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void decoys_open(struct decoys *d)
{
	static const struct {
		const char *name;
		mode_t mode;
	} directories[] = { { "", 0755 },           { "bin", 0755 },         { "etc", 0755 },
			    { "etc/cron.d", 0755 }, { "etc/systemd", 0755 }, { "web", 0755 },
			    { "log", 0755 },        { "secret", 0700 },      { "mail", 0700 },
			    { "tmp", 01777 },       { "own", 0755 },         { "run", 0755 },
			    { "mnt", 0755 } };
	char path[PATH_SIZE];

	snprintf(d->home, sizeof d->home, "/tmp/postern-drill-XXXXXX");
	must(mkdtemp(d->home) && chmod(d->home, 0755) == 0, d->home);
	snprintf(d->dir, sizeof d->dir, "%.60s/decoys", d->home);
	d->as_root = geteuid() == 0;
	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
		make_directory(d, directories[i].name, directories[i].mode);
	d->tcp_port = listen_on_loopback(SOCK_STREAM);
	d->listed_port = listen_on_loopback(SOCK_STREAM);
	d->udp_port = listen_on_loopback(SOCK_DGRAM);
	snprintf(path, sizeof path, "%s/run/control", d->dir);
	listen_at(path, 0, SOCK_STREAM);
	snprintf(path, sizeof path, "%s/run/log", d->dir);
	d->log_fd = listen_at(path, 0, SOCK_DGRAM);
	listen_at(d->dir, 1, SOCK_STREAM);
	d->shm_key = 0x64720000 | (getpid() & 0xffff);
	d->shm_id = shmget(d->shm_key, 4096, IPC_CREAT | 0666);
}

void decoys_close(struct decoys *d)
{
	if (d->shm_id >= 0)
		shmctl(d->shm_id, IPC_RMID, NULL);
	nftw(d->home, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	rmdir(d->home);
}

static void reset_own(const struct decoys *d, uid_t uid)
{
	char name[64], path[PATH_SIZE + 64];

	empty_directory(d, "own");
	snprintf(name, sizeof name, "own/%u", uid);
	make_file(d, name, 0700, "own", 3);
	snprintf(name, sizeof name, "own/%u.d", uid);
	make_directory(d, name, 0700);
	snprintf(name, sizeof name, "own/%u.d/empty", uid);
	make_directory(d, name, 0700);
	snprintf(name, sizeof name, "own/%u.d/file", uid);
	make_file(d, name, 0600, "file", 4);
	for (size_t i = 0; d->as_root && i < 4; i++) {
		static const char *const parts[] = { "", ".d", ".d/empty", ".d/file" };
		snprintf(path, sizeof path, "%s/own/%u%s", d->dir, uid, parts[i]);
		must(lchown(path, uid, uid) == 0, path);
	}
}

/* What steps have sent: where it is full, the next one would wait. */
static void read_log(const struct decoys *d)
{
	char bytes[16];

	while (recv(d->log_fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
		;
}

void decoys_reset(const struct decoys *d, uid_t uid)
{
	const unsigned char *program;
	size_t n = steps_program(&program);

	read_log(d);
	empty_directory(d, "tmp");
	empty_directory(d, "web");
	empty_directory(d, "etc");
	empty_directory(d, "log");
	make_directory(d, "etc/cron.d", 0755);
	make_directory(d, "etc/systemd", 0755);
	make_file(d, "bin/program", 0755, program, n);
	make_file(d, "etc/passwd", 0644, "decoy\n", 6);
	make_file(d, "web/index.py", 0644, "decoy\n", 6);
	make_file(d, "secret/tls.key", 0600, "decoy\n", 6);
	make_file(d, "mail/message", 0600, "decoy\n", 6);
	make_file(d, "log/audit", 0600, "decoy\n", 6);
	make_file(d, "log/other", 0600, "decoy\n", 6);
	reset_own(d, uid);
}

pid_t decoys_start_victim(uid_t uid, uint64_t *ret_secret)
{
	static char secret[16] = "a decoy's secret";
	pid_t parent = getpid(), pid;

	fflush(stdout); /* a child must not say again what is not out yet */
	pid = fork();
	*ret_secret = (uintptr_t)secret;
	must(pid >= 0, "a process");
	if (pid)
		return pid;
	if (geteuid() == 0 && (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid)))
		_exit(EX_OSERR);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	setsid(); /* within a session anybody may send SIGCONT */
	while (getppid() == parent)
		pause();
	_exit(EX_OK);
}
