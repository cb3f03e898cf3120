/* SPDX-License-Identifier: Apache-2.0
 *
 * One process beside its manifest: what /proc says of it (user, groups, capabilities, filter, limits,
 * descriptors, namespaces, root) and what process.def and profiles.c say. Called by main.c for each
 * process of the drill while it waits in its sandbox, by mutate.c for the same with something missing,
 * and by live.c for whole gateways.
 *
 * Invariant: reads /proc only.
 */
#include "drill/drill.h"
#include "role/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX             8192
#define TRIES                2500
#define END_TRIES            10000 /* a loaded machine takes its time */
#define TRY_NS               2000000
#define STARTER_CAPABILITIES "0000000000040100" /* SYS_CHROOT, SETPCAP */
#define STARTER_FILES        6                  /* null, null, log, channel, program, signals */
#define PR_GET_MDWE_NUMBER   66

/* ---- /proc ---- */

bool inspect_read(pid_t pid, const char *file, char *out, size_t n)
{
	char path[64];
	int fd;
	ssize_t got;

	snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, out, n - 1);
	if (fd >= 0)
		close(fd);
	out[got > 0 ? got : 0] = 0;
	return got > 0;
}

/* The rest of the line that begins with this key. */
bool inspect_value(const char *text, const char *key, char *out, size_t n)
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

pid_t inspect_parent(pid_t pid)
{
	char text[TEXT_MAX], value[32];

	if (!inspect_read(pid, "status", text, sizeof text) ||
	    !inspect_value(text, "PPid:", value, sizeof value))
		return 0;
	return pid_of(value);
}

static char state_of(pid_t pid)
{
	char text[TEXT_MAX], value[64];

	if (!inspect_read(pid, "status", text, sizeof text))
		return 0;
	inspect_value(text, "State:", value, sizeof value);
	return value[0];
}

static const struct timespec moment = { 0, TRY_NS };

void inspect_await_end(pid_t pid)
{
	for (int i = 0; i < END_TRIES && pid > 0; i++) {
		char state = state_of(pid);
		if (!state || state == 'Z' || state == 'X')
			return;
		nanosleep(&moment, NULL);
	}
}

static pid_t find_child(pid_t parent)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	while (proc && !found && (entry = readdir(proc))) {
		pid_t pid = pid_of(entry->d_name);
		if (pid > 0 && inspect_parent(pid) == parent && state_of(pid) == 'S')
			found = pid;
	}
	if (proc)
		closedir(proc);
	return found;
}

/* It sleeps only when it has loaded its filter; twice in a row, since a lock on the way is sleep too. */
pid_t inspect_await_child(pid_t parent)
{
	pid_t last = 0;

	for (int i = 0; i < TRIES; i++) {
		pid_t pid = find_child(parent);
		if (pid && pid == last)
			return pid;
		last = pid;
		nanosleep(&moment, NULL);
	}
	return -1;
}

/* ---- what is compared ---- */

static void tell(struct report *r, const struct inspected *p, const char *what, const char *detail)
{
	report_check(r, p->profile->name, what, *detail == 0, detail);
}

static void compare(const char *status, const char *key, const char *wanted, char *detail, size_t n)
{
	char value[128];

	inspect_value(status, key, value, sizeof value);
	if (strcmp(value, wanted) != 0)
		snprintf(detail, n, "%s %s, wanted %s", key, value, wanted);
}

static void compare_user(const char *status, uid_t uid, bool as_root, char *detail, size_t n)
{
	char value[128], wanted[128];

	if (uid == INSPECT_ANY_USER) { /* of a configuration that we have not read */
		inspect_value(status, "Uid:", value, sizeof value);
		uid = (uid_t)strtoul(value, NULL, 10);
	}
	if (as_root && uid == 0)
		snprintf(detail, n, "user 0");
	snprintf(wanted, sizeof wanted, "%u\t%u\t%u\t%u", uid, uid, uid, uid);
	compare(status, "Uid:", wanted, detail, n);
	if (!as_root)
		return;
	compare(status, "Gid:", wanted, detail, n);
	inspect_value(status, "Groups:", value, sizeof value);
	if (strspn(value, " ") != strlen(value))
		snprintf(detail, n, "groups %s", value);
}

