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
#include "drill/drill.h"
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
#define WORDS_MAX    256
#define EXPECTED     (PROCESS_COUNT + 1) /* and posternd itself */

static bool is_descendant(pid_t pid, pid_t root)
{
	for (int depth = 0; pid > 1 && depth < 32; depth++) {
		pid = inspect_parent(pid);
		if (pid == root)
			return true;
	}
	return false;
}

static bool is_sealed(pid_t pid)
{
	char text[TEXT_MAX], filter[16];

	return inspect_read(pid, "status", text, sizeof text) &&
	       inspect_value(text, "Seccomp:", filter, sizeof filter) && filter[0] == '2';
}

static enum process_id find_process(const char *name)
{
	enum process_id id = 0;

	while (id < PROCESS_COUNT && strcmp(process_of(id)->name, name) != 0)
		id++;
	return id;
}

/* posternd itself: its parent and its starters have no filter. */
static bool is_posternd(struct inspected *p, const char *words)
{
	const char *name = strrchr(words, '/');

	p->id = PROCESS_COUNT;
	p->profile = sandbox_find_profile("posternd");
	return strcmp(name ? name + 1 : words, "posternd") == 0 && is_sealed(p->pid);
}

/* What a process is, by its two words and its parent's: "postern-receive\0session". */
static bool identify(struct inspected *p)
{
	char words[WORDS_MAX], parent[WORDS_MAX], role[WORDS_MAX];
	const char *kind = words;

	if (!inspect_read(p->pid, "cmdline", words, sizeof words))
		return false;
	if (strncmp(words, "postern-", 8) != 0)
		return is_posternd(p, words);
	kind += strlen(words) + 1;
	snprintf(role, sizeof role, "%s", strcmp(kind, "role") == 0 ? words + 8 : kind);
	p->id = find_process(role);
	if (p->id == PROCESS_COUNT)
		return false;
	p->is_room = process_is_zygote(p->id) &&
		     inspect_read(inspect_parent(p->pid), "cmdline", parent, sizeof parent) &&
		     strcmp(parent, words) == 0 && strcmp(parent + strlen(parent) + 1, kind) == 0;
	p->profile = sandbox_find_profile(p->is_room ? process_of(p->id)->room_profile
						     : process_of(p->id)->profile);
	return true;
}

static pid_t pid_of(const char *digits)
{
	uint64_t n = 0;

	return text_parse_u64(text_from_cstr(digits), INT32_MAX, &n) ? (pid_t)n : 0;
}

static uid_t uid_of(const struct gateway *g, enum process_id id)
{
	const struct process *p = id < PROCESS_COUNT ? process_of(id) : NULL;

	return places_uid(&g->places, g->conf, p ? p->name : "", p ? p->user : 0);
}

/* A room may end while it is looked at: what is gone is no failure. */
static void check_one(struct drill *d, struct inspected *p, bool is_own)
{
	struct report quiet = report_quiet(&d->report);
	char words[WORDS_MAX];

	p->gateway = &d->gateway;
	p->uid = is_own ? uid_of(&d->gateway, p->id) : INSPECT_ANY_USER;
	p->layers = inspect_expected_layers(d, p->profile);
	inspect_process(p, &quiet);
	if (quiet.n_failed && !inspect_read(p->pid, "cmdline", words, sizeof words))
		return;
	inspect_process(p, &d->report);
}

static unsigned check_all(struct drill *d, pid_t root, bool is_own)
{
	struct dirent *entry;
	unsigned n = 0;
	DIR *proc = opendir("/proc");

	while (proc && (entry = readdir(proc))) {
		struct inspected p = { .pid = pid_of(entry->d_name) };
		if (p.pid <= 0 || !is_descendant(p.pid, root) || !identify(&p))
			continue;
		n++;
		check_one(d, &p, is_own);
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
		struct inspected p = { .pid = pid_of(entry->d_name) };
		n += p.pid > 0 && is_descendant(p.pid, root) && identify(&p) && !p.is_room &&
		     is_sealed(p.pid);
	}
	if (proc)
		closedir(proc);
	return n >= EXPECTED;
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

void drill_live(struct drill *d)
{
	char conf[STEPS_DIR_SIZE + 32], detail[64];
	pid_t root;
	unsigned n = 0;

	report_title(&d->report, "live processes beside their manifest");
	snprintf(conf, sizeof conf, "%s/postern.conf", d->decoys.home);
	close(d->gateway.places.control);
	root = write_conf(&d->gateway, conf) ? start_posternd(conf) : -1;
	if (root > 0 && await_processes(root))
		n = check_all(d, root, true);
	snprintf(detail, sizeof detail, "%u of %u", n, (unsigned)EXPECTED);
	report_check(&d->report, "gateway", "every process was found", n >= EXPECTED, detail);
	if (root > 0) {
		kill(root, SIGTERM);
		waitpid(root, NULL, 0);
	}
	if (d->live_pid > 0)
		report_check(&d->report, "running gateway", "every process was found",
			     check_all(d, d->live_pid, false) >= EXPECTED, "");
}
