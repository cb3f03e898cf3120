/* SPDX-License-Identifier: Apache-2.0
 *
 * lookalike - names that look alike have the same skeleton.
 *
 * "paypal", "paypa1" and the same in Cyrillic letters have one skeleton; "microsoft" and "rnicrosoft" too.
 * By Unicode's list of confusable characters (UTS #39 4), with case folded, and by an own map of digits and
 * pairs of ASCII letters. The data is built into ICU; no file is opened. A tool is opened once, by whoever
 * makes many skeletons, and is read-only then.
 */
#ifndef PROTO_LOOKALIKE_H
#define PROTO_LOOKALIKE_H

#include "base/arena.h"

#define LOOKALIKE_MAX 1024 /* bytes of a name */

struct lookalike;

/* NULL: ICU has no such data. */
struct lookalike *lookalike_open(void);
void lookalike_close(struct lookalike *tool);

/* The skeleton of a name in UTF-8, or of a domain in A-labels, which are undone first. It is for comparing
 * with other skeletons only. False: too long, no UTF-8, or the arena is full. */
bool lookalike_skeleton(const struct lookalike *tool, struct text name, struct arena *a,
			struct text *ret_skeleton);

/* Has any label of the name letters of several scripts that no language writes together? UTS #39 5.2,
 * "highly restrictive": Latin with Han and kana is one writing, Latin with Cyrillic is none. */
bool lookalike_is_mixed(const struct lookalike *tool, struct text name);

#endif
