/* SPDX-License-Identifier: Apache-2.0
 *
 * Builds signature fields. Called by keyring (with what a room prepared), by the sealer of ARC and by tests.
 * Domain, selector and identity come from the configuration; the names and forms of fields are a stranger's,
 * and a name is written only after it has been seen to be one. Invariant: a field is complete and signed, or
 * nothing is added.
 */
#include "proto/dkim_sign.h"

#include "proto/base64.h"

#define LINE_MAX_CHARS 76
#define SIGNATURE_MAX  2048
#define FIELD_MAX      (64 << 10)

/* ---- which fields ---- */

/* rfc6376 5.4.1, and what a reader of mail acts on since. */
static const char *const standard[] = {
	"from",
	"reply-to",
	"sender",
	"to",
	"cc",
	"subject",
	"date",
	"message-id",
	"in-reply-to",
	"references",
	"mime-version",
	"content-type",
	"content-transfer-encoding",
	"content-disposition",
	"content-id",
	"content-description",
	"resent-date",
	"resent-from",
	"resent-sender",
	"resent-to",
	"resent-cc",
	"resent-message-id",
	"list-id",
	"list-help",
	"list-unsubscribe",
	"list-unsubscribe-post",
	"list-subscribe",
	"list-post",
	"list-owner",
	"list-archive",
	"autocrypt",
};

/* Added, taken or changed on the way. rfc6376 5.4; rfc8617 4.1.2 */
static const char *const changing[] = {
	"return-path",
	"received",
	"comments",
	"keywords",
	"dkim-signature",
	"authentication-results",
	"received-spf",
	"delivered-to",
	"x-original-to",
	"arc-seal",
	"arc-message-signature",
	"arc-authentication-results",
	"bcc",
	"resent-bcc",
	"dkim2-signature",
};

struct names {
	struct dkim_message *m;
	struct text *list;
	size_t n, max;
	bool is_full;
};

static bool is_white(char c)
{
	return c == ' ' || c == '\t';
}

static bool has_word(const char *const *list, size_t n, struct text name)
{
	for (size_t i = 0; i < n; i++)
		if (text_is_cstr_nocase(name, list[i]))
			return true;
	return false;
}

/* Letters, digits and "-", "_", ".": no name that a stranger made can say anything else in a list of tags. */
static bool is_plain(struct text name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = text_lower_byte(name.p[i]);
		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.')
			return false;
	}
	return name.n > 0;
}

static bool is_chosen(const struct names *names, struct text name)
{
	for (size_t i = 0; i < names->n; i++)
		if (text_is_equal_nocase(names->list[i], name))
			return true;
	return false;
}

static void add_name(struct names *names, struct text name)
{
	if (names->n == names->max)
		names->is_full = true;
	else
		names->list[names->n++] = name;
}

/* Once for each field of the name, and once more when it is oversigned. */
static void choose_name(struct names *names, const struct dkim_sign_choice *choice, struct text name)
{
	bool is_oversigned = false;

	if (!is_plain(name) || is_chosen(names, name))
		return;
	for (size_t i = 0; i < choice->n_oversigned; i++)
		is_oversigned |= text_is_equal_nocase(choice->oversigned[i], name);
	for (size_t i = 0; i < names->m->n_fields; i++)
		if (text_is_equal_nocase(names->m->fields[i].name, name))
			add_name(names, name);
	if (is_oversigned)
		add_name(names, name);
}

bool dkim_sign_choose(struct dkim_message *m, const struct dkim_sign_choice *choice, struct arena *arena,
		      struct text **ret_names, size_t *ret_n)
{
	struct names names = { .m = m, .max = m->limits->names };

