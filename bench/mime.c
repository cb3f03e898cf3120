/* SPDX-License-Identifier: Apache-2.0
 *
 * For bench/mime: reads the messages whose names come on standard input ROUNDS times, from memory, into
 * their parts, decodes every part, and prints the CPU seconds of this process. With -DWITH_GMIME it does
 * the same by GMime, otherwise by Postern's reader; the rest is the same code.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double cpu_seconds(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

#ifdef WITH_GMIME
#include <gmime/gmime.h>

static void count_part(GMimeObject *parent, GMimeObject *part, gpointer decoded)
{
	GMimeDataWrapper *content = GMIME_IS_PART(part) ? g_mime_part_get_content(GMIME_PART(part)) : NULL;
	GMimeStream *sink;

	(void)parent;
	if (!content)
		return;
	sink = g_mime_stream_null_new();
	*(size_t *)decoded += (size_t)g_mime_data_wrapper_write_to_stream(content, sink);
	g_object_unref(sink);
}

static size_t read_message(const char *p, size_t n)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(p, n);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
	size_t decoded = 0;

	if (message) {
		g_mime_message_foreach(message, count_part, &decoded);
		g_object_unref(message);
	}
	g_object_unref(parser);
	g_object_unref(stream);
	return decoded;
}

static void begin(void)
{
	g_mime_init();
}
#else
#include "proto/mime_content.h"

static struct buf content;

static size_t read_message(const char *p, size_t n)
{
	static struct mime_limits limits;
	struct mime_tree tree;
	struct arena arena;
	size_t decoded = 0;

	limits = mime_limits_default();
	arena_init(&arena, (size_t)1 << 30);
	mime_tree_read(text_from_bytes(p, n), &limits, &arena, &tree);
	for (const struct mime_part *part = tree.first; part; part = part->next) {
		if (part->kind != MIME_LEAF)
			continue;
		buf_reset(&content);
		mime_part_decode(part, part->encoding, &content);
		decoded += content.n;
	}
	arena_reset(&arena);
	return decoded;
}

static void begin(void)
{
	buf_init(&content, (size_t)1 << 30);
}
#endif

struct message {
	char *p;
	size_t n;
};

static size_t load(struct message *list, size_t max)
{
	char name[4096];
	size_t n = 0;

	while (n < max && fgets(name, sizeof name, stdin)) {
		FILE *f;
		name[strcspn(name, "\n")] = 0;
		f = fopen(name, "rb");
		if (!f)
			continue;
		fseek(f, 0, SEEK_END);
		list[n].n = (size_t)ftell(f);
		rewind(f);
		list[n].p = malloc(list[n].n + 1);
		list[n].n = fread(list[n].p, 1, list[n].n, f);
		fclose(f);
		n++;
	}
	return n;
}

int main(int argc, char **argv)
{
	static struct message list[100000];
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
	size_t n = load(list, sizeof list / sizeof *list), bytes = 0, decoded = 0;
	double start, seconds;

	begin();
	start = cpu_seconds();
	for (unsigned r = 0; r < rounds; r++)
		for (size_t i = 0; i < n; i++) {
			bytes += list[i].n;
			decoded += read_message(list[i].p, list[i].n);
		}
	seconds = cpu_seconds() - start;
	printf("%zu %zu %zu %.6f\n", n * rounds, bytes, decoded, seconds);
	return 0;
}
