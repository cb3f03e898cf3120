/* SPDX-License-Identifier: Apache-2.0
 *
 * The way into a spool: records, or a message piece by piece, become an ordinary insert. Called by
 * tools and by salvage.
 *
 * Trusts nothing: every field is checked against the bounds that the writer asserts, an id may not
 * lie in the future (it would use up the ids of the spool), and no record's length is believed before
 * it is below SPOOL_RECORD_MAX. A few messages wait together for one transaction; a message whose
 * stream breaks off was never submitted, and its body file is gone again.
 */
#include "store/spool_format.h"
#include "store/spool_private.h"
#include "store/spool_record.h"

#include "base/clock.h"
#include "base/ensure.h"
#include "base/wire.h"

#include <openssl/evp.h>
#include <sqlite3.h>
#include <unistd.h>

enum { TOGETHER = 32, AHEAD_MS = 24 * 3600 * 1000, SUM = 32 };

/* One message on its way. */
struct entry {
	struct spool_op op;
	struct spool_message message;
	struct spool_rcpt *rcpts;
	struct arena arena;
	struct buf body;
	struct spool_import *import;
	uint32_t n_rcpts;
	uint64_t n_body;
	bool is_skipped;
};

struct spool_import {
	struct spool *spool;
	struct entry *entry; /* begun and not ended */
	enum error error;    /* of the entry or the stream */
	enum error refused;  /* by the spool, at a commit */
	size_t n_submitted;
	struct spool_import_count count;
	struct buf input;
	EVP_MD_CTX *sum;
};

static enum error fail(struct spool_import *import, enum error e)
{
	if (!import->error)
		import->error = e;
	return import->error;
}

static void free_entry(struct entry *entry)
{
	if (entry->op.body_fd >= 0)
		close(entry->op.body_fd);
	arena_reset(&entry->arena);
	buf_done(&entry->body);
	free(entry);
}

struct spool_import *spool_import_new(struct spool *s)
{
	struct spool_import *import = mem_zalloc(1, sizeof *import);

	import->spool = s;
	buf_init(&import->input, SPOOL_RECORD_MAX);
	import->sum = EVP_MD_CTX_new();
	ASSERT(import->sum && EVP_DigestInit_ex(import->sum, EVP_sha256(), NULL) == 1);
	return import;
}

void spool_import_cancel(struct spool_import *import)
{
	struct entry *entry = import->entry;

	import->entry = NULL;
	import->error = ERROR_NONE;
	if (!entry)
		return;
	if (entry->op.body_fd >= 0)
		spool_body_discard(import->spool, entry->message.id);
	free_entry(entry);
}

/* ---- piece by piece ---- */

/* A row with this id, whatever else it says? */
static bool is_stored(struct spool *s, uint64_t id)
{
	sqlite3_stmt *st = spool_sql_use(&s->reader, SPOOL_DO_READ_FILE);
	bool found;

	ASSERT(sqlite3_bind_int64(st, 1, (int64_t)id) == SQLITE_OK);
	found = sqlite3_step(st) == SQLITE_ROW;
	sqlite3_reset(st);
	return found;
}

static bool copy(struct entry *entry, struct text *t)
{
	return arena_copy(&entry->arena, *t, t);
}

static enum error begin_body(struct spool_import *import, struct entry *entry)
{
	struct spool_message *m = &entry->message;
	enum error e;

	m->has_file = m->body_size > SPOOL_INLINE_MAX;
	entry->is_skipped = is_stored(import->spool, m->id);
	if (!m->has_file || entry->is_skipped)
		return ERROR_NONE;
	e = spool_body_create(import->spool, m->id, &entry->op.body_fd);
	if (e != ERROR_EXISTS)
		return e;
	entry->is_skipped = true; /* twice in what is being committed */
	return ERROR_NONE;
}

enum error spool_import_message(struct spool_import *import, const struct spool_message *message)
{
	struct entry *entry;
	struct spool_message *m;
	enum error e;

	if (import->refused)
		return fail(import, import->refused);
	if (import->error || import->entry)
		return fail(import, ERROR_MALFORMED);
	if (message->body_size > INT64_MAX || message->n_rcpts > SPOOL_RCPTS_MAX ||
	    (int64_t)(message->id >> 20) > clock_wall_ms() + AHEAD_MS)
		return fail(import, ERROR_MALFORMED);
	entry = mem_zalloc(1, sizeof *entry);
	import->entry = entry;
	entry->import = import;
	entry->op.body_fd = -1;
	arena_init(&entry->arena, SPOOL_ARENA_SIZE(message->n_rcpts));
	buf_init(&entry->body, SPOOL_INLINE_MAX);
	m = &entry->message;
	*m = *message;
	m->has_file = m->body_size > SPOOL_INLINE_MAX;
	if (!spool_sql_is_valid_message(m))
		return fail(import, ERROR_MALFORMED);
	entry->rcpts = arena_alloc(&entry->arena, m->n_rcpts * sizeof *entry->rcpts);
	if (!entry->rcpts || !copy(entry, &m->helo) || !copy(entry, &m->sender) || !copy(entry, &m->envid) ||
	    !copy(entry, &m->reason) || !copy(entry, &m->head) || !copy(entry, &m->origin))
		return fail(import, ERROR_TOO_LARGE);
	e = begin_body(import, entry);
	return e ? fail(import, e) : ERROR_NONE;
}

