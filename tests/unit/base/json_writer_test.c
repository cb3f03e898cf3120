/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON written piece by piece: commas and nesting, and texts of whatever bytes.
 */
#include "base/json_writer.h"
#include "unit.h"

static void nesting_keeps_its_commas(void **state)
{
	struct buf out;
	struct json_writer w;

	(void)state;
	buf_init(&out, 1000);
	w = json_writer_of(&out, false);
	json_open_object(&w);
	json_key_text(&w, "a", text_from_cstr("x"));
	json_key_array(&w, "b");
	json_number(&w, -1);
	json_bool(&w, true);
	json_open_object(&w);
	json_close(&w);
	json_close(&w);
	json_key_cstr(&w, "c", NULL);
	json_close(&w);
	unit_text_is(buf_text(&out), "{\"a\": \"x\", \"b\": [-1, true, {}], \"c\": null}");
	buf_done(&out);
}

static void pretty_output_has_a_line_for_each_value(void **state)
{
	struct buf out;
	struct json_writer w;

	(void)state;
	buf_init(&out, 1000);
	w = json_writer_of(&out, true);
	json_open_array(&w);
	json_number(&w, 1);
	json_open_array(&w);
	json_close(&w);
	json_close(&w);
	unit_text_is(buf_text(&out), "[\n  1,\n  []\n]");
	buf_done(&out);
}

static void texts_are_valid_whatever_their_bytes(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "plain", "\"plain\"" },
		{ "a\"b\\c", "\"a\\\"b\\\\c\"" },
		{ "line\r\nend\t", "\"line\\r\\nend\\t\"" },
		{ "\x1b[2J\x7f", "\"\\u001b[2J\\u007f\"" },
		{ "\xc3\xa9\n\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\\n\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\xe9", "\"\xef\xbf\xbd\"" },
		{ "\xc2\x9b", "\"\\u009b\"" },
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct buf out;
		struct json_writer w;
		buf_init(&out, 1000);
		w = json_writer_of(&out, false);
		json_text(&w, text_from_cstr(rows[i].in));
		unit_text_is(buf_text(&out), rows[i].out);
		buf_done(&out);
	}
}

static void a_full_buffer_is_known_at_the_end(void **state)
{
	struct buf out;
	struct json_writer w;

	(void)state;
	buf_init(&out, 10);
	w = json_writer_of(&out, false);
	json_text(&w, text_from_cstr("much longer than ten"));
	assert_true(out.overflow);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nesting_keeps_its_commas),
		cmocka_unit_test(pretty_output_has_a_line_for_each_value),
		cmocka_unit_test(texts_are_valid_whatever_their_bytes),
		cmocka_unit_test(a_full_buffer_is_known_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
