/* SPDX-License-Identifier: Apache-2.0
 *
 * spool_origin - the frame of what is known of a message's origin, as the spool keeps it.
 *
 *	origin = [ version(1) verdict(1) *record ]
 *	record = length(4) type(1) fields         length: of all that follows; at most SPOOL_ORIGIN_RECORD_MAX
 *
 * The records are those of queue (roles/queue/origin.h), which checks their fields whenever it reads them;
 * here only the frame is known, so that what is stored, imported or salvaged is nothing else. Integers are
 * little-endian.
 */
#ifndef STORE_SPOOL_ORIGIN_H
#define STORE_SPOOL_ORIGIN_H

#include "base/wire.h"

#define SPOOL_ORIGIN_VERSION    1
#define SPOOL_ORIGIN_VERDICTS   8 /* numbers below */
#define SPOOL_ORIGIN_RECORD_MAX 4096
#define SPOOL_ORIGIN_COUNT_MAX  128

bool spool_origin_is_valid(struct text origin); /* the empty one is */

struct spool_origin_reader {
	uint8_t verdict;
	struct wire_reader records;
};

/* False: not valid, or empty. */
bool spool_origin_open(struct text origin, struct spool_origin_reader *ret_reader);
/* False behind the last. A record begins with its type. */
bool spool_origin_next(struct spool_origin_reader *r, struct text *ret_record);

#endif
