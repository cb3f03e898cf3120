/* SPDX-License-Identifier: Apache-2.0
 *
 * origin - what is known of who sent a message: typed results of its authentication room, and what follows.
 *
 * The room proposes (origin_take), queue disposes: origin_judge decides by the configuration of the listener,
 * origin_head writes the fields of the header, and origin_encode keeps everything with the message, in the
 * frame of store/spool_origin.h: each record is one message of the room as ipc/queue_authenticate.def has it.
 * Pure but for memory.
 */
#ifndef QUEUE_ORIGIN_H
#define QUEUE_ORIGIN_H

#include "base/arena.h"
#include "conf/conf.h"
#include "ipc/queue_authenticate.h"
#include "ipc/session_queue.h"
#include "store/spool.h"

#define ORIGIN_SIGNATURES_MAX   16
#define ORIGIN_OVERRIDES_MAX    4
#define ORIGIN_DESTINATIONS_MAX 16
#define ORIGIN_CUTS_MAX         64
#define ORIGIN_HEAD_MAX         8192 /* bytes of the fields */

/* What becomes of it because of who sent it. The numbers are on disk. */
enum origin_verdict {
	ORIGIN_ACCEPTED,
	ORIGIN_QUARANTINED, /* DMARC */
	ORIGIN_SPF_REFUSED,
	ORIGIN_SPF_LATER,
	ORIGIN_DKIM_REFUSED,
	ORIGIN_DKIM_LATER,
	ORIGIN_DMARC_REFUSED,
	ORIGIN_DMARC_LATER,
	ORIGIN_VERDICTS
};

struct origin {
	struct arena arena; /* of the texts below */
	struct buf records; /* of the spool's frame, as they were taken */
	bool has_iprev, has_spf[2], has_arc, has_dmarc, has_bimi;
	struct queue_authenticate_iprev iprev;
	struct queue_authenticate_spf spf[2]; /* by identity */
	struct queue_authenticate_dkim dkim[ORIGIN_SIGNATURES_MAX];
	struct queue_authenticate_arc arc;
	struct queue_authenticate_dmarc dmarc;
	struct queue_authenticate_override overrides[ORIGIN_OVERRIDES_MAX];
	struct queue_authenticate_bimi bimi;
	struct queue_authenticate_cut cuts[ORIGIN_CUTS_MAX]; /* rising, within the header */
	struct text destinations[ORIGIN_DESTINATIONS_MAX];   /* of reports; not kept in the spool */
	size_t n_dkim, n_overrides, n_cuts, n_destinations;
	uint64_t cut_size;           /* of all cuts */
	enum origin_verdict verdict; /* after origin_judge, and from disk */
};

struct origin *origin_new(void);
void origin_free(struct origin *o); /* NULL is allowed */

/* Takes what a room says: a message of the edge. False: it must not say this (any more). header_size: of the
 * message's own header. */
bool origin_take(struct origin *o, unsigned type, const void *body, uint32_t header_size);

/* Sets o->verdict. The first refusal counts, in the order SPF of HELO, of MAIL FROM, DKIM, DMARC. */
void origin_judge(struct origin *o, const struct conf_authentication *conf);

/* The answer to a client that waits; ACCEPTED also for what is quarantined. */
enum session_queue_outcome origin_outcome(enum origin_verdict verdict);
/* Why it is refused or held, for people; "" for what is accepted. */
const char *origin_reason(enum origin_verdict verdict);
/* What the domain says about its refusal, for the answer; empty: nothing, or it is not wanted. */
struct text origin_explanation(const struct origin *o, const struct conf_authentication *conf);

/* For the spool: at most SPOOL_ORIGIN_MAX bytes. False: more. */
bool origin_encode(const struct origin *o, struct buf *out);
/* From the spool. NULL: there is none, or it is not sound. */
struct origin *origin_decode(struct text record, uint32_t header_size);
/* Only its verdict; ACCEPTED where there is none. */
enum origin_verdict origin_verdict_of(struct text record);

/* Our name in results. */
struct text origin_authserv_id(const struct conf *conf, const struct conf_authentication *a);
/* Is a message of this listener and with these flags to be authenticated, and has not been? */
bool origin_is_wanted(const struct conf *conf, const struct spool_message *m);

/* Authentication-Results and Received-SPF, which go before the message. */
void origin_head(const struct origin *o, const struct conf *conf, const struct spool_message *m,
		 struct buf *out);
/* What is known, one check after another; detail: at most ORIGIN_DETAIL_MAX of a stranger's bytes. */
#define ORIGIN_DETAIL_MAX 500

typedef void origin_row_function(void *arg, const char *method, const char *result, struct text detail);

void origin_show(const struct origin *o, origin_row_function *row, void *arg);
/* "spf=pass dkim=pass(example.com) dmarc=pass" for the record. */
void origin_summary(const struct origin *o, struct buf *out);

#endif
