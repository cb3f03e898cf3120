/* SPDX-License-Identifier: Apache-2.0
 *
 * The spool's connections to SQLite: how they are opened, the schema, the statements, what SQLite's
 * errors mean here. Called by the other modules of the spool; the format stands in spool_format.h.
 *
 * Trusts nothing in the file: a database that another hand has changed must not run anything (S9).
 * So DEFENSIVE is on and trusted_schema off before the first read, the schema is compared byte for
 * byte, and every row is checked against its bounds when it is read.
 *
 * WAL and synchronous FULL carry the promise (S6); they are set and then asked, because a pragma that
 * is not understood says nothing. No mmap: a read error must be an error value, not a SIGBUS. Each
 * connection serves one thread only, hence NOMUTEX.
 */
#include "store/database.h"
#include "store/spool_format.h"
#include "store/spool_origin.h"
#include "store/spool_private.h"

#include "base/ensure.h"

#include <sqlite3.h>

static const char *const statement_sql[] = {
#define STATEMENT(name, sql) sql,
#include "store/spool_statements.def"
#undef STATEMENT
};

static const struct {
	const char *name, *sql;
} schema[] = {
	{ "message", SPOOL_SQL_MESSAGE },
	{ "rcpt", SPOOL_SQL_RCPT },
	{ "body", SPOOL_SQL_BODY },
	{ "meta", SPOOL_SQL_META },
};

enum { SCHEMA_COUNT = sizeof schema / sizeof *schema, LENGTH_MAX = 1 << 20 };

static enum error exec(struct spool_db *db, const char *sql)
{
	return database_error(db->sqlite, sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL));
}

/* The single value of a statement that is not prepared ahead. */
static enum error ask(struct spool_db *db, const char *sql, int64_t *ret_value)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->sqlite, sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*ret_value = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW    ? ERROR_NONE
	       : rc == SQLITE_DONE ? ERROR_CORRUPT
				   : database_error(db->sqlite, rc);
}

static enum error expect(struct spool_db *db, const char *sql, int64_t want)
{
	int64_t value = 0;
	enum error e = ask(db, sql, &value);

	return e ? e : value == want ? ERROR_NONE : ERROR_CORRUPT;
}

static enum error create_schema(struct spool_db *db)
{
	char sql[96];
	enum error e = exec(db, "BEGIN IMMEDIATE");

	for (size_t i = 0; !e && i < SCHEMA_COUNT; i++)
		e = exec(db, schema[i].sql);
	snprintf(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%d;", SPOOL_APPLICATION_ID,
		 SPOOL_FORMAT_VERSION);
	if (!e)
		e = exec(db, sql);
	return e ? e : exec(db, "COMMIT");
}

/* S9: exactly our tables, in our order, from our text. */
static enum error check_schema(struct spool_db *db)
{
	sqlite3_stmt *st = NULL;
	size_t n = 0;
	bool is_same = true;
	int rc = sqlite3_prepare_v2(db->sqlite,
				    "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid", -1,
				    &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	for (; rc == SQLITE_ROW && is_same; rc = sqlite3_step(st), n++) {
		const char *want[4] = { "table" };
		if (n < SCHEMA_COUNT)
			want[1] = want[2] = schema[n].name, want[3] = schema[n].sql;
		for (int c = 0; c < 4; c++) {
			const char *have = (const char *)sqlite3_column_text(st, c);
			is_same = is_same && have && want[c] && strcmp(have, want[c]) == 0;
		}
	}
	sqlite3_finalize(st);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return database_error(db->sqlite, rc);
	return is_same && n == SCHEMA_COUNT ? ERROR_NONE : ERROR_CORRUPT;
}

/* A spool of version 1 gets the column that it lacks; its rows stay as they are. What is not exactly of
 * version 1 is left alone, and check_schema says so. */
static enum error bring_up_to_date(struct spool_db *db)
{
	int64_t is_before = 0;
	enum error e = exec(db, "BEGIN IMMEDIATE");

	if (!e)
		e = ask(db,
			"SELECT (SELECT user_version FROM pragma_user_version) = 1 AND (SELECT count(*) FROM "
			"sqlite_schema WHERE name='message' AND sql='" SPOOL_SQL_MESSAGE_1 ") STRICT') = 1",
			&is_before);
	if (!e && is_before)
		e = exec(db, "ALTER TABLE message ADD COLUMN " SPOOL_SQL_ORIGIN "; PRAGMA user_version=2;");
	return e ? e : exec(db, "COMMIT");
}

static enum error prepare_all(struct spool_db *db)
{
	for (size_t i = 0; i < SPOOL_STATEMENT_COUNT; i++) {
		int rc = sqlite3_prepare_v3(db->sqlite, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
					    &db->statements[i], NULL);
		if (rc != SQLITE_OK)
			return database_error(db->sqlite, rc);
	}
	return ERROR_NONE;
}

static enum error configure(struct spool_db *db, bool may_write)
{
	int64_t n_objects = 0;
	enum error e;

