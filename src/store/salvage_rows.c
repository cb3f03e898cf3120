/* SPDX-License-Identifier: Apache-2.0
 *
 * Cells and records. Called by salvage.c for every cell of every page that may hold one.
 *
 * Trusts nothing: a cursor with a sticky error reads the cell, lengths are compared with what is left
 * of the page, chains with the length they must have. Which table a row is from is told by its shape
 * (table or index page, number of columns, types), not by where it was found.
 */
#include "store/salvage_rows.h"
#include "store/spool_format.h"
#include "store/spool_private.h"

#include "base/wire.h"

enum {
	HEADER_LEAF = 8,
	HEADER_INNER = 12,
	FIRST_PAGE_HEADER = 100,
	OVERFLOW_BYTES = SALVAGE_PAGE - 4,
	LOCAL_MIN = (SALVAGE_PAGE - 12) * 32 / 255 - 23,
	LOCAL_MAX_TABLE = SALVAGE_PAGE - 35,
	LOCAL_MAX_INDEX = (SALVAGE_PAGE - 12) * 64 / 255 - 23,
	COLUMNS_MAX = SPOOL_MESSAGE_COLUMNS,
};

static bool is_inner(uint8_t kind)
{
	return kind == SALVAGE_INNER_INDEX || kind == SALVAGE_INNER_TABLE;
}

static bool is_index(uint8_t kind)
{
	return kind == SALVAGE_INNER_INDEX || kind == SALVAGE_LEAF_INDEX;
}

static size_t cells_at(const struct salvage_tree *tree)
{
	return (tree->number == 1 ? FIRST_PAGE_HEADER : 0) +
	       (is_inner(tree->kind) ? HEADER_INNER : HEADER_LEAF);
}

bool salvage_tree_read(struct salvage_pages *pages, uint32_t number, struct salvage_tree *ret_tree)
{
	size_t at = number == 1 ? FIRST_PAGE_HEADER : 0;

	ret_tree->number = number;
	if (!salvage_pages_read(pages, number, ret_tree->page))
		return false;
	ret_tree->kind = ret_tree->page[at];
	ret_tree->n_cells = (unsigned)ret_tree->page[at + 3] << 8 | ret_tree->page[at + 4];
	if (!is_inner(ret_tree->kind) && ret_tree->kind != SALVAGE_LEAF_INDEX &&
	    ret_tree->kind != SALVAGE_LEAF_TABLE)
		return false;
	return cells_at(ret_tree) + 2 * (size_t)ret_tree->n_cells <= SALVAGE_PAGE;
}

/* From the start of a cell to the end of its page; `bad` when the pointer is. */
static struct wire_reader cell_reader(const struct salvage_tree *tree, unsigned cell)
{
	size_t at = cells_at(tree), end = at + 2 * (size_t)tree->n_cells, offset;
	struct wire_reader r = wire_reader_of(text_from_bytes(tree->page, SALVAGE_PAGE));

	wire_get_bytes(&r, at + 2 * (size_t)cell);
	offset = wire_get_be(&r, 2);
	r = wire_reader_of(text_from_bytes(tree->page, SALVAGE_PAGE));
	if (offset < end)
		r.bad = true;
	wire_get_bytes(&r, offset);
	return r;
}

uint32_t salvage_tree_child(const struct salvage_tree *tree, unsigned index)
{
	struct wire_reader r;

	if (!is_inner(tree->kind))
		return 0;
	if (index < tree->n_cells) {
		r = cell_reader(tree, index);
	} else {
		r = wire_reader_of(text_from_bytes(tree->page, SALVAGE_PAGE));
		wire_get_bytes(&r, cells_at(tree) - 4);
	}
	return (uint32_t)wire_get_be(&r, 4);
}

/* ---- payloads ---- */

/* 1 to 9 bytes, seven bits each, the ninth has eight. */
static uint64_t get_varint(struct wire_reader *r)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++) {
		uint64_t byte = wire_get_be(r, 1);
		v = v << 7 | (byte & 0x7f);
		if (byte < 0x80)
			return v;
	}
	return v << 8 | wire_get_be(r, 1);
}

static size_t local_size(uint64_t n, bool index)
{
	size_t max = index ? LOCAL_MAX_INDEX : LOCAL_MAX_TABLE;
	size_t k;

	if (n <= max)
		return (size_t)n;
	k = LOCAL_MIN + (size_t)((n - LOCAL_MIN) % OVERFLOW_BYTES);
	return k <= max ? k : LOCAL_MIN;
}

