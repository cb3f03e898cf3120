/* SPDX-License-Identifier: Apache-2.0
 *
 * Defaults and words of the limits within which texts are read. The defaults are above what honest mail
 * has: newsletters of a hundred links and forty levels of tables are read whole, and their texts are far
 * below a megabyte. Called by judge.c and by tests.
 */
#include "judge/view_limits.h"

struct view_limits view_limits_default(void)
{
	return (struct view_limits){
		.text = (size_t)1 << 20,
		.links = 2000,
		.depth = 512,
		.rules = 4000,
		.items = 1000,
	};
}

const char *view_limit_word(enum view_limit limit)
{
	switch (limit) {
	case VIEW_LIMIT_TEXT:
		return "view-text";
	case VIEW_LIMIT_LINKS:
		return "links";
	case VIEW_LIMIT_DEPTH:
		return "html-depth";
	case VIEW_LIMIT_RULES:
		return "style-rules";
	case VIEW_LIMIT_ITEMS:
		return "html-items";
	case VIEW_LIMIT_MEMORY:
		return "view-memory";
	}
	return "unknown";
}
