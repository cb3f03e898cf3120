/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree of parts: each row is a message and the list that is made of it, one part a word: depth,
 * kind (L leaf, M multipart, R message within, G gap), and the body of leaves and gaps in brackets.
 * Rows with a defect are messages that mail readers disagree about: every reading must be in the list.
 */
#include "base/ensure.h"
#include "proto/mime_part.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MULTI(b) "Content-Type: multipart/mixed; boundary=" b "\n\n"

static const struct {
	const char *name;
	const char *in, *out;
	unsigned defects;
} rows[] = {
	{ "plain", "A: b\n\nx", "0L[x]", 0 },
	{ "multipart", MULTI("B") "--B\n\na\n--B\nT: u\n\nb\n--B--\n", "0M 1L[a] 1L[b]", 0 },
	{ "preamble and epilogue", MULTI("B") "pre\n--B\n\na\n--B--\npost\n", "0M 1G[pre] 1L[a] 1G[post\n]",
	  0 },
	{ "blanks behind delimiters", MULTI("B") "--B \t\r\n\r\na\r\n--B-- \r\n", "0M 1L[a]", 0 },
	{ "nested", MULTI("B") "--B\n" MULTI("C") "--C\n\na\n--C--\n--B--\n", "0M 1M 2L[a]", 0 },
	{ "message within", "Content-Type: message/rfc822\n\nA: b\n\nx", "0R 1L[x]", 0 },
	{ "digest", "Content-Type: multipart/digest; boundary=B\n\n--B\n\nA: b\n\nx\n--B--\n", "0M 1R 2L[x]",
	  0 },
	{ "not closed", MULTI("B") "--B\n\na", "0M 1L[a]", MIME_DEFECT_NOT_CLOSED },
	{ "nested one not closed", MULTI("B") "--B\n" MULTI("C") "--C\n\na\n--B--\n", "0M 1M 2L[a]",
	  MIME_DEFECT_NOT_CLOSED },
	{ "after the close", MULTI("B") "--B\n\na\n--B--\n--B\n\nb\n--B--\n", "0M 1L[a] 1L[b]",
	  MIME_DEFECT_AFTER_CLOSE },
	{ "no boundary named", "Content-Type: multipart/mixed\n\n--B\n\na\n--B--\n",
	  "0M 1G[--B\n\na\n--B--\n] 1L[a]", MIME_DEFECT_NO_BOUNDARY },
	{ "wrong boundary named", MULTI("X") "--B\n\na\n--B--\n",
	  "0M 1G[--B\n\na\n--B--\n] 1G[--B\n\na\n--B--\n] 1L[a]",
	  MIME_DEFECT_NO_BOUNDARY | MIME_DEFECT_NOT_CLOSED },
	{ "two boundaries",
	  "Content-Type: multipart/mixed; boundary=B; boundary=C\n\n--B\n\na\n--C\n\nb\n--B--\n--C--\n",
	  "0M 1L[a\n--C\n\nb] 1G[--C--\n] 1G[--B\n\na] 1L[b\n--B--]", MIME_DEFECT_TWO_BOUNDARIES },
	{ "boundary in sections",
	  "Content-Type: multipart/mixed; boundary=B; boundary*0=C\n\n--C\n\na\n--C--\n--B--\n",
	  "0M 1G[--C\n\na\n--C--] 1L[a] 1G[--B--\n]", MIME_DEFECT_TWO_BOUNDARIES },
	{ "two types", "Content-Type: text/plain\n" MULTI("B") "--B\n\na\n--B--\n",
	  "0M 1L[a] 1G[--B\n\na\n--B--\n]", MIME_DEFECT_TWO_TYPES },
	{ "longer boundary", MULTI("B") "--B\n\na\n--BX\n\nb\n--B--\n", "0M 1L[a\n--BX\n\nb] 1L[a] 1L[b]",
	  MIME_DEFECT_LONGER_BOUNDARY },
	{ "tree under base64",
	  "Content-Transfer-Encoding: base64\nContent-Type: message/rfc822\n\nQTogYgoKeA==\n",
	  "0R 1L[] 2G[QTogYgoKeA==\n] 1L[x]",
	  MIME_DEFECT_ENCODED_TREE | MIME_DEFECT_JUNK_LINE | MIME_DEFECT_NO_HEADER_END },
	{ "no header", "hello\nyou", "0L[] 1G[hello\nyou]",
	  MIME_DEFECT_JUNK_LINE | MIME_DEFECT_NO_HEADER_END },
	{ "junk in the header", "A: b\njunk\nC: d\n\nx", "0L[x] 1G[junk\nC: d\n\nx]", MIME_DEFECT_JUNK_LINE },
	{ "empty", "", "0L[]", MIME_DEFECT_NO_HEADER_END },
};

