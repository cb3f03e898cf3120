/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorts the attributes of a tag. Called by html_view.c once per start tag, on a stranger's page. Invariant:
 * the table is sorted by name, so that a name costs five comparisons; nothing is kept of other names.
 */
#include "judge/html_attributes.h"

#define NAME_MAX_BYTES 16
#define BIT(id)        ((uint64_t)1 << (id))

static const char names[][NAME_MAX_BYTES] = {
#define ATTRIBUTE(id, name) name,
#include "judge/html_attributes.def"
#undef ATTRIBUTE
};

/* HTML_ATTRIBUTE_COUNT: none of ours. */
static unsigned find_name(struct text name)
{
	unsigned low = 0, high = HTML_ATTRIBUTE_COUNT;
	char lower[NAME_MAX_BYTES] = { 0 };

	if (name.n >= NAME_MAX_BYTES)
		return HTML_ATTRIBUTE_COUNT;
	for (size_t i = 0; i < name.n; i++)
		lower[i] = text_lower_byte(name.p[i]);
	while (low < high) {
		unsigned middle = (low + high) / 2;
		int order = strcmp(lower, names[middle]);
		if (order == 0)
			return middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return HTML_ATTRIBUTE_COUNT;
}

void html_attributes_read(const struct html_token *token, struct html_attributes *ret_attributes)
{
	static const struct text on = TEXT("on");
	struct text rest = token->attributes;
	struct html_attribute attribute;

	ret_attributes->has = 0;
	ret_attributes->n_handlers = 0;
	while (html_attribute_next(&rest, &attribute)) {
		unsigned id = find_name(attribute.name);
		ret_attributes->n_handlers +=
			attribute.name.n > 3 && text_has_prefix_nocase(attribute.name, on);
		if (id == HTML_ATTRIBUTE_COUNT || (ret_attributes->has & BIT(id)))
			continue;
		ret_attributes->values[id] = attribute.value;
		ret_attributes->has |= BIT(id);
	}
}

bool html_attributes_has(const struct html_attributes *attributes, enum html_attribute_id id)
{
	return attributes->has & BIT(id);
}
