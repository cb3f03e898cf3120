/* SPDX-License-Identifier: Apache-2.0
 *
 * address_list - the addresses of a From, To, Cc, Reply-To or Sender field. rfc5322 3.4 and 4.4,
 * rfc6532 3.2, rfc2047 5
 *
 * Reads what strangers wrote as mail readers would: groups, comments, routes, missing commas, semicolons
 * instead of them, names without quotes, words without an address are all taken. Where two readers
 * would see different addresses a bit of ADDRESS_DEFECTS_AMBIGUOUS is set, and the list holds every
 * address that stands there: for the check of a From field each of them counts. Linear.
 */
#ifndef PROTO_ADDRESS_LIST_H
#define PROTO_ADDRESS_LIST_H

#include "base/arena.h"
#include "proto/charset.h"

/* Beside those of charset.h and encoded_word.h, which are about names and comments. */
enum address_defect {
	ADDRESS_DEFECT_SYNTAX = 1 << 8,       /* a word too many, a semicolon, a blank within; all agree */
	ADDRESS_DEFECT_NO_DOMAIN = 1 << 9,    /* words only, or "<>" */
	ADDRESS_DEFECT_ROUTE = 1 << 10,       /* "@relay:" before it, dropped */
	ADDRESS_DEFECT_NAME = 1 << 11,        /* its name holds another address: people read that one */
	ADDRESS_DEFECT_QUOTED_WORD = 1 << 12, /* an encoded word within quotes: some show it undecoded */
	ADDRESS_DEFECT_OPEN = 1 << 13,        /* a quote, comment or angle that is not closed */
	ADDRESS_DEFECT_TWO_AT = 1 << 14,      /* "a@b@c" */
	ADDRESS_DEFECT_NO_COMMA = 1 << 15,    /* two addresses with no comma between */
	ADDRESS_DEFECT_BARE_NAME = 1 << 16,   /* "a@b <c@d>" */
	ADDRESS_DEFECT_ENCODED = 1 << 17,     /* an encoded word that makes, or is within, an address */
};

#define ADDRESS_DEFECTS_AMBIGUOUS                                                                            \
	(ADDRESS_DEFECT_OPEN | ADDRESS_DEFECT_TWO_AT | ADDRESS_DEFECT_NO_COMMA | ADDRESS_DEFECT_BARE_NAME |  \
	 ADDRESS_DEFECT_ENCODED)

struct address_group {
	struct address_group *next;
	struct text name, comment; /* decoded */
	size_t n_addresses;
};

struct address {
	struct address *next;
	const struct address_group *group; /* NULL: in none */
	struct text name;                  /* decoded, UTF-8; of a comment where there is no other */
	struct text comment;               /* all its comments, decoded, a blank between them */
	struct text address;               /* as written, without comments and blanks */
	struct text local, domain;         /* of it, around its last "@"; local with its quotes */
	bool is_other; /* stands in a name: what another reader would take for the address */
	unsigned defects;
};

struct address_list {
	struct address *first, *last;
	size_t n_addresses;
	struct address_group *first_group, *last_group;
	size_t n_groups;
	unsigned defects; /* of all together */
};

/* The body of a field. At most max_addresses addresses and as many groups. False when that, or the
 * arena, was not enough: the list holds those up to there. */
bool address_list_parse(struct text body, size_t max_addresses, struct charset_cache *cache,
			struct arena *arena, struct address_list *ret_list);

#endif
