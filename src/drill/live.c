/* SPDX-License-Identifier: Apache-2.0
 *
 * Live processes beside their manifest: what /proc says of each (user, groups, capabilities, filter,
 * limits, descriptors, namespaces, root) and what process.def and profiles.c say. Called by main.c, for
 * a gateway that it starts by the real posternd, and for one that is running.
 *
 * Invariant: reads /proc only; a process that has gone meanwhile is no failure.
 */
#include "base/ensure.h"
#include "base/log.h"
#include "drill/report.h"
#include "role/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_WITHIN 300 /* tenths of a second */
#define TEXT_MAX     8192

struct live {
	pid_t pid;
	enum process_id id;
	const struct sandbox_profile *profile;
	bool is_room;
	char status[TEXT_MAX], limits[TEXT_MAX];
};

static bool read_file(const char *path, char *out, size_t n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, out, n - 1);

	if (fd >= 0)
		close(fd);
	out[got > 0 ? got : 0] = 0;
	return got > 0;
}

static bool read_proc(pid_t pid, const char *name, char *out, size_t n)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	return read_file(path, out, n);
}

/* The rest of the line that begins with this key. */
static bool value_of(const char *text, const char *key, char *out, size_t n)
{
	const char *at = strstr(text, key);

	out[0] = 0;
	if (!at || (at != text && at[-1] != '\n'))
		return false;
	at += strlen(key);
	while (*at == ' ' || *at == '\t')
		at++;
	snprintf(out, n, "%.*s", (int)strcspn(at, "\n"), at);
	return true;
}

static pid_t pid_of(const char *digits)
{
	uint64_t n = 0;

	return text_parse_u64(text_from_cstr(digits), INT32_MAX, &n) ? (pid_t)n : 0;
}

static pid_t parent_of(pid_t pid)
{
	char text[TEXT_MAX], value[32];

	if (!read_proc(pid, "status", text, sizeof text) || !value_of(text, "PPid:", value, sizeof value))
		return 0;
	return pid_of(value);
}

static bool is_descendant(pid_t pid, pid_t root)
{
	for (int depth = 0; pid > 1 && depth < 32; depth++) {
		pid = parent_of(pid);
		if (pid == root)
			return true;
	}
	return false;
}

/* What a process is, by its two words and its parent's: "postern-receive\0session". */
static bool identify(struct live *l)
{
	char words[256], parent[256], role[256];
	const char *kind;

	if (!read_proc(l->pid, "cmdline", words, sizeof words) || strncmp(words, "postern-", 8) != 0)
		return false;
	kind = words + strlen(words) + 1;
	snprintf(role, sizeof role, "%s", strcmp(kind, "role") == 0 ? words + 8 : kind);
	for (l->id = 0; l->id < PROCESS_COUNT; l->id++)
		if (strcmp(process_of(l->id)->name, role) == 0)
			break;
	if (l->id == PROCESS_COUNT)
		return false;
	l->is_room = process_is_zygote(l->id) &&
		     read_proc(parent_of(l->pid), "cmdline", parent, sizeof parent) &&
		     strcmp(parent, words) == 0 && strcmp(parent + strlen(parent) + 1, kind) == 0;
	l->profile = sandbox_find_profile(l->is_room ? process_of(l->id)->room_profile
						     : process_of(l->id)->profile);
	return read_proc(l->pid, "status", l->status, sizeof l->status) &&
	       read_proc(l->pid, "limits", l->limits, sizeof l->limits);
}

/* ---- what is compared ---- */

static void check_status(const struct live *l, bool as_root, struct report *r)
{
	static const struct {
		const char *key, *wanted;
	} rows[] = { { "Seccomp:", "2" },
		     { "NoNewPrivs:", "1" },
		     { "CapInh:", "0000000000000000" },
		     { "CapPrm:", "0000000000000000" },
		     { "CapEff:", "0000000000000000" },
		     { "CapBnd:", "0000000000000000" },
		     { "CapAmb:", "0000000000000000" } };
	char value[128], detail[300] = "";
	bool is_good = true;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		value_of(l->status, rows[i].key, value, sizeof value);
		if (strcmp(value, rows[i].wanted) == 0)
			continue;
		is_good = false;
		snprintf(detail, sizeof detail, "%s %s, wanted %s", rows[i].key, value, rows[i].wanted);
	}
	value_of(l->status, "Groups:", value, sizeof value);
	if (as_root && strspn(value, " ") != strlen(value)) {
		is_good = false;
		snprintf(detail, sizeof detail, "groups %s", value);
	}
	report_check(r, l->profile->name, "filter, no privileges, no capability, no group", is_good, detail);
}

