/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads winmail.dat. Called by the message engines on a stranger's file. After a signature and a key it
 * is a row of attributes: level (message or attachment), id, length, bytes, checksum ([MS-OXTNEF] 2.1.3).
 * Two of them hold lists of MAPI properties. A new attachment begins with attAttachRenddata; its bytes
 * are in attAttachData or in a property, and where they are in both, or twice, each is an item of its
 * own: programs differ in which they take. A property that is an object may be TNEF again: recursion, to
 * the depth of the limits. Invariant: each view lies within the file.
 */
#include "proto/tnef.h"

#include "base/buf.h"
#include "proto/mapi_property.h"

#define SIGNATURE   0x223e9f78u
#define GUID_BYTES  16
#define KIND_IS_OLE 2 /* in attAttachRenddata */

/* Attributes, by the low half of their number. */
enum attribute {
	ATTRIBUTE_BODY = 0x800c,
	ATTRIBUTE_ATTACH_DATA = 0x800f,
	ATTRIBUTE_ATTACH_TITLE = 0x8010,
	ATTRIBUTE_ATTACH_TRANSPORT_NAME = 0x9001,
	ATTRIBUTE_ATTACH_BEGIN = 0x9002,
	ATTRIBUTE_PROPERTIES = 0x9003,
	ATTRIBUTE_ATTACH_PROPERTIES = 0x9005,
	ATTRIBUTE_CODE_PAGE = 0x9007,
};

/* Properties. [MS-OXPROPS] */
enum property {
	PROPERTY_BODY = 0x1000,
	PROPERTY_RTF = 0x1009,
	PROPERTY_HTML = 0x1013,
	PROPERTY_DISPLAY_NAME = 0x3001,
	PROPERTY_ATTACH_DATA = 0x3701,
	PROPERTY_ATTACH_SHORT_NAME = 0x3704,
	PROPERTY_ATTACH_LONG_NAME = 0x3707,
	PROPERTY_ATTACH_MEDIA_TYPE = 0x370e,
	PROPERTY_ATTACH_CONTENT_ID = 0x3712,
	PROPERTY_INTERNET_CODE_PAGE = 0x3fde,
};

struct reader {
	const struct tnef_limits *limits;
	struct arena *arena;
	struct tnef *tnef;
};

/* One message: the file, or one within. */
struct stream {
	struct reader *r;
	struct tnef_item *message;
	struct tnef_item *attachment; /* the one that attributes belong to now; NULL: none yet */
	struct text charset;          /* of 8-bit strings */
};

static void read_stream(struct reader *r, struct text bytes, struct tnef_item *message);

static struct tnef_item *add_item(struct reader *r, struct tnef_item *parent, enum tnef_kind kind,
				  struct text data)
{
	struct tnef_item *item =
		r->tnef->n_items < r->limits->items ? arena_alloc(r->arena, sizeof *item) : NULL;

	if (!item) {
		r->tnef->is_limited = true;
		return NULL;
	}
	item->kind = kind;
	item->parent = parent;
	item->depth = !parent ? 0 : parent->depth + (kind == TNEF_MESSAGE);
	item->data = data;
	if (r->tnef->last)
		r->tnef->last->next = item;
	else
		r->tnef->first = item;
	r->tnef->last = item;
	r->tnef->n_items++;
	return item;
}

/* "cp1252" */
static struct text charset_of_code_page(struct reader *r, uint64_t number)
{
	struct text kept = { 0 };
	struct buf label;

	buf_init(&label, 32);
	buf_add_cstr(&label, "cp");
	buf_add_number(&label, number);
	if (!arena_copy(r->arena, buf_text(&label), &kept))
		r->tnef->is_limited = true;
	buf_done(&label);
	return kept;
}

static struct tnef_text text_of_property(const struct stream *s, const struct mapi_property *p)
{
	static const struct text utf16 = TEXT("utf-16le");

	return (struct tnef_text){ p->value, p->type == MAPI_UNICODE ? utf16 : s->charset };
}

/* An 8-bit string of an attribute, up to its NUL. */
static struct tnef_text text_of_attribute(const struct stream *s, struct text data)
{
	return (struct tnef_text){ text_slice(data, 0, text_find_byte(data, 0)), s->charset };
}

