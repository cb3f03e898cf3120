/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: DMARC for one message. The input is lines: the header, an empty line, then "NAME RECORD" of
 * the DNS. SPF has passed for the first name of the DNS, a signature for the second. Checked beside memory
 * safety: a bound on questions, nothing applied unless it fails, and no pass without an aligned identifier.
 */
#include "base/ensure.h"
#include "proto/dmarc_from.h"

#define ANSWERS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct world {
	struct text zone;
	unsigned n_asked;
};

static void ask_zone(void *context, enum dns_type type, struct text name, struct arena *arena,
		     struct dns_answer *ret_answer)
{
	struct world *w = context;
	struct text rest = w->zone, line, owner, record;
	bool more = rest.n > 0;

	(void)type;
	w->n_asked++;
	ret_answer->records = arena_alloc(arena, ANSWERS_MAX * sizeof *ret_answer->records);
	while (more && ret_answer->records && ret_answer->n < ANSWERS_MAX) {
		more = text_cut(rest, '\n', &line, &rest);
		text_cut(line, ' ', &owner, &record);
		if (!text_is_equal_nocase(owner, name))
			continue;
		ret_answer->status = record.n ? DNS_FOUND : DNS_FAILED;
		ret_answer->records[ret_answer->n++].data = record;
	}
}

static struct text owner_of(struct text zone, unsigned n)
{
	struct text line = { 0 }, owner;

	for (unsigned i = 0; i <= n; i++)
		text_cut(zone, '\n', &line, &zone);
	text_cut(line, ' ', &owner, &line);
	if (text_has_prefix(owner, text_from_cstr("_dmarc.")))
		owner = text_skip(owner, 7);
	return owner;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text input = text_from_bytes(data, n);
	size_t end = text_find(input, text_from_cstr("\n\n"));
	struct world world = { .zone = text_skip(input, end == SIZE_MAX ? input.n : end + 2) };
	struct dns_source dns = { .context = &world, .ask = ask_zone };
	struct mime_limits limits = mime_limits_default();
	struct dmarc_signature signature = { AUTH_PASS, owner_of(world.zone, 1) };
	struct dmarc_question q = { .spf = { AUTH_PASS, owner_of(world.zone, 0) },
				    .signatures = &signature,
				    .n_signatures = 1 };
	struct dmarc_result r;
	struct arena arena;

	arena_init(&arena, 8 << 20);
	q.discovery = n % 3;
	q.vouch.is_list = n % 2;
	dmarc_from_read(text_slice(input, 0, end == SIZE_MAX ? input.n : end + 2), &limits, &arena, &q.from);
	dmarc_check(&q, &dns, &arena, &r);
	ASSERT(world.n_asked <= DMARC_AUTHORS_MAX * (3 * DMARC_WALK_QUERIES + 1));
	ASSERT(r.result != AUTH_PASS || r.is_spf_aligned || r.is_dkim_aligned);
	ASSERT(r.result != AUTH_PASS || (q.from.n_fields == 1 && q.from.n_domains == 1));
	ASSERT(r.applied == DMARC_NONE || (!r.is_spf_aligned && !r.is_dkim_aligned));
	ASSERT(r.applied <= r.published);
	arena_reset(&arena);
	return 0;
}
