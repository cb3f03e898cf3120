/* SPDX-License-Identifier: Apache-2.0
 *
 * Follows the chain of hashes through the segments and tells apart what was done to it. Called by
 * audit_verify and by the writer when it opens a store. The bytes may come from an attacker who could
 * write every file; bounds are those of the line reader, and the faults kept are AUDIT_MAX_FAULTS.
 *
 * After a fault the scan goes on from what stands there, so that one change gives one fault:
 *   hash wrong, SEQ right      altered; the next may continue the hash that stands there or the right one
 *   SEQ too high               removed in between
 *   SEQ too low                inserted or moved; the chain goes on from before it
 *   no record at all           malformed; stands for one record
 */
#include "store/audit_scan.h"

#include "base/ensure.h"

void audit_scan_begin(struct audit_scan *s, struct audit_check *check, const struct audit_head *kept)
{
	*s = (struct audit_scan){ .check = check, .kept = kept };
	*check = (struct audit_check){ 0 };
	s->hasher = audit_hasher_new();
	arena_init(&s->arena, AUDIT_RECORD_ARENA * 2);
}

static void add_fault(struct audit_scan *s, enum audit_verdict what, uint64_t line, uint64_t from,
		      uint64_t to)
{
	struct audit_check *c = s->check;

	if (c->n_faults < AUDIT_MAX_FAULTS)
		c->faults[c->n_faults] = (struct audit_fault){ what, s->segment, line, from, to };
	c->n_faults++;
}

static bool is_after(struct audit_scan *s, const struct audit_hash *previous, struct text text,
		     const struct audit_hash *hash, struct audit_hash *ret_computed)
{
	audit_hasher_step(s->hasher, previous, text, ret_computed);
	return audit_hash_is_equal(ret_computed, hash);
}

/* segment=N last=SEQ head=HASH (A5) */
static void note_deletion(struct audit_scan *s, const struct audit_record *r)
{
	struct text word, rest = r->detail;
	struct audit_hash hash;
	uint64_t last = 0;
	bool has_hash = false;

	if (!text_is_cstr(r->kind, "segment_deleted") || !text_is_cstr(r->role, "audit"))
		return;
	while (rest.n) {
		text_cut(rest, ' ', &word, &rest);
		if (text_has_prefix(word, text_from_cstr("last=")))
			text_parse_u64(text_skip(word, 5), INT64_MAX, &last);
		else if (text_has_prefix(word, text_from_cstr("head=")))
			has_hash = audit_hash_parse(text_skip(word, 5), &hash);
	}
	if (has_hash && last == s->oldest.seq && audit_hash_is_equal(&hash, &s->oldest.hash))
		s->oldest_named = true;
}

static void compare_kept(struct audit_scan *s, uint64_t seq, const struct audit_hash *hash,
			 const struct audit_hash *computed)
{
	bool same;

	if (!s->kept || (s->kept->seq && s->kept->seq != seq))
		return;
	same = audit_hash_is_equal(&s->kept->hash, hash) || audit_hash_is_equal(&s->kept->hash, computed);
	s->kept_seen |= same;
	s->kept_differs |= s->kept->seq && !same;
}

static void accept(struct audit_scan *s, const struct audit_record *r, const struct audit_hash *hash,
		   const struct audit_hash *computed)
{
	struct audit_check *c = s->check;

	s->before = s->previous;
	s->previous = *hash;
	s->computed = *computed;
	s->expected = r->seq + 1;
	s->unread = 0;
	if (!c->first_seq)
		c->first_seq = r->seq;
	c->n_records++;
	c->clock_went_back += r->time < s->last_time;
	s->last_time = r->time;
	c->head = (struct audit_head){ r->seq, *hash };
	compare_kept(s, r->seq, hash, computed);
	note_deletion(s, r);
}

/* A record whose SEQ is below what is due. */
static void take_early(struct audit_scan *s, const struct audit_record *r, struct text text,
		       const struct audit_hash *hash, uint64_t line)
{
	struct audit_hash computed;

	add_fault(s, AUDIT_INSERTED, line, r->seq, r->seq);
	if (r->seq + 1 == s->expected && is_after(s, &s->before, text, hash, &computed)) {
		s->previous = *hash; /* the one before was the false one */
		s->computed = computed;
	}
}

static void take_record(struct audit_scan *s, const struct audit_record *r, struct text text,
			const struct audit_hash *hash, uint64_t line)
{
	struct audit_hash computed;
	bool fits = is_after(s, &s->previous, text, hash, &computed);

	if (!fits && is_after(s, &s->computed, text, hash, &computed))
		fits = true;
	if (s->expected == 0)
		s->expected = r->seq;
	if (r->seq < s->expected) {
		take_early(s, r, text, hash, line);
		return;
	}
	if (r->seq > s->expected && r->seq - s->expected > s->unread)
		add_fault(s, AUDIT_REMOVED, line, s->expected, r->seq - 1);
	else if (r->seq == s->expected && !fits)
		add_fault(s, AUDIT_ALTERED, line, r->seq, r->seq);
	accept(s, r, hash, fits || r->seq == s->expected ? &computed : hash);
}

