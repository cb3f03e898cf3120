/* SPDX-License-Identifier: Apache-2.0
 *
 * Registrable domains, by libpsl's built-in list. Called by checks of a message's origin and by whoever
 * compares links, in rooms, with names that strangers wrote. Trusts nothing about them. libpsl is given
 * copies with a NUL at the end, in lower case, of at most NAME_MAX_BYTES. Invariant: what is given back
 * is empty or lies at the end of the name, and begins at the start of a label.
 */
#include "proto/public_suffix.h"

#include <libpsl.h>
#include <string.h>

#define NAME_MAX_BYTES 1024 /* a name of 253 bytes in A-labels has fewer in UTF-8 */

struct name {
	char bytes[NAME_MAX_BYTES + 1];
	size_t n;
};

static struct text without_end_dot(struct text host)
{
	if (host.n && host.p[host.n - 1] == '.')
		host.n--;
	return host;
}

/* False for what is no name: then no rule is asked. */
static bool take_name(struct text host, struct name *ret_name)
{
	if (host.n == 0 || host.n > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < host.n; i++) {
		bool is_dot = host.p[i] == '.';
		if (host.p[i] == '\0' || (is_dot && (i == 0 || i + 1 == host.n || host.p[i + 1] == '.')))
			return false;
		ret_name->bytes[i] = text_lower_byte(host.p[i]);
	}
	ret_name->bytes[host.n] = '\0';
	ret_name->n = host.n;
	return true;
}

struct text public_suffix_registrable(struct text host)
{
	struct text name_text = without_end_dot(host);
	const char *found;
	struct name name;

	if (!take_name(name_text, &name))
		return (struct text){ 0 };
	found = psl_registrable_domain(psl_builtin(), name.bytes);
	return found ? text_skip(name_text, name.n - strlen(found)) : (struct text){ 0 };
}

bool public_suffix_is(struct text host)
{
	struct name name;

	return take_name(without_end_dot(host), &name) && psl_is_public_suffix(psl_builtin(), name.bytes);
}

/* Every rule ends in a top-level domain that the list has a rule for, so the last label tells. */
bool public_suffix_is_listed_below(struct text host)
{
	struct text name_text = without_end_dot(host);
	size_t dot = text_find_last_byte(name_text, '.');
	struct name name;

	if (dot == SIZE_MAX || dot == 0 || !take_name(text_skip(name_text, dot + 1), &name))
		return false;
	return psl_is_public_suffix2(psl_builtin(), name.bytes, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE);
}
