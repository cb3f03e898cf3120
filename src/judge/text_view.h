/* SPDX-License-Identifier: Apache-2.0
 *
 * text_view - a text for people in the one form in which texts are compared, searched and learned.
 *
 * text_view_read joins the lines of format=flowed (rfc3676), finds the lines that quote another message
 * and the signature. text_normal_add gives any text in normal form: NFKC with case folded, as Unicode 3.13
 * defines it for comparing, without characters that nobody sees (zero-width, soft hyphen, bidirectional
 * controls), each run of blanks as one blank, each run of empty lines as one line end. Both are linear;
 * ICU works on its built-in data, no file is opened.
 */
#ifndef JUDGE_TEXT_VIEW_H
#define JUDGE_TEXT_VIEW_H

#include "base/buf.h"
#include "judge/view_limits.h"

/* What was left out or counted on the way to the normal form. */
struct text_counts {
	size_t characters;
	size_t non_ascii;
	size_t zero_width; /* U+200B..D, U+2060, U+FEFF, U+00AD, U+034F, tags ... */
	size_t bidi;       /* U+202A..E, U+2066..9, U+200E, U+200F, U+061C */
	size_t controls;   /* other control characters */
	size_t replaced;   /* U+FFFD, and bytes that are no UTF-8 */
};

/* Adds the normal form of t to out (with a line end before it when out has something). counts are added
 * to. False when out is full. */
bool text_normal_add(struct text t, struct buf *out, struct text_counts *counts);

/* The form of rfc3676 4: parameters of text/plain. */
struct text_form {
	bool is_flowed, is_delsp;
};

struct text_view {
	struct buf display;       /* lines joined as a reader shows them; quote marks kept */
	struct buf normal;        /* without the quoted lines */
	struct buf normal_quoted; /* the quoted lines alone, in normal form */
	size_t n_lines, n_quoted_lines;
	size_t signature_at; /* in display: where the separator "-- " stands; SIZE_MAX: none */
	struct text_counts counts;
	unsigned limits; /* VIEW_LIMIT_* */
};

/* t is UTF-8. text_view_done frees. */
void text_view_read(struct text t, struct text_form form, const struct view_limits *limits,
		    struct text_view *ret_view);
void text_view_done(struct text_view *view);

#endif
