/* SPDX-License-Identifier: Apache-2.0
 *
 * value - one value of each type: from a word, to a word.
 *
 * A list's row gives the type of its elements. Inside src/conf only.
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include "base/arena.h"
#include "conf/schema.h"

struct conf_kind {
	const char *name;   /* in the manual */
	const char *manual; /* how it is written */
	size_t size;        /* of one value, or of one element of a list */
	bool is_list;
	bool is_set; /* a list in which no value may stand twice */
	bool (*parse)(const struct conf_row *row, struct text word, void *ret_value, struct buf *why);
	void (*print)(const struct conf_row *row, const void *value, struct buf *out);
};

/* Large enough and aligned for one value or element of any type. */
union conf_any {
	struct text text;
	struct conf_host host;
	struct conf_endpoint endpoint;
	struct conf_rate rate;
	struct addr addr;
	struct addr_prefix prefix;
	uint64_t number;
	int64_t time;
	unsigned choice;
	bool yes;
};

const struct conf_kind *conf_kind_of(const struct conf_row *row);

/* Checks the word against type and bounds of the row. Texts are copied into the arena, in lower case
 * where case has no meaning. On false, why says what is wrong, with the cure, as the end of a sentence
 * "NAME: ...". */
bool conf_value_parse(const struct conf_row *row, struct arena *arena, struct text word,
		      union conf_any *ret_value, struct buf *why);
/* As a word of the file, quoted where it must be. */
void conf_value_print(const struct conf_row *row, const void *value, struct buf *out);
/* A word of the file, in double quotes unless it is plain. */
void conf_word_print(struct text word, struct buf *out);

#endif
