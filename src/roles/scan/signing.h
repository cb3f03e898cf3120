/* SPDX-License-Identifier: Apache-2.0
 *
 * signing - what of an outgoing message is to be signed, said to keyring.
 */
#ifndef ROLES_SCAN_SIGNING_H
#define ROLES_SCAN_SIGNING_H

#include "base/arena.h"
#include "conf/conf.h"

/* fd: the channel to keyring; closed. The block dkim may be gone (NULL), and the message may be none of it:
 * then nothing is said. Ends when keyring has closed the channel, or at the deadline. */
void signing_prepare(int fd, const struct conf *conf, uint64_t profile, struct text message, int64_t deadline,
		     struct arena *arena);

#endif
