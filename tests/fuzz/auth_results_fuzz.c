/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: Authentication-Results, read and written. The input is read as a field; then it is written as
 * every value of one, which must stay one field whose lines are short, and read back.
 */
#include "base/ensure.h"
#include "proto/auth_results.h"

#define FIELD "Authentication-Results"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void write_with(struct text value, struct buf *out)
{
	struct auth_results_writer w;

	auth_results_begin(&w, out, FIELD, 0, value);
	auth_results_add_method(&w, "spf", AUTH_PASS);
	auth_results_add_comment(&w, value);
	auth_results_add_reason(&w, value);
	auth_results_add_property(&w, "smtp", "mailfrom", value);
	auth_results_add_property(&w, "smtp", "helo", value);
	auth_results_end(&w);
	ASSERT(!out->overflow);
}

static void check_lines(struct text field)
{
	size_t line = 0;

	ASSERT(field.n > 2 && field.p[field.n - 1] == '\n' && field.p[field.n - 2] == '\r');
	for (size_t i = 0; i < field.n; i++, line++) {
		char c = field.p[i];
		ASSERT((unsigned char)c >= ' ' || c == '\r' || c == '\n');
		ASSERT((c == '\r') == (i + 1 < field.n && field.p[i + 1] == '\n'));
		ASSERT(line < 1000);
		if (c != '\n')
			continue;
		line = 0;
		ASSERT(i + 1 == field.n || field.p[i + 1] == ' ');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text input = text_from_bytes(data, n), body;
	struct auth_results results;
	struct arena arena;
	struct buf out;

	arena_init(&arena, 8 << 20);
	if (auth_results_parse(input, &arena, &results)) {
		ASSERT(results.n_methods <= AUTH_RESULTS_METHODS_MAX);
		/* An identifier has a name for itself, unless it is larger than any we have. */
		if (results.authserv_id.n > 0 && results.authserv_id.n < 255 &&
		    text_is_printable(results.authserv_id) &&
		    text_find_byte(results.authserv_id, ' ') == results.authserv_id.n &&
		    text_find_byte(results.authserv_id, '(') == results.authserv_id.n &&
		    text_find_byte(results.authserv_id, '"') == results.authserv_id.n &&
		    text_find_byte(results.authserv_id, '\\') == results.authserv_id.n)
			ASSERT(auth_results_is_of(input, results.authserv_id));
	}
	buf_init(&out, 65536);
	write_with(input, &out);
	check_lines(buf_text(&out));
	body = text_skip(buf_text(&out), sizeof FIELD);
	body.n -= 2;
	ASSERT(auth_results_parse(body, &arena, &results) || input.n == 0);
	ASSERT(input.n == 0 || (results.n_methods == 1 && results.methods[0].n_properties == 2));
	buf_done(&out);
	arena_reset(&arena);
	return 0;
}
