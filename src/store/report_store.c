/* SPDX-License-Identifier: Apache-2.0
 *
 * The evaluations of DMARC in SQLite, by the day. Called by `report` alone, in its only thread. What is
 * stored came from strangers' messages as typed values: every text is bound, never part of a statement, and
 * checked against its maximum when it is written and when it is read.
 *
 * Trusts nothing in the file: DEFENSIVE is on and trusted_schema off before the first read, and a database
 * with another version or other tables is refused. Commits are put together by the caller: one transaction is
 * open from the first change to report_store_commit.
 */
#include "store/report_store.h"
#include "store/database.h"

#include "base/ensure.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define VERSION    1
#define LENGTH_MAX 65536
#define DB_NAME    "report.db"

#define SQL_ROW                                                                                              \
	"CREATE TABLE row (day INTEGER NOT NULL, domain BLOB NOT NULL, policy BLOB NOT NULL, "               \
	"record BLOB NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (day, domain, policy, record)) "          \
	"WITHOUT ROWID, STRICT"
#define SQL_DESTINATION                                                                                      \
	"CREATE TABLE destination (day INTEGER NOT NULL, domain BLOB NOT NULL, address BLOB NOT NULL, "      \
	"PRIMARY KEY (day, domain, address)) WITHOUT ROWID, STRICT"

enum statement {
	COUNT_DAY,
	ADD,
	COUNT_DESTINATIONS,
	ADD_DESTINATION,
	LIST,
	READ,
	READ_DESTINATIONS,
	FORGET,
	FORGET_DESTINATIONS,
	ALL,
	ALL_DESTINATIONS,
	STATEMENT_COUNT
};

static const char *const statement_sql[STATEMENT_COUNT] = {
	[COUNT_DAY] = "SELECT count(*) FROM row WHERE day = ?1",
	[ADD] = "INSERT INTO row VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET count = count + ?5",
	[COUNT_DESTINATIONS] = "SELECT count(*) FROM destination WHERE day = ?1 AND domain = ?2",
	[ADD_DESTINATION] = "INSERT OR IGNORE INTO destination VALUES (?1, ?2, ?3)",
	[LIST] = "SELECT day, domain, policy, x'', sum(count) FROM row WHERE day < ?1 GROUP BY day, domain, "
		 "policy",
	[READ] = "SELECT day, domain, policy, record, count FROM row WHERE day = ?1 AND domain = ?2 AND "
		 "policy = ?3 "
		 "ORDER BY record",
	[READ_DESTINATIONS] = "SELECT day, domain, address FROM destination WHERE day = ?1 AND domain = ?2 "
			      "ORDER BY address",
	[FORGET] = "DELETE FROM row WHERE day = ?1 AND domain = ?2 AND policy = ?3",
	[FORGET_DESTINATIONS] = "DELETE FROM destination WHERE day = ?1 AND domain = ?2 AND NOT EXISTS "
				"(SELECT 1 FROM row WHERE row.day = ?1 AND row.domain = ?2)",
	[ALL] = "SELECT day, domain, policy, record, count FROM row ORDER BY day, domain, policy, record",
	[ALL_DESTINATIONS] = "SELECT day, domain, address FROM destination ORDER BY day, domain, address",
};

struct report_store {
	sqlite3 *sqlite;
	sqlite3_stmt *statements[STATEMENT_COUNT];
	bool is_open; /* a transaction */
	int64_t day;  /* whose rows are counted */
	int64_t n_rows;
};

static enum error exec(struct report_store *s, const char *sql)
{
	return database_error(s->sqlite, sqlite3_exec(s->sqlite, sql, NULL, NULL, NULL));
}

/* ---- open and close ---- */

/* The first column of the only row; text is compared with `expected`, where that is given. */
static enum error ask(struct report_store *s, const char *sql, const char *expected, int64_t *ret_number)
{
	sqlite3_stmt *st = NULL;
	enum error e = database_error(s->sqlite, sqlite3_prepare_v2(s->sqlite, sql, -1, &st, NULL));
	int rc = e ? SQLITE_OK : sqlite3_step(st);

	if (!e && rc != SQLITE_ROW)
		e = rc == SQLITE_DONE ? ERROR_CORRUPT : database_error(s->sqlite, rc);
	if (!e && expected &&
	    !text_is_cstr(text_from_bytes(sqlite3_column_text(st, 0), (size_t)sqlite3_column_bytes(st, 0)),
			  expected))
		e = ERROR_CORRUPT;
	if (!e && ret_number)
		*ret_number = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return e;
}

static enum error make_tables(struct report_store *s)
{
	enum error e = exec(s, "BEGIN IMMEDIATE");

	e = e ? e : exec(s, SQL_ROW);
	e = e ? e : exec(s, SQL_DESTINATION);
	e = e ? e : exec(s, "PRAGMA user_version = 1");
	return e ? e : exec(s, "COMMIT");
}

