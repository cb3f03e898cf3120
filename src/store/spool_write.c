/* SPDX-License-Identifier: Apache-2.0
 *
 * One operation of the spool, written inside the transaction that spool_commit.c began. Runs in the
 * committing thread.
 *
 * Trusts its caller with the shape of an operation and ends the process when a bound is broken: what
 * comes here was checked by the role, and a row that could not be read back would break the promise.
 * Keeps S1 and S2 (an insert writes all rows or fails) and S5 (raises id_limit first).
 */
#include "store/spool_format.h"
#include "store/spool_origin.h"
#include "store/spool_private.h"

#include "base/ensure.h"

#include <sqlite3.h>

/* Ids of one minute: see spool_next_id. */
#define ID_LIMIT_STEP (UINT64_C(60000) << 20)

static void put_int(sqlite3_stmt *st, int *at, int64_t value)
{
	ASSERT(sqlite3_bind_int64(st, ++*at, value) == SQLITE_OK);
}

static void put_text(sqlite3_stmt *st, int *at, struct text t)
{
	ASSERT(sqlite3_bind_blob64(st, ++*at, t.n ? t.p : "", t.n, SQLITE_STATIC) == SQLITE_OK);
}

static enum error run(struct spool *s, sqlite3_stmt *st)
{
	enum error e = spool_sql_run(&s->writer, st);

	sqlite3_clear_bindings(st); /* the texts are the caller's and will go */
	return e;
}

static enum error run_on_id(struct spool *s, enum spool_statement which, uint64_t id)
{
	sqlite3_stmt *st = spool_sql_use(&s->writer, which);
	int at = 0;

	put_int(st, &at, (int64_t)id);
	return run(s, st);
}

static enum error raise_id_limit(struct spool *s, uint64_t id)
{
	enum error e;

	if (id < s->id_limit)
		return ERROR_NONE;
	e = run_on_id(s, SPOOL_DO_SET_ID_LIMIT, id + ID_LIMIT_STEP);
	if (!e)
		s->id_limit = id + ID_LIMIT_STEP;
	return e;
}

static enum error insert_message(struct spool *s, const struct spool_message *m)
{
	sqlite3_stmt *st = spool_sql_use(&s->writer, SPOOL_DO_INSERT_MESSAGE);
	int at = 0;

	put_int(st, &at, (int64_t)m->id);
	put_int(st, &at, m->arrival);
	put_int(st, &at, (int64_t)m->session);
	put_text(st, &at, text_from_bytes(m->client.b, sizeof m->client.b));
	put_int(st, &at, m->port);
	put_int(st, &at, m->listener);
	put_text(st, &at, m->helo);
	put_text(st, &at, m->sender);
	put_text(st, &at, m->envid);
	put_int(st, &at, m->body_type);
	put_int(st, &at, m->ret);
	put_int(st, &at, (int64_t)m->body_size);
	put_int(st, &at, m->header_size);
	put_int(st, &at, m->has_file);
	put_int(st, &at, m->n_rcpts);
	put_int(st, &at, m->state);
	put_int(st, &at, m->flags);
	put_int(st, &at, m->scans);
	put_text(st, &at, m->reason);
	put_text(st, &at, m->head);
	put_text(st, &at, m->origin);
	ASSERT(at == SPOOL_MESSAGE_COLUMNS);
	return run(s, st);
}

static void put_rcpt_state(sqlite3_stmt *st, int *at, const struct spool_rcpt *r)
{
	put_text(st, at, r->route);
	put_int(st, at, r->state);
	put_int(st, at, r->attempts);
	put_int(st, at, r->next_attempt);
	put_int(st, at, r->last_attempt);
	put_int(st, at, r->warned);
	put_int(st, at, r->code);
	put_text(st, at, r->enhanced);
	put_text(st, at, r->answer);
	put_text(st, at, r->remote);
}

static enum error insert_rcpt(struct spool *s, uint64_t id, const struct spool_rcpt *r)
{
	sqlite3_stmt *st = spool_sql_use(&s->writer, SPOOL_DO_INSERT_RCPT);
	int at = 0;

