/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks up the kind of a field. Called for every field that is shown or judged; the name is a
 * stranger's. The table is field_kind.def, sorted, so that a field costs a handful of comparisons.
 */
#include "proto/field_kind.h"

#include "base/ensure.h"

static const struct {
	struct text name;
	enum field_kind kind;
} fields[] = {
#define FIELD(name, kind) { TEXT(name), FIELD_##kind },
#include "proto/field_kind.def"
#undef FIELD
};

static int compare_nocase(struct text a, struct text b)
{
	for (size_t i = 0; i < a.n && i < b.n; i++) {
		int order = text_lower_byte(a.p[i]) - text_lower_byte(b.p[i]);
		if (order)
			return order;
	}
	return (a.n > b.n) - (a.n < b.n);
}

enum field_kind field_kind_of(struct text name)
{
	size_t from = 0, to = sizeof fields / sizeof *fields;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = compare_nocase(name, fields[middle].name);
		if (order == 0)
			return fields[middle].kind;
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return FIELD_TEXT;
}

const char *field_kind_word(enum field_kind kind)
{
	static const char *const words[] = { "text",    "addresses", "date",  "ids", "urls",
					     "phrases", "value",     "trace", "raw" };

	ASSERT(kind < FIELD_KIND_COUNT);
	return words[kind];
}
