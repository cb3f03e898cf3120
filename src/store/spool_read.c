/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading from the spool: short reads in the loop's thread, on a connection that cannot write. Each
 * function steps its statement to the end or resets it, so that no read transaction stays open (one
 * would keep the WAL from starting anew).
 *
 * Trusts no row: every value is checked against the bounds of its field, and S1 and S2 as far as a
 * row shows them; what breaks one is ERROR_CORRUPT, and the role holds or reports that message.
 */
#include "store/database.h"
#include "store/spool_format.h"
#include "store/spool_private.h"

#include "base/ensure.h"

#include <sqlite3.h>

/* Takes the columns of a row one after the other, with a sticky error. */
struct row {
	sqlite3_stmt *st;
	int at;
	struct arena *arena;
	enum error error;
};

static void fail(struct row *row, enum error e)
{
	if (!row->error)
		row->error = e;
}

static uint64_t get_int(struct row *row, uint64_t max)
{
	int64_t value = sqlite3_column_int64(row->st, row->at);

	if (sqlite3_column_type(row->st, row->at++) != SQLITE_INTEGER || value < 0 || (uint64_t)value > max) {
		fail(row, ERROR_CORRUPT);
		return 0;
	}
	return (uint64_t)value;
}

/* A point in time or a number of 64 bits: any value is good. */
static int64_t get_any(struct row *row)
{
	if (sqlite3_column_type(row->st, row->at) != SQLITE_INTEGER)
		fail(row, ERROR_CORRUPT);
	return sqlite3_column_int64(row->st, row->at++);
}

static struct text get_bytes(struct row *row)
{
	int c = row->at++;
	struct text t;

	if (sqlite3_column_type(row->st, c) != SQLITE_BLOB)
		fail(row, ERROR_CORRUPT);
	t.p = sqlite3_column_blob(row->st, c);
	t.n = (size_t)sqlite3_column_bytes(row->st, c);
	return t;
}

static struct text get_text(struct row *row)
{
	struct text t = get_bytes(row);

	if (!row->error && !arena_copy(row->arena, t, &t))
		fail(row, ERROR_TOO_LARGE);
	return t;
}

static void get_message(struct row *row, struct spool_message *m)
{
	struct text client;

	m->id = get_int(row, INT64_MAX);
	m->arrival = get_any(row);
	m->session = (uint64_t)get_any(row);
	client = get_bytes(row);
	if (client.n == sizeof m->client.b)
		memcpy(m->client.b, client.p, client.n);
	else
		fail(row, ERROR_CORRUPT);
	m->port = (uint16_t)get_int(row, UINT16_MAX);
	m->listener = (uint32_t)get_int(row, UINT32_MAX);
	m->helo = get_text(row);
	m->sender = get_text(row);
	m->envid = get_text(row);
	m->body_type = (enum spool_body)get_int(row, SPOOL_BODY_COUNT - 1);
	m->ret = (enum spool_ret)get_int(row, SPOOL_RET_COUNT - 1);
	m->body_size = get_int(row, INT64_MAX);
	m->header_size = (uint32_t)get_int(row, UINT32_MAX);
	m->has_file = get_int(row, 1);
	m->n_rcpts = (uint32_t)get_int(row, SPOOL_RCPTS_MAX);
	m->state = (enum spool_state)get_int(row, SPOOL_STATE_COUNT - 1);
	m->flags = (uint32_t)get_int(row, SPOOL_FLAGS_ALL);
	m->scans = (uint32_t)get_int(row, UINT32_MAX);
	m->reason = get_text(row);
	m->head = get_text(row);
	m->origin = get_text(row);
	if (!row->error && !spool_sql_is_valid_message(m))
		row->error = ERROR_CORRUPT;
}

static void get_rcpt(struct row *row, struct spool_rcpt *r)
{
	get_any(row); /* message: asked for */
	r->index = (uint32_t)get_int(row, SPOOL_RCPTS_MAX);
	r->address = get_text(row);
	r->orcpt = get_text(row);
	r->notify = (uint8_t)get_int(row, 15);
	r->route = get_text(row);
	r->state = (enum spool_rcpt_state)get_int(row, SPOOL_RCPT_STATE_COUNT - 1);
	r->attempts = (uint32_t)get_int(row, UINT32_MAX);
	r->next_attempt = get_any(row);
	r->last_attempt = get_any(row);
	r->warned = get_any(row);
	r->code = (uint16_t)get_int(row, 599);
	r->enhanced = get_text(row);
	r->answer = get_text(row);
	r->remote = get_text(row);
	if (!row->error && !spool_sql_is_valid_rcpt(r))
		row->error = ERROR_CORRUPT;
}

