/* SPDX-License-Identifier: Apache-2.0
 *
 * smtp_room - a delivery room's conversation with a server by SMTP or LMTP. smtp_room.c opens and closes
 * it and asks queue for messages, transaction.c sends one.
 */
#ifndef ROLES_DELIVER_SMTP_ROOM_H
#define ROLES_DELIVER_SMTP_ROOM_H

#include "proto/smtp_client.h"
#include "role/stream.h"
#include "roles/deliver/room.h"

struct tls_context;

struct smtp_room {
	const struct conf *conf;
	struct tls_context *tls;
	struct delivery delivery;
	struct deliver_room_begin begin;
	struct arena arena;
	struct stream stream;
	struct smtp_client_reply reply; /* the last one */
	struct smtp_client_caps caps;   /* of the last EHLO or LHLO */
	int64_t ends_at;
	uint32_t n_sent; /* messages that were offered over this connection */
	char piece[DELIVERY_PIECE];
};

int64_t smtp_room_deadline(const struct smtp_room *r, int64_t timeout);
/* Reads one reply. Any error means that the connection is of no use any more. */
enum error smtp_room_read_reply(struct smtp_room *r, int64_t timeout);
static inline bool smtp_room_is_positive(const struct smtp_room *r)
{
	return r->reply.code >= 200 && r->reply.code < 300;
}

/* Sends the message of r->delivery and settles every recipient. True when the connection may take
 * another. */
bool transaction_run(struct smtp_room *r);

#endif