	e = exec(db, "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; "
		     "PRAGMA temp_store=MEMORY; PRAGMA secure_delete=FAST; PRAGMA recursive_triggers=OFF;");
	if (!e && may_write) /* page size and auto_vacuum count only in an empty file */
		e = exec(db,
			 "PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; "
			 "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; "
			 "PRAGMA journal_size_limit=67108864;");
	if (!e)
		e = ask(db, "SELECT count(*) FROM sqlite_schema", &n_objects);
	if (!e && may_write && n_objects == 0)
		e = create_schema(db);
	else if (!e && may_write)
		e = bring_up_to_date(db);
	if (!e)
		e = check_schema(db);
	if (!e)
		e = expect(db, "PRAGMA application_id", SPOOL_APPLICATION_ID);
	if (!e)
		e = expect(db, "PRAGMA user_version", SPOOL_FORMAT_VERSION);
	if (!e)
		e = expect(db, "SELECT journal_mode='wal' FROM pragma_journal_mode", 1);
	if (!e && may_write)
		e = expect(db, "PRAGMA synchronous", 2);
	return e;
}

enum error spool_sql_open(struct spool_db *db, const char *vfs, bool may_write)
{
	enum error e;

	*db = (struct spool_db){ 0 };
	e = database_open(SPOOL_DB_NAME, vfs, may_write, LENGTH_MAX, &db->sqlite);
	if (e)
		return e;
	e = configure(db, may_write);
	if (!e)
		e = prepare_all(db);
	if (e)
		spool_sql_close(db);
	return e;
}

void spool_sql_close(struct spool_db *db)
{
	for (size_t i = 0; i < SPOOL_STATEMENT_COUNT; i++)
		sqlite3_finalize(db->statements[i]);
	if (db->sqlite)
		ASSERT(sqlite3_close(db->sqlite) == SQLITE_OK);
	*db = (struct spool_db){ 0 };
}

sqlite3_stmt *spool_sql_use(struct spool_db *db, enum spool_statement which)
{
	sqlite3_stmt *st = db->statements[which];

	sqlite3_reset(st);
	return st;
}

enum error spool_sql_run(struct spool_db *db, sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	sqlite3_reset(st);
	return database_error(db->sqlite, rc);
}

enum error spool_sql_get_id_limit(struct spool_db *db, uint64_t *ret_limit)
{
	static const enum spool_statement asks[] = { SPOOL_DO_GET_ID_LIMIT, SPOOL_DO_GET_LAST_ID };

	*ret_limit = 0;
	for (size_t i = 0; i < 2; i++) {
		sqlite3_stmt *st = spool_sql_use(db, asks[i]);
		int rc = sqlite3_step(st);
		uint64_t id = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(st, 0) : 0;
		sqlite3_reset(st);
		if (rc != SQLITE_ROW && rc != SQLITE_DONE)
			return database_error(db->sqlite, rc);
		if (id > INT64_MAX)
			return ERROR_CORRUPT;
		*ret_limit = id > *ret_limit ? id : *ret_limit;
	}
	return ERROR_NONE;
}

bool spool_sql_is_valid_message(const struct spool_message *m)
{
	return m->id > 0 && m->id <= INT64_MAX && m->helo.n <= 255 && m->sender.n <= 320 &&
	       m->envid.n <= 100 && m->body_type < SPOOL_BODY_COUNT && m->ret < SPOOL_RET_COUNT &&
	       m->body_size <= INT64_MAX && (m->has_file || m->body_size <= SPOOL_INLINE_MAX) &&
	       m->header_size <= m->body_size && m->n_rcpts > 0 && m->n_rcpts <= SPOOL_RCPTS_MAX &&
	       m->state < SPOOL_STATE_COUNT && !(m->flags & ~SPOOL_FLAGS_ALL) && m->reason.n <= 500 &&
	       m->head.n <= SPOOL_HEAD_MAX && spool_origin_is_valid(m->origin);
}

bool spool_sql_is_valid_rcpt(const struct spool_rcpt *r)
{
	return r->index < SPOOL_RCPTS_MAX && r->address.n > 0 && r->address.n <= 320 && r->orcpt.n <= 500 &&
	       r->notify <= 15 && r->route.n <= 255 && r->state < SPOOL_RCPT_STATE_COUNT && r->code <= 599 &&
	       r->enhanced.n <= 12 && r->answer.n <= 512 && r->remote.n <= 255;
}
