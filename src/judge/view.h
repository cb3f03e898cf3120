/* SPDX-License-Identifier: Apache-2.0
 *
 * view - the texts and links of one message, as people see them and as engines search them.
 *
 * Made once per message, after its parts are read: for each text a view, for all together the list of
 * links. judge/view_message.h does it for the list of a message's parts. The caller gives the texts, decoded
 *and in UTF-8, in the order of the parts, each part in each of its readings:
 *
 *	message_view_init(&view, &limits, lookalike, arena);
 *	for each field of the header: message_view_add_field(&view, field.name, field.body);
 *	for each text of a part:      message_view_add_text(&view, &source);
 *	... view.first, view.links ...
 *	message_view_done(&view);
 *
 * Works within limits: what is met is a bit of view.limits, and the message then is unscannable. Texts
 * given must live as long as the view.
 */
#ifndef JUDGE_VIEW_H
#define JUDGE_VIEW_H

#include "judge/html_view.h"
#include "judge/links.h"
#include "judge/text_view.h"

enum view_kind { VIEW_PLAIN, VIEW_HTML };

struct view_source {
	enum view_kind kind;   /* VIEW_HTML: text/html, application/xhtml+xml, image/svg+xml */
	struct text text;      /* UTF-8; bytes that are none count as replaced */
	unsigned part;         /* number of the part in the caller's list, for links and people */
	unsigned way;          /* which reading of it; 0: the first */
	bool is_attachment;    /* opened by a browser, not by the mail program */
	struct text_form form; /* of text/plain */
};

struct part_view {
	struct part_view *next;
	struct view_source source;
	struct html_view html;    /* VIEW_HTML */
	struct text_view text;    /* VIEW_PLAIN; of VIEW_HTML only normal: of what is visible */
	struct buf normal_hidden; /* of VIEW_HTML: the hidden text in normal form */
};

struct message_view {
	struct part_view *first, *last;
	size_t n_parts;
	struct links links;
	unsigned limits; /* VIEW_LIMIT_* that were met */
	const struct view_limits *bounds;
	struct arena *arena;
};

/* lookalike may be NULL: then links have no skeletons. */
void message_view_init(struct message_view *view, const struct view_limits *limits,
		       const struct lookalike *lookalike, struct arena *arena);
void message_view_done(struct message_view *view);

/* NULL when the arena is full. */
const struct part_view *message_view_add_text(struct message_view *view, const struct view_source *source);
/* Fields that have URLs for people or programs; in others (Message-ID, DKIM-Signature) it only looks so. */
bool message_view_has_urls(struct text name);
/* Links of such a field, of others none: the body, folded or not. rfc2369 2 */
void message_view_add_field(struct message_view *view, struct text name, struct text body);

#endif
