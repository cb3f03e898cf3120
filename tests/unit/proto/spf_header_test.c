/* SPDX-License-Identifier: Apache-2.0
 *
 * Received-SPF: what it says, and that no text can break out of it.
 */
#include "proto/spf_header.h"

#include "unit.h"

static void the_field_says_what_was_found(void **state)
{
	struct spf_query query = { .identity = SPF_MAILFROM,
				   .helo = text_from_cstr("mx.example.com"),
				   .mail_from = text_from_cstr("ann@example.com"),
				   .receiver = text_from_cstr("mx.example.net") };
	struct spf_result result = { .result = AUTH_PASS,
				     .domain = text_from_cstr("example.com"),
				     .mechanism = text_from_cstr("ip4:192.0.2.0/24") };
	struct buf out;

	(void)state;
	assert_true(addr_parse(text_from_cstr("192.0.2.1"), &query.client));
	buf_init(&out, SPF_HEADER_MAX);
	spf_header_print(&query, &result, &out);
	unit_text_is(buf_text(&out),
		     "Received-SPF: pass (example.com designates this client as permitted sender)\r\n"
		     "\treceiver=mx.example.net;\r\n\tidentity=mailfrom;\r\n\tclient-ip=192.0.2.1;\r\n"
		     "\tenvelope-from=\"ann@example.com\";\r\n\thelo=mx.example.com;\r\n"
		     "\tmechanism=\"ip4:192.0.2.0/24\";\r\n");
	buf_done(&out);
}

/* Every line but the first begins with a tab, quotes are in pairs, nothing controls anything. */
static void check_form(struct text field)
{
	bool is_quoted = false;
	struct text line;

	assert_true(text_has_suffix_nocase(field, text_from_cstr("\r\n")));
	for (bool is_first = true; field.n; is_first = false) {
		assert_true(text_cut(field, '\n', &line, &field));
		assert_true(is_first || line.p[0] == '\t');
		assert_true(line.n <= 998);
		for (size_t i = is_first ? 0 : 1; i + 1 < line.n; i++) {
			assert_true((unsigned char)line.p[i] >= ' ');
			if (is_quoted && line.p[i] == '\\')
				i++;
			else if (line.p[i] == '"')
				is_quoted = !is_quoted;
		}
		assert_false(is_quoted);
	}
}

static void no_text_breaks_out_of_the_field(void **state)
{
	static const char *const hostile[] = { "a\r\nSubject: x", "a\"; x=\"y", "a\\", "a)b(c",
					       "\xff\xfe",        "a;b",        "",    "\t" };
	char large[5000];
	struct buf out;

	(void)state;
	memset(large, '"', sizeof large - 1);
	large[sizeof large - 1] = 0;
	buf_init(&out, SPF_HEADER_MAX);
	for (size_t i = 0; i <= UNIT_COUNT(hostile); i++) {
		struct text t = text_from_cstr(i < UNIT_COUNT(hostile) ? hostile[i] : large);
		struct spf_query query = { .helo = t, .mail_from = t, .receiver = t };
		struct spf_result result = { .result = AUTH_PERMERROR,
					     .domain = t,
					     .mechanism = t,
					     .problem = SPF_PROBLEM_TWO_RECORDS };
		buf_reset(&out);
		spf_header_print(&query, &result, &out);
		assert_false(out.overflow);
		check_form(buf_text(&out));
	}
	buf_done(&out);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_field_says_what_was_found),
		cmocka_unit_test(no_text_breaks_out_of_the_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
