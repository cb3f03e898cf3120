/* SPDX-License-Identifier: Apache-2.0
 *
 * html_sheet - the style sheets of a page, as far as they say what can be seen. CSS Selectors 4, 16
 *
 * Selectors of elements, classes and ids count, with the elements around them; those that ask for more
 * (attributes, siblings, most pseudo-classes) are passed over. Of media those count that a screen of 800 by
 * 600 pixels has. A page cannot make finding rules slow: the steps for one page are limited, and when they
 * are used up no rule counts any more and is_full says so.
 */
#ifndef JUDGE_HTML_SHEET_H
#define JUDGE_HTML_SHEET_H

#include "base/arena.h"
#include "judge/html_property.h"
#include "proto/html_element.h"

#define HTML_CLASSES_MAX 16
#define HTML_BUCKETS     256

/* What selectors ask of an element. Names are hashes; a stranger who makes two equal deceives himself. */
struct html_names {
	enum html_element element;
	uint32_t name; /* of HTML_OTHER; 0: none */
	uint32_t id;   /* 0: none */
	uint32_t classes[HTML_CLASSES_MAX];
	unsigned n_classes;
};

/* From a tag's name, class= and id=. */
void html_names_of(enum html_element element, struct text name, struct text classes, struct text id,
		   struct html_names *ret_names);

/* What of each property has won so far, and by which rank. */
struct html_cascade {
	uint32_t set; /* bit per property; of others nothing is to be read */
	struct html_value values[HTML_PROPERTY_COUNT];
	uint64_t ranks[HTML_PROPERTY_COUNT];
};

/* Gives the value of a property that was not set the kind UNSET, so that all can be read. */
void html_cascade_finish(struct html_cascade *cascade);

/* Ranks of what stands in the page itself; a rule's lies between. */
#define HTML_RANK_BROWSER   1
#define HTML_RANK_ATTRIBUTE 2 /* bgcolor= and its kind */
#define HTML_RANK_INLINE    ((uint64_t)1 << 62)

void html_cascade_set(struct html_cascade *cascade, const struct html_setting *setting, uint64_t rank);

struct html_rule;

struct html_sheet {
	struct html_rule *buckets[HTML_BUCKETS], *everywhere;
	struct arena *arena;
	size_t n_rules, max_rules;
	size_t steps_left;
	uint32_t order;
	bool is_full;
};

void html_sheet_init(struct html_sheet *sheet, size_t max_rules, struct arena *arena);
void html_sheet_add(struct html_sheet *sheet, struct text css);

/* Sets what the rules say of an element; around holds the n elements around it, from the outermost in. */
void html_sheet_apply(struct html_sheet *sheet, const struct html_names *names,
		      const struct html_names *around, size_t n_around, struct html_cascade *cascade);

#endif
