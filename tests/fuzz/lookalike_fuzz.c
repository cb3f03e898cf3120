/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the skeleton of a name. Checked beside memory safety: the same name has the same skeleton, in
 * whatever case its ASCII is, and nothing has one that is no UTF-8.
 */
#include "base/ensure.h"
#include "proto/lookalike.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct lookalike *tool;
	struct text name = text_from_bytes(data, n), a, b, upper;
	struct arena arena;
	char *bytes;

	if (!tool)
		tool = lookalike_open();
	ASSERT(tool);
	arena_init(&arena, 1 << 20);
	bytes = arena_cstr(&arena, text_slice(name, 0, 65536));
	upper = text_from_bytes(bytes, name.n < 65536 ? name.n : 65536);
	for (size_t i = 0; i < upper.n; i++)
		if (bytes[i] >= 'a' && bytes[i] <= 'z')
			bytes[i] = (char)(bytes[i] - 'a' + 'A');
	(void)lookalike_is_mixed(tool, name);
	if (lookalike_skeleton(tool, name, &arena, &a)) {
		ASSERT(n <= LOOKALIKE_MAX);
		if (text_find_nocase(name, (struct text)TEXT("xn--")) == SIZE_MAX) {
			ASSERT(lookalike_skeleton(tool, upper, &arena, &b) && text_is_equal(a, b));
		}
	}
	arena_reset(&arena);
	return 0;
}
