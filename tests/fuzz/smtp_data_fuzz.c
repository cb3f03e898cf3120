/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the first byte says where to cut, the rest is a message after DATA. Checked beside
 * memory safety: the cut changes nothing; the end is exactly the first CRLF "." CRLF; the output has
 * no bare newline and no NUL; written for the next hop it is read back as itself.
 */
#include "base/ensure.h"
#include "proto/smtp_client.h"
#include "proto/smtp_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static size_t run(struct smtp_data *d, struct text in, size_t cut, struct buf *out)
{
	size_t used;

	buf_init(out, 2 * in.n + 4);
	smtp_data_init(d, SMTP_NEWLINES_NORMALIZE, true, UINT64_MAX, UINT64_MAX);
	used = smtp_data_feed(d, text_slice(in, 0, cut), out);
	if (!d->is_done)
		used += smtp_data_feed(d, text_skip(in, cut), out);
	return used;
}

static void check_clean(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		ASSERT(t.p[i] != '\0');
		ASSERT(t.p[i] != '\n' || (i > 0 && t.p[i - 1] == '\r'));
		ASSERT(t.p[i] != '\r' || (i + 1 < t.n && t.p[i + 1] == '\n'));
	}
}

static void check_end(struct text in, size_t used, bool is_done)
{
	size_t at =
		text_has_prefix(in, text_from_cstr(".\r\n")) ? 0 : text_find(in, text_from_cstr("\r\n.\r\n"));
	size_t end = at == 0 && in.p[0] == '.' ? 3 : at + 5;

	ASSERT(is_done == (at != SIZE_MAX));
	ASSERT(used == (at == SIZE_MAX ? in.n : end));
}

static void check_written(struct text message)
{
	struct smtp_stuffer s = { 0 };
	struct smtp_data d;
	struct buf wire, back;

	buf_init(&wire, 2 * message.n + 8);
	ASSERT(smtp_stuffer_write(&s, message, &wire) && smtp_stuffer_end(&s, &wire));
	ASSERT(run(&d, buf_text(&wire), wire.n / 2, &back) == wire.n);
	ASSERT(d.is_done && d.bare_newlines == 0 && text_is_equal(buf_text(&back), message));
	buf_done(&back);
	buf_done(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text in = text_from_bytes(data, n);
	struct smtp_data whole, pieces;
	struct buf a, b;
	size_t used;

	if (n == 0)
		return 0;
	in = text_skip(in, 1);
	used = run(&whole, in, in.n, &a);
	ASSERT(run(&pieces, in, data[0], &b) == used);
	ASSERT(text_is_equal(buf_text(&a), buf_text(&b)) && whole.is_done == pieces.is_done);
	ASSERT(whole.header_size == pieces.header_size && whole.hops == pieces.hops &&
	       whole.lines == pieces.lines);
	check_end(in, used, whole.is_done);
	if (whole.is_done) {
		check_clean(buf_text(&a));
		check_written(buf_text(&a));
	}
	buf_done(&a);
	buf_done(&b);
	return 0;
}
