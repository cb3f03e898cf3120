/* SPDX-License-Identifier: Apache-2.0
 *
 * Links and texts of a message as people see them, for `postern inspect`. Called in the room, on a
 * stranger's bytes: gives each text of each reading to judge/view.h, which keeps its own limits.
 * Invariant: the texts live in the arena of the inspection, as long as the view.
 */
#include "cli/inspect_links.h"

#include "judge/view.h"

#define FIELDS_MAX 2000

static bool is_html(const struct mime_part *part)
{
	return text_is_cstr_nocase(part->type, "text") && text_is_cstr_nocase(part->subtype, "html");
}

static void add_part(struct inspect *in, struct message_view *view, unsigned number)
{
	const struct mime_part *part = in->parts[number].part;
	struct view_source source = { .kind = is_html(part) ? VIEW_HTML : VIEW_PLAIN,
				      .part = number,
				      .way = part->way,
				      .is_attachment = part->is_attachment };
	struct text content;

	if (!mime_part_is_text(part) || !inspect_decode(in, part, part->encoding, &content))
		return;
	if (arena_copy(&in->arena, inspect_to_utf8(in, part, content), &source.text))
		message_view_add_text(view, &source);
}

static void add_fields(struct inspect *in, struct message_view *view)
{
	struct mime_header_reader r = mime_header_reader_of(in->parts[0].part->header, &in->limits);
	struct mime_field field;

	for (size_t n = 0; n < FIELDS_MAX && mime_header_next(&r, &field); n++)
		message_view_add_field(view, field.name, field.body);
}

struct message_view *inspect_make_view(struct inspect *in)
{
	struct message_view *view = arena_alloc(&in->arena, sizeof *view);
	static struct view_limits limits;

	limits = view_limits_default();
	message_view_init(view, &limits, in->lookalike, &in->arena);
	if (in->n_parts)
		add_fields(in, view);
	for (unsigned i = 0; i < in->n_parts; i++)
		add_part(in, view, i);
	return view;
}

static void add_link(struct inspect *in, struct json_writer *w, const struct message_link *link)
{
	json_open_object(w);
	json_key_cstr(w, "kind", link_kind_word(link->kind));
	json_key_text(w, "part", in->parts[link->part].path);
	json_key_text(w, "raw", link->raw);
	json_key_text(w, "url", link->url.normal);
	json_key_text(w, "domain", link->domain);
	json_key_text(w, "skeleton", link->skeleton);
	json_key_text(w, "shown", link->shown);
	json_key_text(w, "shown_domain", link->shown_domain);
	json_key_bool(w, "is_mismatch", link->facts & LINK_MISMATCH);
	json_key_bool(w, "is_hidden", link->facts & LINK_HIDDEN);
	json_close(w);
}

void inspect_add_links(struct inspect *in, struct json_writer *w, const struct message_view *view)
{
	json_key_array(w, "links");
	for (const struct message_link *link = view->links.first; link; link = link->next)
		add_link(in, w, link);
	json_close(w);
	json_key_array(w, "texts");
	for (const struct part_view *p = view->first; p; p = p->next) {
		bool has_html = p->source.kind == VIEW_HTML;
		json_open_object(w);
		json_key_text(w, "part", in->parts[p->source.part].path);
		json_key_text(w, "visible", buf_text(has_html ? &p->html.visible : &p->text.display));
		json_key_text(w, "hidden", has_html ? buf_text(&p->html.hidden) : (struct text){ 0 });
		json_close(w);
	}
	json_close(w);
}

void inspect_print_links(struct inspect *in, const struct message_view *view)
{
	for (const struct message_link *link = view->links.first; link; link = link->next) {
		buf_printf(&in->out->buf, "link: %s, part ", link_kind_word(link->kind));
		buf_add(&in->out->buf, in->parts[link->part].path);
		buf_add_cstr(&in->out->buf, ": ");
		buf_add_escaped(&in->out->buf, link->url.normal.n ? link->url.normal : link->raw);
		if (link->facts & LINK_MISMATCH) {
			buf_add_cstr(&in->out->buf, "  (shown as ");
			buf_add_escaped(&in->out->buf, link->shown);
			buf_add_byte(&in->out->buf, ')');
		}
		buf_add_byte(&in->out->buf, '\n');
	}
}
