/* SPDX-License-Identifier: Apache-2.0
 *
 * html_style - whether the text in an element can be seen.
 *
 * A style is what an element makes of the style around it and of what was set for it: display, visibility,
 * opacity, size of letters, colour and background, place and clipping. A mail program's window of 800 by 600
 * pixels and a white page are taken for granted; the picture behind a text is not known, so no colour hides
 * a text on one.
 */
#ifndef JUDGE_HTML_STYLE_H
#define JUDGE_HTML_STYLE_H

#include "judge/html_attributes.h"
#include "judge/html_sheet.h"

/* How a text is hidden: by the outermost element that hides it. Words: html_hidden_word. */
enum html_hidden {
	HTML_VISIBLE,
	HTML_HIDDEN_COMMENT,     /* <!-- -->, <! >, <? > */
	HTML_HIDDEN_CONDITIONAL, /* <!--[if mso]>: only Outlook shows it */
	HTML_HIDDEN_UNCLOSED,    /* a tag that the end of the page cuts */
	HTML_HIDDEN_ELEMENT,     /* <template>, <noframes> and the like: content that is not shown */
	HTML_HIDDEN_NOSCRIPT,
	HTML_HIDDEN_ATTRIBUTE,  /* hidden= */
	HTML_HIDDEN_INPUT,      /* value of <input type=hidden> */
	HTML_HIDDEN_DISPLAY,    /* display: none */
	HTML_HIDDEN_VISIBILITY, /* visibility: hidden or collapse */
	HTML_HIDDEN_OPACITY,    /* opacity: 0 and nearly so */
	HTML_HIDDEN_FONT_SIZE,  /* letters of at most 1 pixel */
	HTML_HIDDEN_COLOR,      /* letters in the colour of the background, or transparent */
	HTML_HIDDEN_OFF_SCREEN, /* far left or above of the page */
	HTML_HIDDEN_CLIP,       /* clip, clip-path, transform */
	HTML_HIDDEN_BOX,        /* a box without height or width, overflow hidden */
	HTML_HIDDEN_MSO,        /* mso-hide: all; Outlook alone hides it */
	HTML_HIDDEN_COUNT
};

const char *html_hidden_word(enum html_hidden how);

struct html_style {
	enum html_hidden hidden; /* what hides all that is inside */
	bool is_invisible;       /* visibility: an element inside may show itself */
	bool has_image_behind;
	int32_t opacity;      /* 0..100, of all around together */
	int32_t font_size;    /* hundredths of pixels */
	int32_t text_indent;  /* hundredths of pixels */
	uint32_t color;       /* 0xAARRGGBB */
	uint32_t background;  /* 0xFFRRGGBB: what is painted behind */
	enum html_hidden how; /* how a text in this style is hidden, all this taken together */
};

/* The style of the page itself. */
struct html_style html_style_root(void);
/* The style within an element, by what was set for it. */
void html_style_within(const struct html_style *around, const struct html_value values[HTML_PROPERTY_COUNT],
		       struct html_style *ret_style);
/* Sets what browsers and old attributes say of an element, and its style=. */
void html_style_set_element(enum html_element element, const struct html_attributes *attributes,
			    struct html_cascade *cascade);
void html_style_set_inline(struct text style, struct html_cascade *cascade);

#endif
