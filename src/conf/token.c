/* SPDX-License-Identifier: Apache-2.0
 *
 * The lexer. Called by parse.c with an administrator's file, which may hold anything: it is total, looks at
 * each byte at most three times, and allocates (in the arena) only strings that have escapes.
 *
 *   word    = 1*( any byte but blank, line end, DQUOTE, "{", "}", "#" )
 *   string  = DQUOTE *( any byte but DQUOTE, "\", line end / "\" DQUOTE / "\\" ) DQUOTE
 *   newline = LF / CR LF
 *
 * Columns count characters, not bytes; a tab is one. Invariant: l->at is the place of l->rest.
 */
#include "conf/token.h"

#include "base/ensure.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* May not stand within a word. */
static bool ends_word(char c)
{
	return is_blank(c) || c == '\n' || c == '\r' || c == '"' || c == '{' || c == '}' || c == '#';
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static void advance(struct conf_lexer *l, size_t n)
{
	for (size_t i = 0; i < n; i++)
		l->at.column += !is_continuation(l->rest.p[i]);
	l->rest = text_skip(l->rest, n);
}

/* Offset of the first byte that does not belong into a line; line.n when there is none. */
static size_t find_bad_byte(struct text line)
{
	size_t i = 0, n;

	while (i < line.n) {
		n = 1;
		while ((unsigned char)line.p[i] >= 0x80 && i + n < line.n && is_continuation(line.p[i + n]))
			n++;
		if (line.p[i] != '\t' && !text_is_utf8(text_slice(line, i, i + n)))
			return i;
		i += n;
	}
	return line.n;
}

static void check_line(struct conf_report *report, struct text line, unsigned number)
{
	struct conf_place at = { number, 1 };
	size_t bad = find_bad_byte(line);

	if (line.n > CONF_MAX_LINE) {
		at.column = CONF_MAX_LINE + 1;
		conf_report(report, at,
			    "the line is longer than %d bytes (write the setting on several lines)",
			    CONF_MAX_LINE);
		return;
	}
	if (bad == line.n)
		return;
	for (size_t i = 0; i < bad; i++)
		at.column += !is_continuation(line.p[i]);
	if ((unsigned char)line.p[bad] >= 0x80)
		conf_report(report, at, "byte 0x%02x is not UTF-8 (save the file as UTF-8)",
			    (unsigned char)line.p[bad]);
	else
		conf_report(report, at, "control character 0x%02x is not allowed",
			    (unsigned char)line.p[bad]);
}

void conf_lexer_init(struct conf_lexer *l, struct text bytes, struct arena *arena, struct conf_report *report)
{
	struct text mark = TEXT("\xef\xbb\xbf"), rest = bytes, line;

	*l = (struct conf_lexer){ .rest = bytes, .at = { 1, 1 }, .arena = arena, .report = report };
	if (bytes.n > CONF_MAX_FILE) {
		conf_report(report, l->at, "the file is larger than %zu bytes", CONF_MAX_FILE);
		l->rest.n = 0;
		return;
	}
	if (text_has_prefix(bytes, mark)) {
		conf_report(report, l->at, "the file begins with a byte order mark (save it without one)");
		rest = l->rest = text_skip(bytes, mark.n);
	}
	for (unsigned number = 1; rest.n; number++) {
		text_cut(rest, '\n', &line, &rest);
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		check_line(report, line, number);
	}
}

static void skip_blanks(struct conf_lexer *l)
{
	size_t n = 0;

	while (n < l->rest.n && is_blank(l->rest.p[n]))
		n++;
	if (n < l->rest.n && l->rest.p[n] == '#')
		n = text_find_byte(l->rest, '\n');
	advance(l, n);
}

/* The inside of a string, without its escapes. */
static struct text unescape(struct conf_lexer *l, struct text raw, struct conf_place at)
{
	char *p = arena_alloc(l->arena, raw.n + 1);
	size_t n = 0;

	ASSERT(p != NULL);
	for (size_t i = 0; i < raw.n; i++, at.column++) {
		while (i < raw.n && is_continuation(raw.p[i]))
			p[n++] = raw.p[i++];
		if (i == raw.n)
			break;
		if (raw.p[i] == '\\' && i + 1 < raw.n) {
			if (raw.p[i + 1] != '"' && raw.p[i + 1] != '\\')
				conf_report(l->report, at,
					    "a \\ within a string stands before \" or \\ only (write \\\\)");
			i++;
			at.column++;
		}
		p[n++] = raw.p[i];
	}
	return text_from_bytes(p, n);
}

static struct conf_token take_string(struct conf_lexer *l)
{
	struct conf_token t = { .kind = CONF_TOKEN_STRING, .at = l->at };
	struct text rest = text_skip(l->rest, 1), raw;
	size_t end = 0;
	bool has_escape = false;

	while (end < rest.n && rest.p[end] != '"' && rest.p[end] != '\n') {
		bool is_escape = rest.p[end] == '\\' && end + 1 < rest.n && rest.p[end + 1] != '\n';
		has_escape |= is_escape;
		end += is_escape ? 2 : 1;
	}
	raw = text_slice(rest, 0, end);
	if (end == rest.n || rest.p[end] != '"') {
		conf_report(l->report, t.at, "the string is not closed before the end of the line");
		advance(l, 1 + raw.n);
		t.text = raw;
		return t;
	}
	t.text = has_escape ? unescape(l, raw, (struct conf_place){ t.at.line, t.at.column + 1 }) : raw;
	advance(l, raw.n + 2);
	if (l->rest.n == 0 || (ends_word(l->rest.p[0]) && l->rest.p[0] != '"'))
		return t;
	conf_report(l->report, l->at, "a blank is missing after the string");
	while (l->rest.n && !ends_word(l->rest.p[0]))
		advance(l, 1);
	return t;
}

static struct conf_token take_word(struct conf_lexer *l)
{
	struct conf_token t = { .kind = CONF_TOKEN_WORD, .at = l->at };
	size_t n = 0;

	while (n < l->rest.n && !ends_word(l->rest.p[n]))
		n++;
	if (n == 0)
		n = 1; /* a CR that ends no line: reported already */
	t.text = text_slice(l->rest, 0, n);
	advance(l, n);
	if (l->rest.n == 0 || (l->rest.p[0] != '#' && l->rest.p[0] != '"'))
		return t;
	if (l->rest.p[0] == '#') {
		conf_report(
			l->report, l->at,
			"'#' within a word (put a blank before a comment, or the value in double quotes)");
		return t;
	}
	conf_report(l->report, l->at, "'\"' within a word (put the whole value in double quotes)");
	take_string(l);
	return t;
}

static struct conf_token take_brace(struct conf_lexer *l)
{
	struct conf_token t = { .kind = l->rest.p[0] == '{' ? CONF_TOKEN_OPEN : CONF_TOKEN_CLOSE,
				.text = text_slice(l->rest, 0, 1),
				.at = l->at };

	advance(l, 1);
	return t;
}

struct conf_token conf_lexer_next(struct conf_lexer *l)
{
	struct conf_token t = { .kind = CONF_TOKEN_END };
	size_t line_end;

	skip_blanks(l);
	t.at = l->at;
	if (l->rest.n == 0)
		return t;
	line_end = l->rest.p[0] == '\r' && l->rest.n > 1 && l->rest.p[1] == '\n' ? 2 : 1;
	if (l->rest.p[line_end - 1] == '\n') {
		t.kind = CONF_TOKEN_NEWLINE;
		l->rest = text_skip(l->rest, line_end);
		l->at = (struct conf_place){ l->at.line + 1, 1 };
		return t;
	}
	if (l->rest.p[0] == '"')
		return take_string(l);
	if (l->rest.p[0] == '{' || l->rest.p[0] == '}')
		return take_brace(l);
	return take_word(l);
}
