/* SPDX-License-Identifier: Apache-2.0
 *
 * Command lines of SMTP clients: the table of smtp_command.def and the parser of each argument.
 * Called by the session room for every line before anything acts on it. Trusts nothing: a line may
 * hold any byte. Invariants: a command comes out only whole, in a state in which it is allowed, with
 * every number and text inside its bound; no text of it holds a control byte; time is linear in the
 * length of the line. ESMTP parameters have a table of their own, with one function per keyword.
 */
#include "proto/smtp_command.h"

#include "proto/smtp_xtext.h"

#define SIZE_VALUE_MAX 999999999999999999ULL /* rfc1870 4: up to 20 digits; more than any disk here */
#define CHUNK_SIZE_MAX 0xffffffffULL
#define AUTH_VALUE_MAX 500

enum {
	N = SMTP_STATE_NEW,
	G = SMTP_STATE_GREETED,
	M = SMTP_STATE_MAIL,
	R = SMTP_STATE_RCPT,
	B = SMTP_STATE_BDAT
};
enum { LAST = 1 };

struct params {
	struct text left;
	struct arena *arena;
	unsigned seen; /* bit per row of the table in use */
};

struct param_row {
	const char *keyword;
	enum smtp_reply_id (*apply)(struct text value, struct arena *a, struct smtp_command *c);
};

static enum smtp_reply_id smtp_command_parse_nothing(struct smtp_command *c, struct arena *a)
{
	(void)a;
	return c->argument.n ? SMTP_REPLY_BAD_SYNTAX : SMTP_REPLY_NONE;
}

static enum smtp_reply_id smtp_command_parse_anything(struct smtp_command *c, struct arena *a)
{
	(void)c;
	(void)a;
	return SMTP_REPLY_NONE;
}

static enum smtp_reply_id smtp_command_parse_something(struct smtp_command *c, struct arena *a)
{
	(void)a;
	return c->argument.n ? SMTP_REPLY_NONE : SMTP_REPLY_BAD_SYNTAX;
}

/* ehlo = "EHLO" SP ( Domain / address-literal ) CRLF       rfc5321 4.1.1.1 */
static enum smtp_reply_id smtp_command_parse_hello(struct smtp_command *c, struct arena *a)
{
	(void)a;
	return smtp_hello_is_valid(c->argument) ? SMTP_REPLY_NONE : SMTP_REPLY_BAD_HELLO;
}

/* esmtp-value = 1*(%d33-60 / %d62-126 / UTF8-non-ascii)       rfc5321 4.1.2, rfc6531 3.3 */
static bool is_param_value(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)t.p[i] <= ' ' || t.p[i] == '=' || t.p[i] == 0x7f)
			return false;
	return true;
}

/* esmtp-param = esmtp-keyword ["=" esmtp-value]       rfc5321 4.1.2 */
static enum smtp_reply_id apply_param(struct params *params, struct text param, const struct param_row *rows,
				      size_t n_rows, struct smtp_command *c)
{
	struct text keyword, value;
	bool has_value = text_cut(param, '=', &keyword, &value);

	for (size_t i = 0; i < n_rows; i++) {
		if (!text_is_cstr_nocase(keyword, rows[i].keyword))
			continue;
		if (params->seen >> i & 1 || (has_value && value.n == 0) || !is_param_value(value))
			return SMTP_REPLY_PARAMETER_BAD;
		params->seen |= 1U << i;
		return rows[i].apply(value, params->arena, c);
	}
	return SMTP_REPLY_PARAMETER_UNKNOWN;
}

/* Mail-parameters = esmtp-param *(SP esmtp-param)       rfc5321 4.1.2 */
static enum smtp_reply_id apply_params(struct text t, struct arena *a, const struct param_row *rows,
				       size_t n_rows, struct smtp_command *c)
{
	struct params params = { text_trim(t), a, 0 };

	while (params.left.n) {
		struct text param;
		enum smtp_reply_id id;
		text_cut(params.left, ' ', &param, &params.left);
		if (param.n == 0)
			continue;
		id = apply_param(&params, param, rows, n_rows, c);
		if (id)
			return id;
	}
	return SMTP_REPLY_NONE;
}

