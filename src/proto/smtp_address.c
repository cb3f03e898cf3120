/* SPDX-License-Identifier: Apache-2.0
 *
 * Envelope addresses: parser and printer. Called by smtp_command.c with what a stranger sent, by the
 * configuration reader and the tools with what an administrator wrote. Trusts nothing: every function
 * is total and linear. Invariants: a parsed address printed and parsed again is the same address; no
 * part of it holds a control byte; what is printed has at most SMTP_ADDRESS_MAX bytes.
 */
#include "proto/smtp_address.h"

#include "base/addr.h"

/* atext of rfc5322 3.2.3, with UTF8-non-ascii of rfc6531 3.3. */
static bool is_atext(unsigned char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80)
		return true;
	return c && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL;
}

static bool is_label_byte(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_' || c >= 0x80;
}

/* sub-domain = Let-dig [Ldh-str] / U-label       rfc5321 4.1.2, rfc6531 3.3 */
static bool is_label(struct text t)
{
	if (t.n == 0 || t.n > 63 || t.p[0] == '-' || t.p[t.n - 1] == '-')
		return false;
	for (size_t i = 0; i < t.n; i++)
		if (!is_label_byte((unsigned char)t.p[i]))
			return false;
	return true;
}

bool smtp_domain_is_valid(struct text t)
{
	struct text label;
	bool more;

	if (t.n == 0 || t.n > SMTP_DOMAIN_MAX || !text_is_utf8(t))
		return false;
	do {
		more = text_cut(t, '.', &label, &t);
		if (!is_label(label))
			return false;
	} while (more);
	return true;
}

/* address-literal = "[" ( IPv4-address-literal / "IPv6:" IPv6-addr ) "]"       rfc5321 4.1.3
 * A General-address-literal with another tag is refused: none is registered. */
static bool parse_literal(struct text t, struct addr *ret_addr)
{
	struct text tag = text_from_cstr("IPv6:");
	bool is_v6;

	if (t.n < 3 || t.p[0] != '[' || t.p[t.n - 1] != ']')
		return false;
	t = text_slice(t, 1, t.n - 1);
	is_v6 = text_has_prefix_nocase(t, tag);
	if (is_v6)
		t = text_skip(t, tag.n);
	if (!addr_parse(t, ret_addr))
		return false;
	return is_v6 == (text_find_byte(t, ':') < t.n);
}

bool smtp_hello_is_valid(struct text t)
{
	struct addr ignored;

	if (t.n == 0 || t.n > SMTP_DOMAIN_MAX || !text_is_utf8(t))
		return false;
	if (parse_literal(t, &ignored))
		return true;
	for (size_t i = 0; i < t.n; i++)
		if (!is_label_byte((unsigned char)t.p[i]) && !strchr(".:[]", t.p[i]))
			return false;
	return true;
}

static enum error copy_domain(struct text t, struct arena *a, struct text *ret_domain)
{
	char literal[ADDR_TEXT_SIZE + 8];
	struct addr addr;
	char *copy;

	if (t.n > SMTP_DOMAIN_MAX)
		return ERROR_TOO_LARGE;
	if (t.n && t.p[0] == '[') {
		if (!parse_literal(t, &addr))
			return ERROR_MALFORMED;
		addr_print_literal(&addr, literal);
		return arena_copy(a, text_from_cstr(literal), ret_domain) ? ERROR_NONE : ERROR_TOO_LARGE;
	}
	if (!smtp_domain_is_valid(t))
		return ERROR_MALFORMED;
	copy = arena_alloc(a, t.n);
	if (!copy)
		return ERROR_TOO_LARGE;
	for (size_t i = 0; i < t.n; i++)
		copy[i] = text_lower_byte(t.p[i]);
	*ret_domain = text_from_bytes(copy, t.n);
	return ERROR_NONE;
}

/* Dot-string = Atom *("." Atom)       rfc5321 4.1.2 */
static bool is_dot_string(struct text t)
{
	bool after_dot = true;

	for (size_t i = 0; i < t.n; i++) {
		bool is_dot = t.p[i] == '.';
		if (is_dot ? after_dot : !is_atext((unsigned char)t.p[i]))
			return false;
		after_dot = is_dot;
	}
	return !after_dot;
}

