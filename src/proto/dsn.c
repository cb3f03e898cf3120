/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes delivery status notifications. Called by the compose room and by tests. The facts come from
 * queue, but most texts in them once came from strangers: a sender's address, a next hop's reply, the
 * original. So every value passes put_clean, which lets no line end, control character or (outside of
 * rfc6533) non-ASCII byte through. Invariants: no line that carries a value begins with "--", hence
 * none can be taken for the boundary; the same facts give the same bytes.
 */
#include "proto/dsn.h"

#include "base/clock.h"

#define VALUE_MAX      600 /* bytes of one value */
#define FOLD_AT        72
#define TEXT_RCPTS_MAX 50 /* named in the text for people; the machine's part names all */

struct writer {
	const struct dsn_facts *facts;
	struct buf *out;
	struct text original; /* what of it is returned */
	bool is_header_only;
	bool is_utf8; /* rfc6533 */
	char boundary[96];
};

static const struct {
	const char *word, *subject, *text, *status;
} actions[] = {
	[DSN_FAILED] = { "failed", "Undelivered mail",
			 "could not be delivered to the recipients below. It will not be tried again.",
			 "5.0.0" },
	[DSN_DELAYED] = { "delayed", "Delayed mail",
			  "could not be delivered to the recipients below yet. It will be tried again: "
			  "there is nothing to be done.",
			  "4.0.0" },
	[DSN_DELIVERED] = { "delivered", "Delivered mail", "was delivered to the recipients below.",
			    "2.0.0" },
	[DSN_RELAYED] = { "relayed", "Relayed mail",
			  "was handed on for the recipients below, to a system that sends no notices of "
			  "delivery.",
			  "2.0.0" },
	[DSN_EXPANDED] = { "expanded", "Expanded mail",
			   "was delivered to the recipients below and handed on from there.", "2.0.0" },
};

struct dsn_limits dsn_limits_default(void)
{
	return (struct dsn_limits){ .original = 256 << 10, .header = 64 << 10 };
}

/* One byte of a value as it may stand in a line. */
static char clean_byte(char c, bool keep_high)
{
	if (c == '\t' || c == '\r' || c == '\n')
		return ' ';
	if ((unsigned char)c >= 0x80)
		return keep_high ? c : '?';
	return c < 0x20 || c == 0x7f ? '?' : c;
}

/* A value, cut to VALUE_MAX; with indent, long ones are folded at blanks into lines that begin so. */
static void put_clean(struct writer *w, struct text value, const char *indent)
{
	bool keep_high = w->is_utf8 && text_is_utf8(value);
	size_t column = 0;

	value = text_trim(value);
	for (size_t i = 0; i < value.n && i < VALUE_MAX; i++) {
		char c = clean_byte(value.p[i], keep_high);
		bool is_fold = indent && c == ' ' && column >= FOLD_AT;
		if (is_fold)
			buf_add_cstr(w->out, "\r\n");
		if (is_fold)
			buf_add_cstr(w->out, indent);
		if (!is_fold)
			buf_add_byte(w->out, c);
		column = is_fold ? 0 : column + 1;
	}
}

static void put(struct writer *w, const char *s)
{
	buf_add_cstr(w->out, s);
}

static void put_field(struct writer *w, const char *name_and_type, struct text value)
{
	if (text_trim(value).n == 0)
		return;
	put(w, name_and_type);
	put_clean(w, value, "\t");
	put(w, "\r\n");
}

static void put_date(struct writer *w, const char *name, int64_t wall_ms)
{
	char date[CLOCK_RFC5322_SIZE];

	if (wall_ms == 0)
		return;
	clock_print_rfc5322(wall_ms, date);
	buf_printf(w->out, "%s: %s\r\n", name, date);
}

/* One code point of valid UTF-8; its length. */
static size_t take_utf8(struct text t, uint32_t *ret_c)
{
	unsigned char first = (unsigned char)t.p[0];
	size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? first : first & (0x7fU >> n);

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)t.p[i] & 0x3f);
	*ret_c = c;
	return n;
}

/* "rfc822;" address, or "utf-8;" in the ASCII form with \x{...} when UTF-8 may not go out.
 * rfc6533 3 */
static void put_address_field(struct writer *w, const char *name, struct text address)
{
	put(w, name);
	if (text_is_ascii(address) || w->is_utf8 || !text_is_utf8(address)) {
		put(w, text_is_ascii(address) ? ": rfc822;" : ": utf-8;");
		put_clean(w, address, NULL);
		put(w, "\r\n");
		return;
	}
	put(w, ": utf-8;");
	address = text_slice(address, 0, VALUE_MAX);
	for (size_t i = 0; i < address.n;) {
		uint32_t c;
		size_t step = take_utf8(text_skip(address, i), &c);
		if (step > address.n - i)
			break;
		if (c < 0x80 && c != '\\' && c != '+' && c != '=')
			buf_add_byte(w->out, (char)c);
		else
			buf_printf(w->out, "\\x{%X}", (unsigned)c);
		i += step;
	}
	put(w, "\r\n");
}

