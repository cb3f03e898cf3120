/* SPDX-License-Identifier: Apache-2.0
 *
 * room - what the files of the delivery rooms share: the message that queue has given.
 *
 * smtp_room.c holds the conversation with a server, transaction.c one message in it, maildir_room.c
 * writes files, delivery.c talks with queue. All blocking; every wait has a deadline.
 */
#ifndef ROLES_DELIVER_ROOM_H
#define ROLES_DELIVER_ROOM_H

#include "base/arena.h"
#include "conf/conf.h"
#include "ipc/deliver_room.h"
#include "ipc/link.h"
#include "ipc/queue_delivery.h"

#define DELIVERY_PIECE 65536 /* of a body that is read from its file */

struct delivery_rcpt {
	uint32_t index; /* queue's */
	struct text address, orcpt;
	uint8_t notify;
	/* What became of it; texts are copied into the message's arena. */
	bool is_settled;
	enum queue_delivery_outcome outcome;
	unsigned code;
	struct text enhanced, text;
	bool is_relayed;
};

/* One message from queue. The text is the bytes of `inline_text`, then file_size bytes of the file from
 * file_offset. */
struct delivery {
	struct link queue;
	struct link_in in;
	struct arena arena; /* of this message */
	uint64_t id, size;
	struct text sender, envid;
	enum queue_delivery_body body;
	enum queue_delivery_ret ret;
	bool smtputf8;
	bool is_again; /* it may have been delivered before */
	struct delivery_rcpt *rcpts;
	uint32_t n_rcpts;
	struct buf inline_text;
	int file;
	uint64_t file_size, file_offset;
};

void delivery_open(struct delivery *d, int queue_fd);
/* Asks for a message. ERROR_NOT_FOUND: there is none, the room ends. Before the wait `idle` may look
 * after the server: it waits until queue's descriptor can be read and gives another error to give up.
 * NULL: waits for queue alone. */
enum error delivery_next(struct delivery *d, enum error (*idle)(void *arg, int queue_fd), void *arg);
/* Decides one recipient that is not settled yet; a second decision is ignored. */
void delivery_settle(struct delivery *d, struct delivery_rcpt *r, enum queue_delivery_outcome outcome,
		     unsigned code, struct text enhanced, struct text text);
/* All that are not settled yet. */
void delivery_settle_all(struct delivery *d, enum queue_delivery_outcome outcome, unsigned code,
			 const char *enhanced, const char *text);
/* Tells queue what became of each. reusable: the room will ask for another. */
enum error delivery_report(struct delivery *d, bool reusable);

/* Goes through the text, piece by piece, from its start. */
struct delivery_reader {
	uint64_t at;
	char *piece; /* DELIVERY_PIECE bytes, the caller's */
};
/* ERROR_NOT_FOUND: the end. */
enum error delivery_read(const struct delivery *d, struct delivery_reader *r, struct text *ret_piece);

/* Reads `begin` from deliver's channel. */
enum error delivery_begin(int control_fd, struct arena *a, struct deliver_room_begin *ret_begin);

#endif
