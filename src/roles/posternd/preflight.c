/* SPDX-License-Identifier: Apache-2.0
 *
 * What this machine gives: called once by main.c before anything is bound. Says in one line each what
 * is missing, what is weaker for it and how to cure it; refuses to start below the minimum.
 */
#include "base/log.h"
#include "roles/posternd/posternd.h"
#include "sandbox/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#define MDWE_GET 66 /* prctl PR_GET_MDWE, Linux 6.3 */

#include <sys/prctl.h>

static void check_landlock(const struct conf *conf)
{
	int abi = sandbox_landlock_abi();

	if ((uint64_t)abi < conf->top.minimum_landlock)
		log_fatal(EX_UNAVAILABLE,
			  "this kernel has Landlock version %d, the configuration demands %llu: use a newer "
			  "kernel, enable "
			  "'landlock' in its lsm= option, or lower minimum-landlock",
			  abi, (unsigned long long)conf->top.minimum_landlock);
	if (abi == 0)
		log_warning("no Landlock in this kernel: files and TCP are guarded by fewer layers; Linux "
			    "5.13 has it");
	else if (abi < 4)
		log_info("Landlock version %d: TCP ports and signals are guarded by the other layers; Linux "
			 "6.12 has both",
			 abi);
}

static void check_namespaces(const struct conf *conf)
{
	bool have = geteuid() == 0 || sandbox_has_user_namespaces();

	if (have)
		return;
	if (conf->top.require_namespaces)
		log_fatal(
			EX_UNAVAILABLE,
			"no namespaces for unprivileged users here: set kernel.unprivileged_userns_clone=1, "
			"start as root, or set require-namespaces no");
	log_warning("no namespaces here (container, or kernel.unprivileged_userns_clone=0): rooms keep the "
		    "network stack "
		    "and the file tree in sight, Landlock and the call filter alone deny them");
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
	check_files(conf);
	check_processes(conf);
	if (prctl(MDWE_GET, 0, 0, 0, 0) < 0)
		log_info("this kernel cannot forbid writable and executable memory (PR_SET_MDWE, Linux 6.3): "
			 "the call filter "
			 "alone denies it");
}
