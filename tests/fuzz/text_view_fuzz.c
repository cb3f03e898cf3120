/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a text for people. The first byte says its form. Checked beside memory safety: texts keep
 * their limit; the normal form has no two blanks side by side, none at its ends and no capital of ASCII; each
 * line is counted.
 */
#include "base/ensure.h"
#include "judge/text_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool is_blank(char c)
{
	return c == ' ' || c == '\n';
}

static void check_normal(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		ASSERT(t.p[i] == text_lower_byte(t.p[i]));
		ASSERT(is_blank(t.p[i]) || (unsigned char)t.p[i] > ' ');
		ASSERT(!is_blank(t.p[i]) || (i > 0 && i + 1 < t.n && !is_blank(t.p[i + 1])));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct view_limits limits = view_limits_default();
	struct text_view view;

	if (n == 0)
		return 0;
	limits.text = 65536;
	text_view_read(text_from_bytes(data + 1, n - 1), (struct text_form){ data[0] & 1, data[0] & 2 },
		       &limits, &view);
	ASSERT(view.display.n <= limits.text && view.normal.n <= limits.text);
	ASSERT(view.n_quoted_lines <= view.n_lines && (view.n_lines > 0) == (n > 1));
	ASSERT(view.signature_at == SIZE_MAX || view.signature_at <= view.display.n);
	if (!view.limits) {
		check_normal(buf_text(&view.normal));
		check_normal(buf_text(&view.normal_quoted));
	}
	text_view_done(&view);
	return 0;
}
