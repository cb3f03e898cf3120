/* SPDX-License-Identifier: Apache-2.0
 *
 * Views of plain texts. Called by view.c in a room, on what strangers wrote, in UTF-8. Lines are joined as
 * rfc3676 4.1 to 4.5 says when the part is format=flowed; whoever lies about it is read as mail programs read
 * him. Invariants: each line is looked at once; each text is at most limits->text long.
 */
#include "judge/text_view.h"

struct paragraph {
	struct buf text; /* lines joined so far, without quote marks */
	size_t quoted;   /* marks */
	bool is_open;
};

struct reader {
	struct text_view *view;
	struct text_form form;
	struct paragraph paragraph;
};

/* One line or paragraph as it is shown. */
static void add_display(struct reader *r, struct text line, size_t quoted)
{
	struct buf *out = &r->view->display;

	for (size_t i = 0; i < quoted; i++)
		buf_add_byte(out, '>');
	if (quoted && line.n && line.p[0] != ' ')
		buf_add_byte(out, ' ');
	buf_add(out, line);
	buf_add_byte(out, '\n');
}

static void add_line(struct reader *r, struct text line, size_t quoted)
{
	add_display(r, line, quoted);
	text_normal_add(line, quoted ? &r->view->normal_quoted : &r->view->normal, &r->view->counts);
}

static void end_paragraph(struct reader *r)
{
	if (!r->paragraph.is_open)
		return;
	add_line(r, buf_text(&r->paragraph.text), r->paragraph.quoted);
	buf_reset(&r->paragraph.text);
	r->paragraph.is_open = false;
}

/* Quote marks: in a flowed text one behind the other, in others blanks may stand between. */
static size_t take_quotes(struct text *line, bool is_flowed)
{
	size_t n = 0, at = 0;

	while (at < line->n && (line->p[at] == '>' || (!is_flowed && n && line->p[at] == ' ' &&
						       at + 1 < line->n && line->p[at + 1] == '>'))) {
		n += line->p[at] == '>';
		at++;
	}
	*line = text_skip(*line, at);
	return n;
}

static bool is_signature(struct text line)
{
	return text_is_cstr(line, "-- ");
}

/* A flowed line ends with a blank, and joins with the next of as many marks. rfc3676 4.1, 4.2 */
static void read_flowed(struct reader *r, struct text line, size_t quoted)
{
	bool goes_on;

	if (line.n && line.p[0] == ' ') /* stuffed, rfc3676 4.4 */
		line = text_skip(line, 1);
	if (r->paragraph.is_open && (r->paragraph.quoted != quoted || is_signature(line)))
		end_paragraph(r);
	goes_on = line.n && line.p[line.n - 1] == ' ' && !is_signature(line);
	if (goes_on && r->form.is_delsp)
		line.n--;
	buf_add(&r->paragraph.text, line);
	r->paragraph.quoted = quoted;
	r->paragraph.is_open = true;
	if (!goes_on)
		end_paragraph(r);
}

static void read_line(struct reader *r, struct text line)
{
	struct text_view *view = r->view;
	size_t quoted = take_quotes(&line, r->form.is_flowed);

	view->n_lines++;
	view->n_quoted_lines += quoted > 0;
	if (!quoted && is_signature(line)) {
		end_paragraph(r);
		view->signature_at = view->display.n;
	}
	if (r->form.is_flowed)
		read_flowed(r, line, quoted);
	else
		add_line(r, line, quoted);
}

void text_view_read(struct text t, struct text_form form, const struct view_limits *limits,
		    struct text_view *ret_view)
{
	struct reader r = { .view = ret_view, .form = form };
	struct text line;

	*ret_view = (struct text_view){ .signature_at = SIZE_MAX };
	buf_init(&ret_view->display, limits->text);
	buf_init(&ret_view->normal, limits->text);
	buf_init(&ret_view->normal_quoted, limits->text);
	buf_init(&r.paragraph.text, limits->text);
	while (t.n) {
		text_cut(t, '\n', &line, &t);
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		read_line(&r, line);
	}
	end_paragraph(&r);
	if (ret_view->display.overflow || ret_view->normal.overflow || ret_view->normal_quoted.overflow ||
	    r.paragraph.text.overflow)
		ret_view->limits |= VIEW_LIMIT_TEXT;
	buf_done(&r.paragraph.text);
}

void text_view_done(struct text_view *view)
{
	buf_done(&view->display);
	buf_done(&view->normal);
	buf_done(&view->normal_quoted);
}