/* size-value = 1*20DIGIT       rfc1870 4 */
static enum smtp_reply_id apply_size(struct text value, struct arena *a, struct smtp_command *c)
{
	(void)a;
	if (value.n > 20)
		return SMTP_REPLY_PARAMETER_BAD;
	if (text_parse_u64(value, SIZE_VALUE_MAX, &c->mail.size))
		return SMTP_REPLY_NONE;
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] < '0' || value.p[i] > '9')
			return SMTP_REPLY_PARAMETER_BAD;
	return value.n ? SMTP_REPLY_TOO_LARGE : SMTP_REPLY_PARAMETER_BAD;
}

/* body-value = "7BIT" / "8BITMIME"       rfc6152 2; "BINARYMIME" (rfc3030 3) is not offered. */
static enum smtp_reply_id apply_body(struct text value, struct arena *a, struct smtp_command *c)
{
	(void)a;
	if (text_is_cstr_nocase(value, "BINARYMIME"))
		return SMTP_REPLY_PARAMETER_UNKNOWN;
	c->mail.body = text_is_cstr_nocase(value, "8BITMIME") ? SMTP_BODY_8BITMIME : SMTP_BODY_7BIT;
	return c->mail.body || text_is_cstr_nocase(value, "7BIT") ? SMTP_REPLY_NONE
								  : SMTP_REPLY_PARAMETER_BAD;
}

/* rfc6531 3.4: no value */
static enum smtp_reply_id apply_smtputf8(struct text value, struct arena *a, struct smtp_command *c)
{
	(void)a;
	c->mail.smtputf8 = true;
	return value.n ? SMTP_REPLY_PARAMETER_BAD : SMTP_REPLY_NONE;
}

/* ret-value = "FULL" / "HDRS"       rfc3461 4.3 */
static enum smtp_reply_id apply_ret(struct text value, struct arena *a, struct smtp_command *c)
{
	(void)a;
	if (text_is_cstr_nocase(value, "FULL"))
		c->mail.ret = SMTP_RET_FULL;
	else if (text_is_cstr_nocase(value, "HDRS"))
		c->mail.ret = SMTP_RET_HDRS;
	return c->mail.ret ? SMTP_REPLY_NONE : SMTP_REPLY_PARAMETER_BAD;
}

/* envid-parameter = "ENVID=" xtext       rfc3461 4.4 */
static enum smtp_reply_id apply_envid(struct text value, struct arena *a, struct smtp_command *c)
{
	if (value.n == 0 || value.n > SMTP_ENVID_MAX || smtp_xtext_decode(value, a, &c->mail.envid))
		return SMTP_REPLY_PARAMETER_BAD;
	return SMTP_REPLY_NONE;
}

/* "AUTH=" mailbox as xtext, or "<>"       rfc4954 5: taken and not believed, as for any client that is
 * not authenticated. */
static enum smtp_reply_id apply_auth(struct text value, struct arena *a, struct smtp_command *c)
{
	struct text ignored;

	(void)c;
	if (text_is_cstr(value, "<>"))
		return SMTP_REPLY_NONE;
	if (value.n == 0 || value.n > AUTH_VALUE_MAX || smtp_xtext_decode(value, a, &ignored))
		return SMTP_REPLY_PARAMETER_BAD;
	return SMTP_REPLY_NONE;
}

static const struct param_row mail_params[] = {
	{ "SIZE", apply_size }, { "BODY", apply_body },   { "SMTPUTF8", apply_smtputf8 },
	{ "RET", apply_ret },   { "ENVID", apply_envid }, { "AUTH", apply_auth },
};

/* notify-esmtp-value = "NEVER" / 1#( "SUCCESS" / "FAILURE" / "DELAY" )       rfc3461 4.1 */
static enum smtp_reply_id apply_notify(struct text value, struct arena *a, struct smtp_command *c)
{
	static const char *const names[] = { "NEVER", "SUCCESS", "FAILURE", "DELAY" };
	struct text word;
	bool more;

