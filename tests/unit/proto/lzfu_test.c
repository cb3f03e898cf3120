/* SPDX-License-Identifier: Apache-2.0
 *
 * Compressed RTF: the two examples of [MS-OXRTFCP] 3.1, and what is cut, false or too large.
 */
#include "proto/lzfu.h"

#include "unit.h"

#define LITERAL(s) text_from_bytes(s, sizeof(s) - 1)

/* [MS-OXRTFCP] 3.1.1 */
static const char simple[] =
	"\x2d\x00\x00\x00\x2b\x00\x00\x00\x4c\x5a\x46\x75\xf1\xc5\xc7\xa7\x03\x00\x0a\x00\x72\x63\x70"
	"\x67\x31\x32\x35\x42\x32\x0a\xf3\x20\x68\x65\x6c\x09\x00\x20\x62\x77\x05\xb0\x6c\x64\x7d"
	"\x0a\x80\x0f\xa0";
/* [MS-OXRTFCP] 3.1.2: references that overlap what they write */
static const char crossing[] =
	"\x1a\x00\x00\x00\x1c\x00\x00\x00\x4c\x5a\x46\x75\xe2\xd4\x4b\x51\x41\x00\x04\x20\x57\x58"
	"\x59\x5a\x0d\x6e\x7d\x01\x0e\xb0";

static void the_examples_of_the_standard_come_out(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(lzfu_size(LITERAL(simple)), 43);
	assert_true(lzfu_decompress(LITERAL(simple), &out));
	unit_text_is(buf_text(&out), "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
	buf_reset(&out);
	assert_true(lzfu_decompress(LITERAL(crossing), &out));
	unit_text_is(buf_text(&out), "{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}");
	buf_reset(&out);
	assert_true(lzfu_decompress(LITERAL("\x0f\0\0\0\x03\0\0\0MELA\0\0\0\0abc"), &out));
	unit_text_is(buf_text(&out), "abc");
	buf_done(&out);
}

static void what_is_cut_gives_what_it_has(void **state)
{
	struct buf out;

	(void)state;
	for (size_t n = 0; n < sizeof simple - 4; n++) {
		buf_init(&out, 1000);
		assert_false(lzfu_decompress(text_from_bytes(simple, n), &out));
		assert_true(out.n <= 43);
		buf_done(&out);
	}
	buf_init(&out, 10);
	assert_false(lzfu_decompress(LITERAL(simple), &out));
	unit_text_is(buf_text(&out), "{\\rtf1\\ans");
	assert_false(lzfu_decompress(LITERAL("\x0f\0\0\0\x03\0\0\0ABCD\0\0\0\0abc"), &out));
	assert_int_equal(lzfu_size(LITERAL("abc")), 0);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_the_standard_come_out),
		cmocka_unit_test(what_is_cut_gives_what_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