static void take_malformed(struct audit_scan *s, uint64_t line)
{
	add_fault(s, AUDIT_MALFORMED, line, s->expected + s->unread, s->expected + s->unread);
	s->unread++;
}

static void take_line(struct audit_scan *s, const struct audit_lines *l, enum audit_line how,
		      struct text line, bool is_last)
{
	struct audit_record record;
	struct audit_hash hash;
	struct text text;
	bool may_be_torn = is_last && (how == AUDIT_LINE_TAIL || text_find_byte(line, 0) < line.n);

	arena_reset(&s->arena);
	if (how == AUDIT_LINE_GOOD && !audit_record_parse(line, &s->arena, &record, &text, &hash)) {
		if (s->torn_line) /* nothing good follows a torn end */
			take_malformed(s, s->torn_line);
		s->torn_line = 0;
		take_record(s, &record, text, &hash, l->number);
		s->good_end = l->offset;
		return;
	}
	if (s->torn_line)
		return;
	if (may_be_torn)
		s->torn_line = l->number;
	else
		take_malformed(s, l->number);
}

/* A3. False when there is no header at all and the segment may be one that a crash left. */
static bool take_header(struct audit_scan *s, const struct audit_lines *l, enum audit_line how,
			struct text line, bool is_last)
{
	struct audit_header h;
	bool is_first = s->check->n_segments == 0;

	s->check->n_segments++;
	if (how == AUDIT_LINE_END || how == AUDIT_LINE_TAIL || !audit_header_parse(line, &h)) {
		if (is_last && (how != AUDIT_LINE_GOOD || text_find_byte(line, 0) < line.n))
			return false;
		add_fault(s, AUDIT_SEGMENT, 1, s->expected, s->expected);
		return true;
	}
	s->good_end = l->offset;
	if (is_first) {
		s->check->first_segment = s->segment;
		s->expected = h.first;
		s->previous = s->computed = s->before = h.previous;
		s->oldest = (struct audit_head){ h.first - 1, h.previous };
		compare_kept(s, h.first - 1, &h.previous, &h.previous);
	}
	if (h.segment != s->segment || h.first != s->expected ||
	    (!audit_hash_is_equal(&h.previous, &s->previous) &&
	     !audit_hash_is_equal(&h.previous, &s->computed)))
		add_fault(s, AUDIT_SEGMENT, 1, s->expected, h.first);
	return true;
}

static enum error scan_lines(struct audit_scan *s, struct audit_lines *l, bool is_last)
{
	struct text line;
	enum audit_line how = audit_lines_next(l, &line);

	if (how != AUDIT_LINE_ERROR && !take_header(s, l, how, line, is_last))
		s->torn_line = 1;
	while (how != AUDIT_LINE_ERROR && how != AUDIT_LINE_END) {
		how = audit_lines_next(l, &line);
		if (how != AUDIT_LINE_ERROR && how != AUDIT_LINE_END)
			take_line(s, l, how, line, is_last);
	}
	if (is_last && s->torn_line)
		s->check->torn_bytes = l->offset - s->good_end;
	return l->error;
}

enum error audit_scan_segment(struct audit_scan *s, int dir_fd, uint64_t segment, bool is_last)
{
	struct audit_lines *l = mem_alloc(sizeof *l);
	enum error e = audit_lines_open(l, dir_fd, segment);

	s->segment = segment;
	s->good_end = 0;
	s->torn_line = 0;
	if (!e) {
		e = scan_lines(s, l, is_last);
		audit_lines_close(l);
	}
	free(l);
	return e;
}

static enum audit_verdict judge_kept(const struct audit_scan *s)
{
	if (!s->kept)
		return AUDIT_GOOD;
	if (s->kept_differs)
		return AUDIT_REWRITTEN;
	if (s->kept_seen)
		return AUDIT_GOOD;
	return s->kept->seq > s->check->head.seq ? AUDIT_CUT : AUDIT_UNKNOWN_HEAD;
}

enum audit_verdict audit_scan_end(struct audit_scan *s)
{
	static const struct audit_hash zero;
	struct audit_check *c = s->check;
	enum audit_verdict worst = s->torn_line ? AUDIT_TORN : AUDIT_GOOD, kept;

	s->segment = c->first_segment;
	if (s->oldest.seq ? !s->oldest_named : !audit_hash_is_equal(&s->oldest.hash, &zero))
		add_fault(s, AUDIT_SEGMENT, 1, 0, s->oldest.seq);
	s->segment = 0;
	kept = judge_kept(s);
	if (kept != AUDIT_GOOD)
		add_fault(s, kept, 0, s->kept->seq, s->kept->seq);
	for (size_t i = 0; i < c->n_faults && i < AUDIT_MAX_FAULTS; i++)
		if (c->faults[i].what > worst)
			worst = c->faults[i].what;
	if (kept > worst)
		worst = kept;
	audit_hasher_free(s->hasher);
	arena_reset(&s->arena);
	return worst;
}
