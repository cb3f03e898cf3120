/* SPDX-License-Identifier: Apache-2.0
 *
 * The macro language. Called by spf_record.c, which checks, and by spf.c, which expands.
 *
 *	macro-string     = *( macro-expand / macro-literal )                         rfc7208 7.1
 *	macro-expand     = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-"
 *	macro-literal    = %x21-24 / %x26-7E
 *	macro-letter     = "s" / "l" / "o" / "d" / "i" / "p" / "h" / "c" / "r" / "t" / "v"
 *	transformers     = *DIGIT [ "r" ]
 *	delimiter        = "." / "-" / "+" / "," / "/" / "_" / "="
 *	domain-spec      = macro-string domain-end
 *	domain-end       = ( "." toplabel [ "." ] ) / macro-expand
 *	toplabel         = ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
 *	explain-string   = *( macro-string / SP )                                    rfc7208 6.2
 *
 * One cursor, next_piece, reads the grammar for checking, searching and expanding alike, so the three
 * cannot disagree. The work is linear in the text plus the expansion, which the buffer bounds: a value
 * is split in place, from its end, without lists.
 */
#include "proto/spf_macro.h"

enum piece_kind { PIECE_END, PIECE_BAD, PIECE_LITERAL, PIECE_ESCAPE, PIECE_MACRO };

struct piece {
	enum piece_kind kind;
	struct text text; /* of a literal: the byte; of an escape: what it stands for */
	char letter;      /* of a macro, as written: an upper case one asks for URL escaping */
	size_t keep;      /* labels to keep, from the right; SIZE_MAX: all */
	bool is_reversed;
	struct text delimiters; /* "." when none are given */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	c = text_lower_byte(c);
	return c >= 'a' && c <= 'z';
}

static bool is_in(char c, const char *set)
{
	return c && strchr(set, c);
}

/* The number of labels at *at, which moves behind it. None given keeps all; 0 is an error. rfc7208 7.3 */
static bool read_keep(struct text t, size_t *at, size_t *ret_keep)
{
	size_t keep = 0, start = *at;

	for (; *at < t.n && is_digit(t.p[*at]); (*at)++)
		keep = keep > 100000 ? keep : keep * 10 + (size_t)(t.p[*at] - '0');
	*ret_keep = *at == start ? SIZE_MAX : keep;
	return *ret_keep > 0;
}

/* Behind "%{". */
static bool read_macro(struct text t, size_t *at, struct piece *ret_piece)
{
	size_t start;

	if (*at >= t.n || !is_in(text_lower_byte(t.p[*at]), "slodiphcrtv"))
		return false;
	ret_piece->letter = t.p[(*at)++];
	if (!read_keep(t, at, &ret_piece->keep))
		return false;
	if (*at < t.n && text_lower_byte(t.p[*at]) == 'r') {
		ret_piece->is_reversed = true;
		(*at)++;
	}
	for (start = *at; *at < t.n && is_in(t.p[*at], ".-+,/_="); (*at)++)
		;
	ret_piece->delimiters = *at > start ? text_slice(t, start, *at) : text_from_cstr(".");
	return *at < t.n && t.p[(*at)++] == '}';
}

static struct piece read_percent(struct text t, size_t *at)
{
	struct piece piece = { PIECE_ESCAPE, .keep = SIZE_MAX };
	char c = *at < t.n ? t.p[(*at)++] : 0;

	switch (c) {
	case '%':
		piece.text = text_from_cstr("%");
		return piece;
	case '_':
		piece.text = text_from_cstr(" ");
		return piece;
	case '-':
		piece.text = text_from_cstr("%20");
		return piece;
	case '{':
		piece.kind = read_macro(t, at, &piece) ? PIECE_MACRO : PIECE_BAD;
		return piece;
	default:
		piece.kind = PIECE_BAD;
		return piece;
	}
}

