/* SPDX-License-Identifier: Apache-2.0
 *
 * intake - one message on its way in, before the promise. For intake.c and judge.c.
 */
#ifndef QUEUE_INTAKE_H
#define QUEUE_INTAKE_H

#include "roles/queue/queue.h"

struct intake {
	struct intake *next, *previous;
	struct queue *q;
	struct mail *mail;
	struct peer *session;
	struct judgement *judgement;
	int session_fd; /* until the envelope is complete */
	uint32_t n_named;
	struct text tls_version, tls_cipher; /* in the mail's arena */
	bool is_extended, is_complete, is_committing;
	uint64_t n_bytes, max_size, file_bytes;
	uint64_t max_hops;
	int64_t deadline;                /* of the client's patience, mono ms */
	enum session_queue_outcome doom; /* not ACCEPTED: what the answer will be */
	struct spool_op op;
};

const char *intake_outcome_name(enum session_queue_outcome outcome);

#endif
