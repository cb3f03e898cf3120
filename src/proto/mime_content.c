/* SPDX-License-Identifier: Apache-2.0
 *
 * The content of parts. Called by the MIME reader, the judge and the command line on a stranger's
 * bytes. Total and linear: every body decodes to something, no longer than mime_content_max says. The
 * survey looks at a body once, at the speed of memory for what is well-formed, and decides what other
 * readers would make of it.
 */
#include "proto/mime_content.h"

#include "proto/base64.h"
#include "proto/quoted_printable.h"
#include "proto/uuencode.h"
#include "proto/yenc.h"

#define BIT(encoding) (1U << (encoding))

#define RUN_LINES  2  /* lines of base64 behind each other that are no text */
#define RUN_LENGTH 60 /* of each at least */

static bool decode_uuencode(struct text body, struct buf *out)
{
	struct uuencode_file file;
	size_t at = 0;

	while (uuencode_find(body, &at, &file))
		if (!uuencode_decode(&file, out))
			return false;
	return true;
}

static bool decode_yenc(struct text body, struct buf *out)
{
	struct yenc_file file;
	unsigned defects;
	size_t at = 0;

	while (yenc_find(body, &at, &file))
		if (!yenc_decode(&file, out, &defects))
			return false;
	return true;
}

static bool decode_base64(struct text body, enum mime_encoding encoding, struct buf *out)
{
	struct base64_decoder d = { .is_url = encoding == MIME_BASE64_URL };

	if (encoding == MIME_BASE64_TO_PADDING)
		d.end = BASE64_TO_PADDING;
	else if (encoding == MIME_BASE64_RUN_ON)
		d.end = BASE64_RUN_ON;
	else if (encoding == MIME_BASE64_TO_JUNK)
		d.end = BASE64_TO_JUNK;
	return base64_decode_piece(&d, body, out) && base64_decode_end(&d, out);
}

bool mime_part_decode(const struct mime_part *part, enum mime_encoding encoding, struct buf *out)
{
	const struct uuencode_file lines = { .lines = part->body };

	switch (encoding) {
	case MIME_IDENTITY:
		return buf_add(out, part->body);
	case MIME_YENC:
		return decode_yenc(part->body, out);
	case MIME_QUOTED_PRINTABLE:
		return quoted_printable_decode(part->body, out);
	case MIME_UUENCODE:
		return part->kind == MIME_FILE ? uuencode_decode(&lines, out)
					       : decode_uuencode(part->body, out);
	default:
		return decode_base64(part->body, encoding, out);
	}
}

size_t mime_content_max(struct text body)
{
	return body.n + 64;
}

/* Digits at or behind `at`? What is there may be blanks only. */
static bool has_digits(struct text body, size_t at)
{
	struct base64_decoder d = { 0 };
	struct buf some;
	bool has;

	body = text_slice(body, at, at + 4096);
	buf_init(&some, 4096 + BASE64_SLACK);
	(void)!base64_decode_piece(&d, body, &some);
	has = some.n > 0 || d.n_digits > 0;
	buf_done(&some);
	return has;
}

static void survey_base64(struct mime_part *part)
{
	struct base64_survey s = base64_survey(part->body);

	if (s.has_junk)
		part->defects |= MIME_DEFECT_BASE64_JUNK;
	if (s.has_inner_pad) {
		part->reasons |= MIME_REASON_BASE64_PADDING;
		part->encodings |= BIT(MIME_BASE64_TO_PADDING) | BIT(MIME_BASE64_RUN_ON);
	}
	if (s.has_junk && has_digits(part->body, s.tail_at)) {
		part->reasons |= MIME_REASON_BASE64_JUNK;
		part->encodings |= BIT(MIME_BASE64_TO_JUNK);
	}
	if (s.has_url)
		part->encodings |= BIT(MIME_BASE64_URL);
}

static void survey_quoted(struct mime_part *part)
{
	size_t n_codes;

	if (quoted_printable_count_junk(part->body, &n_codes) == 0)
		return;
	part->defects |= MIME_DEFECT_QUOTED_JUNK;
	part->reasons |= MIME_REASON_QUOTED_JUNK;
}

void mime_content_survey(struct mime_part *part)
{
	if (part->encodings & BIT(MIME_BASE64))
		survey_base64(part);
	if (part->encodings & BIT(MIME_QUOTED_PRINTABLE))
		survey_quoted(part);
}

bool mime_content_is_field(struct text t)
{
	static const struct text content = TEXT("Content-"), version = TEXT("MIME-Version");
	struct text name = text_slice(t, 0, 40);
	size_t colon = text_find_byte(name, ':');

	if (!text_has_prefix_nocase(t, content) && !text_has_prefix_nocase(t, version))
		return false;
	name = text_slice(name, 0, colon);
	return colon < 40 && text_find_byte(name, '\n') == name.n;
}

static bool is_digit(char c)
{
	char lower = text_lower_byte(c);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
}

static bool is_base64_line(struct text line)
{
	line = text_trim(line);
	if (line.n < RUN_LENGTH)
		return false;
	for (size_t i = 0; i < line.n; i++)
		if (!is_digit(line.p[i]))
			return false;
	return true;
}

static bool begins_file(struct text line)
{
	static const struct text plain = TEXT("begin "), base64 = TEXT("begin-base64 "),
				 yenc = TEXT("=ybegin ");

	if (text_has_prefix(line, yenc))
		return true;
	if (!text_has_prefix(line, plain) && !text_has_prefix(line, base64))
		return false;
	line = text_skip(line, text_find_byte(line, ' ') + 1);
	return line.n > 3 && line.p[0] >= '0' && line.p[0] <= '7' && line.p[1] >= '0' && line.p[1] <= '7';
}

struct mime_look mime_content_look(struct text t)
{
	struct mime_look look = { .field_at = SIZE_MAX, .base64_at = SIZE_MAX };
	size_t n_lines = 0, run_at = 0;
	size_t at = 0;

	while (at < t.n) {
		struct text rest = text_skip(t, at);
		struct text line = text_slice(rest, 0, text_find_byte(rest, '\n'));
		if (look.field_at == SIZE_MAX && mime_content_is_field(line))
			look.field_at = at;
		if (begins_file(line))
			look.has_file = true;
		if (n_lines == 0)
			run_at = at;
		n_lines = is_base64_line(line) ? n_lines + 1 : 0;
		if (n_lines == RUN_LINES && look.base64_at == SIZE_MAX)
			look.base64_at = run_at;
		at += line.n + 1;
	}
	quoted_printable_count_junk(t, &at);
	look.has_code = at > 0;
	return look;
}
