/* SPDX-License-Identifier: Apache-2.0
 *
 * incoming - the bytes of a message as a room of scan gets them from queue: in pieces, or as a file.
 *
 * The edges to the rooms that read a message say `chunk`, `file` and `end` alike; what goes before them is
 * each room's own. Queue is trusted, and a room that hears what does not fit ends.
 */
#ifndef ROLES_SCAN_INCOMING_H
#define ROLES_SCAN_INCOMING_H

#include "base/buf.h"

struct incoming {
	uint64_t size; /* announced */
	struct buf bytes;
	struct text message; /* when it is complete */
	bool is_mapped, is_complete;
};

void incoming_init(struct incoming *in, uint64_t size);
/* False: more bytes than were announced. */
bool incoming_take_chunk(struct incoming *in, struct text data);
/* Maps the first `size` bytes of a file, read-only. The descriptor stays the caller's. False: it is not that
 * long. */
bool incoming_take_file(struct incoming *in, int fd, uint64_t size);
/* False: not all bytes are there. */
bool incoming_end(struct incoming *in);

#endif
