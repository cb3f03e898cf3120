/* SPDX-License-Identifier: Apache-2.0
 *
 * answer - the records that answer a question, out of a DNS message.
 *
 *	message  = header(12) question answer authority additional           rfc1035 4.1
 *	record   = owner type(2) class(2) ttl(4) length(2) rdata             rfc1035 4.1.3
 *	name     = *( length(1) label ) ( 0 / pointer(2) )                   rfc1035 4.1.4
 *
 * Aliases (CNAME) are followed within the message, in any order; only records of the type that was
 * asked for, owned by the end of the chain, are given. A pointer must lead backwards, so that a name
 * ends. Names are printed in lower case, without the last dot ("." for the root), with \DDD for bytes
 * that are no part of a host name and with "\." for a dot within a label (rfc1035 5.1).
 */
#ifndef ROLES_RESOLVER_ANSWER_H
#define ROLES_RESOLVER_ANSWER_H

#include "ipc/client_resolver.h"
#include "proto/dns_source.h"

#define ANSWER_MAX_RECORDS 512  /* of one answer; the rest is left out */
#define ANSWER_MAX_TEXT    4096 /* of a TXT record; a larger one is left out */
#define ANSWER_MAX_NAME    255  /* as printed; a longer one makes the answer malformed */
#define ANSWER_MAX_ALIASES 16

/* The record's texts live as long as the call. */
typedef void answer_visit_function(void *arg, const struct dns_record *record);

uint16_t answer_type_number(enum client_resolver_type type); /* rfc1035 3.2.2 */

/* OK: at least one record was visited, *ret_n tells how many. NO_DATA, NO_NAME: none. FAILED: the server
 * said so, or the message is malformed, possibly after some records were visited. */
enum client_resolver_status answer_read(struct text message, enum client_resolver_type type,
					answer_visit_function *visit, void *arg, uint32_t *ret_n);

#endif
