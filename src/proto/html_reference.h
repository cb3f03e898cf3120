/* SPDX-License-Identifier: Apache-2.0
 *
 * html_reference - character references: "&amp;", "&#65;", "&#x41;". WHATWG HTML 13.2.5.72
 *
 * All 2,231 names of the standard, the longest that fits; those that may lack their semicolon do so only
 * where the standard lets them. Numbers in the C1 range are windows-1252, as browsers take them; NUL,
 * surrogates and what lies above Unicode are U+FFFD. Nothing fails: what is no reference stays.
 */
#ifndef PROTO_HTML_REFERENCE_H
#define PROTO_HTML_REFERENCE_H

#include "base/arena.h"
#include "base/buf.h"

#define HTML_REFERENCE_MAX 6 /* bytes of UTF-8 that one becomes */

struct html_reference {
	char utf8[HTML_REFERENCE_MAX];
	size_t n;
	size_t length; /* bytes of the text that it takes */
};

/* t begins with '&'. False when that is no reference. */
bool html_reference_take(struct text t, bool is_attribute, struct html_reference *ret_reference);

enum html_decode {
	HTML_DECODE_TEXT,      /* between tags: references undone, NUL left out */
	HTML_DECODE_RCDATA,    /* <title>: references undone, NUL becomes U+FFFD */
	HTML_DECODE_RAW,       /* <style>: no references, NUL becomes U+FFFD */
	HTML_DECODE_ATTRIBUTE, /* as RCDATA, but "&lt=" and "&ltx" stay */
};

/* Adds the text with its references undone and its line ends as LF; false when out is full. */
bool html_decode_add(struct text t, enum html_decode how, struct buf *out);

/* The value of an attribute. A text without anything to undo is given back itself; an empty one when the
 * arena is full (false). */
bool html_decode_attribute(struct text t, struct arena *a, struct text *ret_text);

#endif
