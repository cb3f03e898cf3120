/* SPDX-License-Identifier: Apache-2.0
 *
 * html_style - which text of a page can be seen.
 *
 * A stack of the elements that are open, each with what it inherits: display, visibility, opacity, size of
 * letters, colour and background, place, clipping. Rules come from style attributes, from old attributes
 * such as bgcolor, and from <style> sheets as far as their selectors are element, .class, #id and lists or
 * descendants of these.
 */
#ifndef JUDGE_HTML_STYLE_H
#define JUDGE_HTML_STYLE_H

/* How a text is hidden; the first that applies, from the outermost element in. Words: html_hidden_word. */
enum html_hidden {
	HTML_VISIBLE,
	HTML_HIDDEN_COMMENT,     /* <!-- -->, <! >, <? > */
	HTML_HIDDEN_CONDITIONAL, /* <!--[if mso]>: only Outlook shows it */
	HTML_HIDDEN_UNCLOSED,    /* a tag that the end of the page cut */
	HTML_HIDDEN_ELEMENT,     /* <template>, <noframes>, <object>'s and the like: content never shown */
	HTML_HIDDEN_NOSCRIPT,
	HTML_HIDDEN_ATTRIBUTE,  /* hidden */
	HTML_HIDDEN_INPUT,      /* value of <input type=hidden> */
	HTML_HIDDEN_DISPLAY,    /* display: none */
	HTML_HIDDEN_VISIBILITY, /* visibility: hidden or collapse */
	HTML_HIDDEN_OPACITY,    /* opacity: 0 and nearly so */
	HTML_HIDDEN_FONT_SIZE,  /* letters of at most 1 pixel */
	HTML_HIDDEN_COLOR,      /* letters in the colour of the background, or transparent */
	HTML_HIDDEN_OFF_SCREEN, /* far left or above of the page */
	HTML_HIDDEN_CLIP,       /* clip, clip-path, transform: scale(0) */
	HTML_HIDDEN_BOX,        /* a box without height or width, overflow hidden */
	HTML_HIDDEN_MSO,        /* mso-hide: all; Outlook alone hides it */
	HTML_HIDDEN_COUNT
};

const char *html_hidden_word(enum html_hidden how);

#endif
