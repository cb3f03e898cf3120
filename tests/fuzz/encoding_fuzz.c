/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the encodings of a body. The first byte says where to cut. Checked
 * beside memory safety: base64 decodes the same in pieces, and gives back what was encoded;
 * quoted-printable gives no more than it got; blocks of uuencode lie behind one another.
 */
#include "base/ensure.h"
#include "proto/base64.h"
#include "proto/quoted_printable.h"
#include "proto/uuencode.h"

#define SLACK BASE64_SLACK

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_base64(struct text in, size_t cut)
{
	struct base64_decoder d = { 0 };
	struct buf whole, pieces, line;

	buf_init(&whole, 2 * in.n + 2 * SLACK);
	buf_init(&pieces, in.n + 2 * SLACK);
	buf_init(&line, 2 * in.n + 8);
	ASSERT(base64_decode(in, &whole));
	ASSERT(base64_decode_piece(&d, text_slice(in, 0, cut), &pieces));
	ASSERT(base64_decode_piece(&d, text_skip(in, cut), &pieces) && base64_decode_end(&d, &pieces));
	ASSERT(text_is_equal(buf_text(&whole), buf_text(&pieces)));
	buf_reset(&whole);
	ASSERT(base64_encode(in, true, &line) && base64_decode(buf_text(&line), &whole));
	ASSERT(text_is_equal(buf_text(&whole), in));
	buf_done(&whole);
	buf_done(&pieces);
	buf_done(&line);
}

static void check_uuencode(struct text in)
{
	struct uuencode_file file;
	size_t at = 0, before = 0;
	struct buf out;

	while (uuencode_find(in, &at, &file)) {
		ASSERT(at > before && at <= in.n && file.lines.n <= in.n);
		before = at;
		buf_init(&out, in.n + 64);
		ASSERT(uuencode_decode(&file, &out));
		buf_done(&out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text in = text_from_bytes(data, n);
	struct buf out;

	if (n == 0)
		return 0;
	in = text_skip(in, 1);
	check_base64(in, data[0]);
	check_uuencode(in);
	buf_init(&out, in.n);
	ASSERT(quoted_printable_decode(in, &out));
	buf_done(&out);
	return 0;
}
