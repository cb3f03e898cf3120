/* SPDX-License-Identifier: Apache-2.0
 *
 * The frame of a message's origin. Called by whatever reads or writes a message of the spool, and by queue.
 * Trusts nothing: it reads rows of a file and records of an import. Invariant: a reader that was opened comes
 * to the end of the text with its last record.
 */
#include "store/spool_origin.h"

#include "store/spool.h"

#define FRAME 2 /* version, verdict */

bool spool_origin_is_valid(struct text origin)
{
	struct wire_reader r = wire_reader_of(origin);
	unsigned n = 0;

	if (origin.n == 0)
		return true;
	if (origin.n > SPOOL_ORIGIN_MAX || wire_get_int(&r, 1) != SPOOL_ORIGIN_VERSION ||
	    wire_get_int(&r, 1) >= SPOOL_ORIGIN_VERDICTS)
		return false;
	for (; wire_left(&r) > 0 && !r.bad; n++)
		if (wire_get_counted(&r, SPOOL_ORIGIN_RECORD_MAX).n == 0)
			return false;
	return !r.bad && n <= SPOOL_ORIGIN_COUNT_MAX;
}

bool spool_origin_open(struct text origin, struct spool_origin_reader *ret_reader)
{
	if (origin.n == 0 || !spool_origin_is_valid(origin))
		return false;
	ret_reader->verdict = (uint8_t)origin.p[1];
	ret_reader->records = wire_reader_of(text_skip(origin, FRAME));
	return true;
}

bool spool_origin_next(struct spool_origin_reader *r, struct text *ret_record)
{
	if (wire_left(&r->records) == 0)
		return false;
	*ret_record = wire_get_counted(&r->records, SPOOL_ORIGIN_RECORD_MAX);
	return true;
}
