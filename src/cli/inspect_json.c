/* SPDX-License-Identifier: Apache-2.0
 *
 * `postern inspect --json`. Called in the room, on a stranger's bytes. The names are documented in
 * docs/inspect-json.md and stay as they are. Each part is handed to the pipe when it is written, so that
 * no more than one part's content is held. Invariant: the writer makes valid JSON of whatever bytes.
 */
#include "cli/inspect.h"
#include "cli/inspect_field.h"
#include "cli/inspect_links.h"

#include <string.h>

#define FLUSH_AT ((size_t)1 << 20)

static void add_reasons(struct json_writer *w, unsigned reasons)
{
	json_key_array(w, "reasons");
	for (unsigned i = 0; i < MIME_REASON_COUNT; i++)
		if (reasons & 1U << i)
			json_cstr(w, mime_reason_at((enum mime_reason_bit)i)->word);
	json_close(w);
}

static void add_defects(struct json_writer *w, unsigned defects)
{
	json_key_array(w, "defects");
	for (unsigned i = 0; i < MIME_DEFECT_COUNT; i++)
		if (defects & 1U << i)
			json_cstr(w, mime_defect_word((enum mime_defect_bit)i));
	json_close(w);
}

static void add_facts(struct json_writer *w, unsigned facts)
{
	json_key_array(w, "facts");
	for (unsigned i = 0; i < MIME_FACT_COUNT; i++)
		if (facts & 1U << i)
			json_cstr(w, mime_fact_word((enum mime_fact_bit)i));
	json_close(w);
}

static void add_all_facts(struct json_writer *w, unsigned facts)
{
	json_key_object(w, "facts");
	for (unsigned i = 0; i < MIME_FACT_COUNT; i++)
		json_key_bool(w, mime_fact_word((enum mime_fact_bit)i), facts & 1U << i);
	json_close(w);
}

/* Each reason with the part that it is about. */
static void add_ambiguities(struct inspect *in, struct json_writer *w)
{
	json_key_array(w, "ambiguities");
	for (size_t n = 0; n < in->n_parts; n++) {
		for (unsigned i = 0; i < MIME_REASON_COUNT; i++) {
			const struct mime_reason_row *row = mime_reason_at((enum mime_reason_bit)i);
			if (!(in->parts[n].part->reasons & 1U << i))
				continue;
			json_open_object(w);
			json_key_cstr(w, "reason", row->word);
			json_key_text(w, "part", in->parts[n].path);
			json_key_cstr(w, "section", row->section);
			json_key_cstr(w, "text", row->text);
			json_close(w);
		}
	}
	json_close(w);
}

static void add_field(struct inspect *in, struct json_writer *w, const struct mime_field *field)
{
	json_open_object(w);
	json_key_text(w, "name", field->name);
	json_key_text(w, "text", inspect_field_text(in, field->body));
	if (in->has_raw)
		json_key_text(w, "raw", field->body);
	inspect_add_grammar(in, w, field);
	json_close(w);
}

static void add_headers(struct inspect *in, struct json_writer *w, const struct mime_part *part)
{
	struct mime_header_reader r = mime_header_reader_of(part->header, &in->limits);
	struct mime_field field;

	json_key_array(w, "headers");
	while (mime_header_next(&r, &field))
		add_field(in, w, &field);
	json_close(w);
}

static void add_names(struct inspect *in, struct json_writer *w, const struct mime_part *part)
{
	static const char *const sources[] = {
		[MIME_NAME_FILENAME] = "filename", [MIME_NAME_NAME] = "name", [MIME_NAME_WITHIN] = "within"
	};

	if (!part->names)
		return;
	json_key_text(w, "name", inspect_name_text(in, part->names));
	json_key_array(w, "names");
	for (const struct mime_name *n = part->names; n; n = n->next) {
		json_open_object(w);
		json_key_cstr(w, "source", sources[n->source]);
		json_key_bool(w, "extended", n->is_extended);
		json_key_text(w, "text", inspect_name_text(in, n));
		json_close(w);
	}
	json_close(w);
}

static void add_content(struct inspect *in, struct json_writer *w, const struct mime_part *part,
			enum mime_encoding encoding)
{
	struct text content;
	char digest[65];

	json_key_cstr(w, "encoding", inspect_encoding_word(encoding));
	if (!inspect_decode(in, part, encoding, &content)) {
		json_key_bool(w, "is_cut", true);
		return;
	}
	inspect_sha256(content, digest);
	json_key_number(w, "decoded_size", (int64_t)content.n);
	json_key_cstr(w, "sha256", digest);
	if (part->kind == MIME_GAP || mime_part_is_text(part))
		json_key_text(w, "text", inspect_to_utf8(in, part, content));
}

