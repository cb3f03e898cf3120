/* SPDX-License-Identifier: Apache-2.0
 *
 * report - from what DMARC found of single messages to one report a day for each domain that wants one.
 *
 * evaluation.c puts together what queue says of one message; compose.c makes the mail of one report from the
 * store. Both are pure but for memory. main.c is the role: when.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "base/arena.h"
#include "base/buf.h"
#include "conf/conf.h"
#include "ipc/queue_report.h"
#include "proto/dmarc_report.h"
#include "store/report_store.h"

#define REPORT_SIGNATURES_MAX   16
#define REPORT_OVERRIDES_MAX    8
#define REPORT_DESTINATIONS_MAX REPORT_STORE_DESTINATIONS_MAX
#define REPORT_DAY              ((int64_t)86400)

/* ---- evaluation.c ---- */

/* One message, while queue is telling it. */
struct evaluation {
	struct arena arena;
	bool has_head;
	struct queue_report_evaluation head;
	struct queue_report_signature signatures[REPORT_SIGNATURES_MAX];
	struct queue_report_override overrides[REPORT_OVERRIDES_MAX];
	struct text destinations[REPORT_DESTINATIONS_MAX];
	size_t n_signatures, n_overrides, n_destinations;
};

/* False: out of turn, or more than there may be. */
bool evaluation_take(struct evaluation *e, unsigned type, const void *body);
/* Counts it under this day, and forgets it. */
enum error evaluation_store(struct evaluation *e, struct report_store *store, int64_t day);
void evaluation_reset(struct evaluation *e);

/* ---- compose.c ---- */

struct report_mail {
	struct arena arena;
	struct buf gzip;                                       /* the report */
	struct dmarc_report_mail facts;                        /* of its mail, but for the recipient */
	struct text destinations[REPORT_DESTINATIONS_MAX + 1]; /* the last may be the copy's */
	size_t n_destinations, n_records;
	uint64_t n_messages;
};

void report_mail_init(struct report_mail *mail);
void report_mail_done(struct report_mail *mail);
/* Makes one report of the store; number tells those of one moment apart. ERROR_TOO_LARGE: above max-size. */
enum error report_mail_make(struct report_mail *mail, struct report_store *store,
			    const struct report_store_row *report, const struct conf *conf, uint64_t number,
			    int64_t now);
/* The mail to one of its destinations; false: larger than out may be. */
bool report_mail_write(const struct report_mail *mail, struct text to, struct buf *out);

/* "postmaster@hostname" where nothing else is set. */
void report_sender(const struct conf *conf, struct buf *out);

#endif
