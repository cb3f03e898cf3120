/* SPDX-License-Identifier: Apache-2.0
 *
 * database - what a connection to SQLite is before its first statement, and what its errors mean here.
 */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include "base/error.h"

struct sqlite3;

/* For a fresh connection: no schema of the file runs anything, nothing is attached, no value is longer than
 * length_max bytes; waits for 5 s for another connection's lock. */
void database_harden(struct sqlite3 *sqlite, int length_max);

/* Of the result of a call on this connection. A failed sync is ERROR_IO, whatever its cause: what was written
 * is lost. Exhausted memory and misuse end the process. */
enum error database_error(struct sqlite3 *sqlite, int rc);

#endif
