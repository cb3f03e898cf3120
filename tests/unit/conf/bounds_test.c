/* SPDX-License-Identifier: Apache-2.0
 *
 * The bounds of the file itself: bytes, mistakes, blocks.
 */
#include "conf_fixture.h"

static void nul_byte_is_a_mistake(void)
{
	static const char text[] = "# a\0b\n";
	struct buf errors;

	buf_init(&errors, CONF_MAX_ERROR_TEXT);
	ASSERT(!conf_parse(text_from_bytes(text, sizeof text - 1), "f", CONF_PART, &errors));
	ASSERT(text_is_cstr(buf_text(&errors), "f:1:4: control character 0x00 is not allowed\n"));
	buf_done(&errors);
}

static void bounds_of_the_file(void **state)
{
	struct buf text;

	(void)state;
	nul_byte_is_a_mistake();
	buf_init(&text, CONF_MAX_FILE * 2);
	for (size_t i = 0; i < CONF_MAX_LINE + 1; i++)
		buf_add_byte(&text, '#');
	check_mistakes(buf_cstr(&text), CONF_PART,
		       "f:1:4097: the line is longer than 4096 bytes (write the setting on several lines)\n");
	while (text.n <= CONF_MAX_FILE)
		buf_add_cstr(&text, "\n#################################");
	check_mistakes(buf_cstr(&text), CONF_PART, "f:1:1: the file is larger than 4194304 bytes\n");
	buf_done(&text);
}

static void only_so_many_mistakes(void **state)
{
	struct buf text, errors;

	(void)state;
	buf_init(&text, CONF_MAX_FILE);
	buf_init(&errors, CONF_MAX_ERROR_TEXT);
	for (size_t i = 0; i < CONF_MAX_ERRORS + 5; i++)
		buf_add_cstr(&text, "foo\n");
	assert_null(conf_parse(buf_text(&text), "f", CONF_PART, &errors));
	assert_int_not_equal(text_find(buf_text(&errors), text_from_cstr("f: 5 more mistakes\n")), SIZE_MAX);
	buf_done(&errors);
	buf_done(&text);
}

static void only_so_many_blocks(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, CONF_MAX_FILE);
	for (size_t i = 0; i < 70; i++)
		buf_printf(&text, "listener l%zu { }\n", i);
	check_mistakes(buf_cstr(&text), CONF_PART, "f:65:1: listener: more than 64 blocks\n");
	buf_done(&text);
}

static void only_so_many_maildirs(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, CONF_MAX_FILE);
	buf_add_cstr(&text, "hostname a.b\nlistener l { address [::1]:25 }\n");
	for (size_t i = 0; i < 70; i++)
		buf_printf(&text, "domain d%zu.test { maildir /m%zu }\n", i, i);
	check_mistakes(buf_cstr(&text), CONF_WHOLE,
		       "f:67:19: more than 64 domains with a maildir: deliver to some by lmtp\n");
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_of_the_file),
		cmocka_unit_test(only_so_many_mistakes),
		cmocka_unit_test(only_so_many_blocks),
		cmocka_unit_test(only_so_many_maildirs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
