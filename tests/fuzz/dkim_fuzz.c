/* SPDX-License-Identifier: Apache-2.0
 *
 * Verification of a whole message: the first line is the key record that the DNS has for every name, the rest
 * is the message. Held to: a pass has a key and no reason, a report has no more than its limits, and what it
 * says of names is printable.
 */
#include "base/ensure.h"
#include "proto/arc.h"

#define NOW 1700000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(void *context, enum dns_type type, struct text name, struct arena *arena,
		   struct dns_answer *ret_answer)
{
	struct dns_record *record = arena_alloc(arena, sizeof *record);

	ASSERT(type == DNS_TXT && dns_name_is_valid(name) &&
	       text_find(name, text_from_cstr("._domainkey.")) != SIZE_MAX);
	ret_answer->status = record ? DNS_FOUND : DNS_FAILED;
	if (!record)
		return;
	record->data = *(struct text *)context;
	ret_answer->records = record;
	ret_answer->n = 1;
}

static void check_result(const struct dkim_result *r)
{
	ASSERT((r->result == AUTH_PASS) == (r->reason == DKIM_REASON_NONE));
	ASSERT(r->result != AUTH_PASS || (r->domain.n > 0 && r->selector.n > 0 && r->key_bits > 0));
	ASSERT(text_is_printable(r->domain) && text_is_printable(r->selector) && text_is_utf8(r->identity));
	ASSERT(r->b.n <= 8);
}

static void check_chain(const struct arc_report *r)
{
	ASSERT((r->cv == ARC_CV_PASS) == (r->result == AUTH_PASS) && r->n <= ARC_SETS_MAX);
	ASSERT(r->cv != ARC_CV_FAIL || r->reason != ARC_REASON_NONE);
	ASSERT(r->cv != ARC_CV_PASS || (r->n > 0 && r->sets[r->n - 1].message.result == AUTH_PASS));
	for (unsigned i = 0; r->cv == ARC_CV_PASS && i < r->n; i++)
		ASSERT(r->sets[i].seal.result == AUTH_PASS && r->sets[i].instance == i + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dkim_limits limits = dkim_limits_default();
	struct text record, message;
	struct dns_source dns = { &record, answer };
	struct dkim_message m;
	struct dkim_report report;
	struct arc_report chain;
	struct arena arena;

	text_cut(text_from_bytes(data, size), '\n', &record, &message);
	arena_init(&arena, size % 7 == 0 ? 20000 : 16 << 20);
	if (dkim_message_read(&m, message, &limits, &arena)) {
		dkim_verify(&m, &dns, NOW, &report);
		ASSERT(report.n <= limits.signatures);
		for (size_t i = 0; i < report.n; i++)
			check_result(&report.signatures[i]);
		arc_validate(&m, &dns, NOW, &chain);
		check_chain(&chain);
	}
	dkim_message_done(&m);
	arena_reset(&arena);
	return 0;
}
