/* SPDX-License-Identifier: Apache-2.0
 *
 * The canonical forms of fields and bodies. Called for every signature, on a stranger's bytes, in whichever
 * room checks them; and by whoever signs. Linear, and allocates nothing for a body.
 *
 * A body passes two stages. The first, of the relaxed form only, squeezes white space into a buffer: 16 bytes
 * that all stay are copied at once. The second holds empty lines back until something follows them: a count
 * is enough, since a line can only end with CRLF. Invariant: what has been put and what is held back together
 * are the form of all that was added.
 */
#include "proto/dkim_canon.h"

#define VECTOR 16

static const struct text crlf = TEXT("\r\n");
static const char *const words[DKIM_CANON_COUNT] = { "simple", "relaxed" };

const char *dkim_canon_word(enum dkim_canon canon)
{
	return words[canon];
}

static bool parse_word(struct text word, enum dkim_canon *ret_canon)
{
	for (unsigned i = 0; i < DKIM_CANON_COUNT; i++) {
		if (!text_is_cstr(word, words[i]))
			continue;
		*ret_canon = i;
		return true;
	}
	return false;
}

bool dkim_canon_parse(struct text value, enum dkim_canon *ret_header, enum dkim_canon *ret_body)
{
	struct text header, body;

	if (!text_cut(value, '/', &header, &body))
		body = text_from_cstr(words[DKIM_CANON_SIMPLE]);
	return parse_word(header, ret_header) && parse_word(body, ret_body);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* ---- fields ---- */

static bool is_crlf_at(struct text t, size_t at)
{
	return at + 1 < t.n && t.p[at] == '\r' && t.p[at + 1] == '\n';
}

/* The value of a field: runs of white space and line ends become one SP, but none at either end. */
static void add_relaxed_value(struct text value, struct buf *out)
{
	size_t start = out->n;
	bool has_space = false;

	for (size_t i = 0; i < value.n; i++) {
		if (is_crlf_at(value, i)) {
			i++;
			continue;
		}
		if (is_space(value.p[i])) {
			has_space = true;
			continue;
		}
		if (has_space && out->n > start)
			buf_add_byte(out, ' ');
		has_space = false;
		buf_add_byte(out, value.p[i]);
	}
}

bool dkim_canon_field(enum dkim_canon canon, struct text field, struct buf *out)
{
	struct text name, value;

	if (field.n >= 2 && is_crlf_at(field, field.n - 2))
		field.n -= 2;
	if (canon == DKIM_CANON_SIMPLE)
		return buf_add(out, field) && buf_add(out, crlf);
	text_cut(field, ':', &name, &value);
	if (!buf_reserve(out, field.n + 3)) /* it never gets longer: no other call can fail */
		return false;
	while (name.n && is_space(name.p[name.n - 1]))
		name.n--;
	for (size_t i = 0; i < name.n; i++)
		buf_add_byte(out, text_lower_byte(name.p[i]));
	buf_add_byte(out, ':');
	add_relaxed_value(value, out);
	return buf_add(out, crlf);
}

bool dkim_canon_field_without(enum dkim_canon canon, struct text field, struct text stretch, struct buf *out)
{
	size_t at = stretch.n > 0 ? (size_t)(stretch.p - field.p) : field.n;
	struct buf rest;
	bool ok;

	buf_init(&rest, field.n);
	buf_add(&rest, text_slice(field, 0, at));
	buf_add(&rest, text_skip(field, at + stretch.n));
	ok = dkim_canon_field(canon, buf_text(&rest), out);
	buf_done(&rest);
	if (ok)
		out->n -= crlf.n;
	return ok;
}

/* ---- bodies, second stage: empty lines ---- */

static void put(struct dkim_body *b, struct text bytes)
{
	if (bytes.n == 0)
		return;
	b->put(b->context, bytes);
	b->has_content = true;
}

/* Puts the empty lines that were held back. */
static void put_blank_lines(struct dkim_body *b)
{
	static const struct text many =
		TEXT("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n");

	while (b->n_blank_lines > 0) {
		size_t n = b->n_blank_lines < many.n / 2 ? (size_t)b->n_blank_lines : many.n / 2;
		put(b, text_slice(many, 0, 2 * n));
		b->n_blank_lines -= n;
	}
}

/* Goes through the CRLFs at the start of a piece that follows on those held back; what is left of it. */
static struct text hold_leading_lines(struct dkim_body *b, struct text piece)
{
	if (b->has_cr && piece.n > 0) {
		b->has_cr = false;
		if (piece.p[0] == '\n') {
			b->n_blank_lines++;
			piece = text_skip(piece, 1);
		} else {
			put_blank_lines(b);
			put(b, text_slice(crlf, 0, 1));
		}
	}
	while (is_crlf_at(piece, 0)) {
		b->n_blank_lines++;
		piece = text_skip(piece, 2);
	}
	return piece;
}

/* Everything of the piece but the CRLFs at its end, which are held back. */
static void add_lines(struct dkim_body *b, struct text piece)
{
	size_t end, lines = 0;

	piece = hold_leading_lines(b, piece);
	if (piece.n == 0)
		return;
	if (piece.p[piece.n - 1] == '\r') {
		b->has_cr = true;
		piece.n--;
	}
	for (end = piece.n; end >= 2 && is_crlf_at(piece, end - 2); end -= 2)
		lines++;
	if (end > 0)
		put_blank_lines(b);
	put(b, text_slice(piece, 0, end));
	b->n_blank_lines += lines;
}

/* ---- bodies, first stage of the relaxed form: white space ---- */

typedef uint8_t vector __attribute__((vector_size(VECTOR), aligned(1), may_alias));

static void flush(struct dkim_body *b)
{
	size_t n = b->n_staged;

	b->n_staged = 0;
	add_lines(b, text_from_bytes(b->stage, n));
}

static void stage_byte(struct dkim_body *b, char c)
{
	if (b->n_staged == sizeof b->stage)
		flush(b);
	b->stage[b->n_staged++] = c;
}

/* Whether the next VECTOR bytes stay as they are: no HTAB, and no SP with white space or a CR behind it. */
static bool is_kept(const char *p)
{
	const vector at = *(const vector *)p, next = *(const vector *)(p + 1);
	const vector found =
		(vector)((at == '\t') | ((at == ' ') & ((next == ' ') | (next == '\t') | (next == '\r'))));
	uint64_t halves[2];

	memcpy(halves, &found, sizeof halves);
	return (halves[0] | halves[1]) == 0;
}

/* Without a branch, since where mail has white space cannot be foretold. White space goes when more of it or
 * a line's end follows; what is left is one SP. Two bytes behind p + n must be readable. The bytes written.
 */
static size_t squeeze(const char *p, size_t n, char *out)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		const bool space = is_space(p[i]);
		const bool goes = space & ((p[i + 1] == ' ') | (p[i + 1] == '\t') |
					   ((p[i + 1] == '\r') & (p[i + 2] == '\n')));
		out[k] = space ? ' ' : p[i];
		k += !goes;
	}
	return k;
}

