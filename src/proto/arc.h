/* SPDX-License-Identifier: Apache-2.0
 *
 * arc - validates an Authenticated Received Chain. rfc8617 5.2
 *
 * A chain is what each hop found out about the message and sealed. A valid one says that nobody changed those
 * findings; whether they are worth anything depends on who sealed them, which is for the caller:
 * arc_trusted_from.
 */
#ifndef PROTO_ARC_H
#define PROTO_ARC_H

#include "proto/dkim_message.h"
#include "proto/dkim_verify.h"

enum arc_reason {
#define REASON(name, word, text) ARC_REASON_##name,
#include "proto/arc_reasons.def"
#undef REASON
	ARC_REASON_COUNT
};

const char *arc_reason_word(enum arc_reason reason);
const char *arc_reason_text(enum arc_reason reason);
const char *arc_cv_word(enum arc_cv cv); /* "none" "pass" "fail" */

struct arc_set {
	unsigned instance;
	struct text
		results; /* ARC-Authentication-Results behind "i=N;": authserv-id and results, as received */
	struct text sealer; /* d= of the seal, checked */
	struct text selector;
	enum arc_cv cv;                                  /* what the sealer found */
	size_t results_field, message_field, seal_field; /* their indices in the header */
	struct dkim_result message, seal;                /* AUTH_NONE: not looked at */
};

struct arc_report {
	enum arc_cv cv;          /* of the chain as a whole */
	enum auth_result result; /* the same; temperror where a key could not be had (cv is fail then) */
	enum arc_reason reason;
	enum dkim_reason signature; /* of the signature that failed, when that is the reason */
	unsigned failed;            /* the instance that failed, 0: none, or the structure */
	struct arc_set *sets;       /* instance i is sets[i - 1]; NULL when the structure is not valid */
	unsigned n;
	unsigned oldest_pass; /* arc.oldest-pass: the lowest instance from which on all AMS pass; 0: all, or
			       * no pass at all; rfc8617 5.2 and 10.2 */
};

/* When the arena is full: temperror. */
void arc_validate(struct dkim_message *m, const struct dns_source *dns, int64_t now,
		  struct arc_report *ret_report);

/* The lowest instance from which on every sealer is trusted: the findings in that set can be believed, since
 * all who could have forged them are trusted. 1: the whole chain. 0: the chain is not valid or its last
 * sealer is not trusted. */
unsigned arc_trusted_from(const struct arc_report *report,
			  bool (*is_trusted)(void *context, struct text domain), void *context);

#endif
