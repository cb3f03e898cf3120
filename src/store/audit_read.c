/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit record read from its directory: verified as a whole (audit_scan.c), or visited record by
 * record. Called by the command line with the rights of an administrator, offline or beside the running
 * writer. Trusts nothing it reads.
 */
#include "store/audit_read.h"

#include "base/ensure.h"
#include "store/audit_scan.h"

static const char *const words[] = {
#define AUDIT_VERDICT(name, word, text) word,
#include "store/audit_verdicts.def"
#undef AUDIT_VERDICT
};

static const char *const texts[] = {
#define AUDIT_VERDICT(name, word, text) text,
#include "store/audit_verdicts.def"
#undef AUDIT_VERDICT
};

const char *audit_verdict_word(enum audit_verdict verdict)
{
	return verdict < AUDIT_VERDICT_COUNT ? words[verdict] : "unknown";
}

const char *audit_verdict_text(enum audit_verdict verdict)
{
	return verdict < AUDIT_VERDICT_COUNT ? texts[verdict] : "unknown";
}

enum error audit_verify(int dir_fd, const struct audit_head *kept, enum audit_verdict *ret_verdict,
			struct audit_check *ret_check)
{
	struct audit_scan scan;
	uint64_t *segments;
	size_t n;
	enum error e = audit_segment_list(dir_fd, &segments, &n);

	if (e)
		return e;
	audit_scan_begin(&scan, ret_check, kept);
	for (size_t i = 0; i < n && !e; i++)
		e = audit_scan_segment(&scan, dir_fd, segments[i], i + 1 == n);
	*ret_verdict = audit_scan_end(&scan);
	free(segments);
	return e;
}

/* The SEQ of a segment's first record, 0 when its header cannot be read. */
static uint64_t first_of(struct audit_lines *l, int dir_fd, uint64_t segment)
{
	struct audit_header h = { 0 };
	struct text line;

	if (audit_lines_open(l, dir_fd, segment))
		return 0;
	if (audit_lines_next(l, &line) != AUDIT_LINE_GOOD || !audit_header_parse(line, &h))
		h.first = 0;
	audit_lines_close(l);
	return h.first;
}

/* Visits one segment. *ret_goes_on is false when visit had enough. */
static enum error read_segment(struct audit_lines *l, uint64_t from_seq, audit_visit_function *visit,
			       void *arg, bool *ret_goes_on)
{
	struct audit_record record;
	struct audit_hash hash;
	struct text line, text;
	struct arena arena;
	enum audit_line how;

	arena_init(&arena, AUDIT_RECORD_ARENA * 2);
	*ret_goes_on = true;
	while (*ret_goes_on && (how = audit_lines_next(l, &line)) != AUDIT_LINE_END) {
		if (how == AUDIT_LINE_ERROR)
			break;
		arena_reset(&arena);
		if (how == AUDIT_LINE_GOOD && !audit_record_parse(line, &arena, &record, &text, &hash) &&
		    record.seq >= from_seq)
			*ret_goes_on = visit(arg, &record, &hash);
	}
	arena_reset(&arena);
	return l->error;
}

enum error audit_read(int dir_fd, uint64_t from_seq, audit_visit_function *visit, void *arg)
{
	struct audit_lines *l = mem_alloc(sizeof *l);
	uint64_t *segments = NULL;
	bool goes_on = true;
	size_t n = 0, start = 0;
	enum error e = audit_segment_list(dir_fd, &segments, &n);

	for (size_t i = n; i-- > 1 && !start;) {
		uint64_t first = first_of(l, dir_fd, segments[i]);
		if (first && first <= from_seq)
			start = i;
	}
	for (size_t i = start; i < n && !e && goes_on; i++) {
		e = audit_lines_open(l, dir_fd, segments[i]);
		if (e)
			break;
		e = read_segment(l, from_seq, visit, arg, &goes_on);
		audit_lines_close(l);
	}
	free(segments);
	free(l);
	return e;
}
