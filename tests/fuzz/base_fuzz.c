/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: addresses, prefixes, domains, xtext and the two ways of escaping. Checked beside memory
 * safety: what is parsed prints to something that parses to the same; what is escaped is UTF-8 and printable.
 */
#include "base/addr.h"
#include "base/ensure.h"
#include "proto/domain.h"
#include "proto/smtp_xtext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_addr(struct text in)
{
	char printed[ADDR_TEXT_SIZE];
	struct addr_prefix prefix;
	struct addr addr, again;

	if (addr_parse(in, &addr)) {
		addr_print(&addr, printed);
		ASSERT(addr_parse(text_from_cstr(printed), &again) && addr_is_equal(&addr, &again));
	}
	if (addr_parse_prefix(in, &prefix))
		ASSERT(prefix.bits <= 128);
}

static void check_domain(struct text in)
{
	struct text ascii, again;
	struct arena arena;

	arena_init(&arena, 4096);
	if (domain_to_ascii(in, &arena, &ascii)) {
		ASSERT(text_is_ascii(ascii) && (ascii.p == in.p || ascii.n <= 255));
		ASSERT(domain_to_ascii(ascii, &arena, &again) && text_is_equal(ascii, again));
	}
	arena_reset(&arena);
}

static void check_xtext(struct text in)
{
	struct text plain, back;
	struct arena arena;
	struct buf out;

	arena_init(&arena, 2 * in.n + 4096);
	buf_init(&out, 3 * in.n + 1);
	if (!smtp_xtext_decode(in, &arena, &plain)) {
		ASSERT(smtp_xtext_encode(plain, &out));
		ASSERT(!smtp_xtext_decode(buf_text(&out), &arena, &back) && text_is_equal(plain, back));
	}
	buf_done(&out);
	arena_reset(&arena);
}

static void check_escaped(struct text in)
{
	struct buf out;

	buf_init(&out, 8 * in.n + 8);
	ASSERT(buf_add_escaped(&out, in) && text_is_utf8(buf_text(&out)));
	buf_reset(&out);
	ASSERT(buf_add_json(&out, in) && text_is_utf8(buf_text(&out)));
	for (size_t i = 0; i < out.n; i++)
		ASSERT((unsigned char)out.p[i] >= ' ');
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text in = text_from_bytes(data, n);

	check_addr(in);
	check_domain(in);
	check_xtext(in);
	check_escaped(in);
	return 0;
}