enum error spool_import_rcpt(struct spool_import *import, const struct spool_rcpt *rcpt)
{
	struct entry *entry = import->entry;
	struct spool_rcpt *r;

	if (import->error || !entry || entry->n_rcpts == entry->message.n_rcpts ||
	    rcpt->index != entry->n_rcpts || !spool_sql_is_valid_rcpt(rcpt))
		return fail(import, ERROR_MALFORMED);
	r = &entry->rcpts[entry->n_rcpts++];
	*r = *rcpt;
	if (!copy(entry, &r->address) || !copy(entry, &r->orcpt) || !copy(entry, &r->route) ||
	    !copy(entry, &r->enhanced) || !copy(entry, &r->answer) || !copy(entry, &r->remote))
		return fail(import, ERROR_TOO_LARGE);
	return ERROR_NONE;
}

enum error spool_import_body(struct spool_import *import, struct text chunk)
{
	struct entry *entry = import->entry;
	enum error e;

	if (import->error || !entry || entry->n_rcpts != entry->message.n_rcpts || chunk.n == 0 ||
	    chunk.n > SPOOL_CHUNK_MAX || chunk.n > entry->message.body_size - entry->n_body)
		return fail(import, ERROR_MALFORMED);
	entry->n_body += chunk.n;
	if (entry->is_skipped)
		return ERROR_NONE;
	if (!entry->message.has_file) {
		ASSERT(buf_add(&entry->body, chunk));
		return ERROR_NONE;
	}
	e = spool_body_append(entry->op.body_fd, chunk);
	return e ? fail(import, e) : ERROR_NONE;
}

static void is_committed(struct spool_op *op, enum error e)
{
	struct entry *entry = op->owner;
	struct spool_import *import = entry->import;

	if (!e)
		import->count.n_stored++;
	else if (e == ERROR_EXISTS)
		import->count.n_existing++;
	else
		import->refused = e;
	if (e && entry->message.has_file)
		spool_body_discard(import->spool, op->id);
	free_entry(entry);
}

static void submit(struct spool_import *import, struct entry *entry)
{
	struct spool_message *m = &entry->message;

	entry->op = (struct spool_op){
		.verb = SPOOL_INSERT,
		.is_lazy = true,
		.id = m->id,
		.message = m,
		.rcpts = entry->rcpts,
		.n_rcpts = m->n_rcpts,
		.body_fd = entry->op.body_fd,
		.done = is_committed,
		.owner = entry,
	};
	if (!m->has_file)
		entry->op.body = buf_text(&entry->body);
	/* Ids given from now on are above it. */
	if (m->id > import->spool->last_id)
		import->spool->last_id = m->id;
	spool_submit(import->spool, &entry->op);
	if (++import->n_submitted % TOGETHER == 0)
		spool_flush(import->spool);
}

enum error spool_import_end(struct spool_import *import)
{
	struct entry *entry = import->entry;

	if (import->error || !entry || entry->n_rcpts != entry->message.n_rcpts ||
	    entry->n_body != entry->message.body_size)
		return fail(import, ERROR_MALFORMED);
	import->entry = NULL;
	if (entry->is_skipped) {
		import->count.n_existing++;
		free_entry(entry);
		return ERROR_NONE;
	}
	submit(import, entry);
	return import->refused ? fail(import, import->refused) : ERROR_NONE;
}

enum error spool_import_close(struct spool_import *import, struct spool_import_count *ret_count)
{
	enum error e;

	if (import->entry || import->input.n > 0)
		fail(import, ERROR_MALFORMED);
	e = import->error;
	spool_import_cancel(import);
	spool_flush(import->spool);
	if (!e)
		e = import->refused;
	*ret_count = import->count;
	EVP_MD_CTX_free(import->sum);
	buf_done(&import->input);
	free(import);
	return e;
}

/* ---- the stream ---- */

