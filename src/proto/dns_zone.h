/* SPDX-License-Identifier: Apache-2.0
 *
 * dns_zone - a dns_source that answers from records it was given, and from nothing else.
 *
 * For `postern authenticate --zone`, for the public suites and for tests. Every name that is not there does
 * not exist, for any top level domain. Aliases are followed, at most DNS_ZONE_ALIASES_MAX; a name that only
 * has names below it exists without data (rfc8020); "*" stands for the names below its parent that are not
 * there (rfc4592 3.3). Names are compared without case. A name, or a type at a name, may be said to fail.
 *
 * Errors: ERROR_MALFORMED (a name that DNS cannot hold), ERROR_TOO_LARGE (more than the zone's maximum).
 */
#ifndef PROTO_DNS_ZONE_H
#define PROTO_DNS_ZONE_H

#include "base/error.h"
#include "proto/dns_source.h"

#define DNS_ZONE_ALIASES_MAX 16

/* Types that a zone keeps beside those that can be asked for; of any other only that its name is there. */
enum { DNS_ZONE_ANY = 0, DNS_ZONE_CNAME = 5, DNS_ZONE_SPF = 99 };

struct dns_zone;

struct dns_zone *dns_zone_new(size_t max_bytes); /* all its records together */
void dns_zone_free(struct dns_zone *zone);       /* NULL is allowed */

/* Answers point into the zone, which must live as long. */
struct dns_source dns_zone_source(struct dns_zone *zone);

/* One record. Names are absolute, with or without the last dot, in the form of rfc1035 5.1. Which fields of
 * the record count depends on the type; a CNAME has its target in `name`. All texts are copied. */
enum error dns_zone_add(struct dns_zone *zone, struct text owner, uint16_t type,
			const struct dns_record *record);

/* Questions for this type at this name get DNS_FAILED; with DNS_ZONE_ANY those for every type of which
 * there is no record. `why` must outlive the zone. */
enum error dns_zone_add_failure(struct dns_zone *zone, struct text owner, uint16_t type, const char *why);

/* "TXT", "type99". False: no such type is known. */
bool dns_zone_type_of_word(struct text word, uint16_t *ret_type);

struct dns_zone_mistake {
	unsigned line, column; /* from 1 */
	const char *what;      /* what is wrong, with the cure */
};

/* All records of a master file. rfc1035 5. False at the first mistake; records before it were added.
 *
 * Beside the standard: relative names before any $ORIGIN are below the root; times may be written as 1h30m;
 * a string of a TXT record may have any length; and
 *
 *	$TIMEOUT name [type]	questions for this name get no answer
 *
 * $INCLUDE is a mistake: no other file is read. Types that no check asks for are only looked at for the form
 * of their tokens. */
bool dns_zone_read(struct dns_zone *zone, struct text master_file, struct dns_zone_mistake *ret_mistake);

#endif
