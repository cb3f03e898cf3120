/* SPDX-License-Identifier: Apache-2.0
 *
 * dns_source - whoever answers questions to the DNS, for the checks that live on its answers.
 *
 * The checks of proto (SPF, DKIM, ARC, DMARC, BIMI, iprev) ask in plain order and get a typed answer; where
 *it comes from is their caller's affair: `resolver` over a channel, a zone file, a table of a test. A source
 * follows aliases, keeps its own budget of names and time, and gives DNS_FAILED when that is used up: to a
 * check that is the same as a server that does not answer. Everything that is temporary is DNS_FAILED.
 *
 *	dns_ask(source, DNS_TXT, name, arena, &answer);
 *	if (answer.status == DNS_FAILED) ...temperror...
 *	for (size_t i = 0; i < answer.n; i++) ...answer.records[i]...
 */
#ifndef PROTO_DNS_SOURCE_H
#define PROTO_DNS_SOURCE_H

#include "base/addr.h"
#include "base/arena.h"

/* The numbers of rfc1035 3.2.2 and rfc3596 2.1. */
enum dns_type { DNS_A = 1, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28 };

enum dns_status {
	DNS_FOUND,   /* at least one record of this type */
	DNS_NO_DATA, /* the name is there, without one */
	DNS_NO_NAME, /* the name is not there: NXDOMAIN */
	DNS_FAILED,  /* no answer: time-out, SERVFAIL, a proof that fails, the budget is used up */
};

/* Which fields are set depends on the type asked for. */
struct dns_record {
	uint32_t ttl;
	struct addr address; /* A, AAAA */
	struct text name;    /* MX, PTR: lower case, without the last dot, in the form of rfc1035 5.1 */
	uint16_t preference; /* MX */
	struct text data;    /* TXT, its strings one after another (rfc7208 3.3); any byte */
};

struct dns_answer {
	enum dns_status status;
	bool is_secure;             /* proven by DNSSEC */
	const char *why;            /* of DNS_FAILED: a word for people, "timeout"; else NULL */
	struct dns_record *records; /* in the arena of the question */
	size_t n;
};

struct dns_source {
	void *context;
	/* The name is what the check made of a stranger's bytes: any byte, any length. A source must itself
	 * give DNS_NO_NAME for what is no domain name. ret_answer is zeroed before. */
	void (*ask)(void *context, enum dns_type type, struct text name, struct arena *arena,
		    struct dns_answer *ret_answer);
};

/* Also cuts a last dot off the name. When the arena is full the answer is DNS_FAILED. */
void dns_ask(const struct dns_source *source, enum dns_type type, struct text name, struct arena *arena,
	     struct dns_answer *ret_answer);

const char *dns_type_word(enum dns_type type);       /* "TXT" */
const char *dns_status_word(enum dns_status status); /* "found" "no-data" "no-name" "failed" */

/* A name that may be a domain's: rfc1035 2.3.4, labels of 1..63 bytes, at most 253 in all, no blank and no
 * control byte; a last dot is allowed. */
bool dns_name_is_valid(struct text name);
/* A name that may be asked for: the same, but with blanks, which macros of SPF can make (rfc2181 11). */
bool dns_name_is_askable(struct text name);

#define DNS_REVERSE_SIZE 73
/* "1.2.0.192.in-addr.arpa", or the nibbles of rfc3596 2.5; NUL-terminated. rfc1035 3.5 */
void dns_print_reverse(const struct addr *a, char out[DNS_REVERSE_SIZE]);

#endif