static bool may_overflow_on(struct salvage_pages *pages, uint32_t number)
{
	enum salvage_use use = salvage_pages_use(pages, number);

	return use == SALVAGE_USE_OVERFLOW_FIRST || use == SALVAGE_USE_OVERFLOW || use == SALVAGE_USE_UNKNOWN;
}

/* The rest of a payload. The chain ends exactly with it, so that it ends at all. */
static bool read_chain(struct salvage_pages *pages, uint32_t number, uint64_t n, struct buf *payload)
{
	uint8_t page[SALVAGE_PAGE];

	while (n > 0) {
		struct wire_reader r = wire_reader_of(text_from_bytes(page, sizeof page));
		size_t here = n < OVERFLOW_BYTES ? (size_t)n : OVERFLOW_BYTES;
		if (!may_overflow_on(pages, number) || !salvage_pages_read(pages, number, page))
			return false;
		number = (uint32_t)wire_get_be(&r, 4);
		if (!buf_add(payload, wire_get_bytes(&r, here)))
			return false;
		n -= here;
	}
	return number == 0;
}

static bool read_payload(struct salvage_pages *pages, const struct salvage_tree *tree, unsigned cell,
			 struct buf *payload, int64_t *ret_rowid)
{
	struct wire_reader r = cell_reader(tree, cell);
	bool index = is_index(tree->kind);
	struct text local;
	uint64_t n;

	if (tree->kind == SALVAGE_INNER_INDEX)
		wire_get_be(&r, 4);
	n = get_varint(&r);
	if (!index)
		*ret_rowid = (int64_t)get_varint(&r);
	if (n > SALVAGE_PAYLOAD_MAX)
		return false;
	local = wire_get_bytes(&r, local_size(n, index));
	buf_reset(payload);
	if (r.bad || !buf_add(payload, local))
		return false;
	return n == local.n || read_chain(pages, (uint32_t)wire_get_be(&r, 4), n - local.n, payload);
}

/* ---- records ---- */

enum type { NONE, INTEGER, BYTES, OTHER };

struct value {
	enum type type;
	int64_t integer;
	struct text bytes;
};

struct record {
	struct value values[COLUMNS_MAX];
	unsigned n, at;
	bool bad;
};

static int64_t sign_extend(uint64_t v, unsigned n_bytes)
{
	unsigned shift = 64 - 8 * n_bytes;

	return (int64_t)(v << shift) >> shift;
}

static struct value get_value(struct wire_reader *r, uint64_t serial)
{
	static const uint8_t sizes[] = { 0, 1, 2, 3, 4, 6, 8 };
	struct value v = { OTHER };

	if (serial == 0)
		v.type = NONE;
	else if (serial <= 6)
		v = (struct value){ INTEGER, sign_extend(wire_get_be(r, sizes[serial]), sizes[serial]) };
	else if (serial == 8 || serial == 9)
		v = (struct value){ INTEGER, (int64_t)serial - 8 };
	else if (serial >= 12 && serial % 2 == 0)
		v = (struct value){ BYTES, 0, wire_get_bytes(r, (size_t)((serial - 12) / 2)) };
	else
		r->bad = true; /* floats and text: in no table of ours but meta */
	return v;
}

static bool parse_record(struct text payload, struct record *ret_record)
{
	struct wire_reader start = wire_reader_of(payload), header, values;
	uint64_t n = get_varint(&start);
	size_t n_length = payload.n - wire_left(&start);

	*ret_record = (struct record){ 0 };
	if (start.bad || n < n_length || n > payload.n)
		return false;
	header = wire_reader_of(text_slice(payload, n_length, (size_t)n));
	values = wire_reader_of(text_skip(payload, (size_t)n));
	while (wire_left(&header) > 0 && !header.bad && ret_record->n < COLUMNS_MAX)
		ret_record->values[ret_record->n++] = get_value(&values, get_varint(&header));
	return wire_is_done(&header) && wire_is_done(&values);
}

static int64_t next_any(struct record *rec)
{
	struct value v = rec->values[rec->at++];

	rec->bad |= v.type != INTEGER;
	return v.integer;
}

static uint64_t next_int(struct record *rec, uint64_t max)
{
	int64_t v = next_any(rec);

	rec->bad |= v < 0 || (uint64_t)v > max;
	return (uint64_t)v;
}

static struct text next_bytes(struct record *rec)
{
	struct value v = rec->values[rec->at++];

