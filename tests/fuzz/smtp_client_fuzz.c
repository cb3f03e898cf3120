/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the first byte is the size of the pieces, the rest what a server sends. Checked beside
 * memory safety: replies are inside their bounds, their text holds no control byte but the line feed.
 */
#include "base/ensure.h"
#include "proto/smtp_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_reply(const struct smtp_client_reply *r)
{
	ASSERT(r->code >= 200 && r->code <= 599);
	ASSERT(r->text_n <= SMTP_CLIENT_TEXT_MAX && strlen(r->enhanced) < sizeof r->enhanced);
	for (size_t i = 0; i < r->text_n; i++)
		ASSERT((unsigned char)r->text[i] >= ' ' || r->text[i] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct smtp_client_reply r;
	struct text in = text_from_bytes(data, n);
	enum smtp_client_status status = SMTP_CLIENT_MORE;
	size_t piece, at = 1;

	if (n == 0)
		return 0;
	piece = data[0] + 1U;
	smtp_client_reply_init(&r);
	while (at < n && status != SMTP_CLIENT_BAD) {
		size_t used = smtp_client_reply_feed(&r, text_slice(in, at, at + piece), &status);
		ASSERT(used <= piece && (used || status == SMTP_CLIENT_BAD));
		at += used;
		if (status != SMTP_CLIENT_DONE)
			continue;
		check_reply(&r);
		smtp_client_reply_init(&r);
	}
	return 0;
}
