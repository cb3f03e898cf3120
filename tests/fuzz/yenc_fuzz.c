/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: files in text by yEnc. Checked beside memory safety: blocks lie behind one another within
 * the text, decode to no more than their lines, and their names lie within the text.
 */
#include "base/ensure.h"
#include "proto/yenc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text in = text_from_bytes(data, n);
	struct yenc_file file;
	size_t at = 0, before = 0;

	while (yenc_find(in, &at, &file)) {
		unsigned defects;
		struct buf out;

		ASSERT(at > before && at <= in.n);
		ASSERT(file.lines.n == 0 ||
		       (file.lines.p >= in.p + before && file.lines.p + file.lines.n <= in.p + at));
		ASSERT(file.name.n == 0 ||
		       (file.name.p >= in.p + before && file.name.p + file.name.n <= in.p + at));
		before = at;
		buf_init(&out, file.lines.n);
		ASSERT(yenc_decode(&file, &out, &defects));
		buf_done(&out);
	}
	return 0;
}
