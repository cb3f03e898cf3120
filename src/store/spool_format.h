/* SPDX-License-Identifier: Apache-2.0
 *
 * spool_format - what the spool's files hold, for the modules of the spool, salvage and tests.
 *
 * Files, all in the spool's directory, mode 0600, made by the role that runs in it:
 *
 *   spool.db      SQLite 3, page size 4096, auto_vacuum incremental, WAL, synchronous FULL
 *   spool.db-wal  what was committed since the last checkpoint (the promise lives here at first)
 *   spool.db-shm  index of the WAL, rebuilt at will
 *   bodies/ID     the body of a message above SPOOL_INLINE_MAX; ID as spool_print_id gives it
 *   reserve       zeros, given up when the disk is full so that removals can still commit
 *
 * Tables: message, one row per message; rcpt, one per recipient; body, one per inline body; meta,
 * the row id_limit. They are created in this order in an empty file, so that their roots are pages
 * 3, 4, 5 and 6 (1 is the schema, 2 the first pointer map): salvage may count on it.
 *
 * Invariants (numbered, named so in the code and the tests):
 *
 *   S1  A row of message has exactly n_rcpts rows in rcpt, numbered from 0.
 *   S2  It has a row in body, of body_size bytes, when file = 0; and the file bodies/ID, of body_size
 *       bytes, when file = 1. Never both.
 *   S3  The file, and its entry in bodies/, are synced before the transaction of its row begins.
 *   S4  The file is unlinked after the transaction that removes its row is synced. So a file without
 *       a row is an orphan of a crash, promised to nobody, and is swept at the start.
 *   S5  An id is never used again: meta.id_limit is above every id ever committed, and a start begins
 *       there. It is raised in the same transaction as the insert that passes it.
 *   S6  A callback with ERROR_NONE comes after the commit that holds the whole group returned, which
 *       with synchronous FULL is after the sync of the WAL.
 *   S7  A message is removed when no recipient of it is pending, held or failed without notice.
 *   S8  A notice and the change of its recipients to `notified` are one group: never two notices, and
 *       never none.
 *   S9  The schema is the one below, byte for byte: no trigger, view or index can have been added.
 *
 * States of a message (what moves it):
 *
 *            insert                       insert (judged while the client waited)
 *              |                             |
 *              v       verdict               v        last recipient done
 *          WAITING ----------------------> ACTIVE ------------------------> (removed)
 *            | ^  died twice, verdict       | ^                                 ^
 *            | |                            | |                                 |
 *            v | release, unjudged    hold  v | release                 delete  |
 *           HELD <------------------------ HELD ---------------------------------
 *
 * States of a recipient:
 *
 *   PENDING --250--> DELIVERED | RELAYED
 *   PENDING --5xx, expired--> FAILED --notice committed, or none due--> NOTIFIED
 *   PENDING <--hold, release--> RCPT_HELD;  PENDING, RCPT_HELD --delete--> DROPPED
 */
#ifndef STORE_SPOOL_FORMAT_H
#define STORE_SPOOL_FORMAT_H

#define SPOOL_DB_NAME        "spool.db"
#define SPOOL_BODIES_NAME    "bodies"
#define SPOOL_RESERVE_NAME   "reserve"
#define SPOOL_APPLICATION_ID 0x50535051 /* "PSPQ" */
#define SPOOL_FORMAT_VERSION 2          /* 1 had no origin; salvage reads it */
#define SPOOL_PAGE_SIZE      4096

/* Columns, in the order of every statement and of the rows on the pages. */
#define SPOOL_SQL_MESSAGE                                                                                    \
	"CREATE TABLE message (id INTEGER PRIMARY KEY, arrival INTEGER NOT NULL, session INTEGER NOT NULL, " \
	"client BLOB NOT NULL, port INTEGER NOT NULL, listener INTEGER NOT NULL, helo BLOB NOT NULL, "       \
	"sender BLOB NOT NULL, envid BLOB NOT NULL, body_type INTEGER NOT NULL, ret INTEGER NOT NULL, "      \
	"body_size INTEGER NOT NULL, header_size INTEGER NOT NULL, file INTEGER NOT NULL, "                  \
	"n_rcpts INTEGER NOT NULL, state INTEGER NOT NULL, flags INTEGER NOT NULL, scans INTEGER NOT NULL, " \
	"reason BLOB NOT NULL, head BLOB NOT NULL, origin BLOB NOT NULL) STRICT"
#define SPOOL_SQL_RCPT                                                                                       \
	"CREATE TABLE rcpt (message INTEGER NOT NULL, idx INTEGER NOT NULL, address BLOB NOT NULL, "         \
	"orcpt BLOB NOT NULL, notify INTEGER NOT NULL, route BLOB NOT NULL, state INTEGER NOT NULL, "        \
	"attempts INTEGER NOT NULL, next_attempt INTEGER NOT NULL, last_attempt INTEGER NOT NULL, "          \
	"warned INTEGER NOT NULL, code INTEGER NOT NULL, enhanced BLOB NOT NULL, answer BLOB NOT NULL, "     \
	"remote BLOB NOT NULL, PRIMARY KEY (message, idx)) STRICT, WITHOUT ROWID"
#define SPOOL_SQL_BODY "CREATE TABLE body (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT"
#define SPOOL_SQL_META                                                                                       \
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID"

enum {
	SPOOL_MESSAGE_COLUMNS = 21,
	SPOOL_MESSAGE_COLUMNS_1 = 20,
	SPOOL_RCPT_COLUMNS = 15,
	SPOOL_BODY_COLUMNS = 2
};
enum { SPOOL_ROOT_MESSAGE = 3, SPOOL_ROOT_RCPT, SPOOL_ROOT_BODY, SPOOL_ROOT_META };

#endif