static void note_reader_defects(struct tnef *tnef, const struct mapi_reader *reader)
{
	tnef->defects |= reader->is_cut ? TNEF_DEFECT_CUT : 0;
	tnef->defects |= reader->is_unknown ? TNEF_DEFECT_PROPERTY : 0;
}

static struct tnef_item *add_body(struct stream *s, enum tnef_kind kind, struct tnef_text body)
{
	struct tnef_item *item = add_item(s->r, s->message, kind, body.bytes);

	if (item)
		item->charset = body.charset;
	return item;
}

static void read_message_properties(struct stream *s, struct text data)
{
	struct mapi_reader reader = mapi_reader_of(data);
	struct mapi_property p;
	struct tnef_item *html = NULL;
	uint64_t code_page = 0;

	while (mapi_next(&reader, &p) && !s->r->tnef->is_limited) {
		if (p.is_named)
			continue;
		if (p.id == PROPERTY_BODY)
			add_body(s, TNEF_TEXT, text_of_property(s, &p));
		else if (p.id == PROPERTY_RTF)
			add_item(s->r, s->message, TNEF_RTF, p.value);
		else if (p.id == PROPERTY_HTML)
			html = add_body(s, TNEF_HTML, text_of_property(s, &p));
		else if (p.id == PROPERTY_INTERNET_CODE_PAGE)
			code_page = p.number;
	}
	if (html && code_page && !text_is_cstr(html->charset, "utf-16le"))
		html->charset = charset_of_code_page(s->r, code_page);
	note_reader_defects(s->r->tnef, &reader);
}

static void begin_attachment(struct stream *s, enum tnef_kind kind)
{
	s->attachment = add_item(s->r, s->message, kind, (struct text){ 0 });
}

/* The bytes of the attachment; second ones are those of another item with the same names. */
static struct tnef_item *add_data(struct stream *s, struct text data)
{
	const struct tnef_item *before = s->attachment;
	struct tnef_item *another;

	if (before->data.n == 0) {
		s->attachment->data = data;
		return s->attachment;
	}
	another = add_item(s->r, s->message, before->kind, data);
	if (another) {
		memcpy(another->names, before->names, sizeof before->names);
		another->media_type = before->media_type;
		another->content_id = before->content_id;
	}
	return another;
}

static bool is_tnef(struct text bytes)
{
	struct wire_reader wire = wire_reader_of(bytes);

	return wire_get_int(&wire, 4) == SIGNATURE && !wire.bad;
}

/* The interface's GUID, and then a message or whatever else the object is. */
static void add_object(struct stream *s, struct text value)
{
	struct text object = text_skip(value, GUID_BYTES);
	struct tnef_item *item = add_data(s, object);

	if (!item)
		return;
	item->kind = is_tnef(object) ? TNEF_MESSAGE : TNEF_OBJECT;
	if (item->kind != TNEF_MESSAGE)
		return;
	item->depth = s->message->depth + 1;
	if (item->depth < s->r->limits->depth)
		read_stream(s->r, object, item);
	else
		s->r->tnef->is_limited = true;
}

static void take_attachment_property(struct stream *s, const struct mapi_property *p)
{
	struct tnef_text text = text_of_property(s, p);
	struct tnef_item *item = s->attachment;

	if (p->is_named)
		return;
	if (p->id == PROPERTY_ATTACH_LONG_NAME)
		item->names[TNEF_NAME_LONG] = text;
	else if (p->id == PROPERTY_ATTACH_SHORT_NAME)
		item->names[TNEF_NAME_SHORT] = text;
	else if (p->id == PROPERTY_DISPLAY_NAME)
		item->names[TNEF_NAME_DISPLAY] = text;
	else if (p->id == PROPERTY_ATTACH_MEDIA_TYPE)
		item->media_type = text;
	else if (p->id == PROPERTY_ATTACH_CONTENT_ID)
		item->content_id = text;
}