static void check_status(const struct inspected *p, struct report *r)
{
	static const char *const keys[] = { "CapInh:", "CapPrm:", "CapEff:", "CapAmb:" };
	char status[TEXT_MAX], detail[300] = "";

	inspect_read(p->pid, "status", status, sizeof status);
	compare(status, "Seccomp:", "2", detail, sizeof detail);
	compare(status, "NoNewPrivs:", "1", detail, sizeof detail);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		compare(status, keys[i], "0000000000000000", detail, sizeof detail);
	if (p->id != PROCESS_COUNT || p->gateway->places.as_root) /* who has never had one cannot drop it */
		compare(status, "CapBnd:", "0000000000000000", detail, sizeof detail);
	tell(r, p, "a filter, no capability, and no way to gain one", detail);
	detail[0] = 0;
	compare_user(status, p->uid, p->gateway->places.as_root, detail, sizeof detail);
	tell(r, p, "its own user, no other group", detail);
}

/* Both the limit and how far it could be raised. */
static bool is_limit(const char *limits, const char *name, uint64_t wanted)
{
	char value[128], text[64];

	snprintf(text, sizeof text, "%llu", (unsigned long long)wanted);
	return inspect_value(limits, name, value, sizeof value) && strncmp(value, text, strlen(text)) == 0 &&
	       strncmp(value + strcspn(value, " ") + strspn(value + strcspn(value, " "), " "), text,
		       strlen(text)) == 0;
}

static bool is_bounded(const char *limits, const char *name)
{
	char value[128];

	return inspect_value(limits, name, value, sizeof value) && !strstr(value, "unlimited");
}

static void check_limits(const struct inspected *i, struct report *r)
{
	const struct sandbox_profile *p = i->profile;
	char limits[TEXT_MAX], detail[200] = "";

	inspect_read(i->pid, "limits", limits, sizeof limits);
	if (!p->may_write_files && !is_limit(limits, "Max file size", 0))
		snprintf(detail, sizeof detail, "it may write files");
	if (!p->may_fork && !is_limit(limits, "Max processes", 0))
		snprintf(detail, sizeof detail, "it may make processes");
	if (p->n_files && !is_limit(limits, "Max open files", p->n_files))
		snprintf(detail, sizeof detail, "it may open other than %u files", p->n_files);
	if (p->memory && !is_bounded(limits, "Max address space"))
		snprintf(detail, sizeof detail, "its memory is not bounded");
	if (p->cpu_seconds && !is_bounded(limits, "Max cpu time"))
		snprintf(detail, sizeof detail, "its time is not bounded");
	if (!is_limit(limits, "Max core file size", 0))
		snprintf(detail, sizeof detail, "it may leave a core file");
	if (!is_limit(limits, "Max locked memory", 0))
		snprintf(detail, sizeof detail, "it may lock memory");
	if (!is_limit(limits, "Max msgqueue size", 0))
		snprintf(detail, sizeof detail, "it may make message queues");
	tell(r, i, "limits of its profile", detail);
}

static bool has_own(pid_t pid, const char *name)
{
	char path[64];
	struct stat its, ours;

	snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, name);
	if (stat(path, &its) < 0)
		return false;
	snprintf(path, sizeof path, "/proc/self/ns/%s", name);
	return stat(path, &ours) == 0 && its.st_ino != ours.st_ino;
}