/* What other readers decode it to. */
static void add_readings(struct inspect *in, struct json_writer *w, const struct mime_part *part)
{
	json_key_array(w, "other_readings");
	for (enum mime_encoding e = MIME_IDENTITY; e < MIME_ENCODING_COUNT; e++) {
		if (!(part->encodings & 1U << e) || e == part->encoding ||
		    (e == MIME_IDENTITY && !part->reasons))
			continue;
		json_open_object(w);
		add_content(in, w, part, e);
		json_close(w);
	}
	json_close(w);
}

static void add_type(struct json_writer *w, const struct mime_part *part)
{
	struct text type, subtype;
	struct buf b;

	mime_part_type(part, &type, &subtype);
	buf_init(&b, type.n + subtype.n + 1);
	buf_add(&b, type);
	buf_add_byte(&b, '/');
	buf_add(&b, subtype);
	for (size_t i = 0; i < b.n; i++)
		b.p[i] = text_lower_byte(b.p[i]);
	json_key_text(w, "type", buf_text(&b));
	buf_done(&b);
	if (part->other_type.n)
		json_key_text(w, "other_type", part->other_type);
}

static void add_place(struct inspect *in, struct json_writer *w, const struct mime_part *part)
{
	uintptr_t at = (uintptr_t)part->body.p, from = (uintptr_t)in->message.p;

	json_key_number(w, "size", (int64_t)part->body.n);
	if (part->body.n == 0 || at < from || at - from > in->message.n)
		return;
	json_key_number(w, "header_at", (int64_t)(at - from - part->header.n));
	json_key_number(w, "body_at", (int64_t)(at - from));
}

static void add_part(struct inspect *in, struct json_writer *w, const struct inspect_part *view)
{
	static const char *const dispositions[] = { NULL, "inline", "attachment" };
	const struct mime_part *part = view->part;
	const struct inspect_part *parent = part->parent ? inspect_find(in, part->parent) : NULL;

	json_open_object(w);
	json_key_text(w, "path", view->path);
	json_key(w, "parent");
	if (parent)
		json_text(w, parent->path);
	else
		json_nothing(w);
	json_key_number(w, "way", part->way);
	json_key_bool(w, "is_first_reading", mime_part_is_first(part));
	json_key_cstr(w, "kind", inspect_kind_word(part->kind));
	if (part->kind != MIME_GAP && part->kind != MIME_FILE)
		add_type(w, part);
	if (part->charset.n)
		json_key_text(w, "charset", part->charset);
	json_key_cstr(w, "disposition", dispositions[part->disposition]);
	json_key_bool(w, "is_attachment", part->is_attachment);
	add_names(in, w, part);
	add_place(in, w, part);
	add_reasons(w, part->reasons);
	add_defects(w, part->defects);
	add_facts(w, part->facts);
	if (part->kind == MIME_MULTIPART || part->kind == MIME_MESSAGE)
		json_key_cstr(w, "encoding", inspect_encoding_word(part->encoding));
	else
		add_content(in, w, part, part->encoding);
	if (part->kind != MIME_MULTIPART && part->kind != MIME_MESSAGE)
		add_readings(in, w, part);
	if (part->kind != MIME_GAP && part->kind != MIME_FILE)
		add_headers(in, w, part);
	json_close(w);
}

static void add_parts(struct inspect *in, struct json_writer *w)
{
	json_key_array(w, "parts");
	for (size_t i = 0; i < in->n_parts; i++) {
		add_part(in, w, &in->parts[i]);
		if (in->out->buf.n > FLUSH_AT)
			room_flush(in->out);
	}
	json_close(w);
}

void inspect_print_json(struct inspect *in)
{
	struct json_writer w = json_writer_of(&in->out->buf, in->file == NULL);

	json_open_object(&w);
	if (in->file)
		json_key_cstr(&w, "file", in->file);
	json_key_number(&w, "size", (int64_t)in->message.n);
	json_key(&w, "trouble");
	json_cstr(&w, in->tree.trouble ? mime_trouble_word(in->tree.trouble) : NULL);
	json_key_bool(&w, "is_ambiguous", mime_tree_is_ambiguous(&in->tree));
	add_ambiguities(in, &w);
	add_defects(&w, in->tree.defects);
	add_all_facts(&w, in->tree.facts);
	if (!in->is_summary) {
		add_parts(in, &w);
		inspect_add_links(in, &w, inspect_make_view(in));
	}
	json_close(&w);
	buf_add_byte(&in->out->buf, '\n');
}
