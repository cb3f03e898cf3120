/* SPDX-License-Identifier: Apache-2.0
 *
 * dmarc_from - the domains that a message claims to be from. rfc9989 5.3.1 and 11.5
 *
 * Looks at every From field of the header, since a mail reader may show any of them.
 */
#ifndef PROTO_DMARC_FROM_H
#define PROTO_DMARC_FROM_H

#include "proto/dmarc.h"
#include "proto/mime_limits.h"

/* More different domains than this are not collected: the message counts as malformed. */
#define DMARC_FROM_DOMAINS_MAX 64

/* Of a whole message or its header. Domains are copied into the arena. False: a limit of the reader was met
 * or the arena is full; what was found up to there is in ret_from, marked malformed. */
bool dmarc_from_read(struct text message, const struct mime_limits *limits, struct arena *arena,
		     struct dmarc_from *ret_from);

#endif