static struct piece next_piece(struct text t, size_t *at)
{
	struct piece piece = { PIECE_LITERAL };
	char c;

	if (*at >= t.n)
		return (struct piece){ PIECE_END };
	c = t.p[(*at)++];
	if (c == '%')
		return read_percent(t, at);
	piece.text = text_slice(t, *at - 1, *at);
	if (c < 0x20 || c > 0x7e)
		piece.kind = PIECE_BAD;
	return piece;
}

bool spf_macro_is_valid(struct text macro_string, enum spf_macro_place place)
{
	size_t at = 0;

	while (true) {
		struct piece piece = next_piece(macro_string, &at);
		if (piece.kind == PIECE_END)
			return true;
		if (piece.kind == PIECE_BAD)
			return false;
		if (place == SPF_MACRO_EXPLANATION)
			continue;
		if (piece.kind == PIECE_LITERAL && piece.text.p[0] == ' ')
			return false;
		if (piece.kind == PIECE_MACRO && is_in(text_lower_byte(piece.letter), "crt"))
			return false;
	}
}

bool spf_macro_has(struct text macro_string, char letter)
{
	size_t at = 0;

	while (true) {
		struct piece piece = next_piece(macro_string, &at);
		if (piece.kind == PIECE_END || piece.kind == PIECE_BAD)
			return false;
		if (piece.kind == PIECE_MACRO && text_lower_byte(piece.letter) == letter)
			return true;
	}
}

static bool is_top_label(struct text t)
{
	bool has_alpha = false, has_hyphen = false;

	if (t.n == 0 || t.p[0] == '-' || t.p[t.n - 1] == '-')
		return false;
	for (size_t i = 0; i < t.n; i++) {
		has_alpha = has_alpha || is_alpha(t.p[i]);
		has_hyphen = has_hyphen || t.p[i] == '-';
		if (!is_alpha(t.p[i]) && !is_digit(t.p[i]) && t.p[i] != '-')
			return false;
	}
	return has_alpha || has_hyphen;
}

bool spf_macro_is_domain_spec(struct text t)
{
	size_t at = 0, dot;
	struct piece piece, last = { PIECE_END };

	if (!spf_macro_is_valid(t, SPF_MACRO_DOMAIN))
		return false;
	while ((piece = next_piece(t, &at)).kind != PIECE_END)
		last = piece;
	if (last.kind == PIECE_MACRO || last.kind == PIECE_ESCAPE)
		return true;
	if (t.n && t.p[t.n - 1] == '.')
		t.n--;
	dot = text_find_last_byte(t, '.');
	/* A macro within the top label has bytes that no label has. */
	return dot != SIZE_MAX && is_top_label(text_skip(t, dot + 1));
}

/* ---- expansion ---- */

/* rfc3986 2.3 */
static bool is_unreserved(char c)
{
	return is_alpha(c) || is_digit(c) || is_in(c, "-._~");
}

static void add_part(struct buf *out, struct text part, bool is_escaped)
{
	if (!is_escaped) {
		buf_add(out, part);
		return;
	}
	for (size_t i = 0; i < part.n; i++)
		if (is_unreserved(part.p[i]))
			buf_add_byte(out, part.p[i]);
		else
			buf_printf(out, "%%%02X", (unsigned char)part.p[i]);
}

static bool is_delimiter(const struct piece *piece, char c)
{
	return text_find_byte(piece->delimiters, c) < piece->delimiters.n;
}

/* Where the part that ends at `end` begins. */
static size_t part_start(struct text value, size_t end, const struct piece *piece)
{
	size_t start = end;

	while (start > 0 && !is_delimiter(piece, value.p[start - 1]))
		start--;
	return start;
}

static size_t count_parts(struct text value, const struct piece *piece)
{
	size_t n = 1;

	for (size_t i = 0; i < value.n; i++)
		n += is_delimiter(piece, value.p[i]);
	return n;
}