	names.list = arena_alloc(arena, names.max * sizeof *names.list);
	if (!names.list)
		return false;
	for (size_t i = 0; i < sizeof standard / sizeof *standard; i++)
		choose_name(&names, choice, text_from_cstr(standard[i]));
	for (size_t i = 0; i < choice->n_extra; i++)
		choose_name(&names, choice, choice->extra[i]);
	for (size_t i = 0; choice->is_all && i < m->n_fields; i++)
		if (!has_word(changing, sizeof changing / sizeof *changing, m->fields[i].name))
			choose_name(&names, choice, m->fields[i].name);
	if (!is_chosen(&names, text_from_cstr("from")))
		add_name(&names, text_from_cstr("from"));
	*ret_names = names.list;
	*ret_n = names.n;
	return !names.is_full;
}

bool dkim_sign_cover(struct dkim_message *m, const struct text *names, size_t n, enum dkim_canon canon,
		     struct buf *out)
{
	const struct dkim_header_field *f;

	dkim_message_select(m);
	for (size_t i = 0; i < n; i++) {
		f = dkim_message_take(m, names[i], SIZE_MAX);
		if (f && !dkim_canon_field(canon, f->raw, out))
			return false;
	}
	return true;
}

/* One relaxed field: no line end within, no white space where that form has none. */
static bool is_relaxed(struct text name, struct text value)
{
	for (size_t i = 0; i < name.n; i++)
		if (text_lower_byte(name.p[i]) != name.p[i])
			return false;
	for (size_t i = 0; i < value.n; i++) {
		char next = i + 1 < value.n ? value.p[i + 1] : ' ';
		if (value.p[i] == '\r' || value.p[i] == '\n' || value.p[i] == '\t' ||
		    (value.p[i] == ' ' && (next == ' ' || i == 0)))
			return false;
	}
	return is_plain(name);
}

/* Line ends only before white space, where a field is folded. */
static bool is_simple(struct text name, struct text value)
{
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '\n' || (value.p[i] == '\r' && i + 2 >= value.n))
			return false;
		if (value.p[i] != '\r')
			continue;
		if (value.p[i + 1] != '\n' || !is_white(value.p[i + 2]))
			return false;
		i++;
	}
	while (name.n > 0 && is_white(name.p[name.n - 1]))
		name.n--;
	return is_plain(name);
}

/* Where the field that begins the text ends: behind the CRLF that no white space follows; SIZE_MAX: nowhere.
 */
static size_t find_end(struct text t)
{
	for (size_t at = 0; at + 1 < t.n; at++)
		if (t.p[at] == '\r' && t.p[at + 1] == '\n' && (at + 2 == t.n || !is_white(t.p[at + 2])))
			return at + 2;
	return SIZE_MAX;
}

bool dkim_sign_check(enum dkim_canon canon, const struct text *names, size_t n, struct text covered)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		if (!is_plain(names[i]))
			return false;
	while (covered.n > 0) {
		size_t end = find_end(covered);
		struct text name, value;
		if (end == SIZE_MAX || !text_cut(text_slice(covered, 0, end - 2), ':', &name, &value) ||
		    !(canon == DKIM_CANON_RELAXED ? is_relaxed(name, value) : is_simple(name, value)))
			return false;
		while (at < n && !text_is_equal_nocase(names[at], text_trim(name)))
			at++;
		if (at++ == n)
			return false;
		covered = text_skip(covered, end);
	}
	return true;
}

/* ---- the field ---- */

struct writer {
	struct buf *out;
	size_t column;
	size_t b_at; /* where the value of b= belongs */
	size_t b_column;
};

static void write_bytes(struct writer *w, struct text t)
{
	buf_add(w->out, t);
	w->column += t.n;
}

static void fold(struct writer *w)
{
	buf_add_cstr(w->out, "\r\n\t");
	w->column = 8;
}

/* Behind the tag before it comes "; ", or a new line when this one does not fit. */
static void begin_tag(struct writer *w, const char *name, size_t value_chars)
{
	if (w->out->n > 0 && w->out->p[w->out->n - 1] != ' ')
		write_bytes(w, text_from_cstr(";"));
	if (w->column + strlen(name) + value_chars + 3 > LINE_MAX_CHARS)
		fold(w);
	else if (w->out->p[w->out->n - 1] != ' ')
		write_bytes(w, text_from_cstr(" "));
	write_bytes(w, text_from_cstr(name));
	write_bytes(w, text_from_cstr("="));
}

