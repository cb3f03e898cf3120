/* SPDX-License-Identifier: Apache-2.0
 *
 * Ids of messages: made, printed, read. A number of 63 bits, milliseconds since 1970 in the upper 43
 * and a count in the lower 20, so that ids rise with time and sort as text. They are names, not
 * secrets, and no clock: after a restart they may run up to a minute ahead (S5).
 *
 * Printed in 13 characters of Crockford's base 32, lower case; reading is strict, so that one id has
 * one name.
 */
#include "store/spool_private.h"

#include "base/clock.h"
#include "base/ensure.h"

enum { ID_CHARS = SPOOL_ID_SIZE - 1 };

static const char id_digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

uint64_t spool_next_id(struct spool *s)
{
	int64_t now = clock_wall_ms();
	uint64_t id = now > 0 ? (uint64_t)now << 20 : 0;

	if (id <= s->last_id)
		id = s->last_id + 1;
	ASSERT(id <= INT64_MAX);
	s->last_id = id;
	return id;
}

void spool_print_id(uint64_t id, char out[SPOOL_ID_SIZE])
{
	for (unsigned i = ID_CHARS; i-- > 0; id >>= 5)
		out[i] = id_digits[id & 31];
	out[ID_CHARS] = 0;
}

bool spool_parse_id(struct text t, uint64_t *ret_id)
{
	uint64_t id = 0;

	if (t.n != ID_CHARS || t.p[0] > '7') /* 63 bits */
		return false;
	for (size_t i = 0; i < t.n; i++) {
		const char *digit = t.p[i] ? strchr(id_digits, t.p[i]) : NULL;
		if (!digit)
			return false;
		id = id << 5 | (uint64_t)(digit - id_digits);
	}
	*ret_id = id;
	return id > 0;
}
