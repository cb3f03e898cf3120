/* SPDX-License-Identifier: Apache-2.0
 *
 * The way into a sandbox. Called by role/standing.c, role/zygote.c and by posternd, once, after all
 * descriptors are there and before anything of a stranger is read. Trusts the profile and what
 * posternd gave. Invariant: the order root, capabilities, no_new_privs, limits, MDWE, Landlock, then
 * (sandbox_seal) no process, filter: each step needs what the later ones take away.
 */
#include "sandbox/sandbox.h"

#include "base/ensure.h"
#include "base/log.h"
#include "sandbox/filter.h"
#include "sandbox/landlock.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PR_SET_MDWE_NUMBER    65 /* Linux 6.3; not in Debian 12's headers */
#define MDWE_REFUSE_EXEC_GAIN 1ul

static const char *const layer_names[] = {
#define LAYER(name, text) text,
#include "sandbox/layers.def"
#undef LAYER
};

static uint32_t mutation; /* the drill's; 0 in service */

void sandbox_mutate(uint32_t m)
{
	mutation = m;
}

bool sandbox_has_mutation(void)
{
	return mutation != 0;
}

bool sandbox_can_mutate(void)
{
#ifdef SANDBOX_MUTATIONS
	return true;
#else
	return false;
#endif
}

bool sandbox_is_mutated(enum sandbox_mutation kind, unsigned index)
{
	if (!sandbox_can_mutate() && kind != SANDBOX_AS_LINUX_6_1)
		return false;
	return mutation == ((uint32_t)kind << 16 | index);
}

const char *sandbox_layer_name(unsigned bit)
{
	return bit < SANDBOX_LAYER_COUNT ? layer_names[bit] : "unknown";
}

/* The root becomes options->root_fd. Needs CAP_SYS_CHROOT, which the starter kept for this. */
static uint32_t enter_root(const struct sandbox_options *options)
{
	if (options->root_fd < 0 || fchdir(options->root_fd) < 0)
		return 0;
	return chroot(".") == 0 ? SANDBOX_ROOT : 0;
}

static uint32_t drop_capabilities(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { 0 };

	for (int cap = 0; cap <= 63 && !sandbox_is_mutated(SANDBOX_WITHOUT_BOUNDING, 0); cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0,
		      0); /* needs CAP_SETPCAP; without it there is nothing to gain */
	if (!sandbox_is_mutated(SANDBOX_WITHOUT_CAPSET, 0)) /* takes the ambient ones along */
		ASSERT(syscall(SYS_capset, &header, none) == 0);
	ASSERT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	return SANDBOX_CAPABILITIES;
}

static void set_limit(int resource, uint64_t value)
{
	struct rlimit now, limit = { value, value };

	if (sandbox_is_mutated(SANDBOX_WITHOUT_LIMIT, (unsigned)resource))
		return;
	ASSERT(getrlimit((__rlimit_resource_t)resource, &now) == 0);
	if (limit.rlim_max > now.rlim_max)
		limit.rlim_cur = limit.rlim_max = now.rlim_max;
	ASSERT(setrlimit((__rlimit_resource_t)resource, &limit) == 0);
}

static uint32_t set_limits(const struct sandbox_profile *profile, const struct sandbox_options *options)
{
	unsigned n_files = options->n_files ? options->n_files : profile->n_files;
	uint64_t cpu = options->cpu_seconds ? options->cpu_seconds : profile->cpu_seconds;

	set_limit(RLIMIT_CORE, 0);
	set_limit(RLIMIT_MEMLOCK, 0);
	set_limit(RLIMIT_MSGQUEUE, 0);
	if (n_files)
		set_limit(RLIMIT_NOFILE, n_files);
	if (!profile->may_write_files)
		set_limit(RLIMIT_FSIZE, 0);
#ifndef SANDBOX_REPORT /* sanitizers reserve terabytes of address space */
	if (options->memory || profile->memory)
		set_limit(RLIMIT_AS, options->memory ? options->memory : profile->memory);
#endif
	if (cpu)
		set_limit(RLIMIT_CPU, cpu);
	return SANDBOX_LIMITS;
}

static uint32_t refuse_executable_memory(void)
{
#ifdef SANDBOX_REPORT
	return 0;
#else
	return prctl(PR_SET_MDWE_NUMBER, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0 ? SANDBOX_MDWE : 0;
#endif
}

uint32_t sandbox_enter(const struct sandbox_profile *profile, const struct sandbox_options *options)
{
	uint32_t layers = options->layers, achieved = 0;

	if (layers & SANDBOX_ROOT)
		achieved |= enter_root(options);
	if (!(achieved & SANDBOX_ROOT) && options->root_fd >= 0)
		ASSERT(fchdir(options->root_fd) == 0);
#ifndef SANDBOX_REPORT
	if (!sandbox_is_mutated(SANDBOX_WITHOUT_UNDUMPABLE, 0))
		ASSERT(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
#endif
	if (layers & SANDBOX_CAPABILITIES)
		achieved |= drop_capabilities();
	else if (layers & (SANDBOX_LANDLOCK | SANDBOX_SECCOMP))
		ASSERT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0); /* both need it */
	if (layers & SANDBOX_LIMITS)
		achieved |= set_limits(profile, options);
	if (layers & SANDBOX_MDWE)
		achieved |= refuse_executable_memory();
	if ((layers & SANDBOX_LANDLOCK) && sandbox_enter_landlock(profile, options))
		achieved |= SANDBOX_LANDLOCK;
	return achieved;
}

#ifdef SANDBOX_REPORT
/* Asked by the sanitizer at the end of the process: it looks for leaks with a thread of its own and /proc,
 * which a sealed process does not have. The tests of single roles run without the layers, and look. */
int __lsan_is_turned_off(void);
static bool is_sealed;

int __lsan_is_turned_off(void)
{
	return is_sealed;
}

static void note_sealed(void)
{
	is_sealed = true;
}
#else
static void note_sealed(void)
{
}
#endif

uint32_t sandbox_seal(const struct sandbox_profile *profile, const struct sandbox_options *options)
{
	struct sandbox_filter filter;

	if ((options->layers & SANDBOX_LIMITS) && !profile->may_fork)
		set_limit(RLIMIT_NPROC, 0);
	if (!(options->layers & SANDBOX_SECCOMP))
		return 0;
	note_sealed();
	sandbox_compile(profile, &filter);
	sandbox_load_filter(&filter, /* all_threads= */ true);
	free(filter.instructions);
	return SANDBOX_SECCOMP;
}

void sandbox_seal_room(const struct sandbox_profile *profile, const struct sandbox_filter *filter,
		       const struct sandbox_options *options)
{
	if (options->layers & SANDBOX_LIMITS) {
		set_limits(profile, options);
		if (!profile->may_fork)
			set_limit(RLIMIT_NPROC, 0);
	}
	if (options->layers & SANDBOX_SECCOMP)
		sandbox_load_filter(filter, /* all_threads= */ false);
}
