/* SPDX-License-Identifier: Apache-2.0
 *
 * The client's half: reply parser, command writer, message writer. Called by the delivery room, with
 * the bytes of a server that is as much a stranger as any client, and with envelopes of our own.
 * Invariants: a reply is read within the bounds of the header or is bad; its text holds no control
 * byte but the line feed between lines; what is written for DATA has no line end but CRLF, and no line "."
 * before the last.
 */
#include "proto/smtp_client.h"

#include "proto/smtp_xtext.h"

void smtp_client_reply_init(struct smtp_client_reply *r)
{
	r->code = 0;
	r->enhanced[0] = '\0';
	r->text_n = r->line_n = r->read_n = r->lines = 0;
	r->text[0] = '\0';
	r->caps = (struct smtp_client_caps){ 0 };
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* status-code = class "." subject "." detail, detail up to 3 digits       rfc3463 2
 * Length of the one at the front of t that is followed by SP or the end, 0 for none. */
static size_t enhanced_length(struct text t)
{
	size_t i = 1;

	if (t.n < 5 || !is_digit(t.p[0]))
		return 0;
	for (int part = 0; part < 2; part++) {
		size_t start = i + 1;
		if (i >= t.n || t.p[i] != '.')
			return 0;
		for (i = start; i < t.n && i < start + 3 && is_digit(t.p[i]);)
			i++;
		if (i == start)
			return 0;
	}
	return i == t.n || t.p[i] == ' ' ? i : 0;
}

/* Takes the enhanced code off the front of a line, keeping the first one of the code's class. */
static void take_enhanced(struct smtp_client_reply *r, struct text *t)
{
	size_t n = enhanced_length(*t);

	if (n == 0 || t->p[0] != (char)('0' + r->code / 100))
		return;
	if (!r->enhanced[0]) {
		memcpy(r->enhanced, t->p, n);
		r->enhanced[n] = '\0';
	}
	*t = text_trim(text_skip(*t, n));
}

static void keep_text(struct smtp_client_reply *r, struct text t)
{
	bool is_utf8 = text_is_utf8(t);

	if (r->lines && r->text_n < SMTP_CLIENT_TEXT_MAX)
		r->text[r->text_n++] = '\n';
	for (size_t i = 0; i < t.n && r->text_n < SMTP_CLIENT_TEXT_MAX; i++) {
		unsigned char c = (unsigned char)t.p[i];
		bool is_fine = is_utf8 || (c >= ' ' && c <= '~');
		r->text[r->text_n++] = is_fine ? t.p[i] : '?';
	}
	r->text[r->text_n] = '\0';
}

/* ehlo-line = ehlo-keyword *( SP ehlo-param )       rfc5321 4.1.1.1 */
static void take_capability(struct smtp_client_caps *caps, struct text t)
{
	struct text keyword, value;
	const struct {
		const char *name;
		bool *flag;
	} known[] = {
		{ "PIPELINING", &caps->pipelining },
		{ "STARTTLS", &caps->starttls },
		{ "8BITMIME", &caps->eightbitmime },
		{ "SMTPUTF8", &caps->smtputf8 },
		{ "CHUNKING", &caps->chunking },
		{ "DSN", &caps->dsn },
		{ "SIZE", &caps->size },
		{ "ENHANCEDSTATUSCODES", &caps->enhanced },
	};

	text_cut(text_trim(t), ' ', &keyword, &value);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (text_is_cstr_nocase(keyword, known[i].name))
			*known[i].flag = true;
	if (text_is_cstr_nocase(keyword, "SIZE"))
		text_parse_u64(text_trim(value), UINT64_MAX, &caps->max_size);
}

/* Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
 * Reply-code = %x32-35 %x30-35 %x30-39       rfc5321 4.2; the second digit is taken as any. */
static enum smtp_client_status take_line(struct smtp_client_reply *r)
{
	struct text t = text_from_bytes(r->line, r->line_n), rest;
	uint64_t code = 0;

	if (t.n && t.p[t.n - 1] == '\r')
		t.n--;
	if (t.n < 3 || !text_parse_u64(text_slice(t, 0, 3), 599, &code) || code < 200)
		return SMTP_CLIENT_BAD;
	if (t.n > 3 && t.p[3] != ' ' && t.p[3] != '-')
		return SMTP_CLIENT_BAD;
	if (r->lines && code != r->code)
		return SMTP_CLIENT_BAD;
	r->code = (unsigned)code;
	rest = text_skip(t, 4);
	if (r->lines)
		take_capability(&r->caps, rest);
	take_enhanced(r, &rest);
	keep_text(r, rest);
	if (++r->lines > SMTP_CLIENT_LINES_MAX)
		return SMTP_CLIENT_BAD;
	return t.n > 3 && t.p[3] == '-' ? SMTP_CLIENT_MORE : SMTP_CLIENT_DONE;
}

size_t smtp_client_reply_feed(struct smtp_client_reply *r, struct text in,
			      enum smtp_client_status *ret_status)
{
	size_t at = 0;

	*ret_status = SMTP_CLIENT_MORE;
	while (at < in.n && *ret_status == SMTP_CLIENT_MORE) {
		struct text left = text_skip(in, at);
		size_t n = text_find_byte(left, '\n');
		bool is_whole = n < left.n;
		if (n > sizeof r->line - r->line_n || n > SMTP_CLIENT_REPLY_MAX - r->read_n) {
			*ret_status = SMTP_CLIENT_BAD;
			return at;
		}
		memcpy(r->line + r->line_n, left.p, n);
		r->line_n += n;
		r->read_n += n;
		at += n + is_whole;
		if (!is_whole)
			break;
		*ret_status = take_line(r);
		r->line_n = 0;
	}
	return at;
}

bool smtp_client_print_command(const char *verb, struct text argument, struct buf *out)
{
	buf_add_cstr(out, verb);
	if (argument.n) {
		buf_add_byte(out, ' ');
		buf_add(out, argument);
	}
	return buf_add_cstr(out, "\r\n");
}

bool smtp_client_print_mail(const struct smtp_mail *mail, const struct smtp_client_caps *caps,
			    struct buf *out)
{
	buf_add_cstr(out, "MAIL FROM:<");
	smtp_address_print(&mail->sender, out);
	buf_add_byte(out, '>');
	if (caps->size && mail->size) {
		buf_add_cstr(out, " SIZE=");
		buf_add_number(out, mail->size);
	}
	if (caps->eightbitmime && mail->body == SMTP_BODY_8BITMIME)
		buf_add_cstr(out, " BODY=8BITMIME");
	if (caps->smtputf8 && mail->smtputf8)
		buf_add_cstr(out, " SMTPUTF8");
	if (caps->dsn && mail->ret)
		buf_add_cstr(out, mail->ret == SMTP_RET_FULL ? " RET=FULL" : " RET=HDRS");
	if (caps->dsn && mail->envid.n) {
		buf_add_cstr(out, " ENVID=");
		smtp_xtext_encode(mail->envid, out);
	}
	return buf_add_cstr(out, "\r\n");
}

static void print_notify(unsigned notify, struct buf *out)
{
	static const char *const names[] = { "NEVER", "SUCCESS", "FAILURE", "DELAY" };
	const char *before = " NOTIFY=";

	for (unsigned i = 0; i < 4; i++) {
		if (!(notify >> i & 1))
			continue;
		buf_add_cstr(out, before);
		buf_add_cstr(out, names[i]);
		before = ",";
	}
}

static void print_orcpt(struct text orcpt, struct buf *out)
{
	struct text type, address;

	text_cut(orcpt, ';', &type, &address);
	buf_add_cstr(out, " ORCPT=");
	buf_add(out, type);
	buf_add_byte(out, ';');
	if (text_is_cstr_nocase(type, "utf-8"))
		buf_add(out, address); /* as it was sent: rfc6533 3 */
	else
		smtp_xtext_encode(address, out);
}

bool smtp_client_print_rcpt(const struct smtp_rcpt *rcpt, const struct smtp_client_caps *caps,
			    struct buf *out)
{
	buf_add_cstr(out, "RCPT TO:<");
	smtp_address_print(&rcpt->recipient, out);
	buf_add_byte(out, '>');
	if (caps->dsn) {
		print_notify(rcpt->notify, out);
		if (rcpt->orcpt.n)
			print_orcpt(rcpt->orcpt, out);
	}
	return buf_add_cstr(out, "\r\n");
}

/* A line end, whatever it was. */
static void stuff_newline(struct smtp_stuffer *s, struct buf *out)
{
	buf_add_cstr(out, "\r\n");
	s->is_in_line = false;
}

/* Bytes without CR and LF. */
static void stuff_text(struct smtp_stuffer *s, struct text t, struct buf *out)
{
	if (t.n == 0)
		return;
	if (!s->is_in_line && t.p[0] == '.')
		buf_add_byte(out, '.');
	s->is_in_line = true;
	buf_add(out, t);
}

/* A line of `in` up to its LF, with its CRs; a CR just before the LF, or at the end of a piece, is
 * held back in has_cr. */
static void stuff_line(struct smtp_stuffer *s, struct text line, struct buf *out)
{
	struct text head;

	while (line.n) {
		if (s->has_cr)
			stuff_newline(s, out); /* it was a bare one */
		s->has_cr = text_cut(line, '\r', &head, &line);
		stuff_text(s, head, out);
	}
}

bool smtp_stuffer_write(struct smtp_stuffer *s, struct text in, struct buf *out)
{
	struct text line;

	while (in.n) {
		bool is_ended = text_cut(in, '\n', &line, &in);
		stuff_line(s, line, out);
		if (!is_ended)
			break;
		s->has_cr = false;
		stuff_newline(s, out);
	}
	return !out->overflow;
}

bool smtp_stuffer_end(struct smtp_stuffer *s, struct buf *out)
{
	if (s->is_in_line || s->has_cr)
		stuff_newline(s, out);
	s->has_cr = false;
	return buf_add_cstr(out, ".\r\n");
}
