/* SPDX-License-Identifier: Apache-2.0
 *
 * view_limits - what reading the texts of one message may cost.
 *
 * Nothing of this ends reading early with a wrong result: what is above a limit is left out, counted, and
 * said in a bit of VIEW_LIMIT_*, so that the message can be called unscannable.
 */
#ifndef JUDGE_VIEW_LIMITS_H
#define JUDGE_VIEW_LIMITS_H

#include <stddef.h>

struct view_limits {
	size_t text;  /* bytes of each text kept of one part: visible, hidden, normal form */
	size_t links; /* links of a message */
	size_t depth; /* elements of HTML open at one time */
	size_t rules; /* style rules of a page that say anything about what is visible */
	size_t items; /* forms, fields, data: URIs, hidden runs of a page: of each */
};

enum view_limit {
	VIEW_LIMIT_TEXT = 1 << 0,
	VIEW_LIMIT_LINKS = 1 << 1,
	VIEW_LIMIT_DEPTH = 1 << 2,
	VIEW_LIMIT_RULES = 1 << 3,
	VIEW_LIMIT_ITEMS = 1 << 4,
	VIEW_LIMIT_MEMORY = 1 << 5, /* the arena is full */
};

struct view_limits view_limits_default(void);
const char *view_limit_word(enum view_limit limit); /* "view-text", ... */

#endif