/* First the names, so that what holds the bytes has them. */
static void read_attachment_properties(struct stream *s, struct text data)
{
	struct mapi_reader reader = mapi_reader_of(data), again = reader;
	struct mapi_property p;

	while (mapi_next(&reader, &p))
		take_attachment_property(s, &p);
	note_reader_defects(s->r->tnef, &reader);
	while (mapi_next(&again, &p) && !s->r->tnef->is_limited) {
		if (p.is_named || p.id != PROPERTY_ATTACH_DATA)
			continue;
		if (p.type == MAPI_OBJECT)
			add_object(s, p.value);
		else
			add_data(s, p.value);
	}
}

static void take_attachment_attribute(struct stream *s, unsigned id, struct text data)
{
	if (!s->attachment)
		begin_attachment(s, TNEF_ATTACHMENT);
	if (!s->attachment)
		return;
	if (id == ATTRIBUTE_ATTACH_DATA)
		add_data(s, data);
	else if (id == ATTRIBUTE_ATTACH_TITLE)
		s->attachment->names[TNEF_NAME_TITLE] = text_of_attribute(s, data);
	else if (id == ATTRIBUTE_ATTACH_TRANSPORT_NAME)
		s->attachment->names[TNEF_NAME_TRANSPORT] = text_of_attribute(s, data);
	else
		read_attachment_properties(s, data);
}

static void take_attribute(struct stream *s, unsigned id, struct text data)
{
	struct wire_reader wire = wire_reader_of(data);

	switch (id) {
	case ATTRIBUTE_CODE_PAGE:
		s->charset = charset_of_code_page(s->r, wire_get_int(&wire, 4));
		break;
	case ATTRIBUTE_BODY:
		add_body(s, TNEF_TEXT, text_of_attribute(s, data));
		break;
	case ATTRIBUTE_PROPERTIES:
		read_message_properties(s, data);
		break;
	case ATTRIBUTE_ATTACH_BEGIN:
		begin_attachment(s, wire_get_int(&wire, 2) == KIND_IS_OLE ? TNEF_OBJECT : TNEF_ATTACHMENT);
		break;
	case ATTRIBUTE_ATTACH_DATA:
	case ATTRIBUTE_ATTACH_TITLE:
	case ATTRIBUTE_ATTACH_TRANSPORT_NAME:
	case ATTRIBUTE_ATTACH_PROPERTIES:
		take_attachment_attribute(s, id, data);
		break;
	default:
		break;
	}
}

static unsigned checksum_of(struct text data)
{
	unsigned sum = 0;

	for (size_t i = 0; i < data.n; i++)
		sum += (unsigned char)data.p[i];
	return sum & 0xffff;
}

/* One attribute; what is cut short is given as far as it goes. */
static void read_attribute(struct stream *s, struct wire_reader *wire)
{
	unsigned id;
	uint64_t n;
	struct text data;

	wire_get_int(wire, 1);
	id = (unsigned)wire_get_int(wire, 4) & 0xffff;
	n = wire_get_int(wire, 4);
	if (!wire->bad && n > wire_left(wire)) {
		take_attribute(s, id, wire_get_bytes(wire, wire_left(wire)));
		wire->bad = true;
	}
	if (wire->bad)
		return;
	data = wire_get_bytes(wire, n);
	if (wire_get_int(wire, 2) != checksum_of(data) && !wire->bad)
		s->r->tnef->defects |= TNEF_DEFECT_CHECKSUM;
	take_attribute(s, id, data);
}

static void read_stream(struct reader *r, struct text bytes, struct tnef_item *message)
{
	struct stream s = { .r = r, .message = message };
	struct wire_reader wire = wire_reader_of(bytes);

	wire_get_int(&wire, 4); /* the signature, which the caller has seen */
	wire_get_int(&wire, 2); /* a key that nobody uses */
	while (!wire.bad && wire_left(&wire) && !r->tnef->is_limited)
		read_attribute(&s, &wire);
	r->tnef->defects |= wire.bad ? TNEF_DEFECT_CUT : 0;
}

bool tnef_read(struct text file, const struct tnef_limits *limits, struct arena *arena, struct tnef *ret_tnef)
{
	struct reader r = { limits, arena, ret_tnef };
	struct tnef_item *message;

	*ret_tnef = (struct tnef){ 0 };
	if (!is_tnef(file))
		return false;
	message = add_item(&r, NULL, TNEF_MESSAGE, file);
	if (message && limits->depth > 0)
		read_stream(&r, file, message);
	return true;
}
