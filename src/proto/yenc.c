/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds and decodes yEnc files in text. Called by the message engines on a stranger's bytes. Linear over
 * a whole body: a block ends at the next begin line too. Nothing is malformed: what is missing in the
 * lines of a block is 0, what is wrong a defect beside the decoded bytes.
 */
#include "proto/yenc.h"

#include <zlib.h>

#define SHIFT        42
#define SHIFT_ESCAPE 64

/* The line at `at` without its end; the start of the next one. */
static struct text line_at(struct text t, size_t at, size_t *ret_next)
{
	struct text rest = text_skip(t, at);
	size_t end = text_find_byte(rest, '\n');

	*ret_next = at + (end < rest.n ? end + 1 : rest.n);
	if (end && rest.p[end - 1] == '\r')
		end--;
	return text_slice(rest, 0, end);
}

static bool is_line(struct text line, const char *word)
{
	struct text prefix = text_from_cstr(word);

	return text_has_prefix(line, prefix) && (line.n == prefix.n || line.p[prefix.n] == ' ');
}

/* The value of "key=value" within a line of words; false: not there. */
static bool find_value(struct text line, const char *key, struct text *ret_value)
{
	struct text word, name;

	while (line.n) {
		text_cut(line, ' ', &word, &line);
		if (text_cut(word, '=', &name, ret_value) && text_is_cstr(name, key))
			return true;
	}
	return false;
}

static uint64_t find_number(struct text line, const char *key)
{
	struct text value;
	uint64_t number;

	return find_value(line, key, &value) && text_parse_u64(value, INT64_MAX, &number) ? number : 0;
}

static bool parse_hex(struct text t, uint32_t *ret_value)
{
	uint32_t value = 0;

	for (size_t i = 0; i < t.n; i++) {
		char c = text_lower_byte(t.p[i]);
		bool is_digit = c >= '0' && c <= '9';
		if (!is_digit && (c < 'a' || c > 'f'))
			return false;
		value = value << 4 | (uint32_t)(is_digit ? c - '0' : c - 'a' + 10);
	}
	*ret_value = value;
	return t.n > 0;
}

/* The name is the last word and runs to the end of the line. */
static bool parse_begin(struct text line, struct yenc_file *file)
{
	static const struct text name = TEXT(" name=");
	size_t at;

	if (!is_line(line, "=ybegin"))
		return false;
	at = text_find(line, name);
	*file = (struct yenc_file){ .name = text_trim(
					    text_skip(line, at == SIZE_MAX ? line.n : at + name.n)) };
	line = text_slice(line, 0, at == SIZE_MAX ? line.n : at);
	file->part = find_number(line, "part");
	file->total = find_number(line, "total");
	file->size = find_number(line, "size");
	return true;
}

static void parse_part(struct text line, struct yenc_file *file)
{
	file->begin = find_number(line, "begin");
	file->end = find_number(line, "end");
}

static void parse_end(struct text line, struct yenc_file *file)
{
	struct text crc;
	bool has_part = find_value(line, "pcrc32", &crc);

	file->end_size = find_number(line, "size");
	if (has_part || (file->part == 0 && find_value(line, "crc32", &crc)))
		file->has_crc = parse_hex(crc, &file->crc);
}

/* The lines of a block, from `begin`; moves *at behind its end line, or to the next begin line. */
static void read_block(struct text body, size_t begin, struct yenc_file *file, size_t *at)
{
	struct text line;
	size_t next;

	line = line_at(body, begin, &next);
	if (is_line(line, "=ypart")) {
		parse_part(line, file);
		begin = next;
	}
	file->is_open = true;
	for (*at = begin; *at < body.n; *at = next) {
		line = line_at(body, *at, &next);
		if (is_line(line, "=ybegin"))
			break;
		file->is_open = !is_line(line, "=yend");
		if (!file->is_open)
			break;
	}
	file->lines = text_slice(body, begin, *at);
	if (file->is_open)
		return;
	parse_end(line, file);
	*at = next;
}

bool yenc_find(struct text body, size_t *at, struct yenc_file *ret_file)
{
	bool found = false;

	while (!found && *at < body.n) {
		struct text line = line_at(body, *at, at);
		found = parse_begin(line, ret_file);
	}
	if (found)
		read_block(body, *at, ret_file, at);
	return found;
}

static void check(const struct yenc_file *file, struct text bytes, unsigned *defects)
{
	uint64_t size = file->part ? file->end - file->begin + (file->end > 0) : file->size;
	uint32_t crc = (uint32_t)crc32_z(0, (const unsigned char *)bytes.p, bytes.n);

	if (file->is_open)
		*defects |= YENC_DEFECT_OPEN;
	if ((size && size != bytes.n) || (file->end_size && file->end_size != bytes.n))
		*defects |= YENC_DEFECT_SIZE;
	if (file->has_crc && file->crc != crc)
		*defects |= YENC_DEFECT_CRC;
}

bool yenc_decode(const struct yenc_file *file, struct buf *out, unsigned *ret_defects)
{
	char *start = buf_reserve(out, file->lines.n);
	size_t n = 0;
	int shift = SHIFT;

	*ret_defects = 0;
	if (!start)
		return false;
	for (size_t i = 0; i < file->lines.n; i++) {
		char c = file->lines.p[i];
		if (c == '\r' || c == '\n')
			continue;
		if (c == '=' && shift == SHIFT) {
			shift = SHIFT + SHIFT_ESCAPE;
			continue;
		}
		start[n++] = (char)((unsigned char)c - shift);
		shift = SHIFT;
	}
	out->n += n;
	check(file, text_from_bytes(start, n), ret_defects);
	return true;
}
