/* SPDX-License-Identifier: Apache-2.0
 *
 * The cursor: what is written is read back, and nothing is read or written past an end.
 */
#include "../unit.h"
#include "base/wire.h"

static void what_is_written_is_read_back(void **state)
{
	char space[64];
	struct wire_writer w = wire_writer_of(space, sizeof space);
	struct wire_reader r;

	(void)state;
	wire_put_int(&w, 0x1234, 2);
	wire_put_be(&w, 0x1234, 2);
	wire_put_int(&w, UINT64_MAX, 8);
	wire_put_counted(&w, text_from_cstr("abc"));
	wire_put_counted(&w, text_from_cstr(NULL));
	assert_false(w.bad);
	assert_memory_equal(space, "\x34\x12\x12\x34", 4);
	r = wire_reader_of(text_from_bytes(space, wire_written(&w)));
	assert_int_equal(wire_get_int(&r, 2), 0x1234);
	assert_int_equal(wire_get_be(&r, 2), 0x1234);
	assert_true(wire_get_int(&r, 8) == UINT64_MAX);
	unit_text_is(wire_get_counted(&r, 3), "abc");
	unit_text_is(wire_get_counted(&r, 0), "");
	assert_true(wire_is_done(&r));
}

static void a_short_read_is_bad_from_then_on(void **state)
{
	struct wire_reader r = wire_reader_of(text_from_bytes("\1\2\3", 3));

	(void)state;
	assert_int_equal(wire_get_int(&r, 2), 0x0201);
	assert_int_equal(wire_get_int(&r, 2), 0);
	assert_true(r.bad);
	assert_int_equal(wire_get_int(&r, 1), 0);
	assert_false(wire_is_done(&r));
}

static void a_count_above_its_maximum_or_the_rest_is_bad(void **state)
{
	struct wire_reader r = wire_reader_of(text_from_bytes("\3\0\0\0abc", 7));

	(void)state;
	assert_int_equal(wire_get_counted(&r, 2).n, 0);
	assert_true(r.bad);
	r = wire_reader_of(text_from_bytes("\4\0\0\0abc", 7));
	assert_int_equal(wire_get_counted(&r, 100).n, 0);
	assert_true(r.bad);
	r = wire_reader_of(text_from_bytes("\xff\xff\xff\xff", 4));
	assert_int_equal(wire_get_counted(&r, SIZE_MAX).n, 0);
	assert_true(r.bad);
}

static void trailing_bytes_are_seen(void **state)
{
	struct wire_reader r = wire_reader_of(text_from_bytes("\1\2", 2));

	(void)state;
	wire_get_int(&r, 1);
	assert_false(wire_is_done(&r));
	assert_int_equal(wire_left(&r), 1);
}

static void a_full_writer_stays_bad_and_writes_nothing_more(void **state)
{
	char space[4] = { 'x', 'x', 'x', 'x' };
	struct wire_writer w = wire_writer_of(space, 3);

	(void)state;
	wire_put_int(&w, 1, 2);
	wire_put_int(&w, 1, 2);
	assert_true(w.bad);
	wire_put_int(&w, 1, 1);
	assert_int_equal(wire_written(&w), 2);
	assert_int_equal(space[3], 'x');
}

static void nothing_is_an_empty_reader(void **state)
{
	struct wire_reader r = wire_reader_of(text_from_cstr(NULL));

	(void)state;
	assert_true(wire_is_done(&r));
	assert_int_equal(wire_get_int(&r, 1), 0);
	assert_true(r.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(a_short_read_is_bad_from_then_on),
		cmocka_unit_test(a_count_above_its_maximum_or_the_rest_is_bad),
		cmocka_unit_test(trailing_bytes_are_seen),
		cmocka_unit_test(a_full_writer_stays_bad_and_writes_nothing_more),
		cmocka_unit_test(nothing_is_an_empty_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