/* "4.4.1": class.subject.detail. rfc3463 2 */
static bool is_status(struct text t)
{
	size_t dots = 0;

	if (t.n < 5 || t.n > 9 || t.p[1] != '.' || t.p[t.n - 1] == '.')
		return false;
	if (t.p[0] != '2' && t.p[0] != '4' && t.p[0] != '5')
		return false;
	for (size_t i = 1; i < t.n; i++) {
		bool is_dot = t.p[i] == '.';
		if (!is_dot && (t.p[i] < '0' || t.p[i] > '9'))
			return false;
		if (is_dot && t.p[i - 1] == '.')
			return false;
		dots += is_dot;
	}
	return dots == 2;
}

/* The end of the header within t, without the empty line; or the last line end within t. */
static size_t header_end(struct text t)
{
	size_t at = 0;

	while (at < t.n) {
		size_t end = at + text_find_byte(text_skip(t, at), '\n');
		if (end == t.n)
			return at;
		if (text_trim(text_slice(t, at, end)).n == 0)
			return at;
		at = end + 1;
	}
	return at;
}

static struct text header_of(struct text original, size_t max)
{
	struct text t = text_slice(original, 0, max);

	/* A header without an empty line and without a last line end is all header. */
	if (t.n == original.n && text_find_byte(t, '\n') == t.n)
		return t;
	return text_slice(t, 0, header_end(t));
}

static bool needs_utf8(const struct dsn_facts *f, struct text header)
{
	bool is_ascii = text_is_ascii(f->sender) && text_is_ascii(header);

	for (size_t i = 0; i < f->n_rcpts; i++)
		is_ascii = is_ascii && text_is_ascii(f->rcpts[i].address) && text_is_ascii(f->rcpts[i].orcpt);
	return f->smtputf8 && !is_ascii;
}

bool dsn_needs_smtputf8(const struct dsn_facts *facts, const struct dsn_limits *limits)
{
	return needs_utf8(facts, header_of(facts->original, limits->header));
}

/* Letters and digits of our own, and not in the original. */
static void choose_boundary(struct writer *w)
{
	const struct dsn_facts *f = w->facts;
	char id[24];
	size_t n = 0;

	for (size_t i = 0; i < f->id.n && n + 1 < sizeof id; i++)
		if ((f->id.p[i] >= '0' && f->id.p[i] <= '9') ||
		    (text_lower_byte(f->id.p[i]) >= 'a' && text_lower_byte(f->id.p[i]) <= 'z'))
			id[n++] = f->id.p[i];
	id[n] = 0;
	for (unsigned i = 0;; i++) {
		snprintf(w->boundary, sizeof w->boundary, "=_%s_%lld_%u", id, (long long)f->now, i);
		if (text_find(w->original, text_from_cstr(w->boundary)) == SIZE_MAX)
			return;
	}
}

/* What most recipients' notice is about: the gravest action. */
static enum dsn_action gravest(const struct dsn_facts *f)
{
	enum dsn_action worst = DSN_EXPANDED;

	for (size_t i = 0; i < f->n_rcpts; i++)
		if (f->rcpts[i].action < worst)
			worst = f->rcpts[i].action;
	return worst;
}

