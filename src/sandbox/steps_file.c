/* SPDX-License-Identifier: Apache-2.0
 *
 * The drill's steps on files: those of others, the audit record, the process's own. Called through the
 * table of steps.c. Trusts the drill's order. Invariant: nothing outside of the decoys is named but by
 * `..` from an own directory, and that path leads to a decoy again.
 */
#include "sandbox/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define PATH_SIZE (STEPS_DIR_SIZE + 64)

static void path_of(const struct steps_order *o, const char *name, char path[PATH_SIZE])
{
	snprintf(path, PATH_SIZE, "%s/%s", o->dir, name);
}

static long open_decoy(const struct steps_order *o, const char *name, int flags)
{
	char path[PATH_SIZE];

	path_of(o, name, path);
	return syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}

static int read_decoy(const struct steps_order *o, const char *name)
{
	long fd = open_decoy(o, name, O_RDONLY);
	char byte;

	return steps_result(fd < 0 ? fd : syscall(SYS_read, fd, &byte, 1));
}

/* Opening is the step: a bound on the size of files would only hide what Landlock does. */
static int write_decoy(const struct steps_order *o, const char *name, int flags)
{
	return steps_result(open_decoy(o, name, O_WRONLY | flags));
}

int steps_KEY(const struct steps_order *o)
{
	return read_decoy(o, "secret/tls.key");
}

int steps_MAIL(const struct steps_order *o)
{
	return read_decoy(o, "mail/message");
}

int steps_PASSWD(const struct steps_order *o)
{
	return read_decoy(o, "etc/passwd");
}

int steps_LIST(const struct steps_order *o)
{
	char entries[512];
	long fd = open_decoy(o, "etc", O_RDONLY | O_DIRECTORY);

	return steps_result(fd < 0 ? fd : syscall(SYS_getdents64, fd, entries, sizeof entries));
}

/* The first directory among the own descriptors, or where the process stands. */
static int find_directory(void)
{
	struct stat st;

	for (int fd = 3; fd < 64; fd++)
		if (syscall(SYS_fstat, fd, &st) == 0 && S_ISDIR(st.st_mode))
			return fd;
	return AT_FDCWD;
}

int steps_CLIMB(const struct steps_order *o)
{
	char path[PATH_SIZE + 64];
	long fd;

	snprintf(path, sizeof path, "../../../../../../../../../../../..%s/etc/passwd", o->dir);
	fd = syscall(SYS_openat, find_directory(), path, O_RDONLY | O_CLOEXEC, 0);
	return steps_result(fd);
}

int steps_HANDLE(const struct steps_order *o)
{
	struct {
		struct file_handle handle;
		unsigned char bytes[MAX_HANDLE_SZ];
	} h = { .handle.handle_bytes = MAX_HANDLE_SZ };
	char path[PATH_SIZE];
	long mount_fd;
	int mount_id;

	path_of(o, "secret/tls.key", path);
	if (syscall(SYS_name_to_handle_at, AT_FDCWD, path, &h.handle, &mount_id, 0) < 0)
		return errno == EOPNOTSUPP ? STEPS_INCONCLUSIVE : errno;
	mount_fd = open_decoy(o, "etc/passwd", O_RDONLY);
	return steps_result(mount_fd < 0 ? mount_fd
					 : syscall(SYS_open_by_handle_at, mount_fd, &h.handle, O_RDONLY));
}

int steps_WEB_NEW(const struct steps_order *o)
{
	return write_decoy(o, "web/shell.php", O_CREAT | O_EXCL);
}

int steps_WEB_CHANGE(const struct steps_order *o)
{
	return write_decoy(o, "web/index.py", 0);
}

int steps_PROGRAM(const struct steps_order *o)
{
	return write_decoy(o, "bin/program", 0);
}

int steps_DROP(const struct steps_order *o)
{
	return write_decoy(o, "tmp/drop", O_CREAT | O_EXCL);
}

int steps_CRON(const struct steps_order *o)
{
	return write_decoy(o, "etc/cron.d/job", O_CREAT | O_EXCL);
}

int steps_UNIT(const struct steps_order *o)
{
	return write_decoy(o, "etc/systemd/backdoor.service", O_CREAT | O_EXCL);
}

int steps_PRELOAD(const struct steps_order *o)
{
	return write_decoy(o, "etc/ld.so.preload", O_CREAT | O_EXCL);
}

int steps_SYMLINK(const struct steps_order *o)
{
	char path[PATH_SIZE];

	path_of(o, "tmp/lang", path);
	return steps_result(syscall(SYS_symlinkat, "/", AT_FDCWD, path));
}