static void print_tree(const struct mime_tree *tree, struct buf *out)
{
	for (const struct mime_part *p = tree->first; p; p = p->next) {
		buf_printf(out, "%s%u%c", p == tree->first ? "" : " ", p->depth, "LMRG"[p->kind]);
		if (p->kind != MIME_LEAF && p->kind != MIME_GAP)
			continue;
		buf_add_byte(out, '[');
		buf_add(out, p->body);
		buf_add_byte(out, ']');
	}
}

static void every_reading_is_in_the_list(void **state)
{
	struct mime_limits limits = mime_limits_default();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena arena;
		struct mime_tree tree;
		struct buf out;

		arena_init(&arena, 1 << 20);
		buf_init(&out, 10000);
		mime_tree_read(text_from_cstr(rows[i].in), &limits, &arena, &tree);
		print_tree(&tree, &out);
		if (!text_is_cstr(buf_text(&out), rows[i].out) || tree.defects != rows[i].defects ||
		    tree.trouble != MIME_TROUBLE_NONE)
			fail_msg("%s: %s (defects %#x, trouble %s)", rows[i].name, buf_cstr(&out),
				 tree.defects, mime_trouble_word(tree.trouble));
		buf_done(&out);
		arena_reset(&arena);
	}
}

static struct mime_tree read_text(const char *message, struct arena *arena)
{
	static struct mime_limits limits;
	struct mime_tree tree;

	limits = mime_limits_default();
	mime_tree_read(text_from_cstr(message), &limits, arena, &tree);
	return tree;
}

static void a_part_tells_what_its_header_says(void **state)
{
	struct arena arena;
	struct mime_tree tree;

	(void)state;
	arena_init(&arena, 1 << 20);
	tree = read_text("content-type: Text/HTML; charset=\"utf-8\"; name=a\r\n"
			 "Content-Disposition: attachment; filename*=utf-8''b%20c\r\n"
			 "Content-Transfer-Encoding: BASE64\r\n\r\nSGk=",
			 &arena);
	assert_true(text_is_cstr(tree.first->type, "Text"));
	assert_true(text_is_cstr(tree.first->subtype, "HTML"));
	assert_true(text_is_cstr(tree.first->charset, "utf-8"));
	assert_true(text_is_cstr(tree.first->name, "b c"));
	assert_true(tree.first->is_attachment);
	assert_int_equal(tree.first->encodings, 1U << MIME_IDENTITY | 1U << MIME_BASE64);
	arena_reset(&arena);
}

static void an_unclear_encoding_is_tried_as_every_one(void **state)
{
	static const char *const headers[] = {
		"Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\n",
		"Content-Transfer-Encoding: base-64\n\n",
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct arena arena;
		arena_init(&arena, 1 << 20);
		assert_int_equal(read_text(headers[i], &arena).first->encodings,
				 (1U << MIME_ENCODING_COUNT) - 1);
		arena_reset(&arena);
	}
}

struct limit_row {
	enum mime_trouble trouble;
	const char *message;
	struct mime_limits limits;
};

