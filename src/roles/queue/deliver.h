/* SPDX-License-Identifier: Apache-2.0
 *
 * deliver - one delivery: a connection, or the attempt at one, to a destination. For deliver.c, which
 * opens and closes them, and delivery.c, which hands messages over.
 */
#ifndef QUEUE_DELIVER_H
#define QUEUE_DELIVER_H

#include "roles/queue/queue.h"

struct outcome {
	bool is_known;
	bool is_ours; /* not known, by a fault of ours: no attempt is counted, and it is tried again soon */
	uint8_t outcome; /* enum queue_delivery_outcome */
	uint16_t code;
	bool is_relayed;
	struct text enhanced, text; /* in the delivery's arena */
};

struct delivery {
	struct queue *q;
	uint64_t job;
	struct destination *destination;
	struct peer *room;   /* NULL: the channel is over */
	bool has_ended;      /* deliver has said so, or is away */
	bool is_orphan;      /* deliver went away first: no fault of message or server */
	bool is_connecting;  /* it has not asked for a message yet */
	bool is_idle;        /* it waits for a message */
	int64_t idle_until;  /* monotonic */
	uint64_t n_messages; /* given to it */
	char remote[256];    /* "host [address]" */

	/* The message that it has. */
	struct part *part;
	struct item *item;
	struct outcome *outcomes; /* as part->rcpts */
	uint32_t n_known;
	struct arena arena;
};

/* It asked for a message, or one became ready. Gives it the head of the line. */
void delivery_feed(struct delivery *d);
/* The room's messages. */
void delivery_take(void *owner, struct peer *p, struct link_in *in);
/* The message that it has, if any, is over: what is not known did not happen, as far as we know. */
void delivery_close_part(struct delivery *d, const char *why);
void delivery_set_idle(struct delivery *d, bool is_idle);
/* Everything ready for this destination is put off (is_final: refused for good). No room was made. */
void delivery_fail_line(struct queue *q, struct destination *d, bool is_final, const char *enhanced,
			const char *why);

#endif
