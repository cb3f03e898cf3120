/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a master file. Then every word of it is asked for, with each type. Checked beside memory
 * safety: a mistake has a place within the file, an answer has records exactly when it says so, names in
 * answers are within bounds.
 */
#include "base/ensure.h"
#include "proto/dns_zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MEMORY    ((size_t)1 << 20)
#define WORDS_MAX 64

static void ask_all(const struct dns_source *source, struct text name, struct arena *arena)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_MX, DNS_TXT, DNS_PTR };
	struct dns_answer answer;

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		dns_ask(source, types[i], name, arena, &answer);
		ASSERT((answer.n > 0) == (answer.status == DNS_FOUND));
		ASSERT((answer.why != NULL) == (answer.status == DNS_FAILED));
		for (size_t k = 0; k < answer.n; k++)
			ASSERT(answer.records[k].name.n <= 255 && answer.records[k].data.n <= 65535);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text file = text_from_bytes(data, n), rest = file, word;
	struct dns_zone *zone = dns_zone_new(MEMORY);
	struct dns_source source = dns_zone_source(zone);
	struct dns_zone_mistake mistake = { 0 };
	struct arena arena;

	arena_init(&arena, MEMORY);
	if (!dns_zone_read(zone, file, &mistake))
		ASSERT(mistake.line > 0 && mistake.line <= n + 1 && mistake.column > 0 &&
		       mistake.column <= n + 1 && mistake.what);
	for (unsigned i = 0; rest.n && i < WORDS_MAX; i++) {
		text_cut(rest, i % 2 ? ' ' : '\n', &word, &rest);
		ask_all(&source, word, &arena);
	}
	arena_reset(&arena);
	dns_zone_free(zone);
	return 0;
}
