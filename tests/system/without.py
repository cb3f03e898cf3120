# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a machine that lacks something: the named system calls fail, as in a container or on an
old kernel.

    without.py unshare:EPERM landlock_create_ruleset:ENOSYS -- posternd --config FILE
"""

import ctypes
import errno
import os
import sys

ALLOW, ERRNO = 0x7FFF0000, 0x00050000  # seccomp.h: SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(x)


def main():
	split = sys.argv.index("--")
	library = ctypes.CDLL("libseccomp.so.2")
	library.seccomp_init.restype = ctypes.c_void_p
	filter_ = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(ALLOW)))
	for word in sys.argv[1:split]:
		name, number = word.split(":")
		call = library.seccomp_syscall_resolve_name(name.encode())
		action = ctypes.c_uint32(ERRNO | getattr(errno, number))
		if library.seccomp_rule_add(filter_, action, call, ctypes.c_uint(0)):
			sys.exit(f"without: {word}: not possible")
	if library.seccomp_load(filter_):
		sys.exit("without: cannot load the filter")
	command = sys.argv[split + 1:]
	os.execvp(command[0], command)


main()
