/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: text of a stranger's character set, and of header fields. The input is a label, an empty
 * line end, and the text. Checked beside memory safety: what comes out is UTF-8; it is no longer than
 * the promise of the widest set; decoding twice, with the converters kept open, gives the same; a text
 * of ASCII without "=?" and folds stays as it is.
 */
#include "base/ensure.h"
#include "proto/encoded_word.h"

#include <unicode/utf8.h>

#define GROWTH 9 /* bytes of output for a byte of input, at most; U+FFFD and two UTF-16 units are 3 each */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_utf8(struct text t)
{
	for (size_t i = 0; i < t.n;) {
		UChar32 c;
		U8_NEXT((const uint8_t *)t.p, i, t.n, c);
		ASSERT(c >= 0);
	}
}

static void check_charset(struct charset_cache *cache, struct text label, struct text in)
{
	struct buf first, second;
	unsigned defects = 0, again = 0;

	buf_init(&first, GROWTH * in.n + 64);
	buf_init(&second, GROWTH * in.n + 64);
	ASSERT(charset_decode(cache, label, in, &first, &defects));
	ASSERT(charset_decode(cache, label, in, &second, &again));
	ASSERT(text_is_equal(buf_text(&first), buf_text(&second)) && defects == again);
	check_utf8(buf_text(&first));
	buf_done(&first);
	buf_init(&first, in.n / 2);
	(void)!charset_decode(cache, label, in, &first, &defects);
	ASSERT(first.n <= in.n / 2);
	buf_done(&first);
	buf_done(&second);
}

static void check_header(struct charset_cache *cache, struct text in)
{
	unsigned defects = 0;
	struct buf out;

	buf_init(&out, GROWTH * in.n + 64);
	ASSERT(encoded_word_decode_text(cache, in, &out, &defects));
	check_utf8(buf_text(&out));
	if (text_is_printable(in) && !encoded_word_is_in(in))
		ASSERT(text_is_equal(buf_text(&out), in) && defects == 0);
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct charset_cache *cache;
	struct text label, in;

	if (!cache)
		cache = charset_cache_new();
	text_cut(text_from_bytes(data, n), '\n', &label, &in);
	check_charset(cache, label, in);
	check_header(cache, in);
	return 0;
}
