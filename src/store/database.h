/* SPDX-License-Identifier: Apache-2.0
 *
 * database - what a connection to SQLite is before its first statement, and what its errors mean here.
 */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include "base/error.h"

#include <stdbool.h>

struct sqlite3;

/* A connection for one thread, to a file in the directory in which the process stands; made where it is
 * missing when may_write. No schema of the file runs anything, nothing is attached, no value is longer than
 * length_max bytes; another connection's lock is waited for for 5 s. vfs: of SQLite; NULL: one that asks for
 * no directory above. */
enum error database_open(const char *name, const char *vfs, bool may_write, int length_max,
			 struct sqlite3 **ret_sqlite);

/* Of the result of a call on this connection. A failed sync is ERROR_IO, whatever its cause: what was written
 * is lost. Exhausted memory and misuse end the process. */
enum error database_error(struct sqlite3 *sqlite, int rc);

#endif
