/* SPDX-License-Identifier: Apache-2.0
 *
 * room_dns - the DNS as a room has it: a dns_source over a channel to the resolver for judging.
 *
 *	room_dns_init(&dns, fd, deadline, &arena);
 *	room_dns_expect(&dns, DNS_TXT, name);        // is asked now, and waited for when it is wanted
 *	authenticate_message(..., room_dns_source(&dns), ...);
 *
 * Every name and type is asked once for a message. The resolver counts questions, bytes and time; above its
 * budget, behind the deadline, and when it has gone away, the answer is DNS_FAILED.
 */
#ifndef ROLES_SCAN_ROOM_DNS_H
#define ROLES_SCAN_ROOM_DNS_H

#include "ipc/client_resolver.h"
#include "ipc/link.h"
#include "proto/dns_source.h"

#define ROOM_DNS_QUESTIONS_MAX 1024 /* different ones */

struct room_dns_question;

struct room_dns {
	struct dns_source source;
	struct link resolver;
	struct link_in in;
	int64_t deadline;    /* mono ms */
	struct arena *arena; /* questions, answers */
	struct room_dns_question **questions;
	size_t n;
	bool is_away;
};

void room_dns_init(struct room_dns *dns, int fd, int64_t deadline, struct arena *arena);
/* As dns_ask, without waiting. */
void room_dns_expect(struct room_dns *dns, enum dns_type type, struct text name);
const struct dns_source *room_dns_source(const struct room_dns *dns);

#endif
