/* SPDX-License-Identifier: Apache-2.0
 *
 * Buffers and arenas: the maximum is never passed, and what did not fit is said.
 */
#include "../unit.h"
#include "base/arena.h"
#include "base/buf.h"

static void what_does_not_fit_is_left_out_whole_and_remembered(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	assert_true(buf_add_cstr(&b, "abc"));
	assert_false(buf_add_cstr(&b, "def"));
	unit_text_is(buf_text(&b), "abc");
	assert_true(buf_add_cstr(&b, "de"));
	assert_true(b.overflow);
	assert_false(buf_printf(&b, "%d", 7));
	assert_string_equal(buf_cstr(&b), "abcde");
	buf_reset(&b);
	assert_false(b.overflow);
	assert_true(buf_printf(&b, "%05d", 7));
	unit_text_is(buf_text(&b), "00007");
	buf_done(&b);
}

static void a_buffer_of_nothing_holds_nothing(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_true(buf_add_cstr(&b, ""));
	assert_false(buf_add_byte(&b, 'x'));
	assert_string_equal(buf_cstr(&b), "");
	buf_done(&b);
}

static void consume_moves_the_rest_to_the_front(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_add_cstr(&b, "line\r\nrest");
	buf_consume(&b, 6);
	unit_text_is(buf_text(&b), "rest");
	buf_consume(&b, 4);
	unit_text_is(buf_text(&b), "");
	buf_done(&b);
}

static void growth_keeps_every_byte(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	for (int i = 0; i < 100000; i++)
		assert_true(buf_add_byte(&b, (char)(i % 251)));
	assert_false(buf_add_byte(&b, 'x'));
	for (int i = 0; i < 100000; i++)
		assert_int_equal((unsigned char)b.p[i], i % 251);
	buf_done(&b);
}

static void strangers_text_is_escaped(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	buf_add_escaped(&b, text_from_cstr("a\r\nb\\\xff"));
	unit_text_is(buf_text(&b), "a\\x0d\\x0ab\\x5c\\xff");
	buf_reset(&b);
	buf_add_escaped(&b, text_from_cstr("gr\xc3\xbc\xc3\x9f"));
	unit_text_is(buf_text(&b), "gr\xc3\xbc\xc3\x9f");
	buf_reset(&b);
	buf_add_json(&b, text_from_cstr("\"a\\\n\x01\xc3\xbc"));
	unit_text_is(buf_text(&b), "\\\"a\\\\\\u000a\\u0001\\u00c3\\u00bc");
	buf_reset(&b);
	buf_add_json(&b, text_from_cstr("\xc3\xbc\""));
	unit_text_is(buf_text(&b), "\xc3\xbc\\\"");
	buf_reset(&b);
	buf_add_hex(&b, text_from_bytes("\0\x9f", 2));
	unit_text_is(buf_text(&b), "009f");
	buf_done(&b);
}

static void an_arena_ends_at_its_cap(void **state)
{
	struct arena a;
	size_t count = 0;

	(void)state;
	arena_init(&a, 10000);
	assert_null(arena_alloc(&a, 10001));
	assert_null(arena_alloc(&a, SIZE_MAX));
	while (arena_alloc(&a, 100))
		count++;
	assert_int_equal(count, 10000 / 112);
	arena_reset(&a);
	assert_non_null(arena_alloc(&a, 9984));
	arena_reset(&a);
}

static void arena_memory_is_zero_aligned_and_apart(void **state)
{
	struct arena a;
	unsigned char *last = NULL;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t n = 1; n < 700; n += 7) {
		unsigned char *p = arena_alloc(&a, n);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xaa, n);
		assert_ptr_not_equal(p, last);
		last = p;
	}
	arena_reset(&a);
}

static void arena_copies_end_with_nul(void **state)
{
	struct arena a;
	struct text copy;

	(void)state;
	arena_init(&a, 100);
	assert_true(arena_copy(&a, text_from_cstr("abc"), &copy));
	unit_text_is(copy, "abc");
	assert_string_equal(arena_cstr(&a, text_from_bytes("xyz", 2)), "xy");
	assert_true(arena_copy(&a, text_from_cstr(NULL), &copy));
	assert_non_null(copy.p);
	arena_reset(&a);
}

static void numbers_are_printed_in_decimal(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 64);
	assert_true(buf_add_number(&b, 0) && buf_add_byte(&b, ' ') && buf_add_number(&b, 1200));
	assert_true(buf_add_byte(&b, ' ') && buf_add_number(&b, UINT64_MAX));
	assert_string_equal(buf_cstr(&b), "0 1200 18446744073709551615");
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_printed_in_decimal),
		cmocka_unit_test(what_does_not_fit_is_left_out_whole_and_remembered),
		cmocka_unit_test(a_buffer_of_nothing_holds_nothing),
		cmocka_unit_test(consume_moves_the_rest_to_the_front),
		cmocka_unit_test(growth_keeps_every_byte),
		cmocka_unit_test(strangers_text_is_escaped),
		cmocka_unit_test(an_arena_ends_at_its_cap),
		cmocka_unit_test(arena_memory_is_zero_aligned_and_apart),
		cmocka_unit_test(arena_copies_end_with_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
