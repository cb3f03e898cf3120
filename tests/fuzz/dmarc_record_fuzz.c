/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a DMARC Policy Record, and the mailbox of each of its URIs. Checked beside memory safety:
 * lists within their maximum, URIs without blanks, an address with something before and behind its "@".
 */
#include "base/ensure.h"
#include "proto/bimi.h"
#include "proto/dmarc_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_uris(const struct dmarc_uri *uris, size_t n, struct arena *arena)
{
	ASSERT(n <= DMARC_URIS_MAX);
	for (size_t i = 0; i < n; i++) {
		struct text address;
		ASSERT(uris[i].uri.n > 0 && text_is_printable(uris[i].uri));
		ASSERT(text_find_byte(uris[i].uri, ' ') == uris[i].uri.n);
		if (!dmarc_uri_mailbox(uris[i].uri, arena, &address))
			continue;
		ASSERT(text_find_last_byte(address, '@') > 0);
		ASSERT(text_find_last_byte(address, '@') + 1 < address.n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text txt = text_from_bytes(data, n), selector;
	struct dmarc_record record;
	struct bimi_record bimi;
	struct arena arena;

	arena_init(&arena, 1 << 20);
	if (dmarc_record_parse(txt, &arena, &record) != DMARC_RECORD_OTHER) {
		check_uris(record.rua, record.n_rua, &arena);
		check_uris(record.ruf, record.n_ruf, &arena);
		ASSERT(record.p <= DMARC_REJECT && record.sp <= DMARC_REJECT && record.np <= DMARC_REJECT);
	}
	bimi_record_parse(txt, &bimi);
	if (bimi_selector_parse(txt, &selector))
		ASSERT(selector.n > 0 && text_is_printable(selector));
	arena_reset(&arena);
	return 0;
}
