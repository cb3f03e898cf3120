/* SPDX-License-Identifier: Apache-2.0
 *
 * The main program of a fuzz target when libFuzzer is not there: gives each seed file of the
 * directories named on the command line to the target once, and every prefix and every single-byte
 * change of the short ones. Run with the unit tests, so that a target always builds and a finding that
 * was kept as a seed stays fixed. Trusts its arguments; memory is bounded by SEED_MAX per file.
 */
#include "base/ensure.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

#define SEED_MAX  (1 << 20)
#define SHORT_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A copy that ends where its block ends, so that the sanitizer sees a read past it. */
static void give(const uint8_t *data, size_t n)
{
	uint8_t *copy = mem_alloc(n ? n : 1);

	if (n)
		memcpy(copy, data, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void give_variants(uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t kept = data[i];
		give(data, i);
		for (unsigned bit = 0; bit < 8; bit++) {
			data[i] = (uint8_t)(kept ^ (1U << bit));
			give(data, n);
		}
		data[i] = kept;
	}
}

static bool replay_file(const char *path)
{
	static uint8_t data[SEED_MAX];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return false;
	}
	n = fread(data, 1, sizeof data, f);
	fclose(f);
	give(data, n);
	if (n <= SHORT_MAX)
		give_variants(data, n);
	return true;
}

static bool replay_directory(const char *path, size_t *count)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool ok = true;

	if (!dir) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return false;
	}
	while (ok && (entry = readdir(dir))) {
		char name[PATH_MAX];
		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(name, sizeof name, "%s/%s", path, entry->d_name) >= (int)sizeof name)
			continue;
		ok = replay_file(name);
		(*count)++;
	}
	closedir(dir);
	return ok;
}

int main(int argc, char **argv)
{
	size_t count = 0;

	for (int i = 1; i < argc; i++) /* some targets go into a directory of their own */
		argv[i] = realpath(argv[i], NULL);
	give((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		if (!argv[i] || !replay_directory(argv[i], &count))
			return 1;
	printf("%zu seeds\n", count);
	return 0;
}
