/* SPDX-License-Identifier: Apache-2.0
 *
 * text - a view of bytes that somebody else owns.
 *
 * A struct text is passed by value, is never NUL-terminated by promise and may hold any byte, NUL
 * too. It lives as long as what it points into: the arena, the packet, the line. {NULL, 0} is the
 * empty text. Nothing here allocates. Comparisons "nocase" fold ASCII letters only, as every mail
 * standard asks (RFC 5321 2.4).
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
	const char *p;
	size_t n;
};

/* For printf: "%.*s", TEXT_ARGS(t). */
#define TEXT_ARGS(t) (int)(t).n, ((t).p ? (t).p : "")
/* A text of a string literal, usable in static tables. */
#define TEXT(literal)                                                                                        \
	{                                                                                                    \
		"" literal, sizeof(literal) - 1                                                              \
	}

struct text text_from_bytes(const void *p, size_t n);
struct text text_from_cstr(const char *s); /* NULL gives the empty text */

bool text_is_equal(struct text a, struct text b);
bool text_is_equal_nocase(struct text a, struct text b);
bool text_is_cstr(struct text a, const char *b);
bool text_is_cstr_nocase(struct text a, const char *b);
bool text_has_prefix(struct text t, struct text prefix);
bool text_has_prefix_nocase(struct text t, struct text prefix);
bool text_has_suffix_nocase(struct text t, struct text suffix);

/* Bytes from..to (to excluded); both are cut to the length. */
struct text text_slice(struct text t, size_t from, size_t to);
struct text text_skip(struct text t, size_t n);

/* Offset of the first/last such byte, or t.n / SIZE_MAX when there is none. */
size_t text_find_byte(struct text t, char c);
size_t text_find_last_byte(struct text t, char c); /* SIZE_MAX: none */
/* Offset of needle, or SIZE_MAX. */
size_t text_find(struct text t, struct text needle);
size_t text_find_nocase(struct text t, struct text needle);

/* Cuts at the first `c`: head before it, tail after it. Without one: head is all, tail is empty
 * and false is returned. The out-parameters may alias t's own variable. */
bool text_cut(struct text t, char c, struct text *ret_head, struct text *ret_tail);

/* Without SP, HTAB, CR and LF at both ends. */
struct text text_trim(struct text t);

/* Decimal digits only, all of them, no sign, no blank; false when empty or above max. */
bool text_parse_u64(struct text t, uint64_t max, uint64_t *ret_value);

/* Every byte printable ASCII (0x20..0x7e)? Valid UTF-8 without control characters? */
bool text_is_printable(struct text t);
bool text_is_utf8(struct text t);
bool text_is_ascii(struct text t);

/* FNV-1a, for tables that no stranger can fill. */
uint64_t text_hash(struct text t);

char text_lower_byte(char c);

#endif