static uint64_t soft_limit(const struct live *l, const char *name)
{
	char value[128];

	if (!value_of(l->limits, name, value, sizeof value) || strncmp(value, "unlimited", 9) == 0)
		return UINT64_MAX;
	return strtoull(value, NULL, 10);
}

static void check_limits(const struct live *l, struct report *r)
{
	const struct sandbox_profile *p = l->profile;
	char detail[200] = "";
	bool is_good = true;

	if (!p->may_write_files && soft_limit(l, "Max file size") != 0)
		is_good = snprintf(detail, sizeof detail, "it may write files") < 0;
	if (!p->may_fork && soft_limit(l, "Max processes") != 0)
		is_good = snprintf(detail, sizeof detail, "it may make processes") < 0;
	if (p->n_files && soft_limit(l, "Max open files") != p->n_files)
		is_good = snprintf(detail, sizeof detail, "it may open %llu files, wanted %u",
				   (unsigned long long)soft_limit(l, "Max open files"), p->n_files) < 0;
	if (p->memory && soft_limit(l, "Max address space") == UINT64_MAX)
		is_good = snprintf(detail, sizeof detail, "its memory is not bounded") < 0;
	if (soft_limit(l, "Max core file size") != 0)
		is_good = snprintf(detail, sizeof detail, "it may leave a core file") < 0;
	report_check(r, p->name, "limits of its profile", is_good, detail);
}

static ino_t inode_of(pid_t pid, const char *name)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

static void check_namespaces(const struct live *l, bool as_root, struct report *r)
{
	bool has_network = inode_of(l->pid, "ns/net") != inode_of(getpid(), "ns/net");
	bool has_ipc = inode_of(l->pid, "ns/ipc") != inode_of(getpid(), "ns/ipc");
	char root[256] = "", detail[300] = "", path[64];
	bool is_good = has_network == l->profile->own_network && has_ipc;
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%d/root", l->pid);
	n = readlink(path, root, sizeof root - 1);
	if (as_root && n <= 1)
		is_good = false;
	if (!is_good)
		snprintf(detail, sizeof detail, "network %s, ipc %s, root %s",
			 has_network ? "own" : "the machine's", has_ipc ? "own" : "the machine's", root);
	report_check(r, l->profile->name, "namespaces and root directory", is_good, detail);
}

/* Sockets, pipes, event descriptors and /dev/null are channels; a file must be one that the profile
 * writes, a directory one that it is handed. */
static void check_descriptors(const struct live *l, struct report *r)
{
	char path[64], target[256], detail[300] = "";
	struct dirent *entry;
	bool is_good = true;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/fd", l->pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		char name[300];
		ssize_t n;
		snprintf(name, sizeof name, "/proc/%d/fd/%.20s", l->pid, entry->d_name);
		n = readlink(name, target, sizeof target - 1);
		target[n > 0 ? n : 0] = 0;
		if (n <= 0 || target[0] != '/' || strcmp(target, "/dev/null") == 0)
			continue;
		if ((l->profile->calls & SANDBOX_CALLS_FILES) ||
		    process_may_have(l->id, POSTERND_ROLE_THING_DIRECTORY) ||
		    process_may_have(l->id, POSTERND_ROLE_THING_TRUST_ANCHOR))
			continue;
		is_good = false;
		snprintf(detail, sizeof detail, "%.200s", target);
	}
	if (dir)
		closedir(dir);
	report_check(r, l->profile->name, "no descriptor of a file that it is not handed", is_good, detail);
}

