/* SPDX-License-Identifier: Apache-2.0
 *
 * css_value - lengths and colours of CSS. CSS Values 4, CSS Color 4
 *
 * Values are given in the form for comparing of judge/css.h: lower case, single blanks. Numbers are whole
 * hundredths, cut to +-10,000,000; colours are 0xAARRGGBB.
 */
#ifndef JUDGE_CSS_VALUE_H
#define JUDGE_CSS_VALUE_H

#include "base/text.h"

enum css_unit {
	CSS_UNIT_NONE, /* a bare number */
	CSS_UNIT_PX,   /* all absolute ones, and those of the window, of which we take 800 by 600 */
	CSS_UNIT_EM,   /* em, ex, ch: of the element's own letters */
	CSS_UNIT_REM,
	CSS_UNIT_PERCENT,
};

struct css_length {
	int32_t hundredths;
	enum css_unit unit;
};

/* The whole text is one length. */
bool css_length_parse(struct text t, struct css_length *ret_length);
/* In hundredths of pixels; em and percent are of these. */
int32_t css_length_pixels(struct css_length length, int32_t em, int32_t percent);

/* #rgb, #rrggbb (and with alpha), rgb(), rgba(), hsl(), names, transparent. */
bool css_color_parse(struct text t, uint32_t *ret_argb);
/* The value of bgcolor= and color=, of which browsers make a colour whatever it is. WHATWG HTML 2.3.6 */
bool css_legacy_color_parse(struct text t, uint32_t *ret_argb);

/* Over an opaque colour. */
uint32_t css_color_blend(uint32_t over, uint32_t under);
/* How far two opaque colours are from each other for the eye: 0..765. */
unsigned css_color_distance(uint32_t a, uint32_t b);

#endif
