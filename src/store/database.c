/* SPDX-License-Identifier: Apache-2.0
 *
 * What the stores in SQLite have in common. Called by the spool and by the store of reports, when they open
 * a database and when a call fails. Trusts nothing in the file: a database that another hand has changed must
 * not run anything.
 */
#include "store/database.h"

#include "base/ensure.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#define LOCK_WAIT_MS 5000

static enum error error_of_io(int rc, int number)
{
	if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC)
		return ERROR_IO; /* also for ENOSPC: what was written is lost, and later syncs say nothing */
	if (number == ENOSPC || number == EDQUOT)
		return ERROR_DISK_FULL;
	return number == EROFS ? ERROR_READ_ONLY : ERROR_IO;
}

/* Why a call failed. A commit does not tell its connection; the file of the WAL knows. */
static int find_errno(sqlite3 *sqlite)
{
	int number = sqlite3_system_errno(sqlite);
	sqlite3_file *wal = NULL;

	if (number == 0)
		sqlite3_file_control(sqlite, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
	if (wal && wal->pMethods)
		wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &number);
	return number;
}

enum error database_error(sqlite3 *sqlite, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return ERROR_NONE;
	case SQLITE_FULL:
		return ERROR_DISK_FULL;
	case SQLITE_READONLY:
		return ERROR_READ_ONLY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_SCHEMA:
	case SQLITE_ERROR: /* a statement of ours does not fit the tables */
		return ERROR_CORRUPT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERROR_BUSY;
	case SQLITE_CONSTRAINT:
		return ERROR_EXISTS;
	case SQLITE_TOOBIG:
		return ERROR_TOO_LARGE;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return error_of_io(rc, find_errno(sqlite));
	default:
		ASSERT((rc & 0xff) != SQLITE_NOMEM && (rc & 0xff) != SQLITE_MISUSE);
		return ERROR_IO;
	}
}

static void harden(sqlite3 *sqlite, int length_max)
{
	static const struct {
		int op, value;
	} config[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		{ SQLITE_DBCONFIG_DQS_DML, 0 },
		{ SQLITE_DBCONFIG_DQS_DDL, 0 },
		{ SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
		{ SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0 },
	};

	for (size_t i = 0; i < sizeof config / sizeof *config; i++)
		ASSERT(sqlite3_db_config(sqlite, config[i].op, config[i].value, NULL) == SQLITE_OK);
	sqlite3_limit(sqlite, SQLITE_LIMIT_LENGTH, length_max);
	sqlite3_limit(sqlite, SQLITE_LIMIT_SQL_LENGTH, 4096);
	sqlite3_limit(sqlite, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_extended_result_codes(sqlite, 1);
	sqlite3_busy_timeout(sqlite, LOCK_WAIT_MS);
}

static int keep_name(sqlite3_vfs *vfs, const char *name, int room, char *out)
{
	size_t n = strlen(name) + 1;

	(void)vfs;
	if (n > (size_t)room)
		return SQLITE_CANTOPEN;
	memcpy(out, name, n);
	return SQLITE_OK;
}

/* SQLite asks for every directory above a file, which may be closed to this user where a process cannot
 * change its root. A name in the directory in which we stand needs none of that. */
static const char *own_vfs(void)
{
	static sqlite3_vfs own;

	if (!own.zName) {
		own = *sqlite3_vfs_find(NULL);
		own.zName = "store";
		own.xFullPathname = keep_name;
		ASSERT(sqlite3_vfs_register(&own, 0) == SQLITE_OK);
	}
	return own.zName;
}

enum error database_open(const char *name, const char *vfs, bool may_write, int length_max,
			 sqlite3 **ret_sqlite)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
	sqlite3 *sqlite = NULL;
	enum error e;
	int rc;

	flags |= may_write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
	rc = sqlite3_open_v2(name, &sqlite, flags, vfs ? vfs : own_vfs());
	ASSERT(sqlite);
	e = database_error(sqlite, rc);
	if (e) {
		sqlite3_close(sqlite);
		sqlite = NULL;
	} else {
		harden(sqlite, length_max);
	}
	*ret_sqlite = sqlite;
	return e;
}