static void check_namespaces(const struct inspected *p, struct report *r)
{
	bool wants = p->layers & SANDBOX_NAMESPACES;
	char root[256] = "", detail[400] = "", path[64];
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%d/root", p->pid);
	n = readlink(path, root, sizeof root - 1);
	if ((p->layers & SANDBOX_ROOT) && n <= 1)
		snprintf(detail, sizeof detail, "root directory %s", root);
	if (has_own(p->pid, "net") != !!(p->layers & SANDBOX_NETWORK))
		snprintf(detail, sizeof detail, "network %s", wants ? "the machine's" : "its own");
	if (has_own(p->pid, "ipc") != wants)
		snprintf(detail, sizeof detail, "IPC of the machine");
	if (has_own(p->pid, "uts") != wants)
		snprintf(detail, sizeof detail, "host name of the machine");
	tell(r, p, "namespaces and root directory", detail);
}

static bool may_hold_files(const struct inspected *p)
{
	return (p->profile->calls & SANDBOX_CALLS_FILES) ||
	       process_may_have(p->id, POSTERND_ROLE_THING_DIRECTORY) ||
	       process_may_have(p->id, POSTERND_ROLE_THING_TRUST_ANCHOR);
}

/* Sockets, pipes, event descriptors and /dev/null are channels; a file must be one that the profile
 * writes, a directory one that it is handed. A room may write to no log. */
static unsigned check_each_descriptor(const struct inspected *p, char *detail, size_t n_detail)
{
	char path[64], name[320], target[256];
	struct dirent *entry;
	unsigned count = 0;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/fd", p->pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		ssize_t n;
		snprintf(name, sizeof name, "%s/%.20s", path, entry->d_name);
		n = readlink(name, target, sizeof target - 1);
		target[n > 0 ? n : 0] = 0;
		count += n > 0;
		if (p->is_room && strncmp(target, "pipe:", 5) == 0)
			snprintf(detail, n_detail, "%s", target);
		if (target[0] == '/' && strcmp(target, "/dev/null") != 0 && !may_hold_files(p))
			snprintf(detail, n_detail, "%.200s", target);
	}
	if (dir)
		closedir(dir);
	return count;
}

static void check_descriptors(const struct inspected *p, struct report *r)
{
	char detail[300] = "";

	if (!p->gateway->places.as_root)
		return; /* what may not be dumped shows its descriptors to root only */
	check_each_descriptor(p, detail, sizeof detail);
	tell(r, p, "no descriptor of a file that it is not handed", detail);
}

/* Who may not be dumped has its entries in /proc belong to root. */
static void check_memory(const struct inspected *p, struct report *r)
{
	char path[64];
	struct stat st = { 0 };

	snprintf(path, sizeof path, "/proc/%d/mem", p->pid);
	tell(r, p, "memory closed to others of its user",
	     stat(path, &st) == 0 && st.st_uid != 0 ? "it may be dumped" : "");
}

void inspect_process(const struct inspected *p, struct report *r)
{
	check_status(p, r);
	check_limits(p, r);
	check_memory(p, r);
	if (p->id == PROCESS_COUNT)
		return; /* posternd keeps what it hands out, and stays where it is */
	check_namespaces(p, r);
	check_descriptors(p, r);
}

/* ---- one process of the drill ---- */

static bool has_user_namespaces(void)
{
	pid_t pid = fork();
	int status = 1;

	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
	if (pid > 0)
		waitpid(pid, &status, 0);
	return status == 0;
}

uint32_t inspect_expected_layers(const struct drill *d, const struct sandbox_profile *p)
{
	uint32_t layers = d->layers;
	bool has_namespaces = d->gateway.places.as_root || has_user_namespaces();

	if (!d->gateway.places.as_root)
		layers &= ~(uint32_t)SANDBOX_USER;
	if (!has_namespaces)
		layers &= ~(uint32_t)(SANDBOX_NETWORK | SANDBOX_NAMESPACES | SANDBOX_ROOT);
	if (!p->own_network)
		layers &= ~(uint32_t)SANDBOX_NETWORK;
	if (prctl(PR_GET_MDWE_NUMBER, 0, 0, 0, 0) < 0)
		layers &= ~(uint32_t)SANDBOX_MDWE;
	if (sandbox_landlock_abi() == 0)
		layers &= ~(uint32_t)SANDBOX_LANDLOCK;
	return layers;
}

