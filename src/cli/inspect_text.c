/* SPDX-License-Identifier: Apache-2.0
 *
 * `postern inspect` for people. Called in the room, on a stranger's bytes. First what is remarkable,
 * then the tree, then header and text of each part. Invariant: of a stranger's bytes only printable
 * UTF-8 and our own line ends reach the terminal; all else is shown as \xNN.
 */
#include "cli/cli.h"
#include "cli/inspect_links.h"

#define LINE_MAX_BYTES 2000

/* Line by line, so that the escapes keep the line ends; an end of ours behind each. */
static void add_lines(struct buf *out, const char *indent, struct text t)
{
	while (t.n) {
		struct text line;
		text_cut(t, '\n', &line, &t);
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		buf_add_cstr(out, indent);
		for (; line.n; line = text_skip(line, 1)) {
			size_t tab = text_find_byte(line, '\t');
			buf_add_escaped(out, text_slice(line, 0, tab));
			line = text_skip(line, tab);
			if (line.n)
				buf_add_cstr(out, "    ");
		}
		buf_add_byte(out, '\n');
	}
}

static void add_indent(struct buf *out, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		buf_add_cstr(out, "  ");
}

static void print_part_type(struct buf *out, const struct mime_part *part)
{
	struct text type, subtype;

	mime_part_type(part, &type, &subtype);
	if (part->kind == MIME_GAP || part->kind == MIME_FILE) {
		buf_add_cstr(out, part->kind == MIME_GAP ? "outside of the parts" : "file within the text");
		return;
	}
	buf_add_escaped(out, type);
	buf_add_byte(out, '/');
	buf_add_escaped(out, subtype);
	if (part->charset.n) {
		buf_add_cstr(out, ", ");
		buf_add_escaped(out, part->charset);
	}
}

/* One line of the tree: "1.2  text/html, utf-8, base64, 1034 bytes, attachment "a.html"" */
static void print_branch(struct inspect *in, const struct inspect_part *view)
{
	struct buf *out = &in->out->buf;
	const struct mime_part *part = view->part;
	char size[32];

	add_indent(out, part->depth);
	buf_add(out, view->path);
	buf_add_cstr(out, "  ");
	print_part_type(out, part);
	if (part->encoding != MIME_IDENTITY)
		buf_printf(out, ", %s", inspect_encoding_word(part->encoding));
	cli_print_size(part->body.n, size);
	buf_printf(out, ", %s bytes", size);
	if (part->is_attachment)
		buf_add_cstr(out, ", attachment");
	if (part->names) {
		buf_add_cstr(out, " \"");
		buf_add_escaped(out, inspect_name_text(in, part->names));
		buf_add_byte(out, '"');
	}
	if (!mime_part_is_first(part))
		buf_add_cstr(out, "  (as other readers see it)");
	buf_add_byte(out, '\n');
}

static void print_reasons(struct inspect *in, const struct inspect_part *view)
{
	for (unsigned i = 0; i < MIME_REASON_COUNT; i++) {
		const struct mime_reason_row *row = mime_reason_at((enum mime_reason_bit)i);
		if (!(view->part->reasons & 1U << i))
			continue;
		buf_printf(&in->out->buf, "ambiguous: %s, part ", row->word);
		buf_add(&in->out->buf, view->path);
		buf_printf(&in->out->buf, ": %s (%s)\n", row->text, row->section);
	}
}

static void print_summary(struct inspect *in)
{
	struct buf *out = &in->out->buf;

	if (in->tree.trouble)
		buf_printf(out, "unscannable: the limit of %s was met; what follows is not all\n",
			   mime_trouble_word(in->tree.trouble));
	for (size_t i = 0; i < in->n_parts; i++)
		print_reasons(in, &in->parts[i]);
	for (unsigned i = 0; i < MIME_DEFECT_COUNT; i++)
		if (in->tree.defects & 1U << i)
			buf_printf(out, "oddity: %s (%s)\n", mime_defect_word((enum mime_defect_bit)i),
				   mime_defect_section((enum mime_defect_bit)i));
	for (unsigned i = 0; i < MIME_FACT_COUNT; i++)
		if (in->tree.facts & 1U << i)
			buf_printf(out, "fact: %s\n", mime_fact_word((enum mime_fact_bit)i));
	if (out->n)
		buf_add_byte(out, '\n');
}

static void print_header(struct inspect *in, const struct mime_part *part)
{
	struct mime_header_reader r = mime_header_reader_of(part->header, &in->limits);
	struct mime_field field;

	while (mime_header_next(&r, &field)) {
		buf_add_cstr(&in->out->buf, "  ");
		buf_add_escaped(&in->out->buf, field.name);
		buf_add_cstr(&in->out->buf, ": ");
		buf_add_escaped(&in->out->buf, in->has_raw ? field.body : inspect_field_text(in, field.body));
		buf_add_byte(&in->out->buf, '\n');
	}
}

static void print_content(struct inspect *in, const struct mime_part *part, enum mime_encoding encoding)
{
	struct text content;

	if (!inspect_decode(in, part, encoding, &content))
		return;
	buf_printf(&in->out->buf, "  content by %s, %zu bytes%s\n", inspect_encoding_word(encoding),
		   content.n, mime_part_is_text(part) || part->kind == MIME_GAP ? ":" : ", no text");
	if (mime_part_is_text(part) || part->kind == MIME_GAP)
		add_lines(&in->out->buf, "  | ", inspect_to_utf8(in, part, content));
}

static void print_part(struct inspect *in, const struct inspect_part *view)
{
	const struct mime_part *part = view->part;

	buf_printf(&in->out->buf, "\npart ");
	buf_add(&in->out->buf, view->path);
	buf_add_byte(&in->out->buf, '\n');
	print_header(in, part);
	if (part->kind == MIME_MULTIPART || part->kind == MIME_MESSAGE)
		return;
	print_content(in, part, part->encoding);
	for (enum mime_encoding e = MIME_BASE64; e < MIME_ENCODING_COUNT; e++)
		if ((part->encodings & 1U << e) && e != part->encoding && part->kind != MIME_GAP)
			print_content(in, part, e);
}

void inspect_print_text(struct inspect *in)
{
	if (in->file) {
		buf_add_escaped(&in->out->buf, text_from_cstr(in->file));
		buf_add_cstr(&in->out->buf, ":\n");
	}
	print_summary(in);
	if (in->is_summary)
		return;
	for (size_t i = 0; i < in->n_parts; i++)
		print_branch(in, &in->parts[i]);
	buf_add_byte(&in->out->buf, '\n');
	inspect_print_links(in, inspect_make_view(in));
	for (size_t i = 0; i < in->n_parts; i++) {
		print_part(in, &in->parts[i]);
		room_flush(in->out);
	}
}
