/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of tags, base64 and quoted-printable of each value. Held to: tags lie in the text in order, names are
 * unique, and what base64 gives is as long as its digits say.
 */
#include "base/ensure.h"
#include "proto/tag_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tag(const struct tag_list *list, size_t i, struct text all)
{
	const struct tag *tag = &list->tags[i];

	ASSERT(tag->name.p >= all.p && tag->all.p + tag->all.n <= all.p + all.n);
	ASSERT(i == 0 || tag->name.p > list->tags[i - 1].all.p);
	ASSERT(tag->value.n <= tag->all.n);
	ASSERT(tag_list_find(list, "") == NULL);
	for (size_t j = 0; j < i; j++)
		ASSERT(!text_is_equal(list->tags[j].name, tag->name));
}

static void decode(struct text value)
{
	struct text rest = value, item, out;
	struct arena arena;

	arena_init(&arena, 1 << 20);
	if (tag_value_base64(value, &arena, &out))
		ASSERT(out.n <= value.n / 4 * 3 + 3);
	if (tag_value_qp(value, &arena, &out))
		ASSERT(out.n <= value.n);
	while (tag_value_next(&rest, ':', &item))
		ASSERT(item.n <= value.n);
	arena_reset(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text all = text_from_bytes(data, size);
	struct tag_list list;

	tag_list_parse(all, &list);
	ASSERT(list.n <= TAG_LIST_MAX);
	for (size_t i = 0; i < list.n; i++) {
		check_tag(&list, i, all);
		decode(list.tags[i].value);
	}
	return 0;
}