static void write_tag(struct writer *w, const char *name, struct text value)
{
	begin_tag(w, name, value.n);
	write_bytes(w, value);
}

static void write_number(struct writer *w, const char *name, int64_t value)
{
	struct buf digits;

	buf_init(&digits, 32);
	buf_add_number(&digits, (uint64_t)value);
	write_tag(w, name, buf_text(&digits));
	buf_done(&digits);
}

static void write_base64(struct writer *w, const char *name, struct text bytes)
{
	struct buf digits;

	buf_init(&digits, SIGNATURE_MAX);
	base64_encode(bytes, false, &digits);
	write_tag(w, name, buf_text(&digits));
	buf_done(&digits);
}

/* Breaks may stand behind a colon. Without a break when all fits in a line. */
static void write_names(struct writer *w, const struct text *names, size_t n)
{
	size_t chars = 0;

	for (size_t i = 0; i < n; i++)
		chars += names[i].n + 1;
	begin_tag(w, "h", chars < LINE_MAX_CHARS - 12 ? chars : 0);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			write_bytes(w, text_from_cstr(":"));
		if (i > 0 && w->column + names[i].n + 2 > LINE_MAX_CHARS)
			fold(w);
		for (size_t j = 0; j < names[i].n; j++)
			buf_add_byte(w->out, text_lower_byte(names[i].p[j]));
		w->column += names[i].n;
	}
}

/* dkim-quoted-printable; rfc6376 2.11 */
static void write_identity(struct writer *w, struct text identity)
{
	static const char hex[] = "0123456789ABCDEF";
	struct buf coded;

	buf_init(&coded, 3 * identity.n);
	for (size_t i = 0; i < identity.n; i++) {
		unsigned char c = (unsigned char)identity.p[i];
		if (c > 32 && c < 127 && c != '=' && c != ';') {
			buf_add_byte(&coded, (char)c);
			continue;
		}
		buf_add_byte(&coded, '=');
		buf_add_byte(&coded, hex[c >> 4]);
		buf_add_byte(&coded, hex[c & 15]);
	}
	write_tag(w, "i", buf_text(&coded));
	buf_done(&coded);
}

static void write_canonicalization(struct writer *w, const struct dkim_sign_spec *spec)
{
	struct buf value;

	buf_init(&value, 32);
	buf_printf(&value, "%s/%s", dkim_canon_word(spec->header_canon), dkim_canon_word(spec->body_canon));
	write_tag(w, "c", buf_text(&value));
	buf_done(&value);
}

static void mark_signature(struct writer *w, size_t value_chars)
{
	begin_tag(w, "b", value_chars);
	w->b_at = w->out->n;
	w->b_column = w->column;
}

static void write_times(struct writer *w, const struct dkim_sign_spec *spec)
{
	if (spec->signed_at >= 0)
		write_number(w, "t", spec->signed_at);
	if (spec->expires >= 0)
		write_number(w, "x", spec->expires);
}

static void write_dkim(struct writer *w, const struct dkim_sign_spec *spec, struct text body_hash)
{
	write_bytes(w, text_from_cstr("DKIM-Signature: "));
	write_tag(w, "v", text_from_cstr("1"));
	write_tag(w, "a", text_from_cstr(dkim_algorithm_word(spec->algorithm)));
	write_canonicalization(w, spec);
	write_tag(w, "d", spec->domain);
	write_tag(w, "s", spec->selector);
	write_times(w, spec);
	if (spec->identity.n > 0)
		write_identity(w, spec->identity);
	write_names(w, spec->names, spec->n_names);
	write_base64(w, "bh", body_hash);
	mark_signature(w, LINE_MAX_CHARS);
}

