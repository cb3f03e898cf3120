/* SPDX-License-Identifier: Apache-2.0
 *
 * The kinds of fields: the table is sorted, so that each is found, whatever its case; others are text.
 */
#include "proto/field_kind.h"

#include "unit.h"

static void every_field_of_the_table_is_found(void **state)
{
	static const struct {
		const char *name;
		enum field_kind kind;
	} rows[] = {
#define FIELD(name, kind) { name, FIELD_##kind },
#include "proto/field_kind.def"
#undef FIELD
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++)
		assert_int_equal(field_kind_of(text_from_cstr(rows[i].name)), rows[i].kind);
}

static void names_have_no_case_and_others_are_text(void **state)
{
	(void)state;
	assert_int_equal(field_kind_of(text_from_cstr("FROM")), FIELD_ADDRESSES);
	assert_int_equal(field_kind_of(text_from_cstr("x-foo")), FIELD_TEXT);
	assert_int_equal(field_kind_of(text_from_cstr("")), FIELD_TEXT);
	assert_int_equal(field_kind_of(text_from_cstr("Fro")), FIELD_TEXT);
	assert_string_equal(field_kind_word(FIELD_IDS), "ids");
	assert_string_equal(field_kind_word(FIELD_RAW), "raw");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_of_the_table_is_found),
		cmocka_unit_test(names_have_no_case_and_others_are_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
