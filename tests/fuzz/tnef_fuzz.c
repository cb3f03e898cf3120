/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: winmail.dat, and the compressed RTF in it; a file that is no TNEF is taken for such RTF
 * itself. Checked beside memory safety: each view lies within the file; items and depths are within the
 * limits and below their message; RTF is no larger than it says, nor than nine times its input.
 */
#include "base/buf.h"
#include "base/ensure.h"
#include "proto/lzfu.h"
#include "proto/tnef.h"

#define GROWTH 9
#define MEMORY ((size_t)1 << 20)

static const struct tnef_limits limits = { .items = 50, .depth = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_within(struct text view, struct text file)
{
	ASSERT(view.n == 0 || (view.p >= file.p && view.p + view.n <= file.p + file.n));
}

static void check_rtf(struct text rtf)
{
	struct buf out;

	buf_init(&out, GROWTH * rtf.n);
	(void)!lzfu_decompress(rtf, &out);
	ASSERT(!out.overflow && out.n <= lzfu_size(rtf));
	buf_done(&out);
}

static void check_item(const struct tnef_item *item, struct text file)
{
	check_within(item->data, file);
	check_within(item->media_type.bytes, file);
	check_within(item->content_id.bytes, file);
	for (int i = 0; i < TNEF_NAME_COUNT; i++)
		check_within(item->names[i].bytes, file);
	ASSERT(item->depth <= limits.depth);
	ASSERT(!item->parent || (item->parent->kind == TNEF_MESSAGE && item->parent->depth <= item->depth));
	if (item->kind == TNEF_RTF)
		check_rtf(item->data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text file = text_from_bytes(data, n);
	struct arena arena;
	struct tnef tnef;
	size_t n_items = 0;

	arena_init(&arena, MEMORY);
	if (!tnef_read(file, &limits, &arena, &tnef))
		check_rtf(file);
	for (const struct tnef_item *item = tnef.first; item; item = item->next, n_items++)
		check_item(item, file);
	ASSERT(n_items == tnef.n_items && n_items <= limits.items);
	arena_reset(&arena);
	return 0;
}
