/* SPDX-License-Identifier: Apache-2.0
 *
 * html_property - declarations of CSS as settings of what decides whether a text can be seen.
 *
 * All others are passed over. A shorthand ("font", "background", "margin") becomes the settings in it.
 */
#ifndef JUDGE_HTML_PROPERTY_H
#define JUDGE_HTML_PROPERTY_H

#include "judge/css.h"
#include "judge/css_value.h"

enum html_property {
	HTML_DISPLAY,
	HTML_VISIBILITY,
	HTML_OPACITY,
	HTML_FONT_SIZE,
	HTML_COLOR,
	HTML_BACKGROUND,
	HTML_POSITION,
	HTML_LEFT,
	HTML_TOP,
	HTML_RIGHT,
	HTML_BOTTOM,
	HTML_TEXT_INDENT,
	HTML_MARGIN_LEFT,
	HTML_MARGIN_TOP,
	HTML_CLIPPING, /* clip, clip-path, transform: KEYWORD_NONE when nothing is left of the box */
	HTML_OVERFLOW,
	HTML_WIDTH,
	HTML_HEIGHT,
	HTML_MAX_WIDTH,
	HTML_MAX_HEIGHT,
	HTML_MSO_HIDE,
	HTML_PROPERTY_COUNT
};

enum html_value_kind { HTML_VALUE_UNSET, HTML_VALUE_KEYWORD, HTML_VALUE_LENGTH, HTML_VALUE_COLOR };

enum html_keyword {
	HTML_KEYWORD_NORMAL, /* any that shows the text */
	HTML_KEYWORD_NONE,   /* the one that hides it */
	HTML_KEYWORD_INHERIT,
	HTML_KEYWORD_IMAGE,     /* of a background: what its colour is nobody knows */
	HTML_KEYWORD_ATTRIBUTE, /* as NONE, by hidden= */
};

struct html_value {
	enum html_value_kind kind : 8;
	enum css_unit unit : 8;
	int32_t number; /* keyword, hundredths, or 0xAARRGGBB */
};

struct html_setting {
	enum html_property property : 8;
	bool is_important;
	struct html_value value;
};

#define HTML_SETTINGS_MAX 4 /* of one declaration */

struct html_settings {
	struct html_setting list[HTML_SETTINGS_MAX];
	size_t n;
};

/* What a declaration sets; n is 0 for most. */
void html_settings_of(const struct css_declaration *declaration, struct html_settings *ret_settings);

struct html_value html_value_keyword(enum html_keyword keyword);
struct html_value html_value_color(uint32_t argb);
struct html_value html_value_pixels(int32_t hundredths);

#endif
