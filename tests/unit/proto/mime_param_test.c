/* SPDX-License-Identifier: Apache-2.0
 *
 * The values that readers may take for a parameter: all of them, in their order, decoded. The expected
 * text has "|" between them.
 */
#include "proto/mime_param.h"

#include "unit.h"

static const struct {
	const char *in, *out;
} rows[] = {
	{ "a; x=plain", "plain" },
	{ "a; y=1", "" },
	{ "a; x*=utf-8'en'%e2%82%ac%20y", "\xe2\x82\xac y" },
	{ "a; x*=iso-8859-1''%e4", "\xc3\xa4" },
	{ "a; x*=''%c3%a4", "\xc3\xa4" },
	{ "a; x*=no-quotes%2", "no-quotes%2" },
	{ "a; x*0*=utf-8''%41; x*1=%42; x*2*=%43", "A%42C" },
	{ "a; X*0*=utf-8''%e2%82; x*1*=%ac", "\xe2\x82\xac" },
	{ "a; x*0=a; x*1=b", "ab" },
	{ "a; x*1=b; x*0=a; x*3=d", "ab|abd" },
	{ "a; x*1=b; x*2=c", "bc" },
	{ "a; x*0=a; x*1=b; x*1=c", "ab|ac" },
	{ "a; x=\"=?utf-8?Q?a_b?=\"", "a b" },
	{ "a; x*0=\"=?utf-8?Q?a=5F\"; x*1=\"b?=\"", "a_b" },
	{ "a; x*=utf-8''=?utf-8?Q?a?=", "=?utf-8?Q?a?=" },
	{ "a; x=safe.txt; x*=utf-8''evil.exe", "evil.exe|safe.txt" },
	{ "a; x=1; x*0=2; x*=''3; x=4", "3|2|1|4" },
	{ "a; x=same; x*=''same; x*0=same", "same" },
	{ "a; x=\"\"", "" },
};

static void every_reading_is_given_in_order(void **state)
{
	struct mime_limits limits = mime_limits_default();
	struct charset_cache *cache = charset_cache_new();

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct mime_reading *first;
		struct mime_value v;
		struct arena arena;
		struct buf out;
		unsigned defects = 0;

		arena_init(&arena, 100000);
		buf_init(&out, 1000);
		mime_value_parse(text_from_cstr(rows[i].in), &limits, &arena, &v);
		assert_true(mime_param_readings(&v, "x", &arena, &first));
		for (const struct mime_reading *r = first; r; r = r->next) {
			if (r != first)
				buf_add_byte(&out, '|');
			assert_true(mime_param_decode(r, cache, &out, &defects));
		}
		if (!text_is_cstr(buf_text(&out), rows[i].out))
			fail_msg("%s: %s", rows[i].in, buf_cstr(&out));
		buf_done(&out);
		arena_reset(&arena);
	}
	charset_cache_free(cache);
}

static void a_full_arena_is_told(void **state)
{
	struct mime_limits limits = mime_limits_default();
	struct mime_reading *first;
	struct mime_value v;
	struct arena arena, small;

	(void)state;
	arena_init(&arena, 10000);
	arena_init(&small, 16);
	mime_value_parse(text_from_cstr("a; x=1"), &limits, &arena, &v);
	assert_false(mime_param_readings(&v, "x", &small, &first));
	arena_reset(&arena);
	arena_reset(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reading_is_given_in_order),
		cmocka_unit_test(a_full_arena_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