/* From the last part to the first; the rightmost of the reversed order are the first of the value. */
static void add_reversed(struct buf *out, struct text value, const struct piece *piece, bool is_escaped)
{
	size_t n = count_parts(value, piece), end = value.n;

	for (size_t i = 0; i < n; i++) {
		size_t start = part_start(value, end, piece);
		if (n - i <= piece->keep) {
			add_part(out, text_slice(value, start, end), is_escaped);
			if (i + 1 < n)
				buf_add_byte(out, '.');
		}
		end = start ? start - 1 : 0;
	}
}

/* From the first part that is kept; whatever parted them becomes a dot. */
static void add_in_order(struct buf *out, struct text value, const struct piece *piece, bool is_escaped)
{
	size_t n = count_parts(value, piece), skip = n > piece->keep ? n - piece->keep : 0, start = 0;

	for (size_t i = 0; i <= value.n; i++) {
		if (i < value.n && !is_delimiter(piece, value.p[i]))
			continue;
		if (skip > 0) {
			skip--;
		} else {
			add_part(out, text_slice(value, start, i), is_escaped);
			if (i < value.n)
				buf_add_byte(out, '.');
		}
		start = i + 1;
	}
}

/* "192.0.2.1", or the 32 nibbles of an IPv6 address with dots between. rfc7208 7.3. Capitals, since names
 * know no case and the texts of the public suite have them. */
static void print_dotted(const struct addr *a, struct buf *out)
{
	char printed[ADDR_TEXT_SIZE];

	if (addr_is_v4(a)) {
		addr_print(a, printed);
		buf_add_cstr(out, printed);
		return;
	}
	for (size_t i = 0; i < sizeof a->b; i++)
		buf_printf(out, "%s%X.%X", i ? "." : "", a->b[i] >> 4, a->b[i] & 0xf);
}

/* The macros that are no text yet. */
static void print_value(char letter, const struct spf_macro_values *values, struct buf *out)
{
	char printed[ADDR_TEXT_SIZE];

	switch (letter) {
	case 'i':
		print_dotted(&values->client, out);
		break;
	case 'c':
		addr_print(&values->client, printed);
		buf_add_cstr(out, printed);
		break;
	case 't':
		buf_add_number(out, values->now < 0 ? 0 : (uint64_t)values->now);
		break;
	default: /* v */
		buf_add_cstr(out, addr_is_v4(&values->client) ? "in-addr" : "ip6");
	}
}

static struct text text_value(char letter, const struct spf_macro_values *values)
{
	switch (letter) {
	case 's':
		return values->sender;
	case 'l':
		return values->local;
	case 'o':
		return values->sender_domain;
	case 'd':
		return values->domain;
	case 'p':
		return values->client_name;
	case 'h':
		return values->helo;
	default: /* r */
		return values->receiver;
	}
}

static void expand_macro(const struct piece *piece, const struct spf_macro_values *values, struct buf *out)
{
	char letter = text_lower_byte(piece->letter);
	bool is_escaped = letter != piece->letter;
	struct buf printed;
	struct text value;

	buf_init(&printed, 64);
	if (is_in(letter, "ictv")) {
		print_value(letter, values, &printed);
		value = buf_text(&printed);
	} else {
		value = text_value(letter, values);
	}
	if (piece->is_reversed)
		add_reversed(out, value, piece, is_escaped);
	else
		add_in_order(out, value, piece, is_escaped);
	buf_done(&printed);
}

void spf_macro_expand(struct text macro_string, const struct spf_macro_values *values, struct buf *out)
{
	size_t at = 0;

	while (!out->overflow) {
		struct piece piece = next_piece(macro_string, &at);
		if (piece.kind == PIECE_END || piece.kind == PIECE_BAD)
			return;
		if (piece.kind == PIECE_MACRO)
			expand_macro(&piece, values, out);
		else
			buf_add(out, piece.text);
	}
}
