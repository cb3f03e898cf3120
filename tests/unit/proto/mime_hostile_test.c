/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages made to be slow or huge. Each is read within the limits: the one that it meets is told, the
 * memory beside the message stays below 4 MB, and what is looked at grows with the message, not with
 * its square: measured in bytes looked at, so that a busy machine changes nothing.
 */
#include "proto/mime_content.h"
#include "proto/mime_part.h"
#include "unit.h"

#define MEMORY_MAX ((size_t)4 << 20)
#define CHUNK      65536
#define FACTOR     64 /* bytes looked at for each of the message: the limit */

struct hostile {
	const char *name;
	void (*make)(struct buf *out, size_t size);
	enum mime_trouble trouble;
	size_t size;
};

static void repeat(struct buf *out, const char *piece, size_t size)
{
	struct buf many;

	buf_init(&many, CHUNK + 100);
	while (many.n < CHUNK)
		buf_add_cstr(&many, piece);
	while (out->n + many.n < size)
		buf_add(out, buf_text(&many));
	while (out->n < size)
		buf_add_cstr(out, piece);
	buf_done(&many);
}

static void make_tiny_parts(struct buf *out, size_t size)
{
	buf_add_cstr(out, "Content-Type: multipart/mixed; boundary=b\n\n");
	repeat(out, "--b\n\na\n\n", size);
}

static void make_nested_parts(struct buf *out, size_t size)
{
	for (unsigned i = 0; out->n < size; i++)
		buf_printf(out, "Content-Type: multipart/mixed; boundary=b%u\n\n--b%u\n", i, i);
}

static void make_nested_messages(struct buf *out, size_t size)
{
	repeat(out, "Content-Type: message/rfc822\n\n", size);
}

static void make_same_boundaries(struct buf *out, size_t size)
{
	repeat(out, "Content-Type: multipart/mixed; boundary=b\n\n--b\n", size);
}

static void make_parameters(struct buf *out, size_t size)
{
	buf_add_cstr(out, "Content-Type: text/plain");
	repeat(out, ";a=b", size);
	buf_add_cstr(out, "\n\n");
}

static void make_sections(struct buf *out, size_t size)
{
	buf_add_cstr(out, "Content-Disposition: attachment");
	for (unsigned i = 0; out->n < size; i++)
		buf_printf(out, ";\n filename*%u*=a", i);
	buf_add_cstr(out, "\n\n");
}

static void make_sections_in_many_fields(struct buf *out, size_t size)
{
	for (unsigned n = 0; out->n < size; n++) {
		if (n % 200 == 0)
			buf_add_cstr(out,
				     n ? "\n\n--b\n" : "Content-Type: multipart/mixed; boundary=b\n\n--b\n");
		buf_add_cstr(out, "Content-Disposition: attachment");
		for (unsigned i = 0; i < 63; i++)
			buf_printf(out, ";filename*%u=a", 62 - i);
		buf_add_byte(out, '\n');
	}
}

static void make_words(struct buf *out, size_t size)
{
	buf_add_cstr(out, "Subject:");
	repeat(out, " =?utf-8?q?a?=\n", size);
	buf_add_cstr(out, "\n\n");
}

static void make_comments(struct buf *out, size_t size)
{
	buf_add_cstr(out, "Content-Type: ");
	repeat(out, "(", size);
	buf_add_cstr(out, "\n\n");
}

static void make_header(struct buf *out, size_t size)
{
	repeat(out, "a:b\n", size);
}

static void make_folds(struct buf *out, size_t size)
{
	buf_add_cstr(out, "a:\n");
	repeat(out, " b\n", size);
}

static void make_dashes(struct buf *out, size_t size)
{
	make_nested_parts(out, 700);
	repeat(out, "--\n", size);
}

static void make_like_delimiters(struct buf *out, size_t size)
{
	buf_add_cstr(out, "Content-Type: multipart/mixed; boundary=b\n\n");
	for (unsigned i = 0; out->n < size; i++)
		buf_printf(out, "--b%u\n", i);
}

static void make_unclosed(struct buf *out, size_t size)
{
	buf_add_cstr(out, "Content-Type: multipart/mixed; boundary=a\n\n");
	for (unsigned i = 0; out->n < size; i++)
		buf_printf(out, "--a\nContent-Type: multipart/mixed; boundary=b%u\n\n--b%u\n\nx\n", i, i);
}