static void check_layers(struct drill *d, const struct run *r, uint32_t wanted)
{
	uint32_t missing = wanted & ~(r->layers | SANDBOX_SECCOMP);
	char detail[200] = "";
	size_t n = 0;

	for (unsigned bit = 0; bit < SANDBOX_LAYER_COUNT; bit++)
		if (missing >> bit & 1)
			n += (size_t)snprintf(detail + n, sizeof detail - n, "%s%s", n ? " " : "without ",
					      sandbox_layer_name(bit));
	report_check(&d->report, r->subject->profile->name, "every layer that this machine has", missing == 0,
		     detail);
}

/* The process that can start it, and do nothing else. */
static void check_starter(struct drill *d, const struct subject *s, pid_t pid)
{
	struct inspected p = { .pid = pid, .id = s->id, .profile = s->profile, .gateway = &d->gateway };
	char status[TEXT_MAX], value[64], detail[300] = "", ignored[300];
	unsigned n = check_each_descriptor(&p, ignored, sizeof ignored);

	inspect_read(pid, "status", status, sizeof status);
	compare_user(status, s->uid, d->gateway.places.as_root, detail, sizeof detail);
	compare(status, "NoNewPrivs:", "1", detail, sizeof detail);
	inspect_value(status, "CapBnd:", value, sizeof value);
	if (d->gateway.places.as_root)
		compare(status, "CapBnd:", STARTER_CAPABILITIES, detail, sizeof detail);
	inspect_value(status, "CapEff:", value, sizeof value);
	if (strtoull(value, NULL, 16) & ~strtoull(STARTER_CAPABILITIES, NULL, 16))
		snprintf(detail, sizeof detail, "capabilities %s", value);
	if (n > STARTER_FILES)
		snprintf(detail, sizeof detail, "%u descriptors", n);
	report_check(&d->report, s->profile->name, "its starter: its user, two capabilities, six descriptors",
		     *detail == 0, detail);
}

/* Counted from inside. */
static void check_room_files(struct drill *d, struct run *r)
{
	struct steps_order o = { .step = STEPS_COUNT_FILES, .uid = r->subject->uid };
	int status = subject_try(r, &o);
	size_t wanted = 3 + subject_count_room_files(r->subject);
	bool is_good = WIFEXITED(status) && (size_t)WEXITSTATUS(status) == wanted;
	char detail[64] = "";

	if (!is_good)
		snprintf(detail, sizeof detail, "%d, wanted %zu", WEXITSTATUS(status), wanted);
	report_check(&d->report, r->subject->profile->name, "exactly the descriptors of its kind", is_good,
		     detail);
}

void inspect_subject(struct drill *d, const struct subject *s)
{
	struct inspected p = { .id = s->id,
			       .profile = s->profile,
			       .is_room = s->is_room,
			       .uid = s->uid,
			       .gateway = &d->gateway,
			       .layers = inspect_expected_layers(d, s->profile) };
	struct run r;
	pid_t starter;

	if (!subject_start(&d->gateway, s, d->layers & ~d->missing, d->mutation, &r)) {
		report_check(&d->report, s->profile->name, "it starts", false, "");
		return;
	}
	starter = inspect_parent(r.pid);
	p.pid = subject_hold(&r);
	report_check(&d->report, s->profile->name, "it waits in its sandbox", p.pid > 0, "");
	if (p.pid > 0) {
		inspect_process(&p, &d->report);
		check_starter(d, s, starter);
		subject_release(&r, p.pid);
	}
	check_layers(d, &r, p.layers);
	if (s->is_room)
		check_room_files(d, &r);
	subject_end(&r);
	if (waitpid(starter, NULL, WNOHANG) == 0)
		kill(starter, SIGKILL); /* which, with our descriptors, would not see us go */
}
