/* SPDX-License-Identifier: Apache-2.0
 *
 * Remembers answers. Called by judge/authenticate.c. Names are a stranger's: they are compared whole, so that
 * names made to have one hash only cost the comparison, at most DNS_MEMO_MAX times.
 */
#include "proto/dns_memo.h"

#define NAME_MAX_BYTES 255

void dns_memo_init(struct dns_memo *memo, const struct dns_source *source)
{
	memo->source = source;
	memo->n = 0;
}

static const struct dns_memo_entry *find(const struct dns_memo *memo, enum dns_type type, uint64_t hash,
					 struct text name)
{
	for (size_t i = 0; i < memo->n; i++)
		if (memo->entries[i].hash == hash && memo->entries[i].type == type &&
		    text_is_equal(memo->entries[i].name, name))
			return &memo->entries[i];
	return NULL;
}

static void ask(void *context, enum dns_type type, struct text name, struct arena *arena,
		struct dns_answer *ret_answer)
{
	struct dns_memo *memo = context;
	const struct dns_memo_entry *known;
	char lower[NAME_MAX_BYTES];
	struct text key = { lower, name.n };
	struct dns_memo_entry *entry;
	uint64_t hash;

	if (name.n > sizeof lower) {
		dns_ask(memo->source, type, name, arena, ret_answer);
		return;
	}
	for (size_t i = 0; i < name.n; i++)
		lower[i] = text_lower_byte(name.p[i]);
	hash = text_hash(key);
	known = find(memo, type, hash, key);
	if (known) {
		*ret_answer = known->answer;
		return;
	}
	dns_ask(memo->source, type, name, arena, ret_answer);
	entry = memo->n < DNS_MEMO_MAX ? &memo->entries[memo->n] : NULL;
	if (!entry || !arena_copy(arena, key, &entry->name))
		return;
	entry->type = type;
	entry->hash = hash;
	entry->answer = *ret_answer;
	memo->n++;
}

struct dns_source dns_memo_source(struct dns_memo *memo)
{
	return (struct dns_source){ memo, ask };
}