/* Quoted-string = DQUOTE *QcontentSMTP DQUOTE       rfc5321 4.1.2
 * Length of the one at the front of t, 0 when there is none or it has a byte that may not be there. */
static size_t quoted_length(struct text t)
{
	size_t i = 1;

	if (t.n < 2 || t.p[0] != '"')
		return 0;
	while (i < t.n && t.p[i] != '"') {
		if (t.p[i] == '\\')
			i++;
		if (i >= t.n || (unsigned char)t.p[i] < ' ' || t.p[i] == 0x7f)
			return 0;
		i++;
	}
	return i < t.n ? i + 1 : 0;
}

/* Length of the local part at the front of t, quoted or not; 0: none. */
static size_t local_length(struct text t)
{
	size_t n = 0;

	if (t.n && t.p[0] == '"')
		return quoted_length(t);
	while (n < t.n && (is_atext((unsigned char)t.p[n]) || t.p[n] == '.'))
		n++;
	return n;
}

static enum error copy_local(struct text t, struct arena *a, struct text *ret_local)
{
	bool is_quoted = t.n && t.p[0] == '"';
	char *copy;
	size_t n = 0;

	if (t.n > SMTP_LOCAL_MAX)
		return ERROR_TOO_LARGE;
	if (!text_is_utf8(t) || (!is_quoted && !is_dot_string(t)))
		return ERROR_MALFORMED;
	if (!is_quoted)
		return arena_copy(a, t, ret_local) ? ERROR_NONE : ERROR_TOO_LARGE;
	copy = arena_alloc(a, t.n);
	if (!copy)
		return ERROR_TOO_LARGE;
	for (size_t i = 1; i < t.n - 1; i++) {
		if (t.p[i] == '\\')
			i++;
		copy[n++] = t.p[i];
	}
	*ret_local = text_from_bytes(copy, n);
	return ERROR_NONE;
}

/* Mailbox = Local-part "@" ( Domain / address-literal )       rfc5321 4.1.2
 * may_lack_domain: the local part alone is taken too. */
static enum error parse_mailbox(struct text t, bool may_lack_domain, struct arena *a,
				struct smtp_address *ret_address)
{
	size_t n = local_length(t);
	struct text local = text_slice(t, 0, n), domain = text_skip(t, n);
	enum error e;

	*ret_address = (struct smtp_address){ 0 };
	if (n == 0)
		return ERROR_MALFORMED;
	if (domain.n == 0 && may_lack_domain)
		return copy_local(local, a, &ret_address->local);
	if (domain.n == 0 || domain.p[0] != '@')
		return ERROR_MALFORMED;
	if (t.n + 2 > SMTP_PATH_MAX)
		return ERROR_TOO_LARGE;
	e = copy_domain(text_skip(domain, 1), a, &ret_address->domain);
	return e ? e : copy_local(local, a, &ret_address->local);
}

enum error smtp_address_parse(struct text t, struct arena *a, struct smtp_address *ret_address)
{
	return parse_mailbox(t, false, a, ret_address);
}

/* A-d-l ":" = At-domain *( "," At-domain ) ":"       rfc5321 4.1.2; "MUST be accepted, SHOULD be ignored"
 * False when what begins like a source route is none. */
static bool skip_route(struct text *t)
{
	size_t end = text_find_byte(*t, ':');
	struct text route, hop;
	bool more;

	if (t->n == 0 || t->p[0] != '@')
		return true;
	if (end == t->n || end > SMTP_ROUTE_MAX)
		return false;
	route = text_slice(*t, 0, end);
	do {
		more = text_cut(route, ',', &hop, &route);
		if (hop.n < 2 || hop.p[0] != '@' || !smtp_domain_is_valid(text_skip(hop, 1)))
			return false;
	} while (more);
	*t = text_skip(*t, end + 1);
	return true;
}