static void put_header(struct writer *w)
{
	const struct dsn_facts *f = w->facts;
	bool is_8bit = w->is_utf8 || (!w->is_header_only && !text_is_ascii(w->original));

	put_date(w, "Date", f->now);
	put(w, "From: Mail Delivery System <");
	if (f->postmaster.n) {
		put_clean(w, f->postmaster, NULL);
	} else {
		put(w, "postmaster@");
		put_clean(w, f->reporting_mta, NULL);
	}
	put(w, ">\r\nTo: <");
	put_clean(w, f->sender, NULL);
	buf_printf(w->out, ">\r\nSubject: %s\r\nMessage-ID: <%lld.", actions[gravest(f)].subject,
		   (long long)f->now);
	put_clean(w, f->id, NULL);
	put(w, "@");
	put_clean(w, f->reporting_mta, NULL);
	put(w, ">\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
	buf_printf(w->out,
		   "Content-Type: multipart/report; report-type=%sdelivery-status;\r\n\tboundary=\"%s\"\r\n",
		   w->is_utf8 ? "global-" : "", w->boundary);
	if (is_8bit)
		put(w, "Content-Transfer-Encoding: 8bit\r\n");
	put(w, "\r\n");
}

static void put_part(struct writer *w, const char *type, bool is_8bit)
{
	buf_printf(w->out, "--%s\r\nContent-Type: %s\r\n%s\r\n", w->boundary, type,
		   is_8bit ? "Content-Transfer-Encoding: 8bit\r\n" : "");
}

static void put_rcpt_text(struct writer *w, const struct dsn_recipient *r)
{
	put(w, "  <");
	put_clean(w, r->address, NULL);
	put(w, ">\r\n");
	if (r->remote_mta.n) {
		put(w, "    The server ");
		put_clean(w, r->remote_mta, NULL);
		put(w, " answered:\r\n");
	}
	if (r->diagnostic.n) {
		put(w, "    ");
		put_clean(w, r->diagnostic, "    ");
		put(w, "\r\n");
	}
	put(w, "\r\n");
}

static void put_text_of(struct writer *w, enum dsn_action action, size_t *named)
{
	const struct dsn_facts *f = w->facts;
	bool is_begun = false;

	for (size_t i = 0; i < f->n_rcpts && *named < TEXT_RCPTS_MAX; i++) {
		if (f->rcpts[i].action != action)
			continue;
		if (!is_begun)
			buf_printf(w->out, "Your message %s\r\n\r\n", actions[action].text);
		is_begun = true;
		put_rcpt_text(w, &f->rcpts[i]);
		(*named)++;
	}
	if (is_begun && action == DSN_DELAYED)
		put_date(w, "It is tried until", f->expires);
	if (is_begun && action == DSN_DELAYED)
		put(w, "\r\n");
}

static void put_text(struct writer *w)
{
	const struct dsn_facts *f = w->facts;
	size_t named = 0;

	put_part(w, w->is_utf8 ? "text/plain; charset=utf-8" : "text/plain; charset=us-ascii", w->is_utf8);
	put(w, "This is the mail gateway ");
	put_clean(w, f->reporting_mta, NULL);
	put(w, ".\r\n\r\n");
	for (enum dsn_action a = DSN_FAILED; a <= DSN_EXPANDED; a++)
		put_text_of(w, a, &named);
	if (named < f->n_rcpts)
		buf_printf(w->out, "... and %zu more, which are listed in the report.\r\n\r\n",
			   f->n_rcpts - named);
	put(w, w->is_header_only ? "The header of your message is attached.\r\n"
				 : "Your message is attached.\r\n");
}

static void put_rcpt(struct writer *w, const struct dsn_recipient *r)
{
	struct text fallback = text_from_cstr(actions[r->action].status);

	put(w, "\r\n");
	put_field(w, "Original-Recipient: ", r->orcpt);
	put_address_field(w, "Final-Recipient", r->address);
	buf_printf(w->out, "Action: %s\r\n", actions[r->action].word);
	put_field(w, "Status: ", is_status(r->status) ? r->status : fallback);
	put_field(w, "Remote-MTA: dns;", r->remote_mta);
	put_field(w, "Diagnostic-Code: smtp;", r->diagnostic);
	put_date(w, "Last-Attempt-Date", r->last_attempt);
	if (r->action == DSN_DELAYED)
		put_date(w, "Will-Retry-Until", w->facts->expires);
}

static void put_report(struct writer *w)
{
	const struct dsn_facts *f = w->facts;

	put_part(w, w->is_utf8 ? "message/global-delivery-status" : "message/delivery-status", w->is_utf8);
	put_field(w, "Original-Envelope-Id: ", f->envid);
	put_field(w, "Reporting-MTA: dns;", f->reporting_mta);
	put_field(w, "X-Postern-Id: ", f->id);
	put_date(w, "Arrival-Date", f->arrival);
	for (size_t i = 0; i < f->n_rcpts; i++)
		put_rcpt(w, &f->rcpts[i]);
}

/* A header has no 8-bit bytes outside of SMTPUTF8; those that are there all the same become "?". */
static void put_header_bytes(struct writer *w)
{
	for (size_t i = 0; i < w->original.n; i++) {
		char c = w->original.p[i];
		buf_add_byte(w->out, (unsigned char)c >= 0x80 && !w->is_utf8 ? '?' : c);
	}
}

static void put_original(struct writer *w)
{
	if (w->is_header_only) {
		put_part(w, w->is_utf8 ? "message/global-headers" : "text/rfc822-headers", w->is_utf8);
		put_header_bytes(w);
	} else {
		put_part(w, w->is_utf8 ? "message/global" : "message/rfc822", !text_is_ascii(w->original));
		buf_add(w->out, w->original);
	}
	buf_printf(w->out, "\r\n--%s--\r\n", w->boundary);
}

bool dsn_compose(const struct dsn_facts *facts, const struct dsn_limits *limits, struct buf *out)
{
	struct text header = header_of(facts->original, limits->header);
	struct writer w = { .facts = facts, .out = out };

	w.is_header_only = !facts->full || facts->original.n > limits->original;
	w.original = w.is_header_only ? header : facts->original;
	w.is_utf8 = needs_utf8(facts, header);
	choose_boundary(&w);
	put_header(&w);
	put(&w, "This is a report in MIME format.\r\n");
	put_text(&w);
	put(&w, "\r\n");
	put_report(&w);
	put(&w, "\r\n");
	put_original(&w);
	return !out->overflow;
}
