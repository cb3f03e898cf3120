/* SPDX-License-Identifier: Apache-2.0
 *
 * Files within the content of a part. Called by mime_part.c for each leaf, on a stranger's bytes. Most
 * readers show them as attachments, whatever the header of the part says. Blocks in text are found in
 * bodies that stand as they are; winmail.dat is decoded first, within the limit of decoded bytes. Linear
 * in what is looked at.
 */
#include "proto/mime_files.h"

#include "proto/lzfu.h"
#include "proto/mime_content.h"
#include "proto/tnef.h"
#include "proto/uuencode.h"
#include "proto/yenc.h"

#define BIT(encoding) (1U << (encoding))

static struct mime_part *add_file(struct mime_reader *r, struct mime_part *parent, struct text body,
				  enum mime_encoding encoding)
{
	struct mime_part *file = mime_reader_add_part(r, parent, MIME_FILE);

	if (!file)
		return NULL;
	file->body = body;
	file->encoding = encoding;
	file->encodings |= BIT(encoding);
	file->is_attachment = true;
	return file;
}

static void add_name(struct mime_reader *r, struct mime_part *file, struct text raw, struct text charset)
{
	struct mime_name name = {
		.source = MIME_NAME_WITHIN, .is_extended = charset.n > 0, .charset = charset, .raw = raw
	};

	if (file && raw.n)
		mime_entity_add_name(r, file, name);
}

/* "begin 644 name" */
static void read_uuencode(struct mime_reader *r, struct mime_part *part)
{
	struct uuencode_file file;
	size_t at = 0;

	while (!mime_reader_has_stopped(r) && uuencode_find(part->body, &at, &file)) {
		if (file.lines.n == 0)
			continue;
		part->facts |= MIME_FACT_UUENCODED;
		add_name(r, add_file(r, part, file.lines, file.is_base64 ? MIME_BASE64 : MIME_UUENCODE),
			 file.name, (struct text){ 0 });
	}
}

/* "=ybegin ... name=": the body of the part is the block with the line that begins it. */
static void read_yenc(struct mime_reader *r, struct mime_part *part)
{
	static const struct text begin = TEXT("=ybegin ");
	struct yenc_file file;
	size_t at = 0, before = 0;

	while (!mime_reader_has_stopped(r) && yenc_find(part->body, &at, &file)) {
		struct text block = text_slice(part->body, before, at);
		before = at;
		if (file.lines.n == 0)
			continue;
		block = text_skip(block, text_find(block, begin));
		part->facts |= MIME_FACT_YENC;
		add_name(r, add_file(r, part, block, MIME_YENC), file.name, (struct text){ 0 });
	}
}

/* Compressed RTF as a person would see it opened. */
static struct text decompress(struct mime_reader *r, struct text data)
{
	size_t size = lzfu_size(data);
	struct text result = data;
	struct buf out;

	if (size == 0)
		return data;
	if (size > r->decoded) {
		mime_reader_stop(r, MIME_TROUBLE_DECODED);
		return data;
	}
	r->decoded -= size;
	buf_init(&out, size);
	(void)!lzfu_decompress(data, &out);
	if (!arena_copy(r->arena, buf_text(&out), &result))
		mime_reader_stop(r, MIME_TROUBLE_MEMORY);
	buf_done(&out);
	return result;
}

static const struct {
	struct text type, subtype;
} item_types[] = {
	[TNEF_TEXT] = { TEXT("text"), TEXT("plain") },
	[TNEF_HTML] = { TEXT("text"), TEXT("html") },
	[TNEF_RTF] = { TEXT("text"), TEXT("rtf") },
};

static void add_item(struct mime_reader *r, struct mime_part *part, const struct tnef_item *item)
{
	bool is_file = item->kind == TNEF_ATTACHMENT || item->kind == TNEF_OBJECT;
	struct text data = item->kind == TNEF_RTF ? decompress(r, item->data) : item->data;
	struct mime_part *file = add_file(r, part, data, MIME_IDENTITY);

	if (!file)
		return;
	if (is_file) {
		for (unsigned i = 0; i < TNEF_NAME_COUNT; i++)
			add_name(r, file, item->names[i].bytes, item->names[i].charset);
		return;
	}
	file->type = item_types[item->kind].type;
	file->subtype = item_types[item->kind].subtype;
	file->charset = item->charset;
	file->is_attachment = false;
}

static void read_tnef(struct mime_reader *r, struct mime_part *part)
{
	struct tnef_limits limits = { .items = r->limits->parts, .depth = r->limits->depth };
	struct text content = part->body;
	struct tnef tnef;

	if (part->encoding != MIME_IDENTITY)
		content = mime_reader_decode(r, part, part->encoding);
	if (mime_reader_has_stopped(r) || !tnef_read(content, &limits, r->arena, &tnef))
		return;
	part->facts |= MIME_FACT_TNEF;
	if (tnef.is_limited)
		mime_reader_stop(r, MIME_TROUBLE_PARTS);
	for (const struct tnef_item *i = tnef.first; i && !mime_reader_has_stopped(r); i = i->next)
		if (i->kind != TNEF_MESSAGE)
			add_item(r, part, i);
}

/* A program decides by the type or, when that says nothing, by the name. */
static bool may_be_tnef(const struct mime_part *part)
{
	return (part->facts & MIME_FACT_TNEF) || text_is_cstr_nocase(part->name, "winmail.dat") ||
	       text_is_cstr_nocase(part->name, "win.dat");
}

void mime_files_read(struct mime_reader *r, struct mime_part *part)
{
	if (may_be_tnef(part)) {
		read_tnef(r, part);
		return;
	}
	if (part->encoding != MIME_IDENTITY || !mime_part_is_text(part))
		return;
	mime_reader_spend(r, 2 * part->body.n);
	read_uuencode(r, part);
	read_yenc(r, part);
}