static enum error check_tables(struct report_store *s)
{
	int64_t version = 0, n = 0;
	enum error e = ask(s, "PRAGMA user_version", NULL, &version);

	e = e ? e : ask(s, "SELECT count(*) FROM sqlite_schema", NULL, &n);
	if (!e && version == 0 && n == 0) {
		e = make_tables(s);
		n = 2;
		version = VERSION;
	}
	if (!e && (version != VERSION || n != 2))
		e = ERROR_CORRUPT;
	e = e ? e : ask(s, "SELECT sql FROM sqlite_schema WHERE name = 'row'", SQL_ROW, NULL);
	return e ? e
		 : ask(s, "SELECT sql FROM sqlite_schema WHERE name = 'destination'", SQL_DESTINATION, NULL);
}

static enum error prepare(struct report_store *s)
{
	enum error e = ask(s, "PRAGMA journal_mode = WAL", "wal", NULL);

	e = e ? e : exec(s, "PRAGMA synchronous = FULL");
	e = e ? e : check_tables(s);
	for (size_t i = 0; !e && i < STATEMENT_COUNT; i++)
		e = database_error(s->sqlite,
				   sqlite3_prepare_v3(s->sqlite, statement_sql[i], -1,
						      SQLITE_PREPARE_PERSISTENT, &s->statements[i], NULL));
	return e;
}

enum error report_store_open(struct report_store **ret_store)
{
	struct report_store *s = mem_zalloc(1, sizeof *s);
	enum error e = database_open(DB_NAME, NULL, true, LENGTH_MAX, &s->sqlite);

	s->day = -1;
	if (!e)
		e = prepare(s);
	if (e) {
		report_store_close(s);
		s = NULL;
	}
	*ret_store = s;
	return e;
}

enum error report_store_set_aside(void)
{
	if (rename(DB_NAME, DB_NAME ".damaged") < 0)
		return ERROR_IO;
	unlink(DB_NAME "-wal"); /* it belongs to the other */
	unlink(DB_NAME "-shm");
	return ERROR_NONE;
}

void report_store_close(struct report_store *s)
{
	if (!s)
		return;
	if (s->sqlite)
		(void)report_store_commit(s);
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(s->statements[i]);
	sqlite3_close(s->sqlite);
	free(s);
}

/* ---- statements ---- */

static sqlite3_stmt *use(struct report_store *s, enum statement which)
{
	sqlite3_reset(s->statements[which]);
	sqlite3_clear_bindings(s->statements[which]);
	return s->statements[which];
}

static void bind_text(sqlite3_stmt *st, int index, struct text t)
{
	ASSERT(sqlite3_bind_blob(st, index, t.n ? t.p : "", (int)t.n, SQLITE_TRANSIENT) == SQLITE_OK);
}

static void bind_number(sqlite3_stmt *st, int index, int64_t n)
{
	ASSERT(sqlite3_bind_int64(st, index, n) == SQLITE_OK);
}

static enum error run(sqlite3_stmt *st)
{
	enum error e = database_error(sqlite3_db_handle(st), sqlite3_step(st));

	sqlite3_reset(st);
	return e;
}

static enum error count(sqlite3_stmt *st, int64_t *ret_n)
{
	enum error e = database_error(sqlite3_db_handle(st), sqlite3_step(st));

	*ret_n = e ? 0 : sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return e;
}

static struct text column(sqlite3_stmt *st, int index)
{
	const void *p = sqlite3_column_blob(st, index);

	return text_from_bytes(p ? p : "", (size_t)sqlite3_column_bytes(st, index));
}

static enum error begin(struct report_store *s)
{
	enum error e = s->is_open ? ERROR_NONE : exec(s, "BEGIN IMMEDIATE");

	s->is_open = !e;
	return e;
}

enum error report_store_commit(struct report_store *s)
{
	enum error e = s->is_open ? exec(s, "COMMIT") : ERROR_NONE;

	if (e)
		exec(s, "ROLLBACK");
	s->is_open = false;
	if (e)
		s->day = -1;
	return e;
}

/* ---- adding ---- */

static bool is_sized(struct text t, size_t max)
{
	return t.n > 0 && t.n <= max;
}

static bool is_sound_row(const struct report_store_row *row)
{
	return row->day >= 0 && row->count > 0 && row->count <= INT64_MAX &&
	       is_sized(row->domain, REPORT_STORE_DOMAIN_MAX) &&
	       is_sized(row->policy, REPORT_STORE_POLICY_MAX) &&
	       is_sized(row->record, REPORT_STORE_RECORD_MAX);
}

/* R2: counted once for each day, then kept. */
static enum error count_rows(struct report_store *s, int64_t day)
{
	sqlite3_stmt *st;

	if (s->day == day)
		return ERROR_NONE;
	st = use(s, COUNT_DAY);
	bind_number(st, 1, day);
	s->day = day;
	return count(st, &s->n_rows);
}

enum error report_store_add(struct report_store *s, const struct report_store_row *row)
{
	enum error e = is_sound_row(row) ? begin(s) : ERROR_MALFORMED;
	sqlite3_stmt *st;

