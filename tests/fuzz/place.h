/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_place - a directory for the files of a fuzz target, in memory where there is such a place. Made at
 * the first call, removed at the end of the program with all that is in it (a target that dies leaves it).
 */
#ifndef TESTS_FUZZ_PLACE_H
#define TESTS_FUZZ_PLACE_H

#include "base/ensure.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char fuzz_place_path[] = "/dev/shm/postern-fuzz-XXXXXX";

static inline int fuzz_place_remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st;
	(void)kind;
	(void)walk;
	return remove(path) < 0;
}

static inline void fuzz_place_remove(void)
{
	(void)nftw(fuzz_place_path, fuzz_place_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A descriptor of the directory. */
static inline int fuzz_place(void)
{
	static const char other[] = "/tmp/postern-fuzz-XXXXXX";
	static int fd = -1;

	if (fd >= 0)
		return fd;
	if (!mkdtemp(fuzz_place_path)) {
		memcpy(fuzz_place_path, other, sizeof other);
		ASSERT(mkdtemp(fuzz_place_path) != NULL);
	}
	fd = open(fuzz_place_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT(fd >= 0 && atexit(fuzz_place_remove) == 0);
	return fd;
}

#endif
