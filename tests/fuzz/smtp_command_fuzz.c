/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the first byte chooses the state, the rest is a command line. Checked beside memory
 * safety: what comes out is inside its bounds, and an accepted address printed parses to itself.
 */
#include "base/ensure.h"
#include "proto/smtp_command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_address(const struct smtp_address *address, struct arena *a)
{
	struct smtp_address again;
	struct buf out;

	if (smtp_address_is_null(address) || !address->domain.n)
		return;
	buf_init(&out, SMTP_ADDRESS_MAX);
	ASSERT(smtp_address_print(address, &out));
	ASSERT(smtp_address_parse(buf_text(&out), a, &again) == ERROR_NONE);
	ASSERT(smtp_address_is_equal(address, &again));
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct smtp_command c;
	struct arena arena;
	enum smtp_reply_id id;
	struct text line = text_from_bytes(data, n);

	if (n == 0)
		return 0;
	arena_init(&arena, 1 << 16);
	id = smtp_command_parse(text_skip(line, 1), (enum smtp_state)(1U << (data[0] % 5)), &arena, &c);
	ASSERT(id < SMTP_REPLY_COUNT && c.verb <= SMTP_VERB_COUNT);
	if (id == SMTP_REPLY_NONE && c.verb == SMTP_VERB_MAIL) {
		ASSERT(c.mail.envid.n <= SMTP_ENVID_MAX && text_is_printable(c.mail.envid));
		check_address(&c.mail.sender, &arena);
	}
	if (id == SMTP_REPLY_NONE && c.verb == SMTP_VERB_RCPT) {
		ASSERT(c.rcpt.orcpt.n <= SMTP_ORCPT_MAX && c.rcpt.notify < 16 && text_is_utf8(c.rcpt.orcpt));
		check_address(&c.rcpt.recipient, &arena);
	}
	arena_reset(&arena);
	return 0;
}