/* The statement with this id as its parameter, stepped once. */
static int find(struct spool *s, enum spool_statement which, uint64_t id, sqlite3_stmt **ret_st)
{
	*ret_st = spool_sql_use(&s->reader, which);
	ASSERT(sqlite3_bind_int64(*ret_st, 1, (int64_t)id) == SQLITE_OK);
	return sqlite3_step(*ret_st);
}

static enum error read_message(struct spool *s, uint64_t id, struct arena *arena, struct spool_message *m)
{
	struct row row = { .arena = arena };
	int rc = find(s, SPOOL_DO_READ_MESSAGE, id, &row.st);

	*m = (struct spool_message){ 0 };
	if (rc == SQLITE_ROW)
		get_message(&row, m);
	else
		row.error = rc == SQLITE_DONE ? ERROR_NOT_FOUND : database_error(s->reader.sqlite, rc);
	sqlite3_reset(row.st);
	return row.error;
}

static enum error read_rcpts(struct spool *s, const struct spool_message *m, struct arena *arena,
			     struct spool_rcpt *rcpts)
{
	struct row row = { .arena = arena };
	int rc = find(s, SPOOL_DO_READ_RCPTS, m->id, &row.st);
	uint32_t n = 0;

	for (; rc == SQLITE_ROW && !row.error && n < m->n_rcpts; rc = sqlite3_step(row.st), n++) {
		row.at = 0;
		get_rcpt(&row, &rcpts[n]);
		if (rcpts[n].index != n)
			fail(&row, ERROR_CORRUPT);
	}
	if (!row.error && rc != SQLITE_DONE) /* one row more than n_rcpts, or an error */
		row.error = rc == SQLITE_ROW ? ERROR_CORRUPT : database_error(s->reader.sqlite, rc);
	if (!row.error && n != m->n_rcpts)
		row.error = ERROR_CORRUPT;
	sqlite3_reset(row.st);
	return row.error;
}

enum error spool_read(struct spool *s, uint64_t id, struct arena *arena, struct spool_message *ret_message,
		      struct spool_rcpt **ret_rcpts)
{
	enum error e = read_message(s, id, arena, ret_message);

	if (e)
		return e;
	*ret_rcpts = arena_alloc(arena, ret_message->n_rcpts * sizeof **ret_rcpts);
	return *ret_rcpts ? read_rcpts(s, ret_message, arena, *ret_rcpts) : ERROR_TOO_LARGE;
}

enum error spool_read_body(struct spool *s, uint64_t id, struct buf *out)
{
	struct row row = { .at = 1 };
	int rc = find(s, SPOOL_DO_READ_BODY, id, &row.st);

	if (rc == SQLITE_ROW) {
		struct text bytes = get_bytes(&row);
		if (!row.error && !buf_add(out, bytes))
			row.error = ERROR_TOO_LARGE;
	} else {
		row.error = rc == SQLITE_DONE ? ERROR_NOT_FOUND : database_error(s->reader.sqlite, rc);
	}
	sqlite3_reset(row.st);
	return row.error;
}

enum error spool_read_ids(struct spool *s, uint64_t after, uint64_t *ret_ids, size_t max, size_t *ret_n)
{
	sqlite3_stmt *st = spool_sql_use(&s->reader, SPOOL_DO_READ_IDS);
	enum error e = ERROR_NONE;
	int rc;

	*ret_n = 0;
	ASSERT(sqlite3_bind_int64(st, 1, (int64_t)after) == SQLITE_OK);
	ASSERT(sqlite3_bind_int64(st, 2, (int64_t)max) == SQLITE_OK);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && *ret_n < max)
		ret_ids[(*ret_n)++] = (uint64_t)sqlite3_column_int64(st, 0);
	if (rc != SQLITE_DONE)
		e = database_error(s->reader.sqlite, rc);
	sqlite3_reset(st);
	return e;
}

enum error spool_check(struct spool *s, struct buf *out)
{
	sqlite3_stmt *st = spool_sql_use(&s->reader, SPOOL_DO_CHECK);
	int rc = sqlite3_step(st);
	const char *finding = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : NULL;
	enum error e = ERROR_CORRUPT;

	if (finding && strcmp(finding, "ok") == 0)
		e = ERROR_NONE;
	else if (finding)
		buf_add_escaped(out, text_from_cstr(finding));
	else if (rc != SQLITE_DONE)
		e = database_error(s->reader.sqlite, rc);
	sqlite3_reset(st);
	return e;
}
