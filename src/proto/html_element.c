/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks up elements of HTML. Called by the tokenizer and by the views, once per tag, with names that
 * strangers wrote. Invariant: the table is sorted by name, which a unit test checks, so that a name costs
 * eight comparisons.
 */
#include "proto/html_element.h"

#define NAME_MAX_BYTES 16

#define NONE       HTML_FLAG_NONE
#define VOID       HTML_FLAG_VOID
#define RAW        HTML_FLAG_RAW
#define RCDATA     HTML_FLAG_RCDATA
#define SPECIAL    HTML_FLAG_SPECIAL
#define FORMATTING HTML_FLAG_FORMATTING
#define BREAKOUT   HTML_FLAG_BREAKOUT
#define BLOCK      HTML_FLAG_BLOCK
#define PARAGRAPH  HTML_FLAG_PARAGRAPH
#define ENDS_P     HTML_FLAG_ENDS_P
#define SCOPE      HTML_FLAG_SCOPE

static const struct {
	char name[NAME_MAX_BYTES];
	unsigned flags;
} elements[] = {
	[HTML_OTHER] = { "", 0 },
#define ELEMENT(id, name, flags) { name, flags },
#include "proto/html_element.def"
#undef ELEMENT
};

static int compare(const char *lower, size_t n, const char *name)
{
	int order = memcmp(lower, name, n);

	return order ? order : name[n] ? -1 : 0;
}

enum html_element html_element_find(struct text name)
{
	unsigned low = 1, high = HTML_ELEMENT_COUNT;
	char lower[NAME_MAX_BYTES];

	if (name.n == 0 || name.n >= NAME_MAX_BYTES)
		return HTML_OTHER;
	for (size_t i = 0; i < name.n; i++)
		lower[i] = text_lower_byte(name.p[i]);
	while (low < high) {
		unsigned middle = (low + high) / 2;
		int order = compare(lower, name.n, elements[middle].name);
		if (order == 0)
			return (enum html_element)middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return HTML_OTHER;
}

unsigned html_element_flags(enum html_element element)
{
	return elements[element].flags;
}

const char *html_element_name(enum html_element element)
{
	return elements[element].name;
}