	e = e ? e : count_rows(s, row->day);
	if (e)
		return e;
	if (s->n_rows >= REPORT_STORE_ROWS_MAX)
		return ERROR_TOO_MANY;
	st = use(s, ADD);
	bind_number(st, 1, row->day);
	bind_text(st, 2, row->domain);
	bind_text(st, 3, row->policy);
	bind_text(st, 4, row->record);
	bind_number(st, 5, (int64_t)row->count);
	e = run(st);
	s->n_rows += !e; /* at most: an equal row is counted with it */
	return e;
}

enum error report_store_add_destination(struct report_store *s, const struct report_store_destination *d)
{
	bool is_sound = d->day >= 0 && is_sized(d->domain, REPORT_STORE_DOMAIN_MAX) &&
			is_sized(d->address, REPORT_STORE_ADDRESS_MAX);
	enum error e = is_sound ? begin(s) : ERROR_MALFORMED;
	sqlite3_stmt *st;
	int64_t n = 0;

	if (e)
		return e;
	st = use(s, COUNT_DESTINATIONS);
	bind_number(st, 1, d->day);
	bind_text(st, 2, d->domain);
	e = count(st, &n);
	if (!e && n >= REPORT_STORE_DESTINATIONS_MAX)
		e = ERROR_TOO_MANY;
	if (e)
		return e;
	st = use(s, ADD_DESTINATION);
	bind_number(st, 1, d->day);
	bind_text(st, 2, d->domain);
	bind_text(st, 3, d->address);
	return run(st);
}

/* ---- reading ---- */

/* What the file says must be what this program would have written. */
static enum error walk_rows(sqlite3_stmt *st, bool has_record, report_store_row_function *each, void *arg)
{
	enum error e = ERROR_NONE;
	int rc = SQLITE_DONE;

	while (!e && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct report_store_row row = { .day = sqlite3_column_int64(st, 0),
						.domain = column(st, 1),
						.policy = column(st, 2),
						.record = column(st, 3),
						.count = (uint64_t)sqlite3_column_int64(st, 4) };
		struct report_store_row checked = row;
		if (!has_record)
			checked.record = row.policy;
		e = is_sound_row(&checked) ? each(arg, &row) : ERROR_CORRUPT;
	}
	sqlite3_reset(st);
	return e ? e : database_error(sqlite3_db_handle(st), rc);
}

static enum error walk_destinations(sqlite3_stmt *st, report_store_destination_function *each, void *arg)
{
	enum error e = ERROR_NONE;
	int rc = SQLITE_DONE;

	while (!e && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct report_store_destination d = { sqlite3_column_int64(st, 0), column(st, 1),
						      column(st, 2) };
		bool is_sound = d.day >= 0 && is_sized(d.domain, REPORT_STORE_DOMAIN_MAX) &&
				is_sized(d.address, REPORT_STORE_ADDRESS_MAX);
		e = is_sound ? each(arg, &d) : ERROR_CORRUPT;
	}
	sqlite3_reset(st);
	return e ? e : database_error(sqlite3_db_handle(st), rc);
}

enum error report_store_list(struct report_store *s, int64_t before, report_store_row_function *each,
			     void *arg)
{
	sqlite3_stmt *st = use(s, LIST);

	bind_number(st, 1, before);
	return walk_rows(st, false, each, arg);
}

enum error report_store_read(struct report_store *s, const struct report_store_row *report,
			     report_store_row_function *each, void *arg)
{
	sqlite3_stmt *st = use(s, READ);

	bind_number(st, 1, report->day);
	bind_text(st, 2, report->domain);
	bind_text(st, 3, report->policy);
	return walk_rows(st, true, each, arg);
}

enum error report_store_read_destinations(struct report_store *s, int64_t day, struct text domain,
					  report_store_destination_function *each, void *arg)
{
	sqlite3_stmt *st = use(s, READ_DESTINATIONS);

	bind_number(st, 1, day);
	bind_text(st, 2, domain);
	return walk_destinations(st, each, arg);
}

enum error report_store_forget(struct report_store *s, const struct report_store_row *report)
{
	enum error e = begin(s);
	sqlite3_stmt *st;

	if (e)
		return e;
	st = use(s, FORGET);
	bind_number(st, 1, report->day);
	bind_text(st, 2, report->domain);
	bind_text(st, 3, report->policy);
	e = run(st);
	if (e)
		return e;
	s->day = -1;
	st = use(s, FORGET_DESTINATIONS);
	bind_number(st, 1, report->day);
	bind_text(st, 2, report->domain);
	return run(st);
}

enum error report_store_export(struct report_store *s, report_store_row_function *each_row,
			       report_store_destination_function *each_destination, void *arg)
{
	enum error e = walk_rows(use(s, ALL), true, each_row, arg);

	return e ? e : walk_destinations(use(s, ALL_DESTINATIONS), each_destination, arg);
}
