/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a result, and the texts of a Received-SPF field with NUL between. Whatever they are, the
 * field is one field: every line but the first begins with a tab, none is longer than 998 bytes, quotes and
 * the comment are closed where they were opened, nothing is a control byte, and nothing is lost for room.
 */
#include "base/ensure.h"
#include "proto/spf_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_line(struct text line)
{
	bool is_quoted = false;

	for (size_t i = 0; i < line.n; i++) {
		unsigned char c = (unsigned char)line.p[i];
		ASSERT(c >= ' ' && c != 0x7f);
		if (is_quoted && c == '\\')
			i++;
		else if (c == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && c == '(')
			ASSERT(text_find_byte(text_skip(line, i), ')') < line.n - i);
	}
	ASSERT(!is_quoted);
}

static void check_field(struct text field)
{
	struct text line;

	ASSERT(text_has_prefix(field, text_from_cstr("Received-SPF: ")));
	while (field.n) {
		ASSERT(text_cut(field, '\n', &line, &field));
		ASSERT(line.n > 1 && line.n <= 998 && line.p[line.n - 1] == '\r');
		check_line(text_slice(line, line.p[0] == '\t', line.n - 1));
		ASSERT(field.n == 0 || field.p[0] == '\t');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct spf_query query = { 0 };
	struct spf_result result = { 0 };
	struct text rest = text_skip(text_from_bytes(data, n), 1);
	struct buf out;

	if (n == 0)
		return 0;
	result.result = (enum auth_result)(data[0] % AUTH_RESULT_COUNT);
	result.problem = (enum spf_problem)(data[0] % SPF_PROBLEM_COUNT);
	query.identity = data[0] & 1 ? SPF_HELO : SPF_MAILFROM;
	text_cut(rest, '\0', &query.helo, &rest);
	text_cut(rest, '\0', &query.mail_from, &rest);
	text_cut(rest, '\0', &query.receiver, &rest);
	text_cut(rest, '\0', &result.domain, &rest);
	text_cut(rest, '\0', &result.mechanism, &result.sender);
	buf_init(&out, SPF_HEADER_MAX);
	spf_header_print(&query, &result, &out);
	ASSERT(!out.overflow);
	check_field(buf_text(&out));
	buf_done(&out);
	return 0;
}
