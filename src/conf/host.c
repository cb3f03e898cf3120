/* SPDX-License-Identifier: Apache-2.0
 *
 * Names and addresses. Called by value.c through its table, with any bytes. Nothing is looked up.
 *
 *   endpoint = ( IPv4 / "[" IPv6 "]" ) [ ":" port ]
 *   host     = ( domain / IPv4 / "[" IPv6 "]" ) [ ":" port ]
 *   network  = address [ "/" bits ]        no bit set outside of the network
 */
#include "conf/host.h"

#include "conf/number.h"
#include "conf/report.h"

#include <stdio.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter_or_digit(char c)
{
	c = text_lower_byte(c);
	return is_digit(c) || (c >= 'a' && c <= 'z');
}

static bool is_label(struct text label, bool may_have_underscore)
{
	if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (!is_letter_or_digit(label.p[i]) && label.p[i] != '-' &&
		    !(may_have_underscore && label.p[i] == '_'))
			return false;
	return true;
}

static bool is_number(struct text label)
{
	for (size_t i = 0; i < label.n; i++)
		if (!is_digit(label.p[i]))
			return false;
	return true;
}

static bool is_domain(struct text name, bool may_have_underscore)
{
	struct text label = { NULL, 0 }, rest = name;
	bool more = true;

	if (name.n > 253)
		return false;
	while (more) {
		more = text_cut(rest, '.', &label, &rest);
		if (!is_label(label, may_have_underscore))
			return false;
	}
	return !is_number(label);
}

bool conf_hostname_is_valid(struct text name)
{
	return is_domain(name, false);
}

static struct text without_dot(struct text name)
{
	return name.n > 1 && name.p[name.n - 1] == '.' ? text_slice(name, 0, name.n - 1) : name;
}

static bool complain_name(struct buf *why, struct text word)
{
	conf_expected(why, "a domain name", word);
	if (!text_is_ascii(word))
		buf_add_cstr(why, " (write other scripts in their xn-- form)");
	else if (text_find_byte(word, '@') < word.n)
		buf_add_cstr(why, " (without the part before @)");
	return false;
}

bool conf_hostname_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	struct text name = without_dot(word);

	(void)row;
	if (!conf_hostname_is_valid(name))
		return complain_name(why, word);
	*(struct text *)ret_value = name;
	return true;
}

bool conf_route_name_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	if (!text_is_cstr(word, "*"))
		return conf_hostname_parse(row, word, ret_value, why);
	*(struct text *)ret_value = word;
	return true;
}

bool conf_zone_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	struct text name = without_dot(word);

	(void)row;
	if (!text_is_cstr(name, ".") && !is_domain(name, true) &&
	    !(is_label(name, true) && is_number(name)) &&
	    !text_has_suffix_nocase(name, text_from_cstr(".arpa")))
		return complain_name(why, word);
	*(struct text *)ret_value = name;
	return true;
}

/* Atoms and dots. rfc5321 4.1.2, rfc6531 3.3 */
static bool is_local_part(struct text local)
{
	if (local.n == 0 || local.n > 64 || !text_is_utf8(local) || local.p[0] == '.' ||
	    local.p[local.n - 1] == '.' || text_find(local, text_from_cstr("..")) != SIZE_MAX)
		return false;
	for (size_t i = 0; i < local.n; i++)
		if ((unsigned char)local.p[i] < 0x80 && !is_letter_or_digit(local.p[i]) &&
		    !strchr("!#$%&'*+-/=?^_`{|}~.", local.p[i]))
			return false;
	return true;
}

static bool is_mailbox(struct text word)
{
	size_t at = text_find_last_byte(word, '@');

	return at != SIZE_MAX && is_local_part(text_slice(word, 0, at)) &&
	       conf_hostname_is_valid(text_skip(word, at + 1));
}

static bool complain_mailbox(struct buf *why, const char *what, struct text word)
{
	size_t at = text_find_last_byte(word, '@');

	conf_expected(why, what, word);
	if (at != SIZE_MAX && !text_is_ascii(text_skip(word, at)))
		buf_add_cstr(why, " (write domains in other scripts in their xn-- form)");
	return false;
}

bool conf_mailbox_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	(void)row;
	if (!is_mailbox(word))
		return complain_mailbox(why, "a mail address", word);
	*(struct text *)ret_value = word;
	return true;
}

bool conf_sender_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	if (text_find_byte(word, '@') < word.n)
		return conf_mailbox_parse(row, word, ret_value, why);
	return conf_hostname_parse(row, word, ret_value, why);
}

bool conf_recipient_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	(void)row;
	if (!is_local_part(word) && !is_mailbox(word))
		return complain_mailbox(why, "any, a local part or a mail address", word);
	*(struct text *)ret_value = word;
	return true;
}

/* With or without brackets. */
static bool read_addr(struct text word, struct addr *ret_addr)
{
	if (word.n > 2 && word.p[0] == '[' && word.p[word.n - 1] == ']')
		word = text_slice(word, 1, word.n - 1);
	return addr_parse(word, ret_addr);
}

