/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks a source, and the words for types and answers. Called by the checks of proto and by tools that print.
 * Trusts the source to keep to its header.
 */
#include "proto/dns_source.h"

#define NAME_MAX_BYTES  253
#define LABEL_MAX_BYTES 63

void dns_ask(const struct dns_source *source, enum dns_type type, struct text name, struct arena *arena,
	     struct dns_answer *ret_answer)
{
	*ret_answer = (struct dns_answer){ .status = DNS_NO_NAME };
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	source->ask(source->context, type, name, arena, ret_answer);
}

const char *dns_type_word(enum dns_type type)
{
	switch (type) {
	case DNS_A:
		return "A";
	case DNS_PTR:
		return "PTR";
	case DNS_MX:
		return "MX";
	case DNS_TXT:
		return "TXT";
	case DNS_AAAA:
		return "AAAA";
	}
	return "?";
}

const char *dns_status_word(enum dns_status status)
{
	static const char *const words[] = { "found", "no-data", "no-name", "failed" };

	return words[status];
}

bool dns_name_is_valid(struct text name)
{
	return dns_name_is_askable(name) && text_find_byte(name, ' ') == name.n;
}

bool dns_name_is_askable(struct text name)
{
	size_t label = 0;

	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n == 0 || name.n > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];
		if (c < ' ' || c == 0x7f || (c == '.' && label == 0))
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > LABEL_MAX_BYTES)
			return false;
	}
	return label > 0;
}

void dns_print_reverse(const struct addr *a, char out[DNS_REVERSE_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	if (addr_is_v4(a)) {
		snprintf(out, DNS_REVERSE_SIZE, "%u.%u.%u.%u.in-addr.arpa", a->b[15], a->b[14], a->b[13],
			 a->b[12]);
		return;
	}
	for (size_t i = sizeof a->b; i > 0; i--) {
		out[n++] = digits[a->b[i - 1] & 0xf];
		out[n++] = '.';
		out[n++] = digits[a->b[i - 1] >> 4];
		out[n++] = '.';
	}
	memcpy(out + n, "ip6.arpa", sizeof "ip6.arpa");
}
