/* SPDX-License-Identifier: Apache-2.0
 *
 * What this machine gives: called once by main.c before anything is bound. Says in one line each what
 * is missing, what is weaker for it and how to cure it; refuses to start below the minimum.
 */
#include "base/log.h"
#include "roles/posternd/posternd.h"
#include "sandbox/sandbox.h"

#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define MDWE_GET 66 /* prctl PR_GET_MDWE, Linux 6.3 */

static void check_landlock(const struct conf *conf)
{
	int abi = sandbox_landlock_abi();

	if ((uint64_t)abi < conf->top.minimum_landlock)
		log_fatal(EX_UNAVAILABLE,
			  "this kernel has Landlock version %d, and minimum-landlock is %llu: use a newer "
			  "kernel, add landlock to its lsm= option, or lower minimum-landlock",
			  abi, (unsigned long long)conf->top.minimum_landlock);
	if (abi == 0)
		log_warning("no Landlock here: use Linux 5.13 or newer, or add landlock to its lsm= option; "
			    "until then files and TCP ports are denied by fewer layers");
	else if (abi < 4)
		log_info("Landlock version %d: TCP ports are denied by the other layers alone; version 4 "
			 "(Linux 6.7) has them",
			 abi);
	else if (abi < 6)
		log_info("Landlock version %d: signals to others are denied by the other layers alone; "
			 "version 6 (Linux 6.12) has them",
			 abi);
}

/* In a child, so that posternd itself stays where it is. */
static bool has_namespaces(void)
{
	pid_t pid = fork();
	int status = 1;

	if (pid == 0) {
		if (geteuid() != 0 && unshare(CLONE_NEWUSER) < 0)
			_exit(1);
		_exit(unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) == 0 ? 0 : 1);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	return status == 0;
}

static void check_namespaces(const struct conf *conf)
{
	bool is_root = geteuid() == 0;
	const char *cure = is_root ? "give the container or unit CAP_SYS_ADMIN"
				   : "allow them by the sysctls user.max_user_namespaces and "
				     "kernel.unprivileged_userns_clone, or start as root";

	if (has_namespaces())
		return;
	if (conf->top.require_namespaces)
		log_fatal(EX_UNAVAILABLE, "no namespaces here: %s, or set require-namespaces no", cure);
	log_warning("no namespaces here: %s; until then every process sees the network%s, and only Landlock "
		    "and the call filter deny it",
		    cure, is_root ? "" : " and the file tree");
}

/* What root may lack in a container or unit: the starters need these for an empty root directory, and to
 * give them up behind it. */
static void check_root_directory(void)
{
	if (geteuid() != 0 || (prctl(PR_CAPBSET_READ, CAP_SYS_CHROOT, 0, 0, 0) == 1 &&
			       prctl(PR_CAPBSET_READ, CAP_SETPCAP, 0, 0, 0) == 1))
		return;
	log_warning("root without CAP_SYS_CHROOT or CAP_SETPCAP: give both to the container or unit; until "
		    "then every process sees the file tree, and only Landlock and the call filter deny it");
}

static void check_files(const struct conf *conf)
{
	struct rlimit limit;
	uint64_t need = 0;

	for (size_t i = 0; i < conf->listener.n; i++)
		need += conf->listener.v[i].max_connections;
	need += 512;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < need)
		log_warning("max-connections may need %llu open files in one process, the limit is %llu: "
			    "raise LimitNOFILE "
			    "or ulimit -n",
			    (unsigned long long)need, (unsigned long long)limit.rlim_cur);
}

static uint64_t read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[32] = "";
	uint64_t n = 0;

	if (!f)
		return 0;
	if (fgets(line, sizeof line, f))
		text_parse_u64(text_trim(text_from_cstr(line)), UINT64_MAX, &n);
	fclose(f);
	return n;
}

static void check_processes(const struct conf *conf)
{
	uint64_t most = read_number("/proc/sys/kernel/pid_max"), need = 200;

	for (size_t i = 0; i < conf->listener.n; i++)
		need += conf->listener.v[i].max_connections;
	need += conf->deliver.max_connections + conf->scan.slots;
	if (most && most < need)
		log_warning("every connection is a process: up to %llu, but kernel.pid_max is %llu; raise it",
			    (unsigned long long)need, (unsigned long long)most);
}

void preflight_check(const struct conf *conf, uint32_t layers)
{
	if (!(layers & SANDBOX_SECCOMP) || layers != SANDBOX_ALL)
		log_warning("layers of the sandbox are left out by the command line: for measurements only");
	check_landlock(conf);
	check_namespaces(conf);
	check_root_directory();
	check_files(conf);
	check_processes(conf);
	if (prctl(MDWE_GET, 0, 0, 0, 0) < 0)
		log_info("this kernel cannot forbid writable and executable memory (PR_SET_MDWE, Linux 6.3): "
			 "the call filter "
			 "alone denies it");
}
