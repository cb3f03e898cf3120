/* SPDX-License-Identifier: Apache-2.0
 *
 * For mime_ham.py: reads the messages whose names come on standard input, and prints of each a line:
 * name, a tab, the limit that was met or "-", a tab, the reasons why it is ambiguous. Without the rooms
 * of `postern inspect`, which cost ten milliseconds for each of many thousand messages that we know.
 */
#include "base/ensure.h"
#include "proto/mime_part.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY ((size_t)64 << 20)

static void print_message(const char *name, struct text message)
{
	struct mime_limits limits = mime_limits_default();
	struct mime_tree tree;
	struct arena arena;

	arena_init(&arena, MEMORY);
	mime_tree_read(message, &limits, &arena, &tree);
	printf("%s\t%s\t", name, tree.trouble ? mime_trouble_word(tree.trouble) : "-");
	for (unsigned i = 0; i < MIME_REASON_COUNT; i++)
		if (tree.reasons & 1U << i)
			printf("%s ", mime_reason_at((enum mime_reason_bit)i)->word);
	putchar('\n');
	arena_reset(&arena);
}

static void read_file(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p = MAP_FAILED;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		fprintf(stderr, "cannot read %s\n", name);
		_exit(1);
	}
	close(fd);
	print_message(name, text_from_bytes(p, (size_t)st.st_size));
	munmap(p, (size_t)st.st_size);
}

int main(void)
{
	char line[4096];

	while (fgets(line, sizeof line, stdin)) {
		size_t n = strlen(line);
		if (n && line[n - 1] == '\n')
			line[n - 1] = 0;
		read_file(line);
	}
	return 0;
}
