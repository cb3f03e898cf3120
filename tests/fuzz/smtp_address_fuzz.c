/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the input is a path. Checked beside memory safety: the rest is a tail of the input, and
 * what was parsed prints within its bound and parses again to the same.
 */
#include "base/ensure.h"
#include "proto/smtp_address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_again(const struct smtp_address *address, struct arena *a)
{
	struct smtp_address again;
	struct text rest;
	struct buf out;

	buf_init(&out, SMTP_ADDRESS_MAX + 2);
	buf_add_byte(&out, '<');
	ASSERT(smtp_address_print(address, &out) && buf_add_byte(&out, '>'));
	ASSERT(text_is_utf8(buf_text(&out)));
	ASSERT(smtp_address_parse_forward(buf_text(&out), a, &again, &rest) == ERROR_NONE);
	ASSERT(smtp_address_is_equal(address, &again) && rest.n == 0);
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text t = text_from_bytes(data, n), rest;
	struct smtp_address address;
	struct arena arena;

	arena_init(&arena, 1 << 16);
	smtp_hello_is_valid(t);
	if (smtp_address_parse_reverse(t, &arena, &address, &rest) == ERROR_NONE)
		ASSERT(rest.n < n && (rest.n == 0 || rest.p + rest.n == t.p + n));
	if (smtp_address_parse_forward(t, &arena, &address, &rest) == ERROR_NONE)
		check_again(&address, &arena);
	arena_reset(&arena);
	return 0;
}