/* Offset of the ">" that ends the path, one inside a quoted local part passed over; t.n: none. */
static size_t find_path_end(struct text t)
{
	size_t quoted = text_find_byte(t, '"'), end = text_find_byte(t, '>'), n;

	if (quoted > end)
		return end;
	n = quoted_length(text_skip(t, quoted));
	return n ? quoted + n + text_find_byte(text_skip(t, quoted + n), '>') : t.n;
}

/* Offset of the SP that ends a path without brackets, one inside a quoted local part passed over. */
static size_t find_bare_end(struct text t)
{
	size_t quoted = quoted_length(t);

	return quoted + text_find_byte(text_skip(t, quoted), ' ');
}

/* Path = "<" [ A-d-l ":" ] Mailbox ">"       rfc5321 4.1.2 */
static enum error cut_path(struct text t, struct text *ret_mailbox, struct text *ret_rest)
{
	size_t end;

	if (t.n == 0)
		return ERROR_MALFORMED;
	if (t.p[0] != '<') {
		end = find_bare_end(t);
		*ret_mailbox = text_slice(t, 0, end);
		*ret_rest = text_skip(t, end);
		return end ? ERROR_NONE : ERROR_MALFORMED;
	}
	t = text_skip(t, 1);
	if (!skip_route(&t))
		return ERROR_MALFORMED;
	end = find_path_end(t);
	if (end >= t.n || (end + 1 < t.n && t.p[end + 1] != ' '))
		return ERROR_MALFORMED;
	*ret_mailbox = text_slice(t, 0, end);
	*ret_rest = text_skip(t, end + 1);
	return ERROR_NONE;
}

/* Reverse-path = Path / "<>"       rfc5321 4.1.2 */
enum error smtp_address_parse_reverse(struct text t, struct arena *a, struct smtp_address *ret_address,
				      struct text *ret_rest)
{
	struct text mailbox;
	enum error e = cut_path(t, &mailbox, ret_rest);

	*ret_address = (struct smtp_address){ 0 };
	if (e)
		return e;
	if (text_has_prefix(t, text_from_cstr("<>")))
		return ERROR_NONE;
	return parse_mailbox(mailbox, false, a, ret_address);
}

/* Forward-path = Path; Rcpt = "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path
 * rfc5321 4.1.1.3 */
enum error smtp_address_parse_forward(struct text t, struct arena *a, struct smtp_address *ret_address,
				      struct text *ret_rest)
{
	struct text mailbox;
	enum error e = cut_path(t, &mailbox, ret_rest);

	if (e)
		return e;
	return parse_mailbox(mailbox, text_is_cstr_nocase(mailbox, "postmaster"), a, ret_address);
}

bool smtp_address_is_null(const struct smtp_address *address)
{
	return address->local.n == 0 && address->domain.n == 0;
}

bool smtp_address_is_ascii(const struct smtp_address *address)
{
	return text_is_ascii(address->local) && text_is_ascii(address->domain);
}

bool smtp_address_is_postmaster(const struct smtp_address *address)
{
	return text_is_cstr_nocase(address->local, "postmaster");
}

bool smtp_address_is_equal(const struct smtp_address *a, const struct smtp_address *b)
{
	if (!text_is_equal_nocase(a->domain, b->domain))
		return false;
	return text_is_equal(a->local, b->local) ||
	       (smtp_address_is_postmaster(a) && smtp_address_is_postmaster(b));
}

static void print_local(struct text local, struct buf *out)
{
	if (is_dot_string(local)) {
		buf_add(out, local);
		return;
	}
	buf_add_byte(out, '"');
	for (size_t i = 0; i < local.n; i++) {
		if (local.p[i] == '"' || local.p[i] == '\\')
			buf_add_byte(out, '\\');
		buf_add_byte(out, local.p[i]);
	}
	buf_add_byte(out, '"');
}

bool smtp_address_print(const struct smtp_address *address, struct buf *out)
{
	if (smtp_address_is_null(address))
		return !out->overflow;
	print_local(address->local, out);
	if (address->domain.n) {
		buf_add_byte(out, '@');
		buf_add(out, address->domain);
	}
	return !out->overflow;
}
