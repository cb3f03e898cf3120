/* SPDX-License-Identifier: Apache-2.0
 *
 * arc_seal - adds a set to a chain: what was found out about a message, signed and sealed. rfc8617 5.1
 */
#ifndef PROTO_ARC_SEAL_H
#define PROTO_ARC_SEAL_H

#include "proto/arc.h"
#include "proto/dkim_sign.h"

struct arc_seal_spec {
	enum dkim_algorithm algorithm;
	struct text domain, selector;
	struct text results; /* authserv-id and results, as in Authentication-Results, folded or not */
	int64_t signed_at;   /* t= of both signatures; -1: none */
	struct dkim_sign_choice choice;
	struct text *names; /* h= of the message's signature; NULL: by the choice */
	size_t n_names;
};

enum arc_seal_outcome {
	ARC_SEAL_DONE,
	ARC_SEAL_BROKEN, /* the chain was found broken before: nothing is added to it; rfc8617 5.1.2 */
	ARC_SEAL_FULL,   /* there are 50 sets */
	ARC_SEAL_FAILED, /* no memory, or the signer could not */
};

/* `found` is what arc_validate said of the message. Adds three fields, in the order in which they are to
 * stand at the top: ARC-Seal, ARC-Message-Signature, ARC-Authentication-Results. */
enum arc_seal_outcome arc_seal(struct dkim_message *m, const struct arc_report *found,
			       const struct arc_seal_spec *spec, const struct dkim_signer *signer,
			       struct buf *out);

#endif
