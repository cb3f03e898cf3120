/* SPDX-License-Identifier: Apache-2.0
 *
 * Structured MIME fields: the value and its parameters, well-formed and as they are found in the wild.
 * The expected text is the value, then ";name=value" for each parameter, with "*section" and a last
 * "*" as they were written.
 */
#include "base/buf.h"
#include "proto/mime_value.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
	const char *name;
	const char *in, *out;
	unsigned defects;
} rows[] = {
	{ "value alone", " text/plain", "text/plain", 0 },
	{ "parameters", " text/plain; charset=utf-8; format=flowed", "text/plain;charset=utf-8;format=flowed",
	  0 },
	{ "quoted", "a/b; x=\"c d;e\"", "a/b;x=c d;e", 0 },
	{ "escapes", "a/b; x=\"c\\\"d\\\\e\"", "a/b;x=c\"d\\e", 0 },
	{ "folded", "a/b;\r\n\tx=y;\r\n z=w", "a/b;x=y;z=w", 0 },
	{ "folded within quotes", "a/b; x=\"c\r\n d\"", "a/b;x=c d", 0 },
	{ "comments", "(c) a/b (c(d)\\)) ; (e) x = (f) y (g)", "a/b;x=y", 0 },
	{ "blanks around the slash", "multipart / mixed; x=y", "multipart/mixed;x=y", 0 },
	{ "blank behind the slash", "multipart/ mixed; x=y", "multipart/mixed;x=y", 0 },
	{ "= in an unquoted value", "a/b; boundary=--=_x=y", "a/b;boundary=--=_x=y", 0 },
	{ "no semicolon", "a/b x=y z=w", "a/b;x=y;z=w", MIME_DEFECT_VALUE },
	{ "many semicolons", "a/b;;; x=y;", "a/b;x=y", 0 },
	{ "quote not closed", "a/b; x=\"y; z", "a/b;x=y; z", MIME_DEFECT_VALUE },
	{ "word without =", "a/b; attachment; x=y", "a/b;x=y", MIME_DEFECT_VALUE },
	{ "no name", "a/b; =y; x=y", "a/b;x=y", 0 },
	{ "quoted value in front", "\"base64\"", "base64", 0 },
	{ "comment not closed", "a/b; x=y (", "a/b;x=y", 0 },
	{ "nothing", "", "", 0 },
	{ "sections", "a/b; x*0=c; x*1*=d; y*=e", "a/b;x*0=c;x*1*=d;y*=e", 0 },
	{ "twice", "a/b; x=c; x=d", "a/b;x=c;x=d", 0 },
};

static void add_param(struct buf *out, const struct mime_param *p)
{
	buf_add_byte(out, ';');
	buf_add(out, p->name);
	if (p->section >= 0)
		buf_printf(out, "*%d", p->section);
	buf_add_cstr(out, p->is_extended ? "*=" : "=");
	buf_add(out, p->value);
}

static void values_are_read_as_mail_readers_do(void **state)
{
	struct mime_limits limits = mime_limits_default();
	struct arena arena;

	(void)state;
	arena_init(&arena, 100000);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct mime_value v;
		struct buf out;

		buf_init(&out, 1000);
		assert_int_equal(mime_value_parse(text_from_cstr(rows[i].in), &limits, &arena, &v),
				 MIME_TROUBLE_NONE);
		buf_add(&out, v.value);
		for (size_t k = 0; k < v.n_params; k++)
			add_param(&out, &v.params[k]);
		if (!text_is_cstr(buf_text(&out), rows[i].out) || v.defects != rows[i].defects)
			fail_msg("%s: %s (defects %#x)", rows[i].name, buf_cstr(&out), v.defects);
		buf_done(&out);
	}
	arena_reset(&arena);
}

static void sections_and_percent_codes_are_joined(void **state)
{
	static const struct {
		const char *in, *joined;
	} cases[] = {
		{ "a; x*=utf-8'en'%e2%82%ac%20y", "\xe2\x82\xac y" },
		{ "a; x*0*=utf-8''%41; x*1=%42; x*2*=%43", "A%42C" },
		{ "a; x*1=b; x*0=a; x*3=d", "ab" },
		{ "a; x*=no-quotes%2", "no-quotes%2" },
		{ "a; x=plain", NULL },
		{ "a; x*1=b", NULL },
	};
	struct mime_limits limits = mime_limits_default();
	struct arena arena;

	(void)state;
	arena_init(&arena, 100000);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mime_value v;
		struct text joined;
		bool found;

		mime_value_parse(text_from_cstr(cases[i].in), &limits, &arena, &v);
		found = mime_value_join_param(&v, "X", &arena, &joined);
		assert_int_equal(found, cases[i].joined != NULL);
		if (found && !text_is_cstr(joined, cases[i].joined))
			fail_msg("%s: %.*s", cases[i].in, TEXT_ARGS(joined));
	}
	arena_reset(&arena);
}

static void every_value_of_a_name_can_be_asked(void **state)
{
	struct mime_limits limits = mime_limits_default();
	struct arena arena;
	struct mime_value v;
	struct text t;

	(void)state;
	arena_init(&arena, 100000);
	mime_value_parse(text_from_cstr("a/b; x=1; X*=2; X=3"), &limits, &arena, &v);
	assert_true(mime_value_find_param(&v, "x", 0, &t) && text_is_cstr(t, "1"));
	assert_true(mime_value_find_param(&v, "x", 1, &t) && text_is_cstr(t, "3"));
	assert_false(mime_value_find_param(&v, "x", 2, &t));
	arena_reset(&arena);
}

static void limits_are_told(void **state)
{
	struct mime_limits limits = mime_limits_default();
	struct arena arena;
	struct mime_value v;

	(void)state;
	arena_init(&arena, 1000);
	limits.params = 2;
	assert_int_equal(mime_value_parse(text_from_cstr("a/b; a=1; b=2"), &limits, &arena, &v),
			 MIME_TROUBLE_NONE);
	assert_int_equal(mime_value_parse(text_from_cstr("a/b; a=1; b=2; c=3"), &limits, &arena, &v),
			 MIME_TROUBLE_PARAMS);
	assert_int_equal(v.n_params, 2);
	arena_reset(&arena);
	arena_init(&arena, 16);
	assert_int_equal(mime_value_parse(text_from_cstr("a/b; a=1; b=2"), &limits, &arena, &v),
			 MIME_TROUBLE_MEMORY);
	arena_reset(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read_as_mail_readers_do),
		cmocka_unit_test(sections_and_percent_codes_are_joined),
		cmocka_unit_test(every_value_of_a_name_can_be_asked),
		cmocka_unit_test(limits_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
