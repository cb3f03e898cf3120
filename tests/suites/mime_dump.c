/* SPDX-License-Identifier: Apache-2.0
 *
 * For the suites of many thousand messages that we know: reads those whose names come on standard input,
 * without the rooms of `postern inspect`, and prints of each a line "name, limit that was met or -, reasons
 * why it is ambiguous", and with --tree a line "path, type, size, SHA-256 of the content" for each leaf of
 * the first reading. Cells are parted by tabs. tests/suites/mime_dump_gmime.c prints the same by GMime.
 */
#include "base/ensure.h"
#include "proto/mime_content.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY ((size_t)64 << 20)

static bool is_counted(const struct mime_part *part)
{
	return part->kind != MIME_GAP && part->kind != MIME_FILE && mime_part_is_first(part);
}

/* "0" is the message, "0.2.1" the first part of its second. */
static void print_path(const struct mime_tree *tree, const struct mime_part *part)
{
	unsigned number = 1;

	if (!part->parent) {
		putchar('0');
		return;
	}
	for (const struct mime_part *p = tree->first; p != part; p = p->next)
		number += p->parent == part->parent && is_counted(p);
	print_path(tree, part->parent);
	printf(".%u", number);
}

static void print_lower(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		putchar(text_lower_byte(t.p[i]));
}

static void print_leaf(const struct mime_tree *tree, const struct mime_part *part)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct text type, subtype;
	struct buf content;
	unsigned n = 0;

	buf_init(&content, mime_content_max(part->body));
	ASSERT(mime_part_decode(part, part->encoding, &content));
	ASSERT(EVP_Digest(content.p ? content.p : "", content.n, digest, &n, EVP_sha256(), NULL) == 1);
	mime_part_type(part, &type, &subtype);
	print_path(tree, part);
	putchar('\t');
	print_lower(type);
	putchar('/');
	print_lower(subtype);
	printf("\t%zu\t", content.n);
	for (unsigned i = 0; i < n; i++)
		printf("%02x", digest[i]);
	putchar('\n');
	buf_done(&content);
}

static void print_message_of(const char *name, struct text message, bool has_tree)
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
	for (const struct mime_part *p = tree.first; has_tree && p; p = p->next)
		if (p->kind == MIME_LEAF && mime_part_is_first(p))
			print_leaf(&tree, p);
	arena_reset(&arena);
}

static void read_file(const char *name, bool has_tree)
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
	print_message_of(name, text_from_bytes(p, (size_t)st.st_size), has_tree);
	munmap(p, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
	bool has_tree = argc > 1 && text_is_cstr(text_from_cstr(argv[1]), "--tree");
	char line[4096];

	while (fgets(line, sizeof line, stdin)) {
		size_t n = strlen(line);
		if (n && line[n - 1] == '\n')
			line[n - 1] = 0;
		read_file(line, has_tree);
	}
	return 0;
}
