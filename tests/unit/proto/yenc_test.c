/* SPDX-License-Identifier: Apache-2.0
 *
 * yEnc: blocks are found in text, decoded and checked, whole, in parts and broken.
 */
#include "proto/yenc.h"

#include "unit.h"

/* "Hello=" plus 42 each; "=" itself is escaped. */
#define HELLO "r\x8f\x96\x96\x99g"

static const struct {
	const char *name, *in, *file, *bytes;
	unsigned defects;
} rows[] = {
	{ "whole",
	  "text\r\n=ybegin line=128 size=6 name=a b.txt \r\n" HELLO "\r\n=yend size=6 crc32=892b9019\r\n",
	  "a b.txt", "Hello=", 0 },
	{ "bare LF, no CRC", "=ybegin line=128 size=6 name=x\n" HELLO "\n=yend size=6\n", "x", "Hello=", 0 },
	{ "escapes", "=ybegin line=128 size=4 name=x\r\n=}=n=M=J\r\n=yend size=4\r\n", "x",
	  "\x13\x04\xe3\xe0", 0 },
	{ "escape over a line end", "=ybegin line=1 size=1 name=x\r\n=\r\n}\r\n=yend size=1\r\n", "x", "\x13",
	  0 },
	{ "part",
	  "=ybegin part=2 total=3 line=9 size=18 name=x\r\n=ypart begin=7 end=12\r\n" HELLO
	  "\r\n=yend size=6 part=2 pcrc32=00000000 crc32=1\r\n",
	  "x", "Hello=", YENC_DEFECT_CRC },
	{ "open", "=ybegin line=9 size=6 name=x\r\n" HELLO, "x", "Hello=", YENC_DEFECT_OPEN },
	{ "next begins", "=ybegin line=9 size=6 name=x\r\n" HELLO "\r\n=ybegin line=9 size=1 name=y\r\n", "x",
	  "Hello=", YENC_DEFECT_OPEN },
	{ "other size", "=ybegin line=9 size=7 name=x\r\n" HELLO "\r\n=yend size=6\r\n", "x",
	  "Hello=", YENC_DEFECT_SIZE },
	{ "no name", "=ybegin line=9\r\n" HELLO "\r\n=yend\r\n", "", "Hello=", 0 },
};

static void blocks_are_decoded(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct text body = text_from_cstr(rows[i].in);
		struct yenc_file file;
		unsigned defects;
		struct buf out;
		size_t at = 0;

		buf_init(&out, 1000);
		assert_true(yenc_find(body, &at, &file));
		unit_text_is(file.name, rows[i].file);
		assert_true(yenc_decode(&file, &out, &defects));
		if (!text_is_cstr(buf_text(&out), rows[i].bytes) || defects != rows[i].defects)
			fail_msg("%s: %s, defects %#x", rows[i].name, buf_cstr(&out), defects);
		buf_done(&out);
	}
}

static void numbers_of_parts_are_read(void **state)
{
	struct yenc_file file;
	size_t at = 0;

	(void)state;
	assert_true(yenc_find(text_from_cstr("=ybegin part=2 total=3 line=9 size=18 name=x size=7\r\n"
					     "=ypart begin=7 end=12\r\n.\r\n"
					     "=yend size=6 part=2 pcrc32=89aBcdEf crc32=1\r\n"),
			      &at, &file));
	unit_text_is(file.name, "x size=7");
	assert_int_equal(file.part, 2);
	assert_int_equal(file.total, 3);
	assert_int_equal(file.size, 18);
	assert_int_equal(file.begin, 7);
	assert_int_equal(file.end, 12);
	assert_int_equal(file.end_size, 6);
	assert_true(file.has_crc && file.crc == 0x89abcdef);
}

static void text_without_blocks_has_none(void **state)
{
	struct yenc_file file;
	size_t at = 0;

	(void)state;
	assert_false(yenc_find(text_from_cstr("a =ybegin line=1\n=ybegins x\n=yend size=1\n"), &at, &file));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_decoded),
		cmocka_unit_test(numbers_of_parts_are_read),
		cmocka_unit_test(text_without_blocks_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
