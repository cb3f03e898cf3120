/* SPDX-License-Identifier: Apache-2.0
 *
 * Landlock by system call, with constants of our own, because the headers of Debian 12 end at ABI 2
 * while the kernel may know more. Probes the ABI and uses what is there. Invariant: every right that
 * the ABI can handle is handled, and only the profile's own root is given some back.
 */
#include "sandbox/landlock.h"

#include "base/ensure.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FS_EXECUTE     (1ull << 0)
#define FS_WRITE_FILE  (1ull << 1)
#define FS_READ_FILE   (1ull << 2)
#define FS_READ_DIR    (1ull << 3)
#define FS_REMOVE_DIR  (1ull << 4)
#define FS_REMOVE_FILE (1ull << 5)
#define FS_MAKE_DIR    (1ull << 7)
#define FS_MAKE_REG    (1ull << 8)
#define FS_REFER       (1ull << 13) /* ABI 2 */
#define FS_TRUNCATE    (1ull << 14) /* ABI 3 */
#define FS_IOCTL_DEV   (1ull << 15) /* ABI 5 */
#define FS_ALL_ABI_1   ((1ull << 13) - 1)
/* What a process may do below a directory of its own: all but execute, links and devices. */
#define FS_OWN                                                                                               \
	(FS_READ_FILE | FS_WRITE_FILE | FS_READ_DIR | FS_REMOVE_FILE | FS_MAKE_REG | FS_MAKE_DIR |           \
	 FS_REFER | FS_TRUNCATE)
#define NET_BIND_TCP        (1ull << 0) /* ABI 4 */
#define NET_CONNECT_TCP     (1ull << 1)
#define SCOPE_ABSTRACT_UNIX (1ull << 0) /* ABI 6 */
#define SCOPE_SIGNAL        (1ull << 1)

#define RULE_PATH      1
#define RULE_PORT      2
#define CREATE_VERSION 1

struct ruleset_attr {
	uint64_t fs, net, scope;
};

struct path_attr {
	uint64_t access;
	int32_t parent_fd;
} __attribute__((packed));

struct port_attr {
	uint64_t access, port;
};

int sandbox_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);

	if (sandbox_is_mutated(SANDBOX_AS_LINUX_6_1, 0) && abi > 2)
		return 2;
	return abi > 0 ? (int)abi : 0;
}

/* All of these, but in the drill's mutation test one. */
static uint64_t without(uint64_t rights, enum sandbox_mutation kind)
{
	for (unsigned bit = 0; bit < 64; bit++)
		if (sandbox_is_mutated(kind, bit))
			rights &= ~(1ull << bit);
	return rights;
}

static uint64_t fs_rights(int abi)
{
	uint64_t rights = FS_ALL_ABI_1 | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
			  (abi >= 5 ? FS_IOCTL_DEV : 0);

	return without(rights, SANDBOX_WITHOUT_FILE_RIGHT);
}

static void allow_below(int ruleset, uint64_t rights, int dir_fd)
{
	struct path_attr path = { rights, dir_fd };

	ASSERT(syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &path, 0) == 0);
}

static void allow_to_read_all(int ruleset)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	ASSERT(fd >= 0);
	allow_below(ruleset, FS_READ_FILE | FS_READ_DIR, fd);
	close(fd);
}

static void allow_ports(int ruleset, const struct sandbox_options *options)
{
	for (size_t i = 0; i < options->n_ports; i++) {
		struct port_attr port = { without(NET_CONNECT_TCP, SANDBOX_WITHOUT_PORT_RIGHT),
					  options->ports[i] };
		if (port.access == 0)
			return;
		ASSERT(syscall(SYS_landlock_add_rule, ruleset, RULE_PORT, &port, 0) == 0);
	}
}

bool sandbox_enter_landlock(const struct sandbox_profile *profile, const struct sandbox_options *options)
{
	int abi = sandbox_landlock_abi(), ruleset;
	struct ruleset_attr attr = { 0 };
	size_t size = abi >= 6 ? sizeof attr : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);

	if (abi == 0)
		return false;
	attr.fs = fs_rights(abi);
	if (abi >= 4)
		attr.net = without(NET_BIND_TCP | NET_CONNECT_TCP, SANDBOX_WITHOUT_PORT_RIGHT);
	if (abi >= 6)
		attr.scope = without(SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL, SANDBOX_WITHOUT_SCOPE);
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	ASSERT(ruleset >= 0);
	if (profile->root == SANDBOX_ROOT_STATE && !sandbox_is_mutated(SANDBOX_WITHOUT_RULE, 0))
		allow_below(ruleset, FS_OWN & attr.fs, options->root_fd);
	if (profile->root == SANDBOX_ROOT_WHOLE)
		allow_to_read_all(ruleset);
	for (size_t i = 0; i < options->n_dirs && !sandbox_is_mutated(SANDBOX_WITHOUT_RULE, 1); i++)
		allow_below(ruleset, FS_OWN & attr.fs, options->dirs[i]);
	if (abi >= 4 && (profile->calls & SANDBOX_CALLS_CONNECT) &&
	    !sandbox_is_mutated(SANDBOX_WITHOUT_RULE, 2))
		allow_ports(ruleset, options);
	ASSERT(syscall(SYS_landlock_restrict_self, ruleset, 0) == 0);
	close(ruleset);
	return true;
}
