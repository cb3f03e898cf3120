/* SPDX-License-Identifier: Apache-2.0
 *
 * teststring - the two strings that every mail filter must know: GTUBE (spam) and EICAR (virus).
 *
 * Both are found in any part, under any encoding, in uuencoded files, in HTML with its tags and
 * entities undone and in UTF-16, at any place of the content. They are no proof of badness to a
 * stranger who sends them: he asks for the test.
 */
#ifndef JUDGE_TESTSTRING_H
#define JUDGE_TESTSTRING_H

#include "judge/judge.h"

void teststring_run(struct judge_work *work);

#endif