static void check_user(const struct live *l, const struct gateway *g, struct report *r)
{
	char value[128], wanted[128];
	unsigned uid = places_uid(&g->places, g->conf, process_of(l->id)->name, process_of(l->id)->user);

	value_of(l->status, "Uid:", value, sizeof value);
	snprintf(wanted, sizeof wanted, "%u\t%u\t%u\t%u", uid, uid, uid, uid);
	report_check(r, l->profile->name, "its own user", strcmp(value, wanted) == 0,
		     strcmp(value, wanted) == 0 ? "" : value);
}

static unsigned check_all(const struct gateway *g, pid_t root, bool is_own, struct report *r)
{
	struct dirent *entry;
	unsigned n = 0;
	DIR *proc = opendir("/proc");

	while (proc && (entry = readdir(proc))) {
		struct live l = { .pid = pid_of(entry->d_name) };
		if (l.pid <= 0 || !is_descendant(l.pid, root) || !identify(&l))
			continue;
		n++;
		check_status(&l, g->places.as_root, r);
		check_limits(&l, r);
		check_namespaces(&l, g->places.as_root, r);
		check_descriptors(&l, r);
		if (is_own)
			check_user(&l, g, r);
	}
	if (proc)
		closedir(proc);
	return n;
}

/* ---- a gateway by the real posternd ---- */

static bool write_conf(const struct gateway *g, const char *path)
{
	struct buf text;
	FILE *f = fopen(path, "we");
	bool is_written;

	buf_init(&text, CONF_MAX_PRINT);
	is_written = f && conf_print(g->conf, CONF_FOR_ALL, &text) && fwrite(text.p, text.n, 1, f) == 1;
	if (f)
		is_written = fclose(f) == 0 && is_written;
	buf_done(&text);
	return is_written;
}

static pid_t start_posternd(const char *conf)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 32);
	pid_t pid;
	int null;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	self[n > 0 ? n : 0] = 0;
	null = open("/dev/null", O_RDWR);
	dup2(null, 1);
	snprintf(strrchr(self, '/') + 1, 32, "posternd");
	execl(self, "posternd", "--config", conf, (char *)NULL);
	snprintf(strrchr(self, '/') + 1, 32, "../../sbin/posternd");
	execl(self, "posternd", "--config", conf, (char *)NULL);
	_exit(127);
}

/* Is every process there, each behind its filter? */
static bool is_complete(pid_t root)
{
	struct dirent *entry;
	unsigned n = 0;
	DIR *proc = opendir("/proc");

	while (proc && (entry = readdir(proc))) {
		struct live l = { .pid = pid_of(entry->d_name) };
		char filter[16];
		if (l.pid > 0 && is_descendant(l.pid, root) && identify(&l) && !l.is_room)
			n += value_of(l.status, "Seccomp:", filter, sizeof filter) && filter[0] == '2';
	}
	if (proc)
		closedir(proc);
	return n >= PROCESS_COUNT;
}

static bool await_processes(pid_t root)
{
	static const struct timespec tenth = { 0, 100000000 };

	for (int i = 0; i < READY_WITHIN; i++) {
		nanosleep(&tenth, NULL);
		if (waitpid(root, NULL, WNOHANG) == root)
			return false;
		if (is_complete(root))
			return true;
	}
	return false;
}

void drill_live(struct gateway *g, const struct decoys *d, int other, struct report *r)
{
	char conf[STEPS_DIR_SIZE + 32], detail[64];
	pid_t root;
	unsigned n = 0;

	if (!r->is_json)
		printf("\nlive processes beside their manifest\n");
	snprintf(conf, sizeof conf, "%s/postern.conf", d->home);
	close(g->places.control);
	root = write_conf(g, conf) ? start_posternd(conf) : -1;
	if (root > 0 && await_processes(root))
		n = check_all(g, root, true, r);
	snprintf(detail, sizeof detail, "%u of %u", n, (unsigned)PROCESS_COUNT);
	report_check(r, "gateway", "every process was found", n >= PROCESS_COUNT, detail);
	if (root > 0) {
		kill(root, SIGTERM);
		waitpid(root, NULL, 0);
	}
	if (other > 0)
		report_check(r, "running gateway", "every process was found",
			     check_all(g, other, false, r) > 0, "");
}