int steps_LINK(const struct steps_order *o)
{
	char from[PATH_SIZE], to[PATH_SIZE];

	path_of(o, "secret/tls.key", from);
	path_of(o, "tmp/link", to);
	return steps_result(syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
}

static int make_node(const struct steps_order *o, const char *name, mode_t mode, dev_t device)
{
	char path[PATH_SIZE];

	path_of(o, name, path);
	return steps_result(syscall(SYS_mknodat, AT_FDCWD, path, mode, device));
}

int steps_FIFO(const struct steps_order *o)
{
	return make_node(o, "tmp/fifo", S_IFIFO | 0600, 0);
}

/* Numbers that no driver has: the decoy is never opened. */
int steps_MEMORY_DEVICE(const struct steps_order *o)
{
	return make_node(o, "tmp/mem", S_IFCHR | 0600, 0xfffff);
}

int steps_DISK_DEVICE(const struct steps_order *o)
{
	return make_node(o, "tmp/disk", S_IFBLK | 0600, 0xfffff);
}

int steps_MKDIR(const struct steps_order *o)
{
	char path[PATH_SIZE];

	path_of(o, "tmp/.hidden", path);
	return steps_result(syscall(SYS_mkdirat, AT_FDCWD, path, 0700));
}

int steps_RMDIR(const struct steps_order *o)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof path, "%s/own/%u.d/empty", o->dir, o->uid);
	return steps_result(syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR));
}

int steps_BACK_DOOR(const struct steps_order *o)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	long fd = syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0)
		return errno;
	snprintf(address.sun_path, sizeof address.sun_path, "%s/tmp/door", o->dir);
	return steps_result(syscall(SYS_bind, fd, &address, sizeof address));
}

int steps_SETUID(const struct steps_order *o)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof path, "%s/own/%u", o->dir, o->uid);
	return steps_result(syscall(SYS_fchmodat, AT_FDCWD, path, 04755));
}

int steps_MOVE(const struct steps_order *o)
{
	char from[PATH_SIZE], to[PATH_SIZE];

	snprintf(from, sizeof from, "%s/own/%u.d/file", o->dir, o->uid);
	path_of(o, "tmp/moved", to);
	return steps_result(syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to));
}

int steps_LOG_WRITE(const struct steps_order *o)
{
	return write_decoy(o, "log/audit", O_APPEND);
}

int steps_LOG_TRUNCATE(const struct steps_order *o)
{
	char path[PATH_SIZE];

	path_of(o, "log/audit", path);
	return steps_result(syscall(SYS_truncate, path, 0));
}

int steps_LOG_RENAME(const struct steps_order *o)
{
	char from[PATH_SIZE], to[PATH_SIZE];

	path_of(o, "log/other", from);
	path_of(o, "log/audit", to);
	return steps_result(syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to));
}

int steps_LOG_REMOVE(const struct steps_order *o)
{
	char path[PATH_SIZE];

	path_of(o, "log/audit", path);
	return steps_result(syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

static long make_own_file(int dir, mode_t mode)
{
	return syscall(SYS_openat, dir, STEPS_LEFT_FILE, O_RDWR | O_CREAT | O_CLOEXEC, mode);
}

int steps_OWN_FILE(const struct steps_order *o)
{
	int dir = find_directory();
	long fd = make_own_file(dir, 0600);

	(void)o;
	if (fd < 0)
		return errno;
	if (syscall(SYS_write, fd, "x", 1) < 0)
		return errno;
	return steps_result(syscall(SYS_unlinkat, dir, STEPS_LEFT_FILE, 0));
}

int steps_OWN_MOVE(const struct steps_order *o)
{
	int dir = find_directory();

	(void)o;
	if (make_own_file(dir, 0600) < 0 || syscall(SYS_mkdirat, dir, STEPS_LEFT_DIR, 0700) < 0)
		return errno;
	return steps_result(
		syscall(SYS_renameat, dir, STEPS_LEFT_FILE, dir, STEPS_LEFT_DIR "/" STEPS_LEFT_FILE));
}

int steps_OWN_PROGRAM(const struct steps_order *o)
{
	const unsigned char *bytes;
	size_t n = steps_program(&bytes);
	char *argv[] = { (char[]){ STEPS_LEFT_FILE }, NULL }, *envp[] = { NULL };
	int dir = find_directory();
	long fd = make_own_file(dir, 0700);

	(void)o;
	if (fd < 0)
		return errno;
	if (syscall(SYS_write, fd, bytes, n) < 0)
		return errno;
	syscall(SYS_close, fd); /* what is open to be written cannot run */
	return steps_result(syscall(SYS_execveat, dir, STEPS_LEFT_FILE, argv, envp, 0));
}

int steps_NEW_FILE(const struct steps_order *o)
{
	return make_node(o, "tmp/new", S_IFREG | 0600, 0);
}

/* In the first directory that has one. The device knows no such command, and says so: then it was asked. */
int steps_DEVICE(const struct steps_order *o)
{
	long fd = -1;
	char answer[64];

	(void)o;
	for (int dir = 3; dir < 64 && fd < 0; dir++) {
		fd = syscall(SYS_openat, dir, STEPS_LEFT_DEVICE, O_RDONLY | O_CLOEXEC, 0);
		if (fd < 0 && errno != EBADF && errno != ENOTDIR && errno != ENOENT)
			return errno;
	}
	if (fd < 0)
		fd = syscall(SYS_openat, AT_FDCWD, STEPS_LEFT_DEVICE, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	return syscall(SYS_ioctl, fd, TCGETS, answer) < 0 && errno != ENOTTY ? errno : 0;
}
