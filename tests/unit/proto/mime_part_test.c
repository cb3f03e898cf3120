/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree of parts: each row is a message and the list that is made of it, one part a word: depth,
 * kind (L leaf, M multipart, R message within, G gap), and the body of leaves and gaps in brackets.
 * Rows with a defect are messages that mail readers disagree about: every reading must be in the list.
 */
#include "base/ensure.h"
#include "proto/mime_content.h"
#include "proto/mime_part.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MULTI(b) "Content-Type: multipart/mixed; boundary=" b "\n\n"
#define RUN                                                                                                  \
	"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5\n"                             \
	"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5\n"

static const struct {
	const char *name;
	const char *in, *out;
} rows[] = {
	{ "plain", "A: b\n\nx", "0L[x]" },
	{ "multipart", MULTI("B") "--B\n\na\n--B\nT: u\n\nb\n--B--\n", "0M 1L[a] 1L[b]" },
	{ "preamble and epilogue of words", MULTI("B") "pre\n--B\n\na\n--B--\npost\n",
	  "0M 1G[pre] 1L[a] 1G[post\n]" },
	{ "blanks behind delimiters", MULTI("B") "--B \t\r\n\r\na\r\n--B-- \r\n", "0M 1L[a]" },
	{ "nested", MULTI("B") "--B\n" MULTI("C") "--C\n\na\n--C--\n--B--\n", "0M 1M 2L[a]" },
	{ "nested boundary longer than the outer",
	  MULTI("B") "--B\n" MULTI("BC") "--BC\n\na\n--BC--\n--B--\n", "0M 1M 2L[a]" },
	{ "message within", "Content-Type: message/rfc822\n\nA: b\n\nx", "0R 1L[x]" },
	{ "digest", "Content-Type: multipart/digest; boundary=B\n\n--B\n\nA: b\n\nx\n--B--\n",
	  "0M 1R 2L[x]" },
	{ "not closed, nothing behind", MULTI("B") "--B\n\na", "0M 1L[a]" },
	{ "nested one not closed, nothing behind", MULTI("B") "--B\n" MULTI("C") "--C\n\na\n--B--\n",
	  "0M 1M 2L[a]" },
	{ "nested one not closed, a part behind", MULTI("B") "--B\n" MULTI("C") "--C\n\na\n--B\n\nb\n--B--\n",
	  "0M 1M 2L[a] 2'1G[a\n--B\n\nb\n--B--\n] 1L[b] unclosed-multipart" },
	{ "after the close", MULTI("B") "--B\n\na\n--B--\n--B\n\nb\n--B--\n",
	  "0M 1L[a] 1G[--B\n\nb\n--B--\n] 1'1L[b] parts-after-close" },
	{ "no boundary named", "Content-Type: multipart/mixed\n\n--B\n\na\n--B--\n",
	  "0L[--B\n\na\n--B--\n] 1'1L[a] no-boundary" },
	{ "no boundary named, no line like one", "Content-Type: multipart/mixed\n\na\n", "0L[a\n]" },
	{ "wrong boundary named", MULTI("X") "--B\n\na\n--B--\n",
	  "0L[--B\n\na\n--B--\n] 1'1L[a] no-boundary" },
	{ "two boundaries",
	  "Content-Type: multipart/mixed; boundary=B; boundary=C\n\n--B\n\na\n--C\n\nb\n--B--\n--C--\n",
	  "0M 1L[a\n--C\n\nb] 1G[--C--\n] 1'1G[--B\n\na] 1'1L[b\n--B--] two-boundaries" },
	{ "boundary in sections",
	  "Content-Type: multipart/mixed; boundary=B; boundary*0=C\n\n--C\n\na\n--C--\n--B--\n",
	  "0M 1G[--C\n\na\n--C--] 1'1L[a] 1'1G[--B--\n] two-boundaries" },
	{ "two types", "Content-Type: text/plain\n" MULTI("B") "--B\n\na\n--B--\n",
	  "0L[--B\n\na\n--B--\n] 1'1L[a] two-content-types" },
	{ "two types, the multipart first",
	  "Content-Type: multipart/mixed; boundary=B\nContent-Type: text/plain\n\n--B\n\na\n--B--\n",
	  "0M 1L[a] 1'1G[--B\n\na\n--B--\n] two-content-types" },
	{ "the same type twice", "Content-Type: text/plain\nContent-Type: text/plain\n\na", "0L[a]" },
	{ "two encodings", "Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\nQUJD",
	  "0L[QUJD] two-encodings" },
	{ "two dispositions", "Content-Disposition: inline\nContent-Disposition: attachment\n\na",
	  "0L[a] two-dispositions" },
	{ "names of different types",
	  "Content-Type: x/y; name=a.txt\nContent-Disposition: attachment; filename=a.exe\n\na",
	  "0L[a] names-differ" },
	{ "names that differ otherwise",
	  "Content-Type: x/y; name=b.txt\nContent-Disposition: attachment; filename=a.txt\n\na", "0L[a]" },
	{ "longer boundary", MULTI("B") "--B\n\na\n--BX\n\nb\n--B--\n",
	  "0M 1L[a\n--BX\n\nb] 1'1L[a] 1'1L[b] longer-boundary" },
	{ "longer boundaries only", MULTI("B") "--BX\n\na\n--BX--\n",
	  "0M 1L[a] 1'1G[--BX\n\na\n--BX--\n] longer-boundary" },
	{ "nested one of the same boundary", MULTI("B") "--B\n" MULTI("B") "--B\n\na\n--B--\n",
	  "0M 1M 2L[a] nested-boundary" },
	{ "a delimiter and nothing behind", MULTI("B") "--B\n\na\n--B\n", "0M 1L[a]" },
	{ "nested one of the same boundary, closed, a part behind",
	  MULTI("B") "--B\n" MULTI("B") "--B\n\na\n--B--\n\n--B\n\nb\n--B--\n",
	  "0M 1M 2L[a] 1L[b] nested-boundary" },
	{ "delimiters behind each other", MULTI("B") "--B\n--B\n\na\n--B\n--B--\n", "0M 1L[a]" },
	{ "a header that nothing ends", "A: b\nhello\n", "0L[hello\n] header-junk" },
	{ "external body", "Content-Type: message/external-body\n\nA: b\n\nx", "0L[A: b\n\nx] 1'1L[x]" },
	{ "text behind the closing dashes", MULTI("B") "--B\n\na\n--B--X\nb",
	  "0M 1L[a\n--B--X\nb] 1'1L[a] 1'1G[b] longer-boundary" },
	{ "a part in the preamble", MULTI("B") "Content-Type: x/y\n\nc\n--B\n\na\n--B--\n",
	  "0M 1G[Content-Type: x/y\n\nc] 1L[a] 1'1L[c] preamble-content" },
	{ "a file in the epilogue", MULTI("B") "--B\n\na\n--B--\n" RUN,
	  "0M 1L[a] 1G[" RUN "] 1'1G[" RUN "] epilogue-content" },
	{ "tree under base64",
	  "Content-Transfer-Encoding: base64\nContent-Type: message/rfc822\n\nQTogYgoKeA==\n",
	  "0R 1L[x] 1'1G[QTogYgoKeA==\n]" },
	{ "multipart that says base64 and is plain",
	  "Content-Transfer-Encoding: base64\n" MULTI("B") "--B\n\na\n--B--\n",
	  "0M 1L[a] encoded-multipart" },
	{ "no header", "hello\nyou", "0L[hello\nyou] header-junk" },
	{ "mbox line", "From me Mon Jan  1 00:00:00 2001\nA: b\n\nx", "0L[x]" },
	{ "junk in the header", "A: b\njunk\nC: d\n\nx", "0L[x] 1'1G[junk\nC: d\n\nx]" },
	{ "junk before a field of MIME", "A: b\njunk\nContent-Type: x/y\n\nx",
	  "0L[x] 1'1G[junk\nContent-Type: x/y\n\nx] header-junk" },
	{ "blanks before a field of MIME", "A: b\n \nContent-Type: x/y\n\nx",
	  "0L[x] 1'1G[ \nContent-Type: x/y\n\nx] header-blank-line" },
	{ "empty lines before the header", "\n\nContent-Type: x/y\n\nx",
	  "0L[\nContent-Type: x/y\n\nx] 1'1L[x] header-after-blank-lines" },
	{ "blank before the colon", "Content-Type : x/y\n\nx", "0L[x] blank-before-colon" },
	{ "blank before the colon of a field before one of MIME", "A : b\nContent-Type: x/y\n\nx",
	  "0L[x] blank-before-colon" },
	{ "blank before the colon of another field", "A : b\n\nx", "0L[x]" },
	{ "a boundary that ends with a blank",
	  "Content-Type: multipart/mixed; boundary=\"B \"\n\n--B\n\na\n--B--\n", "0M 1L[a] no-boundary" },
	{ "a multipart without the empty line",
	  "Content-Type: multipart/mixed; boundary=B\n--B\nContent-Type: x/y\n\na\n--B--\n",
	  "0M 1L[a] header-junk" },
	{ "junk in the header of a multipart",
	  "Content-Type: multipart/mixed; boundary=B\njunk\n\n--B\n\na\n--B--\n",
	  "0M 1L[a] 1'1G[junk\n\n--B\n\na\n--B--\n] header-junk" },
	{ "bare CR in the header", "A: b\rContent-Type: x/y\r\n\r\nx", "0L[x] bare-cr" },
	{ "bare CR before a delimiter", MULTI("B") "--B\n\na\r--B\r\n\r\nb\n--B--\n",
	  "0M 1L[a\r--B\r\n\r\nb] 1'1L[a] 1'1L[b] bare-cr" },
	{ "bare LF in a header of CRLF", "A: b\r\nC: d\nContent-Type: x/y\r\n\r\nx", "0L[x] bare-lf" },
	{ "unknown encoding, plain body", "Content-Transfer-Encoding: none\n\nhello", "0L[hello]" },
	{ "unknown encoding, encoded body", "Content-Transfer-Encoding: base-64\n\n" RUN,
	  "0L[" RUN "] unknown-encoding" },
	{ "junk in base64", "Content-Transfer-Encoding: base64\n\nQUJD!REVG\n",
	  "0L[QUJD!REVG\n] base64-junk" },
	{ "junk behind base64", "Content-Transfer-Encoding: base64\n\nQUJDREVG\n!!\n", "0L[QUJDREVG\n!!\n]" },
	{ "padding within base64", "Content-Transfer-Encoding: base64\n\nQUI=QUJD\n",
	  "0L[QUI=QUJD\n] base64-padding" },
	{ "junk in quoted-printable", "Content-Transfer-Encoding: quoted-printable\n\na=zz\n",
	  "0L[a=zz\n] quoted-printable-junk" },
	{ "a uuencoded file in text", "A: b\n\nsee\nbegin 644 a.txt\n#2&5L\nend\n",
	  "0L[see\nbegin 644 a.txt\n#2&5L\nend\n] 1F[#2&5L\n]" },
	{ "a file under yEnc in text", "A: b\n\n=ybegin line=128 size=1 name=a.bin\nk\n=yend size=1\n",
	  "0L[=ybegin line=128 size=1 name=a.bin\nk\n=yend size=1\n] 1F[=ybegin line=128 size=1 "
	  "name=a.bin\nk\n=yend size=1\n]" },
	{ "a name in encoded words of another type",
	  "Content-Type: x/y; name=\"=?utf-8?q?a=2Eexe?=\"\nContent-Disposition: attachment; "
	  "filename=a.txt\n\na",
	  "0L[a] names-differ" },
	{ "a name in encoded words, the same",
	  "Content-Type: x/y; name=\"=?utf-8?q?a=2Etxt?=\"\nContent-Disposition: attachment; "
	  "filename*=utf-8''a.txt\n\na",
	  "0L[a]" },
	{ "empty", "", "0L[]" },
};