static void make_files(struct buf *out, size_t size)
{
	buf_add_cstr(out, "a: b\n\n");
	repeat(out, "begin 644 a\n#2&5L\n", size);
}

static void make_two_boundaries(struct buf *out, size_t size)
{
	for (unsigned i = 0; out->n < size; i++)
		buf_printf(out, "Content-Type: multipart/mixed; boundary=a%u; boundary=b%u\n\n--a%u\n--b%u\n",
			   i, i, i, i);
}

static void make_names(struct buf *out, size_t size)
{
	buf_add_cstr(out, "Content-Disposition: attachment; filename=\"");
	repeat(out, "\\a", size);
	buf_add_cstr(out, "\"\n\n");
}

static void make_codes(struct buf *out, size_t size)
{
	buf_add_cstr(out, "Content-Transfer-Encoding: quoted-printable\n\n");
	repeat(out, "=   ", size);
}

static const struct hostile rows[] = {
	{ "200,000 tiny parts", make_tiny_parts, MIME_TROUBLE_PARTS, 2 << 20 },
	{ "nested multiparts", make_nested_parts, MIME_TROUBLE_DEPTH, 500000 },
	{ "nested messages", make_nested_messages, MIME_TROUBLE_DEPTH, 1 << 20 },
	{ "nested multiparts of one boundary", make_same_boundaries, MIME_TROUBLE_DEPTH, 1 << 20 },
	{ "a million parameters", make_parameters, MIME_TROUBLE_HEADER_BYTES, 4 << 20 },
	{ "parameters within the header's limit", make_parameters, MIME_TROUBLE_PARAMS, 200 << 10 },
	{ "sections of a name", make_sections, MIME_TROUBLE_PARAMS, 200 << 10 },
	{ "sections in many fields", make_sections_in_many_fields, MIME_TROUBLE_WORK, 1 << 20 },
	{ "megabytes of encoded words", make_words, MIME_TROUBLE_HEADER_BYTES, 4 << 20 },
	{ "nested comments", make_comments, MIME_TROUBLE_HEADER_BYTES, 1 << 20 },
	{ "nested comments within the header's limit", make_comments, MIME_TROUBLE_NONE, 200 << 10 },
	{ "a header of 64 MB", make_header, MIME_TROUBLE_HEADER_FIELDS, 64 << 20 },
	{ "a folded field of 64 MB", make_folds, MIME_TROUBLE_HEADER_BYTES, 64 << 20 },
	{ "lines of dashes", make_dashes, MIME_TROUBLE_WORK, 1 << 20 },
	{ "lines like delimiters", make_like_delimiters, MIME_TROUBLE_NONE, 1 << 20 },
	{ "multiparts that are not closed", make_unclosed, MIME_TROUBLE_WORK, 1 << 20 },
	{ "files in text", make_files, MIME_TROUBLE_PARTS, 1 << 20 },
	{ "two boundaries at each level", make_two_boundaries, MIME_TROUBLE_DEPTH, 1 << 20 },
	{ "a name of a megabyte", make_names, MIME_TROUBLE_HEADER_BYTES, 1 << 20 },
	{ "a name within the header's limit", make_names, MIME_TROUBLE_NAME_BYTES, 100 << 10 },
	{ "equals signs", make_codes, MIME_TROUBLE_NONE, 4 << 20 },
};

static void a_hostile_message_costs_no_more_than_its_limits(void **state)
{
	struct mime_limits limits = mime_limits_default();

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct arena arena;
		struct mime_tree tree;
		struct buf message;

		buf_init(&message, rows[i].size + 100000);
		rows[i].make(&message, rows[i].size);
		arena_init(&arena, (size_t)64 << 20);
		mime_tree_read(buf_text(&message), &limits, &arena, &tree);
		if (arena.used + 4 * limits.header_bytes > MEMORY_MAX || tree.work > FACTOR * message.n ||
		    tree.trouble != rows[i].trouble)
			fail_msg("%s: %s, %zu bytes of memory, %zu looked at for each", rows[i].name,
				 mime_trouble_word(tree.trouble), arena.used, tree.work / message.n);
		arena_reset(&arena);
		buf_done(&message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hostile_message_costs_no_more_than_its_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
