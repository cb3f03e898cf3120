/* SPDX-License-Identifier: Apache-2.0
 *
 * dns_memo - a dns_source that asks another one each question only once, for as long as one message is
 * checked. SPF of two identities, iprev and DMARC ask much of the same; a name that does not answer is
 * waited for once.
 *
 * An answer lives in the arena in which it was asked for first, so all questions to one memo come with the
 * same arena. No clock is needed: nothing gets old within one message.
 */
#ifndef PROTO_DNS_MEMO_H
#define PROTO_DNS_MEMO_H

#include "proto/dns_source.h"

#define DNS_MEMO_MAX 128 /* answers that are kept; later questions are passed on */

struct dns_memo_entry {
	enum dns_type type;
	uint64_t hash;
	struct text name; /* lower case */
	struct dns_answer answer;
};

struct dns_memo {
	const struct dns_source *source;
	struct dns_memo_entry entries[DNS_MEMO_MAX];
	size_t n;
};

void dns_memo_init(struct dns_memo *memo, const struct dns_source *source);
struct dns_source dns_memo_source(struct dns_memo *memo);

#endif