static void print_tree(const struct mime_tree *tree, struct buf *out)
{
	for (const struct mime_part *p = tree->first; p; p = p->next) {
		buf_printf(out, "%s%u", p == tree->first ? "" : " ", p->depth);
		if (p->way)
			buf_printf(out, "'%u", p->way);
		buf_printf(out, "%c", "LMRGF"[p->kind]);
		if (p->kind == MIME_MULTIPART || p->kind == MIME_MESSAGE)
			continue;
		buf_add_byte(out, '[');
		buf_add(out, p->body);
		buf_add_byte(out, ']');
	}
	for (unsigned i = 0; i < MIME_REASON_COUNT; i++)
		if (tree->reasons & 1U << i)
			buf_printf(out, " %s", mime_reason_at((enum mime_reason_bit)i)->word);
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
		if (!text_is_cstr(buf_text(&out), rows[i].out) || tree.trouble != MIME_TROUBLE_NONE)
			fail_msg("%s: %s (trouble %s)", rows[i].name, buf_cstr(&out),
				 mime_trouble_word(tree.trouble));
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

/* Facts are the structure's, not the content's. */
static void structure_tells_what_a_message_is(void **state)
{
	static const struct {
		const char *in;
		unsigned facts;
	} messages[] = {
		{ "Content-Type: multipart/signed; boundary=B\n\n--B\n\na\n--B\nContent-Type: "
		  "application/pgp-signature\n\nb\n--B--\n",
		  MIME_FACT_SIGNED | MIME_FACT_PGP },
		{ "Content-Type: multipart/encrypted; boundary=B\n\n--B\nContent-Type: "
		  "application/pgp-encrypted\n\nVersion: 1\n--B--\n",
		  MIME_FACT_ENCRYPTED | MIME_FACT_PGP },
		{ "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n\nx",
		  MIME_FACT_SMIME | MIME_FACT_ENCRYPTED },
		{ "Content-Type: application/x-pkcs7-mime; smime-type=signed-data\n\nx",
		  MIME_FACT_SMIME | MIME_FACT_SIGNED },
		{ "A: b\n\n-----BEGIN PGP MESSAGE-----\n", MIME_FACT_PGP | MIME_FACT_ENCRYPTED },
		{ "A: b\n\nx\n-----BEGIN PGP SIGNED MESSAGE-----\n", MIME_FACT_PGP | MIME_FACT_SIGNED },
		{ "A: b\n\nsee -----BEGIN PGP MESSAGE-----\n", 0 },
		{ "Subject: \xc3\xa9\n\nx", MIME_FACT_UTF8_HEADER },
		{ "Subject: \xe9\n\nx", 0 },
		{ "Content-Type: multipart/report; boundary=B\n\n--B\n\na\n--B--\n", MIME_FACT_REPORT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
		struct arena arena;
		arena_init(&arena, 1 << 20);
		assert_int_equal(read_text(messages[i].in, &arena).facts, messages[i].facts);
		arena_reset(&arena);
	}
}

static void an_unclear_encoding_is_tried_as_every_one(void **state)
{
	static const char *const headers[] = {
		"Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\n",
		"Content-Transfer-Encoding: base-64\n\n" RUN,
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct arena arena;
		arena_init(&arena, 1 << 20);
		assert_int_equal(read_text(headers[i], &arena).first->encodings,
				 1U << MIME_IDENTITY | 1U << MIME_BASE64 | 1U << MIME_QUOTED_PRINTABLE |
					 1U << MIME_UUENCODE);
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
		cmocka_unit_test(structure_tells_what_a_message_is),
		cmocka_unit_test(an_unclear_encoding_is_tried_as_every_one),
		cmocka_unit_test(every_limit_has_its_word),
		cmocka_unit_test(a_full_arena_is_told),
		cmocka_unit_test(ways_cannot_multiply_without_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