static void take_message(struct spool_import *import, struct wire_reader *r)
{
	struct spool_message m = { 0 };
	struct text client;

	m.id = wire_get_int(r, 8);
	m.arrival = (int64_t)wire_get_int(r, 8);
	m.session = wire_get_int(r, 8);
	client = wire_get_bytes(r, sizeof m.client.b);
	if (client.n == sizeof m.client.b)
		memcpy(m.client.b, client.p, client.n);
	m.port = (uint16_t)wire_get_int(r, 2);
	m.listener = (uint32_t)wire_get_int(r, 4);
	m.helo = wire_get_counted(r, 255);
	m.sender = wire_get_counted(r, 320);
	m.envid = wire_get_counted(r, 100);
	m.body_type = (enum spool_body)wire_get_int(r, 1);
	m.ret = (enum spool_ret)wire_get_int(r, 1);
	m.body_size = wire_get_int(r, 8);
	m.header_size = (uint32_t)wire_get_int(r, 4);
	m.n_rcpts = (uint32_t)wire_get_int(r, 4);
	m.state = (enum spool_state)wire_get_int(r, 1);
	m.flags = (uint32_t)wire_get_int(r, 4);
	m.scans = (uint32_t)wire_get_int(r, 4);
	m.reason = wire_get_counted(r, 500);
	m.head = wire_get_counted(r, SPOOL_HEAD_MAX);
	if (wire_left(r) > 0) /* records of before have none */
		m.origin = wire_get_counted(r, SPOOL_ORIGIN_MAX);
	if (wire_is_done(r))
		spool_import_message(import, &m);
	else
		fail(import, ERROR_MALFORMED);
}

static void take_rcpt(struct spool_import *import, struct wire_reader *r)
{
	struct spool_rcpt rcpt = { 0 };

	rcpt.index = (uint32_t)wire_get_int(r, 4);
	rcpt.address = wire_get_counted(r, 320);
	rcpt.orcpt = wire_get_counted(r, 500);
	rcpt.notify = (uint8_t)wire_get_int(r, 1);
	rcpt.route = wire_get_counted(r, 255);
	rcpt.state = (enum spool_rcpt_state)wire_get_int(r, 1);
	rcpt.attempts = (uint32_t)wire_get_int(r, 4);
	rcpt.next_attempt = (int64_t)wire_get_int(r, 8);
	rcpt.last_attempt = (int64_t)wire_get_int(r, 8);
	rcpt.warned = (int64_t)wire_get_int(r, 8);
	rcpt.code = (uint16_t)wire_get_int(r, 2);
	rcpt.enhanced = wire_get_counted(r, 12);
	rcpt.answer = wire_get_counted(r, 512);
	rcpt.remote = wire_get_counted(r, 255);
	if (wire_is_done(r))
		spool_import_rcpt(import, &rcpt);
	else
		fail(import, ERROR_MALFORMED);
}

static void take_end(struct spool_import *import, struct wire_reader *r)
{
	struct text have = wire_get_bytes(r, SUM);
	unsigned char want[EVP_MAX_MD_SIZE];

	ASSERT(EVP_DigestFinal_ex(import->sum, want, NULL) == 1);
	ASSERT(EVP_DigestInit_ex(import->sum, EVP_sha256(), NULL) == 1);
	if (!wire_is_done(r))
		fail(import, ERROR_MALFORMED);
	else if (memcmp(have.p, want, SUM) != 0)
		fail(import, ERROR_CORRUPT);
	else
		spool_import_end(import);
}

/* One whole record, with its prefix. */
static void take_record(struct spool_import *import, struct text record)
{
	struct wire_reader r = wire_reader_of(record);
	uint64_t type;

	wire_get_int(&r, 4);
	type = wire_get_int(&r, 1);
	if (type == SPOOL_RECORD_END) {
		take_end(import, &r);
		return;
	}
	ASSERT(EVP_DigestUpdate(import->sum, record.p, record.n) == 1);
	if (type == SPOOL_RECORD_MESSAGE)
		take_message(import, &r);
	else if (type == SPOOL_RECORD_RCPT)
		take_rcpt(import, &r);
	else if (type == SPOOL_RECORD_BODY)
		spool_import_body(import, wire_get_bytes(&r, wire_left(&r)));
	else
		fail(import, ERROR_MALFORMED);
}

/* Moves bytes into the input until it has n; false: there are not enough. */
static bool fill(struct buf *input, size_t n, struct text *bytes)
{
	size_t missing = input->n < n ? n - input->n : 0;

	ASSERT(buf_add(input, text_slice(*bytes, 0, missing)));
	*bytes = text_skip(*bytes, missing);
	return input->n >= n;
}

enum error spool_import_add(struct spool_import *import, struct text bytes)
{
	struct buf *input = &import->input;

	while (!import->error && fill(input, 4, &bytes)) {
		struct wire_reader r = wire_reader_of(buf_text(input));
		uint64_t n = wire_get_int(&r, 4);
		if (n > SPOOL_RECORD_MAX - 4)
			return fail(import, ERROR_TOO_LARGE);
		if (!fill(input, 4 + (size_t)n, &bytes))
			break;
		take_record(import, buf_text(input));
		buf_reset(input);
	}
	return import->error;
}
