/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of tags and the encodings of values.
 */
#include "unit/unit.h"

#include "base/buf.h"
#include "proto/tag_list.h"

static const struct {
	const char *name, *in, *out;
	enum tag_list_state state;
} rows[] = {
	{ "two tags", "a=1; b=2", "a|1;b|2;", TAG_LIST_OK },
	{ "a last semicolon", "a=1; b=2;", "a|1;b|2;", TAG_LIST_OK },
	{ "white space everywhere", " a = 1 \r\n 2 ;\r\n\tb\t=", "a|1 \r\n 2;b|;", TAG_LIST_OK },
	{ "an equals sign in the value", "p=YQ==", "p|YQ==;", TAG_LIST_OK },
	{ "names are case-sensitive", "a=1; A=2", "a|1;A|2;", TAG_LIST_OK },
	{ "digits and _ in a name", "a_1=x", "a_1|x;", TAG_LIST_OK },
	{ "UTF-8 in a value", "d=\xc3\xa9", "d|\xc3\xa9;", TAG_LIST_OK },
	{ "nothing", "", "", TAG_LIST_MALFORMED },
	{ "white space only", " \r\n", "", TAG_LIST_MALFORMED },
	{ "no equals sign", "a=1; hello", "a|1;", TAG_LIST_MALFORMED },
	{ "no name", "a=1; =2", "a|1;", TAG_LIST_MALFORMED },
	{ "an empty tag", "a=1;;b=2", "a|1;", TAG_LIST_MALFORMED },
	{ "a name that begins with a digit", "1a=1", "", TAG_LIST_MALFORMED },
	{ "a blank in a name", "a b=1", "", TAG_LIST_MALFORMED },
	{ "a control character in a value", "a=1\x01", "", TAG_LIST_MALFORMED },
	{ "a name twice", "a=1; b=2; a=1", "a|1;b|2;", TAG_LIST_DUPLICATE },
};

static void lists_are_read_as_the_grammar_says(void **state)
{
	struct buf got;

	(void)state;
	buf_init(&got, 1024);
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct tag_list list;
		assert_int_equal(tag_list_parse(text_from_cstr(rows[i].in), &list), rows[i].state);
		buf_reset(&got);
		for (size_t j = 0; j < list.n; j++)
			buf_printf(&got, "%.*s|%.*s;", TEXT_ARGS(list.tags[j].name),
				   TEXT_ARGS(list.tags[j].value));
		unit_text_is(buf_text(&got), rows[i].out);
	}
	buf_done(&got);
}

static void more_tags_than_the_limit_are_told(void **state)
{
	struct tag_list list;
	struct buf t;

	(void)state;
	buf_init(&t, 4096);
	for (unsigned i = 0; i <= TAG_LIST_MAX; i++)
		buf_printf(&t, "t%u=1;", i);
	assert_int_equal(tag_list_parse(buf_text(&t), &list), TAG_LIST_TOO_MANY);
	assert_int_equal(list.n, TAG_LIST_MAX);
	buf_done(&t);
}

static void all_of_a_value_is_known_with_its_white_space(void **state)
{
	struct tag_list list;

	(void)state;
	tag_list_parse(text_from_cstr("a=1; b= x y ; c=3"), &list);
	unit_text_is(tag_list_find(&list, "b")->all, " x y ");
	unit_text_is(tag_list_find(&list, "b")->value, "x y");
	assert_null(tag_list_find(&list, "d"));
}

static const struct {
	const char *in, *out;
} base64[] = {
	{ "YWJj", "abc" },        { "YWI=", "ab" },  { "YQ==", "a" },
	{ "YWI", "ab" },          { "YQ", "a" },     { "", "" },
	{ "Y W\r\n\tJj", "abc" }, { "YQ = =", "a" }, { "Y", NULL },
	{ "YWJj=", NULL },        { "YQ=", NULL },   { "YQ===", NULL },
	{ "YQ==YQ==", NULL },     { "YW-j", NULL },  { "=", NULL },
	{ "YWJj====", NULL },
};

static void base64_is_read_strictly(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 4096);
	for (size_t i = 0; i < UNIT_COUNT(base64); i++) {
		struct text out;
		bool ok = tag_value_base64(text_from_cstr(base64[i].in), &arena, &out);
		if (ok != (base64[i].out != NULL))
			fail_msg("%s", base64[i].in);
		if (ok)
			unit_text_is(out, base64[i].out);
	}
	arena_reset(&arena);
}

static void quoted_printable_has_capitals_only(void **state)
{
	struct arena arena;
	struct text out;

	(void)state;
	arena_init(&arena, 4096);
	assert_true(tag_value_qp(text_from_cstr("a=3Db \r\n c=40"), &arena, &out));
	unit_text_is(out, "a=bc@");
	assert_false(tag_value_qp(text_from_cstr("a=3d"), &arena, &out));
	assert_false(tag_value_qp(text_from_cstr("a=3"), &arena, &out));
	arena_reset(&arena);
}

static void items_of_a_list_come_trimmed(void **state)
{
	struct text rest = text_from_cstr("a : b::c"), item;
	static const char *const items[] = { "a", "b", "", "c" };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(items); i++) {
		assert_true(tag_value_next(&rest, ':', &item));
		unit_text_is(item, items[i]);
	}
	assert_false(tag_value_next(&rest, ':', &item));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_read_as_the_grammar_says),
		cmocka_unit_test(more_tags_than_the_limit_are_told),
		cmocka_unit_test(all_of_a_value_is_known_with_its_white_space),
		cmocka_unit_test(base64_is_read_strictly),
		cmocka_unit_test(quoted_printable_has_capitals_only),
		cmocka_unit_test(items_of_a_list_come_trimmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