static size_t squeeze_all(const char *p, size_t n, char *out)
{
	size_t k = 0, i = 0;

	for (; n - i >= VECTOR; i += VECTOR) {
		if (is_kept(p + i)) {
			memcpy(out + k, p + i, VECTOR);
			k += VECTOR;
		} else {
			k += squeeze(p + i, VECTOR, out + k);
		}
	}
	return k + squeeze(p + i, n - i, out + k);
}

/* White space was held back; decides about it with what follows. Returns the rest of the piece. */
static struct text end_space(struct dkim_body *b, struct text piece)
{
	while (!b->has_space_cr && piece.n > 0 && is_space(piece.p[0]))
		piece = text_skip(piece, 1);
	if (!b->has_space_cr && piece.n > 0 && piece.p[0] == '\r') {
		b->has_space_cr = true;
		piece = text_skip(piece, 1);
	}
	if (piece.n == 0)
		return piece;
	if (!b->has_space_cr || piece.p[0] != '\n')
		stage_byte(b, ' ');
	if (b->has_space_cr)
		stage_byte(b, '\r');
	b->has_space = b->has_space_cr = false;
	return piece;
}

/* Byte by byte: the start of a piece behind white space held back, and its last two bytes, of which it is not
 * known what follows. */
static struct text add_bytes(struct dkim_body *b, struct text piece)
{
	do {
		if (b->has_space)
			piece = end_space(b, piece);
		if (piece.n == 0 || piece.n > 2)
			break;
		b->has_space = is_space(piece.p[0]);
		if (!b->has_space)
			stage_byte(b, piece.p[0]);
		piece = text_skip(piece, 1);
	} while (piece.n > 0);
	return piece;
}

static void add_relaxed(struct dkim_body *b, struct text piece)
{
	piece = add_bytes(b, piece);
	while (piece.n > 2) {
		size_t room = sizeof b->stage - b->n_staged;
		size_t n = piece.n - 2 < room ? piece.n - 2 : room;
		b->n_staged += squeeze_all(piece.p, n, b->stage + b->n_staged);
		piece = text_skip(piece, n);
		if (sizeof b->stage - b->n_staged < VECTOR)
			flush(b);
	}
	add_bytes(b, piece);
}

/* ---- bodies ---- */

void dkim_body_init(struct dkim_body *b, enum dkim_canon canon,
		    void (*put_bytes)(void *context, struct text bytes), void *context)
{
	b->canon = canon;
	b->put = put_bytes;
	b->context = context;
	b->n_blank_lines = 0;
	b->n_staged = 0;
	b->has_cr = b->has_space = b->has_space_cr = b->has_content = false;
}

void dkim_body_add(struct dkim_body *b, struct text piece)
{
	if (b->canon == DKIM_CANON_RELAXED)
		add_relaxed(b, piece);
	else
		add_lines(b, piece);
}

void dkim_body_end(struct dkim_body *b)
{
	if (b->has_space_cr) { /* white space, then a CR that ends no line */
		stage_byte(b, ' ');
		stage_byte(b, '\r');
		b->has_space = b->has_space_cr = false;
	}
	if (b->canon == DKIM_CANON_RELAXED)
		flush(b);
	if (b->has_cr) {
		put_blank_lines(b);
		put(b, text_slice(crlf, 0, 1));
	}
	if (b->has_content || b->canon == DKIM_CANON_SIMPLE)
		put(b, crlf);
}