	rec->bad |= v.type != BYTES;
	return v.bytes;
}

/* ---- rows ---- */

static bool take_message(struct record *rec, int64_t rowid, struct spool_message *m)
{
	struct text client;

	rec->at = 1; /* the id is the rowid */
	m->id = (uint64_t)rowid;
	m->arrival = next_any(rec);
	m->session = (uint64_t)next_any(rec);
	client = next_bytes(rec);
	if (client.n == sizeof m->client.b)
		memcpy(m->client.b, client.p, client.n);
	else
		rec->bad = true;
	m->port = (uint16_t)next_int(rec, UINT16_MAX);
	m->listener = (uint32_t)next_int(rec, UINT32_MAX);
	m->helo = next_bytes(rec);
	m->sender = next_bytes(rec);
	m->envid = next_bytes(rec);
	m->body_type = (enum spool_body)next_int(rec, SPOOL_BODY_COUNT - 1);
	m->ret = (enum spool_ret)next_int(rec, SPOOL_RET_COUNT - 1);
	m->body_size = next_int(rec, INT64_MAX);
	m->header_size = (uint32_t)next_int(rec, UINT32_MAX);
	m->has_file = next_int(rec, 1);
	m->n_rcpts = (uint32_t)next_int(rec, SPOOL_RCPTS_MAX);
	m->state = (enum spool_state)next_int(rec, SPOOL_STATE_COUNT - 1);
	m->flags = (uint32_t)next_int(rec, SPOOL_FLAGS_ALL);
	m->scans = (uint32_t)next_int(rec, UINT32_MAX);
	m->reason = next_bytes(rec);
	m->head = next_bytes(rec);
	if (rec->n == SPOOL_MESSAGE_COLUMNS)
		m->origin = next_bytes(rec);
	return !rec->bad && spool_sql_is_valid_message(m);
}

static bool take_rcpt(struct record *rec, uint64_t *ret_id, struct spool_rcpt *r)
{
	*ret_id = next_int(rec, INT64_MAX);
	r->index = (uint32_t)next_int(rec, SPOOL_RCPTS_MAX - 1);
	r->address = next_bytes(rec);
	r->orcpt = next_bytes(rec);
	r->notify = (uint8_t)next_int(rec, 15);
	r->route = next_bytes(rec);
	r->state = (enum spool_rcpt_state)next_int(rec, SPOOL_RCPT_STATE_COUNT - 1);
	r->attempts = (uint32_t)next_int(rec, UINT32_MAX);
	r->next_attempt = next_any(rec);
	r->last_attempt = next_any(rec);
	r->warned = next_any(rec);
	r->code = (uint16_t)next_int(rec, 599);
	r->enhanced = next_bytes(rec);
	r->answer = next_bytes(rec);
	r->remote = next_bytes(rec);
	return !rec->bad && *ret_id > 0 && spool_sql_is_valid_rcpt(r);
}

static bool take_body(const struct record *rec, int64_t rowid, struct salvage_row *row)
{
	row->id = (uint64_t)rowid;
	row->body = rec->values[1].bytes;
	return rowid > 0 && rec->values[0].type == NONE && rec->values[1].type == BYTES &&
	       row->body.n <= SPOOL_INLINE_MAX;
}

bool salvage_row_read(struct salvage_pages *pages, const struct salvage_tree *tree, unsigned cell,
		      struct buf *payload, struct salvage_row *ret_row)
{
	struct record rec;
	int64_t rowid = 0;

	*ret_row = (struct salvage_row){ 0 };
	if (tree->kind == SALVAGE_INNER_TABLE || !read_payload(pages, tree, cell, payload, &rowid) ||
	    !parse_record(buf_text(payload), &rec))
		return false;
	if (is_index(tree->kind)) {
		ret_row->kind = SALVAGE_RCPT;
		return rec.n == SPOOL_RCPT_COLUMNS && take_rcpt(&rec, &ret_row->id, &ret_row->rcpt);
	}
	if (rec.n == SPOOL_BODY_COLUMNS) {
		ret_row->kind = SALVAGE_BODY;
		return take_body(&rec, rowid, ret_row);
	}
	ret_row->kind = SALVAGE_MESSAGE;
	ret_row->id = (uint64_t)rowid;
	return (rec.n == SPOOL_MESSAGE_COLUMNS || rec.n == SPOOL_MESSAGE_COLUMNS_1) &&
	       rec.values[0].type == NONE && rowid > 0 && take_message(&rec, rowid, &ret_row->message);
}
