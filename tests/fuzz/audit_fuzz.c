/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a line of the audit record, a segment's header and a head. Checked beside memory safety:
 * what is parsed prints to the very same bytes (A7 of audit_chain.h).
 */
#include "base/ensure.h"
#include "store/audit_chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_record(struct text line)
{
	struct audit_record record;
	struct audit_hash hash;
	struct arena arena;
	struct text text;
	struct buf out;

	arena_init(&arena, AUDIT_RECORD_ARENA);
	buf_init(&out, AUDIT_LINE_MAX);
	if (!audit_record_parse(line, &arena, &record, &text, &hash)) {
		ASSERT(audit_record_print(&record, &out));
		ASSERT(text_is_equal(buf_text(&out), text));
	}
	buf_done(&out);
	arena_reset(&arena);
}

static void check_header(struct text line)
{
	struct audit_header header;
	struct buf out;

	buf_init(&out, AUDIT_LINE_MAX);
	if (audit_header_parse(line, &header)) {
		audit_header_print(&header, &out);
		ASSERT(out.n == line.n + 1 && text_is_equal(text_slice(buf_text(&out), 0, line.n), line));
	}
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text line = text_from_bytes(data, n);
	struct audit_head head, again;
	char printed[AUDIT_HEAD_SIZE];

	check_record(line);
	check_header(line);
	if (audit_head_parse(line, &head) && head.seq) {
		audit_head_print(&head, printed);
		ASSERT(audit_head_parse(text_from_cstr(printed), &again) && again.seq == head.seq);
		ASSERT(audit_hash_is_equal(&again.hash, &head.hash));
	}
	return 0;
}
