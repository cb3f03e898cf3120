/* SPDX-License-Identifier: Apache-2.0
 *
 * What mime_dump.c --tree prints, by GMime: for tests/suites/differential_mime.py, which compiles it where
 * libgmime-3.0-dev is there. The limit and the reasons are left empty.
 */
#include <gmime/gmime.h>
#include <stdio.h>
#include <string.h>

static void print_object(GMimeObject *object, const char *path);

static void print_leaf(GMimeObject *object, const char *path)
{
	GMimeDataWrapper *content =
		GMIME_IS_PART(object) ? g_mime_part_get_content(GMIME_PART(object)) : NULL;
	GMimeContentType *type = g_mime_object_get_content_type(object);
	GMimeStream *stream = g_mime_stream_mem_new();
	GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
	char *digest, *name = g_mime_content_type_get_mime_type(type), *lower = g_ascii_strdown(name, -1);

	if (content)
		g_mime_data_wrapper_write_to_stream(content, stream);
	digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes->data, bytes->len);
	printf("%s\t%s\t%u\t%s\n", path, lower, bytes->len, digest);
	g_free(digest);
	g_free(lower);
	g_free(name);
	g_object_unref(stream);
}

static void print_child(GMimeObject *object, const char *path, int number)
{
	char *child = g_strdup_printf("%s.%d", path, number);

	if (object)
		print_object(object, child);
	g_free(child);
}

static void print_object(GMimeObject *object, const char *path)
{
	if (GMIME_IS_MULTIPART(object)) {
		GMimeMultipart *multipart = GMIME_MULTIPART(object);
		for (int i = 0; i < g_mime_multipart_get_count(multipart); i++)
			print_child(g_mime_multipart_get_part(multipart, i), path, i + 1);
	} else if (GMIME_IS_MESSAGE_PART(object)) {
		GMimeMessage *message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
		if (message)
			print_child(g_mime_message_get_mime_part(message), path, 1);
	} else {
		print_leaf(object, path);
	}
}

static void read_file(const char *name)
{
	GMimeStream *stream = g_mime_stream_fs_open(name, 0, 0, NULL);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);

	printf("%s\t-\t\n", name);
	if (message && g_mime_message_get_mime_part(message))
		print_object(g_mime_message_get_mime_part(message), "0");
	if (message)
		g_object_unref(message);
	g_object_unref(parser);
	g_object_unref(stream);
}

int main(void)
{
	char line[4096];

	g_mime_init();
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = 0;
		read_file(line);
	}
	return 0;
}
