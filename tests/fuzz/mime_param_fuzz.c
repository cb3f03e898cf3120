/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a structured field of MIME and every reading of its parameters. Checked beside memory
 * safety: no reading is longer than the field, no two are the same, each becomes text.
 */
#include "base/ensure.h"
#include "proto/mime_param.h"

#define GROWTH 9
#define MEMORY ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_reading(const struct mime_reading *r, struct charset_cache *cache, size_t max)
{
	unsigned defects = 0;
	struct buf out;

	ASSERT(r->raw.n <= max && r->charset.n <= max);
	for (const struct mime_reading *other = r->next; other; other = other->next)
		ASSERT(!text_is_equal(r->raw, other->raw) || !text_is_equal(r->charset, other->charset));
	buf_init(&out, GROWTH * r->raw.n + 64);
	ASSERT(mime_param_decode(r, cache, &out, &defects));
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct charset_cache *cache;
	struct mime_limits limits = mime_limits_default();
	struct mime_reading *first;
	struct mime_value value;
	struct arena arena;

	if (!cache)
		cache = charset_cache_new();
	arena_init(&arena, MEMORY);
	if (mime_value_parse(text_from_bytes(data, n), &limits, &arena, &value) != MIME_TROUBLE_MEMORY) {
		(void)!mime_param_readings(&value, "x", &arena, &first);
		for (const struct mime_reading *r = first; r; r = r->next)
			check_reading(r, cache, n);
	}
	arena_reset(&arena);
	return 0;
}