	put_int(st, &at, (int64_t)id);
	put_int(st, &at, r->index);
	put_text(st, &at, r->address);
	put_text(st, &at, r->orcpt);
	put_int(st, &at, r->notify);
	put_rcpt_state(st, &at, r);
	ASSERT(at == SPOOL_RCPT_COLUMNS);
	return run(s, st);
}

static enum error insert_body(struct spool *s, uint64_t id, struct text body)
{
	sqlite3_stmt *st = spool_sql_use(&s->writer, SPOOL_DO_INSERT_BODY);
	int at = 0;

	put_int(st, &at, (int64_t)id);
	put_text(st, &at, body);
	return run(s, st);
}

static enum error insert(struct spool *s, const struct spool_op *op)
{
	const struct spool_message *m = op->message;
	enum error e;

	ASSERT(m && m->id == op->id && spool_sql_is_valid_message(m) && op->n_rcpts == m->n_rcpts);
	ASSERT(m->has_file || op->body.n == m->body_size);
	e = raise_id_limit(s, m->id);
	if (!e)
		e = insert_message(s, m);
	for (size_t i = 0; !e && i < op->n_rcpts; i++) {
		ASSERT(spool_sql_is_valid_rcpt(&op->rcpts[i]) && op->rcpts[i].index == i);
		e = insert_rcpt(s, m->id, &op->rcpts[i]);
	}
	if (!e && !m->has_file)
		e = insert_body(s, m->id, op->body);
	return e;
}

static enum error update_message(struct spool *s, uint64_t id, const struct spool_message *m)
{
	sqlite3_stmt *st = spool_sql_use(&s->writer, SPOOL_DO_UPDATE_MESSAGE);
	enum error e;
	int at = 0;

	ASSERT(m->state < SPOOL_STATE_COUNT && !(m->flags & ~SPOOL_FLAGS_ALL) && m->reason.n <= 500 &&
	       m->head.n <= SPOOL_HEAD_MAX && spool_origin_is_valid(m->origin));
	put_int(st, &at, m->state);
	put_int(st, &at, m->flags);
	put_int(st, &at, m->scans);
	put_text(st, &at, m->reason);
	put_text(st, &at, m->head);
	put_text(st, &at, m->origin);
	put_int(st, &at, (int64_t)id);
	e = run(s, st);
	return e ? e : sqlite3_changes(s->writer.sqlite) == 1 ? ERROR_NONE : ERROR_NOT_FOUND;
}

static enum error update_rcpt(struct spool *s, uint64_t id, const struct spool_rcpt *r)
{
	sqlite3_stmt *st = spool_sql_use(&s->writer, SPOOL_DO_UPDATE_RCPT);
	enum error e;
	int at = 0;

	ASSERT(spool_sql_is_valid_rcpt(r));
	put_rcpt_state(st, &at, r);
	put_int(st, &at, (int64_t)id);
	put_int(st, &at, r->index);
	e = run(s, st);
	return e ? e : sqlite3_changes(s->writer.sqlite) == 1 ? ERROR_NONE : ERROR_NOT_FOUND;
}

static enum error update(struct spool *s, const struct spool_op *op)
{
	enum error e = op->message ? update_message(s, op->id, op->message) : ERROR_NONE;

	for (size_t i = 0; !e && i < op->n_rcpts; i++)
		e = update_rcpt(s, op->id, &op->rcpts[i]);
	return e;
}

static enum error remove_message(struct spool *s, uint64_t id)
{
	enum error e = run_on_id(s, SPOOL_DO_DELETE_RCPTS, id);

	if (!e)
		e = run_on_id(s, SPOOL_DO_DELETE_BODY, id);
	return e ? e : run_on_id(s, SPOOL_DO_DELETE_MESSAGE, id);
}

enum error spool_write_op(struct spool *s, const struct spool_op *op)
{
	switch (op->verb) {
	case SPOOL_INSERT:
		return insert(s, op);
	case SPOOL_UPDATE:
		return update(s, op);
	case SPOOL_REMOVE:
		return remove_message(s, op->id);
	}
	ASSERT(false);
	return ERROR_UNEXPECTED;
}
