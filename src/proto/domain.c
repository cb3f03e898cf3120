/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of domains, by libidn2. Called by rooms, with what strangers wrote; the processes behind them
 * only ever see the ASCII form. Policy calls it too, with what the administrator wrote. Trusts nothing.
 * Invariant: the result is ASCII and no longer than a domain may be.
 */
#include "proto/domain.h"

#include "proto/smtp_address.h"

#include <idn2.h>
#include <string.h>

#define DOMAIN_MAX 255

bool domain_to_ascii(struct text name, struct arena *a, struct text *ret_ascii)
{
	char plain[DOMAIN_MAX + 1], *ascii = NULL;
	bool ok;

	*ret_ascii = name;
	if (text_is_ascii(name))
		return true;
	if (name.n > DOMAIN_MAX || text_find_byte(name, '\0') != name.n)
		return false;
	memcpy(plain, name.p, name.n);
	plain[name.n] = '\0';
	if (idn2_to_ascii_8z(plain, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	ok = smtp_domain_is_valid(text_from_cstr(ascii)) && strlen(ascii) <= DOMAIN_MAX &&
	     arena_copy(a, text_from_cstr(ascii), ret_ascii);
	idn2_free(ascii);
	return ok;
}

bool domain_is_equal(struct text a, struct text b)
{
	struct text ascii_a, ascii_b;
	struct arena arena;
	bool is_equal;

	if (text_is_equal_nocase(a, b))
		return true;
	if (text_is_ascii(a) && text_is_ascii(b))
		return false;
	arena_init(&arena, 1024);
	is_equal = domain_to_ascii(a, &arena, &ascii_a) && domain_to_ascii(b, &arena, &ascii_b) &&
		   text_is_equal_nocase(ascii_a, ascii_b);
	arena_reset(&arena);
	return is_equal;
}