/* The tags of ARC's fields stand in the order of the alphabet, as other sealers write them. */
static void write_ams(struct writer *w, const struct dkim_sign_spec *spec, struct text body_hash)
{
	write_bytes(w, text_from_cstr("ARC-Message-Signature: "));
	write_tag(w, "a", text_from_cstr(dkim_algorithm_word(spec->algorithm)));
	mark_signature(w, LINE_MAX_CHARS);
	write_base64(w, "bh", body_hash);
	write_canonicalization(w, spec);
	write_tag(w, "d", spec->domain);
	write_names(w, spec->names, spec->n_names);
	write_number(w, "i", spec->instance);
	write_tag(w, "s", spec->selector);
	write_times(w, spec);
}

static void write_seal(struct writer *w, const struct dkim_sign_spec *spec)
{
	static const char *const words[] = { "none", "pass", "fail" };

	write_bytes(w, text_from_cstr("ARC-Seal: "));
	write_tag(w, "a", text_from_cstr(dkim_algorithm_word(spec->algorithm)));
	mark_signature(w, LINE_MAX_CHARS);
	write_tag(w, "cv", text_from_cstr(words[spec->cv]));
	write_tag(w, "d", spec->domain);
	write_number(w, "i", spec->instance);
	write_tag(w, "s", spec->selector);
	write_times(w, spec);
}

static bool hash(const struct dkim_sign_spec *spec, struct text covered, struct text field,
		 unsigned char *ret_digest)
{
	struct buf bytes;
	bool ok;

	buf_init(&bytes, covered.n + field.n + 4);
	ok = buf_add(&bytes, covered) &&
	     dkim_canon_field_without(spec->header_canon, field, text_slice(field, 0, 0), &bytes);
	if (ok)
		dkim_hash_bytes(buf_text(&bytes), ret_digest);
	buf_done(&bytes);
	return ok;
}

/* Puts the field out with its signature where it belongs. */
static bool put_signed(const struct writer *w, struct text signature, struct buf *out)
{
	struct writer to = { out, w->b_column, 0, 0 };
	struct text field = buf_text(w->out);
	struct buf digits;

	buf_init(&digits, SIGNATURE_MAX);
	base64_encode(signature, false, &digits);
	buf_add(out, text_slice(field, 0, w->b_at));
	for (size_t i = 0; i < digits.n; i++) {
		if (to.column >= LINE_MAX_CHARS)
			fold(&to);
		write_bytes(&to, text_slice(buf_text(&digits), i, i + 1));
	}
	buf_done(&digits);
	return buf_add(out, text_skip(field, w->b_at)) && buf_add_cstr(out, "\r\n");
}

bool dkim_sign_field(const struct dkim_sign_spec *spec, struct text covered, const unsigned char *body_hash,
		     const struct dkim_signer *signer, struct buf *out)
{
	unsigned char digest[DKIM_DIGEST_BYTES];
	struct text bh = text_from_bytes(body_hash, body_hash ? DKIM_DIGEST_BYTES : 0);
	size_t start = out->n;
	struct buf field, signature;
	struct writer w = { &field, 0, 0, 0 };
	bool ok;

	buf_init(&field, FIELD_MAX);
	buf_init(&signature, SIGNATURE_MAX);
	if (spec->kind == DKIM_FIELD_DKIM)
		write_dkim(&w, spec, bh);
	else if (spec->kind == DKIM_FIELD_AMS)
		write_ams(&w, spec, bh);
	else
		write_seal(&w, spec);
	ok = !field.overflow && hash(spec, covered, buf_text(&field), digest) &&
	     signer->sign(signer->context, text_from_bytes(digest, sizeof digest), &signature) &&
	     put_signed(&w, buf_text(&signature), out);
	if (!ok)
		out->n = start;
	buf_done(&signature);
	buf_done(&field);
	return ok;
}
