/* SPDX-License-Identifier: Apache-2.0
 *
 * The views of one message: a list of its texts and a list of its links. Called by judge.c and by the command
 * line, in a room, with texts that strangers wrote. Invariants: a text is read once; URLs are looked for in
 * what is visible and in what is hidden, and in fields that may hold some.
 */
#include "judge/view.h"

void message_view_init(struct message_view *view, const struct view_limits *limits,
		       const struct lookalike *lookalike, struct arena *arena)
{
	*view = (struct message_view){ .bounds = limits, .arena = arena };
	links_init(&view->links, limits, lookalike, arena);
}

void message_view_done(struct message_view *view)
{
	for (struct part_view *part = view->first; part; part = part->next) {
		html_view_done(&part->html);
		text_view_done(&part->text);
		buf_done(&part->normal_hidden);
	}
	view->first = view->last = NULL;
}

static void read_html(struct message_view *view, struct part_view *part)
{
	const struct html_source source = { .text = part->source.text,
					    .is_page = part->source.is_attachment,
					    .part = part->source.part };
	struct link_found like = { .kind = LINK_TEXT, .part = part->source.part };
	struct text_counts unused = { 0 };

	html_view_read(&source, view->bounds, view->arena, &view->links, &part->html);
	text_normal_add(buf_text(&part->html.visible), &part->text.normal, &part->text.counts);
	text_normal_add(buf_text(&part->html.hidden), &part->normal_hidden, &unused);
	links_add_text(&view->links, buf_text(&part->html.visible), &like);
	like.facts = LINK_HIDDEN;
	links_add_text(&view->links, buf_text(&part->html.hidden), &like);
	view->limits |= part->html.limits;
	if (part->text.normal.overflow || part->normal_hidden.overflow)
		view->limits |= VIEW_LIMIT_TEXT;
}

static void read_plain(struct message_view *view, struct part_view *part)
{
	const struct link_found like = { .kind = LINK_TEXT, .part = part->source.part };

	text_view_read(part->source.text, part->source.form, view->bounds, &part->text);
	/* In a flowed text a URL may go on in the next line. */
	links_add_text(&view->links,
		       part->source.form.is_flowed ? buf_text(&part->text.display) : part->source.text,
		       &like);
	view->limits |= part->text.limits;
}

const struct part_view *message_view_add_text(struct message_view *view, const struct view_source *source)
{
	struct part_view *part = arena_alloc(view->arena, sizeof *part);

	if (!part) {
		view->limits |= VIEW_LIMIT_MEMORY;
		return NULL;
	}
	part->source = *source;
	buf_init(&part->text.normal, view->bounds->text);
	buf_init(&part->normal_hidden, view->bounds->text);
	if (view->last)
		view->last->next = part;
	else
		view->first = part;
	view->last = part;
	view->n_parts++;
	if (source->kind == VIEW_HTML)
		read_html(view, part);
	else
		read_plain(view, part);
	if (view->links.is_full)
		view->limits |= VIEW_LIMIT_LINKS;
	return part;
}

bool message_view_has_urls(struct text name)
{
	static const char *const names[] = { "Subject",          "Comments",      "Archived-At",
					     "Content-Location", "Content-Base",  "Organization",
					     "Feedback-ID",      "X-Unsubscribe", "X-Abuse-Info" };
	static const struct text list = TEXT("List-");

	if (text_has_prefix_nocase(name, list) && !text_is_cstr_nocase(name, "List-Id"))
		return true;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (text_is_cstr_nocase(name, names[i]))
			return true;
	return false;
}

void message_view_add_field(struct message_view *view, struct text name, struct text body)
{
	const struct link_found like = { .kind = LINK_FIELD };

	if (!message_view_has_urls(name))
		return;
	links_add_text(&view->links, body, &like);
	if (view->links.is_full)
		view->limits |= VIEW_LIMIT_LINKS;
}