bool conf_addr_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	(void)row;
	if (!read_addr(word, ret_value))
		return conf_expected(why, "an IP address", word);
	return true;
}

void conf_addr_print(const struct conf_row *row, const void *value, struct buf *out)
{
	char s[ADDR_TEXT_SIZE];

	(void)row;
	addr_print(value, s);
	buf_add_cstr(out, s);
}

static struct addr masked(const struct addr_prefix *prefix)
{
	struct addr a = prefix->addr;

	for (unsigned bit = prefix->bits; bit < 128; bit++)
		a.b[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
	return a;
}

bool conf_prefix_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	struct addr_prefix *prefix = ret_value, network;
	struct text host, bits;

	if (text_cut(word, '/', &host, &bits) && bits.n > 1 && bits.p[0] == '0')
		return conf_expected(why, "a network such as 192.0.2.0/24", word);
	if (read_addr(word, &prefix->addr)) {
		prefix->bits = 128;
		return true;
	}
	if (!addr_parse_prefix(word, prefix))
		return conf_expected(why, "a network such as 192.0.2.0/24 or 2001:db8::/32", word);
	network = (struct addr_prefix){ masked(prefix), prefix->bits };
	if (addr_is_equal(&network.addr, &prefix->addr))
		return true;
	buf_printf(why, "%s has bits outside of its network (did you mean ", conf_quote(word).s);
	conf_prefix_print(row, &network, why);
	buf_add_cstr(why, "?)");
	return false;
}

void conf_prefix_print(const struct conf_row *row, const void *value, struct buf *out)
{
	const struct addr_prefix *prefix = value;
	bool is_v4 = addr_is_v4(&prefix->addr);

	conf_addr_print(row, &prefix->addr, out);
	if (prefix->bits < 128)
		buf_printf(out, "/%d", is_v4 ? prefix->bits - 96 : prefix->bits);
}

/* Cuts ":PORT" off the end. False, with the reason, when a port is there and wrong, or when nobody could
 * say what is the port: ::1:25 is an address. */
static bool cut_port(struct text word, struct text *ret_host, uint16_t *ret_port, struct buf *why)
{
	const struct conf_row bounds = { .min = "1", .max = "65535" };
	size_t colon = text_find_last_byte(word, ':');
	struct text host = text_slice(word, 0, colon);
	uint64_t port;

	*ret_host = word;
	*ret_port = 0;
	if (colon == SIZE_MAX || word.p[word.n - 1] == ']')
		return true;
	if (text_find_byte(host, ':') < host.n && host.p[0] != '[') {
		buf_printf(why, "%s must have its IPv6 address in brackets, such as [2001:db8::1]:25",
			   conf_quote(word).s);
		return false;
	}
	buf_add_cstr(why, "port: ");
	if (!conf_count_parse(&bounds, text_skip(word, colon + 1), &port, why))
		return false;
	buf_reset(why);
	*ret_host = host;
	*ret_port = (uint16_t)port;
	return true;
}

bool conf_endpoint_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	struct conf_endpoint *e = ret_value;
	struct text host;

	(void)row;
	if (!cut_port(word, &host, &e->port, why))
		return false;
	if (text_is_cstr(host, "*"))
		return conf_expected(why, "an IP address (for all addresses write 0.0.0.0 [::])", word);
	if (!read_addr(host, &e->addr))
		return conf_expected(why, "an IP address, with a port or without", word);
	return true;
}

static void print_endpoint(const struct addr *addr, uint16_t port, struct buf *out)
{
	char s[ADDR_TEXT_SIZE];

	addr_print(addr, s);
	buf_printf(out, addr_is_v4(addr) ? "%s" : "[%s]", s);
	if (port)
		buf_printf(out, ":%u", port);
}

void conf_endpoint_print(const struct conf_row *row, const void *value, struct buf *out)
{
	const struct conf_endpoint *e = value;

	(void)row;
	print_endpoint(&e->addr, e->port, out);
}

bool conf_host_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	struct conf_host *h = ret_value;
	struct text host;

	(void)row;
	if (!cut_port(word, &host, &h->port, why))
		return false;
	h->name = (struct text){ NULL, 0 };
	if (read_addr(host, &h->addr))
		return true;
	if (!conf_hostname_is_valid(without_dot(host))) {
		conf_expected(why, "a host name or address, with a port or without", word);
		buf_add_cstr(why, text_is_ascii(word) ? "" : " (write other scripts in their xn-- form)");
		return false;
	}
	h->name = without_dot(host);
	return true;
}

void conf_host_print(const struct conf_row *row, const void *value, struct buf *out)
{
	const struct conf_host *h = value;

	(void)row;
	if (h->name.n == 0) {
		print_endpoint(&h->addr, h->port, out);
		return;
	}
	buf_add(out, h->name);
	if (h->port)
		buf_printf(out, ":%u", h->port);
}
