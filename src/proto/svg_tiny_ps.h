/* SPDX-License-Identifier: Apache-2.0
 *
 * svg_tiny_ps - is this picture of the one kind that mail programs may show as a sender's? By
 * draft-svg-tiny-ps-abrotman-12: SVG Tiny 1.2 without anything that moves, acts or fetches.
 *
 * Reads what a stranger made: no document type, no entity, nothing is fetched; linear.
 */
#ifndef PROTO_SVG_TINY_PS_H
#define PROTO_SVG_TINY_PS_H

#include "base/text.h"

#define SVG_TINY_PS_BYTES_MAX 32768 /* what mailbox providers take */
#define SVG_TINY_PS_TITLE_MAX 64

enum svg_problem_bit {
#define PROBLEM(name, word, text) SVG_PROBLEM_BIT_##name,
#include "proto/svg_problems.def"
#undef PROBLEM
	SVG_PROBLEM_COUNT
};

enum svg_problem {
#define PROBLEM(name, word, text) SVG_PROBLEM_##name = 1 << SVG_PROBLEM_BIT_##name,
#include "proto/svg_problems.def"
#undef PROBLEM
};

struct svg_report {
	unsigned problems;                     /* SVG_PROBLEM_; 0: it is good */
	char title[SVG_TINY_PS_TITLE_MAX + 1]; /* UTF-8, cut */
	double width, height;                  /* of viewBox, else of width and height; 0: not known */
	char element[32];                      /* the first that is not of the profile; UTF-8, cut */
	size_t line;                           /* of the first problem that has a place; 0: none has */
};

void svg_tiny_ps_check(struct text svg, struct svg_report *ret_report);

const char *svg_problem_word(enum svg_problem_bit bit); /* "script" */
const char *svg_problem_text(enum svg_problem_bit bit); /* "has a script" */

#endif
