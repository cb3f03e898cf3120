/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the text of RTF. Checked beside memory safety: what comes out is UTF-8, no more than three
 * times the input.
 */
#include "base/ensure.h"
#include "judge/rtf_text.h"

#include <unicode/utf8.h>

#define GROWTH 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct charset_cache *cache;
	struct text in = text_from_bytes(data, n);
	struct rtf_facts facts;
	struct buf out;

	if (!cache)
		cache = charset_cache_new();
	buf_init(&out, GROWTH * n);
	if (!rtf_text_add(in, cache, &out, &facts))
		ASSERT(!out.overflow);
	for (size_t i = 0; i < out.n;) {
		UChar32 c;
		U8_NEXT((const uint8_t *)out.p, i, out.n, c);
		ASSERT(c >= 0);
	}
	buf_done(&out);
	return 0;
}
