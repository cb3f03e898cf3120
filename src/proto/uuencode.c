/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds and decodes uuencoded files in text. Called by the message engines on a stranger's bytes.
 * Linear over a whole body, whatever it holds: a block ends at the next begin line too, which cannot
 * be data ("b" is no length and " " no base64 digit). Nothing is malformed.
 */
#include "proto/uuencode.h"

#include "proto/base64.h"

/* The line at `at` without its end; the start of the next one. */
static struct text line_at(struct text t, size_t at, size_t *ret_next)
{
	struct text rest = text_skip(t, at);
	size_t end = text_find_byte(rest, '\n');

	*ret_next = at + (end < rest.n ? end + 1 : rest.n);
	if (end && end <= rest.n && rest.p[end - 1] == '\r')
		end--;
	return text_slice(rest, 0, end);
}

/* Three to six octal digits: "begin 999 things" is prose. */
static bool is_mode(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] < '0' || t.p[i] > '7')
			return false;
	return t.n >= 3 && t.n <= 6;
}

/* "begin 644 name", "begin-base64 644 name". */
static bool parse_begin(struct text line, struct uuencode_file *ret_file)
{
	static const struct text plain = TEXT("begin "), base64 = TEXT("begin-base64 ");
	struct text mode, name;

	ret_file->is_base64 = text_has_prefix(line, base64);
	if (!ret_file->is_base64 && !text_has_prefix(line, plain))
		return false;
	line = text_trim(text_skip(line, ret_file->is_base64 ? base64.n : plain.n));
	text_cut(line, ' ', &mode, &name);
	if (!is_mode(mode))
		return false;
	ret_file->name = text_trim(name);
	return true;
}

static bool is_end(struct text line, bool is_base64)
{
	line = text_trim(line);
	return text_is_cstr(line, is_base64 ? "====" : "end");
}

/* Where the lines of a block end: at its end line, the next begin line, or the end of the text. */
static size_t find_end(struct text body, size_t begin, struct uuencode_file *file)
{
	struct uuencode_file other;
	size_t at = begin;

	while (at < body.n) {
		size_t next;
		struct text line = line_at(body, at, &next);
		file->is_open = !is_end(line, file->is_base64);
		if (!file->is_open || parse_begin(line, &other))
			return at;
		at = next;
	}
	file->is_open = true;
	return at;
}

bool uuencode_find(struct text body, size_t *at, struct uuencode_file *ret_file)
{
	bool found = false;
	size_t begin;

	while (!found && *at < body.n) {
		struct text line = line_at(body, *at, at);
		found = parse_begin(line, ret_file);
	}
	if (!found)
		return false;
	begin = *at;
	*at = find_end(body, begin, ret_file);
	ret_file->lines = text_slice(body, begin, *at);
	return true;
}

static uint32_t value_at(struct text line, size_t i)
{
	unsigned char c = i < line.n ? (unsigned char)line.p[i] : ' ';

	return c >= ' ' && c <= '`' ? (c - ' ') & 63U : 0;
}

/* The first character says how many bytes the line holds; what is behind them is a checksum or junk. */
static bool decode_line(struct text line, struct buf *out)
{
	size_t n_bytes;

	if (line.n == 0 || line.p[0] < ' ' || line.p[0] > '`')
		return true;
	n_bytes = value_at(line, 0);
	for (size_t done = 0, i = 1; done < n_bytes && i < line.n; done += 3, i += 4) {
		uint32_t bits = value_at(line, i) << 18 | value_at(line, i + 1) << 12 |
				value_at(line, i + 2) << 6 | value_at(line, i + 3);
		char three[3] = { (char)(bits >> 16 & 0xff), (char)(bits >> 8 & 0xff), (char)(bits & 0xff) };
		size_t n = n_bytes - done < 3 ? n_bytes - done : 3;
		if (!buf_add(out, text_from_bytes(three, n)))
			return false;
	}
	return true;
}

bool uuencode_decode(const struct uuencode_file *file, struct buf *out)
{
	size_t at = 0;

	if (file->is_base64)
		return base64_decode(file->lines, out);
	while (at < file->lines.n) {
		struct text line = line_at(file->lines, at, &at);
		if (!decode_line(line, out))
			return false;
	}
	return true;
}