	(void)a;
	do {
		unsigned bit = 0;
		more = text_cut(value, ',', &word, &value);
		for (unsigned i = 0; i < 4; i++)
			if (text_is_cstr_nocase(word, names[i]))
				bit = 1U << i;
		if (!bit || c->rcpt.notify & bit)
			return SMTP_REPLY_PARAMETER_BAD;
		c->rcpt.notify |= bit;
	} while (more);
	if (c->rcpt.notify & SMTP_NOTIFY_NEVER && c->rcpt.notify != SMTP_NOTIFY_NEVER)
		return SMTP_REPLY_PARAMETER_BAD;
	return SMTP_REPLY_NONE;
}

/* addr-type = atom: letters, digits and hyphen are all that is registered. */
static bool is_address_type(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		char c = text_lower_byte(t.p[i]);
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return false;
	}
	return t.n > 0;
}

/* original-recipient-address = addr-type ";" xtext       rfc3461 4.2
 * For addr-type utf-8 (rfc6533 3) the address stays as it was sent. */
static enum smtp_reply_id apply_orcpt(struct text value, struct arena *a, struct smtp_command *c)
{
	struct text type, encoded, plain;
	char *copy;

	if (value.n > SMTP_ORCPT_MAX || !text_cut(value, ';', &type, &encoded))
		return SMTP_REPLY_PARAMETER_BAD;
	if (!is_address_type(type) || encoded.n == 0)
		return SMTP_REPLY_PARAMETER_BAD;
	plain = encoded;
	if (!text_is_cstr_nocase(type, "utf-8") && smtp_xtext_decode(encoded, a, &plain))
		return SMTP_REPLY_PARAMETER_BAD;
	copy = arena_alloc(a, type.n + 1 + plain.n);
	if (!copy)
		return SMTP_REPLY_PARAMETER_BAD;
	memcpy(copy, type.p, type.n);
	copy[type.n] = ';';
	memcpy(copy + type.n + 1, plain.p, plain.n);
	c->rcpt.orcpt = text_from_bytes(copy, type.n + 1 + plain.n);
	return SMTP_REPLY_NONE;
}

static const struct param_row rcpt_params[] = { { "NOTIFY", apply_notify }, { "ORCPT", apply_orcpt } };

/* Takes the keyword ("FROM:") and the spaces that many clients send behind the colon, though rfc5321
 * 3.3 permits none. */
static bool cut_keyword(struct text *argument, const char *keyword)
{
	struct text prefix = text_from_cstr(keyword);

	if (!text_has_prefix_nocase(*argument, prefix))
		return false;
	*argument = text_trim(text_skip(*argument, prefix.n));
	return true;
}

/* mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF       rfc5321 4.1.1.2 */
static enum smtp_reply_id smtp_command_parse_mail(struct smtp_command *c, struct arena *a)
{
	struct text path = c->argument, rest;
	enum smtp_reply_id id;
	enum error e;

	c->mail = (struct smtp_mail){ 0 };
	if (!cut_keyword(&path, "FROM:"))
		return SMTP_REPLY_BAD_SYNTAX;
	e = smtp_address_parse_reverse(path, a, &c->mail.sender, &rest);
	if (e)
		return e == ERROR_TOO_LARGE ? SMTP_REPLY_SENDER_TOO_LONG : SMTP_REPLY_BAD_SENDER;
	id = apply_params(rest, a, mail_params, sizeof mail_params / sizeof *mail_params, c);
	if (id)
		return id;
	if (!c->mail.smtputf8 && !smtp_address_is_ascii(&c->mail.sender))
		return SMTP_REPLY_SENDER_NEEDS_UTF8;
	return SMTP_REPLY_NONE;
}

/* rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF
 * rfc5321 4.1.1.3 */
static enum smtp_reply_id smtp_command_parse_rcpt(struct smtp_command *c, struct arena *a)
{
	struct text path = c->argument, rest;
	enum error e;

	c->rcpt = (struct smtp_rcpt){ 0 };
	if (!cut_keyword(&path, "TO:"))
		return SMTP_REPLY_BAD_SYNTAX;
	e = smtp_address_parse_forward(path, a, &c->rcpt.recipient, &rest);
	if (e)
		return e == ERROR_TOO_LARGE ? SMTP_REPLY_RECIPIENT_TOO_LONG : SMTP_REPLY_BAD_RECIPIENT;
	return apply_params(rest, a, rcpt_params, sizeof rcpt_params / sizeof *rcpt_params, c);
}

/* bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] CRLF       rfc3030 2 */
static enum smtp_reply_id smtp_command_parse_bdat(struct smtp_command *c, struct arena *a)
{
	struct text size, marker;

	(void)a;
	c->bdat = (struct smtp_bdat){ 0 };
	text_cut(c->argument, ' ', &size, &marker);
	marker = text_trim(marker);
	c->bdat.is_last = text_is_cstr_nocase(marker, "LAST");
	if (!text_parse_u64(size, CHUNK_SIZE_MAX, &c->bdat.size) || (marker.n && !c->bdat.is_last))
		return SMTP_REPLY_BAD_CHUNK;
	return SMTP_REPLY_NONE;
}

static const struct row {
	const char *name;
	unsigned states;
	unsigned flags;
	enum smtp_reply_id (*parse)(struct smtp_command *c, struct arena *a);
	const char *syntax;
} rows[] = {
#define COMMAND(verb, states, flags, parse, apply, syntax)                                                   \
	{ #verb, states, flags, smtp_command_parse_##parse, syntax },
#include "proto/smtp_command.def"
#undef COMMAND
};

/* Why this verb may not come now. rfc5321 4.1.4 */
static enum smtp_reply_id refuse_sequence(enum smtp_verb verb, enum smtp_state state)
{
	if (state == SMTP_STATE_NEW)
		return SMTP_REPLY_HELLO_FIRST;
	if (state == SMTP_STATE_BDAT)
		return SMTP_REPLY_BDAT_ONLY;
	if (verb == SMTP_VERB_MAIL)
		return SMTP_REPLY_MAIL_NESTED;
	if (verb == SMTP_VERB_STARTTLS)
		return SMTP_REPLY_IN_TRANSACTION;
	return state == SMTP_STATE_GREETED ? SMTP_REPLY_MAIL_FIRST : SMTP_REPLY_RECIPIENTS_NONE;
}

/* Browsers made to speak to port 25 by a web page. */
static bool is_web_request(struct text verb)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "CONNECT", "HEAD", "OPTIONS", "Host:" };

	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (text_is_cstr_nocase(verb, methods[i]))
			return true;
	return false;
}

enum smtp_reply_id smtp_command_parse(struct text line, enum smtp_state state, struct arena *a,
				      struct smtp_command *ret_command)
{
	struct text name;
	enum smtp_reply_id id;
	unsigned v = 0;

	*ret_command = (struct smtp_command){ .verb = SMTP_VERB_COUNT };
	line = text_trim(line);
	text_cut(line, ' ', &name, &ret_command->argument);
	ret_command->argument = text_trim(ret_command->argument);
	while (v < SMTP_VERB_COUNT && !text_is_cstr_nocase(name, rows[v].name))
		v++;
	ret_command->verb = (enum smtp_verb)v;
	if (!text_is_utf8(line))
		return SMTP_REPLY_LINE_BAD_BYTE;
	if (v == SMTP_VERB_COUNT)
		return is_web_request(name) ? SMTP_REPLY_NOT_SMTP : SMTP_REPLY_UNKNOWN_COMMAND;
	if (v == SMTP_VERB_BDAT) /* its octets follow whatever the state is: the size must be known */
		id = smtp_command_parse_bdat(ret_command, a);
	else
		id = SMTP_REPLY_NONE;
	if (!id && !(rows[v].states & state))
		return refuse_sequence(ret_command->verb, state);
	if (!id && v != SMTP_VERB_BDAT)
		id = rows[v].parse(ret_command, a);
	return id;
}

const char *smtp_verb_name(enum smtp_verb verb)
{
	return verb < SMTP_VERB_COUNT ? rows[verb].name : "unknown";
}

const char *smtp_verb_syntax(enum smtp_verb verb)
{
	return verb < SMTP_VERB_COUNT ? rows[verb].syntax : "";
}

bool smtp_verb_is_last(enum smtp_verb verb)
{
	return verb < SMTP_VERB_COUNT && rows[verb].flags & LAST;
}
