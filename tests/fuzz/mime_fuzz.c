/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a whole message, read into its parts and judged, within small limits. Checked beside
 * memory safety: each view lies in the message or is counted as decoded; depth, parts and ways are
 * within the limits; what is decoded is no longer than its view; reading twice gives the same list; a
 * limit that was met makes the message unscannable.
 */
#include "base/ensure.h"
#include "judge/judge.h"
#include "proto/mime_content.h"

#define MEMORY ((size_t)8 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct judge_limits limits_for_fuzzing(void)
{
	struct judge_limits limits = judge_limits_default();

	limits.mime.header_bytes = 8192;
	limits.mime.header_fields = 100;
	limits.mime.depth = 8;
	limits.mime.parts = 200;
	limits.mime.decoded = 1 << 20;
	return limits;
}

static void check_decoding(const struct mime_part *part, size_t max)
{
	struct buf out;

	for (unsigned e = 0; e < MIME_ENCODING_COUNT; e++) {
		if (!(part->encodings & 1u << e))
			continue;
		buf_init(&out, max);
		ASSERT(mime_part_decode(part, (enum mime_encoding)e, &out));
		ASSERT(out.n <= mime_content_max(part->body));
		buf_done(&out);
	}
}

static void check_part(const struct mime_part *part, const struct mime_limits *limits, size_t max)
{
	ASSERT(part->depth <= limits->depth + 1);
	ASSERT(part->encodings & 1u << MIME_IDENTITY);
	ASSERT((part->depth == 0) == (part->parent == NULL));
	if (part->parent) {
		ASSERT(part->depth == part->parent->depth + 1);
		ASSERT(part->way <=
		       part->parent->n_ways); /* a reading that a limit cut short is not counted */
	}
	check_decoding(part, max);
}

static void check_again(const struct mime_tree *tree, const struct mime_tree *again)
{
	const struct mime_part *a = tree->first, *b = again->first;

	ASSERT(tree->n_parts == again->n_parts && tree->trouble == again->trouble);
	for (; a && b; a = a->next, b = b->next)
		ASSERT(a->kind == b->kind && a->depth == b->depth && text_is_equal(a->body, b->body));
	ASSERT(!a && !b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct judge_limits limits = limits_for_fuzzing();
	struct judge_input input = { .message = text_from_bytes(data, n) };
	struct mime_tree tree, again;
	struct judge_report report;
	struct arena arena;

	arena_init(&arena, MEMORY);
	mime_tree_read(input.message, &limits.mime, &arena, &tree);
	ASSERT(tree.n_parts <= limits.mime.parts);
	for (const struct mime_part *part = tree.first; part; part = part->next)
		check_part(part, &limits.mime, judge_view_max(&input) + limits.mime.decoded);
	mime_tree_read(input.message, &limits.mime, &arena, &again);
	if (again.trouble != MIME_TROUBLE_MEMORY)
		check_again(&tree, &again);
	arena_reset(&arena);
	arena_init(&arena, MEMORY);
	judge_message(&input, &limits, &arena, &report);
	ASSERT(report.score <= 100 && report.n_reasons <= JUDGE_REASONS_MAX);
	ASSERT(!tree.trouble || report.finding >= JUDGE_SPAM);
	arena_reset(&arena);
	return 0;
}
