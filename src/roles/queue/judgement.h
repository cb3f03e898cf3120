/* SPDX-License-Identifier: Apache-2.0
 *
 * judgement - one message on its way through a room of scan: what judge.c keeps, and the kinds of rooms.
 *
 * A message goes through two stages, each with a room, an attempt counter and slots of its own: first it is
 * found out who sent it (origin_room.c), or one that goes out is signed (signing_room.c); then it is judged
 * (verdict_room.c). judge.c knows when; a stage
 * knows what is said with its rooms.
 */
#ifndef QUEUE_JUDGEMENT_H
#define QUEUE_JUDGEMENT_H

#include "ipc/queue_scan.h"
#include "roles/queue/origin.h"
#include "roles/queue/queue.h"

struct judgement;

struct judgement_kind {
	const char *room; /* in the record */
	const struct ipc_edge *edge;
	unsigned side; /* queue's */
	enum queue_scan_kind kind;
	/* Nothing is known: at first, and before another try. */
	void (*reset)(struct judgement *j);
	/* To a new room. ERROR_CORRUPT: the body cannot be read. */
	enum error (*send)(struct judgement *j, const struct mail *mail);
	/* One message of the room. False: it must not say this. *ret_is_complete: there is no more. */
	bool (*take)(struct judgement *j, const struct link_in *in, bool *ret_is_complete);
	/* Everything is known: tells whoever asked, after judge_detach. */
	void (*tell)(struct judgement *j);
	void (*done)(struct judgement *j);
};

extern const struct judgement_kind origin_room, signing_room, verdict_room;

#define SIGNATURE_MAX 32768 /* of queue_keyring */

struct judgement {
	struct judgement *next; /* in line */
	struct queue *q;
	enum judgement_stage stage;
	const struct judgement_kind *kind;
	uint64_t job;
	struct intake *intake; /* one of the two, or none: nobody wants to know any more */
	struct item *item;
	struct mail *mail; /* the intake's */
	struct peer *room;
	uint32_t n, scans;
	uint32_t header_size;
	bool is_running, is_complete, has_ended, was_lost;
	enum queue_scan_how how;
	int64_t deadline;   /* of the client's patience */
	int64_t not_before; /* of the next try */
	int64_t started;

	/* verdict_room.c */
	struct finding *findings; /* by recipient */
	bool *is_found;
	uint32_t n_found;
	char reason[100];
	uint8_t weight;

	/* origin_room.c */
	struct origin *origin;

	/* signing_room.c */
	struct buf signature; /* the fields that keyring made; empty: none */
};

/* Nobody is to be told any more. A room under way is let finish. */
void judge_detach(struct judgement *j);

#endif