static void every_limit_has_its_word(void **state)
{
	static const char three[] = MULTI("B") "--B\n\na\n--B\n\nb\n--B--\n";
	static const char nested[] = MULTI("B") "--B\n" MULTI("C") "--C\n\na\n--C--\n--B--\n";
	static const char coded[] =
		"Content-Transfer-Encoding: base64\nContent-Type: message/rfc822\n\nQTogYgoKeA==\n";
	struct limit_row limit_rows[8];
	size_t n = sizeof limit_rows / sizeof *limit_rows;

	(void)state;
	for (size_t i = 0; i < n; i++)
		limit_rows[i].limits = mime_limits_default();
	limit_rows[0] = (struct limit_row){ MIME_TROUBLE_PARTS, three, limit_rows[0].limits };
	limit_rows[0].limits.parts = 2;
	limit_rows[1] = (struct limit_row){ MIME_TROUBLE_DEPTH, nested, limit_rows[1].limits };
	limit_rows[1].limits.depth = 1;
	limit_rows[2] = (struct limit_row){ MIME_TROUBLE_WORK, nested, limit_rows[2].limits };
	limit_rows[2].limits.work = 90;
	limit_rows[3] = (struct limit_row){ MIME_TROUBLE_DECODED, coded, limit_rows[3].limits };
	limit_rows[3].limits.decoded = 5;
	limit_rows[4] = (struct limit_row){ MIME_TROUBLE_HEADER_BYTES, three, limit_rows[4].limits };
	limit_rows[4].limits.header_bytes = 20;
	limit_rows[5] = (struct limit_row){ MIME_TROUBLE_HEADER_FIELDS, coded, limit_rows[5].limits };
	limit_rows[5].limits.header_fields = 1;
	limit_rows[6] = (struct limit_row){ MIME_TROUBLE_BOUNDARIES,
					    "Content-Type: multipart/x; boundary=a; boundary=b\n\n",
					    limit_rows[6].limits };
	limit_rows[6].limits.boundaries = 1;
	limit_rows[7] =
		(struct limit_row){ MIME_TROUBLE_PARTIAL, "Content-Type: message/partial; number=2\n\nx",
				    limit_rows[7].limits };
	for (size_t i = 0; i < n; i++) {
		struct arena arena;
		struct mime_tree tree;

		arena_init(&arena, 1 << 20);
		mime_tree_read(text_from_cstr(limit_rows[i].message), &limit_rows[i].limits, &arena, &tree);
		assert_string_equal(mime_trouble_word(tree.trouble),
				    mime_trouble_word(limit_rows[i].trouble));
		arena_reset(&arena);
	}
}

static void a_full_arena_is_told(void **state)
{
	struct arena arena;

	(void)state;
	for (size_t max = 0; max < 3 * sizeof(struct mime_part); max += 8) {
		arena_init(&arena, max);
		assert_int_equal(read_text(MULTI("B") "--B\n\na\n--B\n\nb\n--B--\n", &arena).trouble,
				 MIME_TROUBLE_MEMORY);
		arena_reset(&arena);
	}
}

/* Each level names two boundaries, and both cut: the ways multiply, the work does not. */
static void ways_cannot_multiply_without_bound(void **state)
{
	struct mime_limits limits = mime_limits_default();
	struct arena arena;
	struct mime_tree tree;
	struct buf message;

	(void)state;
	arena_init(&arena, 1 << 22);
	buf_init(&message, 1 << 20);
	for (int i = 0; i < 25; i++)
		buf_printf(&message,
			   "Content-Type: multipart/x; boundary=a%d; boundary=b%d\n\n--a%d\n--b%d\n", i, i, i,
			   i);
	limits.parts = 1 << 20;
	mime_tree_read(buf_text(&message), &limits, &arena, &tree);
	assert_int_not_equal(tree.trouble, MIME_TROUBLE_NONE);
	buf_done(&message);
	arena_reset(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reading_is_in_the_list),
		cmocka_unit_test(a_part_tells_what_its_header_says),
		cmocka_unit_test(an_unclear_encoding_is_tried_as_every_one),
		cmocka_unit_test(every_limit_has_its_word),
		cmocka_unit_test(a_full_arena_is_told),
		cmocka_unit_test(ways_cannot_multiply_without_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
