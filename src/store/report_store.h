/* SPDX-License-Identifier: Apache-2.0
 *
 * report_store - what DMARC found, counted by day until it is reported. `report` writes it; nobody else.
 *
 * One SQLite database, report.db, in the directory where the process stands. Its items:
 *
 *	row          (day, domain, policy, record) -> count    equal messages of a day are one row
 *	destination  (day, domain, address)                    where the owner of the domain wants reports
 *
 * day is the number of days since 1970 in UTC; domain is a policy domain; policy and record are the bytes of
 * proto/dmarc_row.h, which this store only compares. A database is never restored: report_store_export gives
 *the items out, and the two functions that add take them back, checked and written anew.
 *
 * Invariants:
 * R1. A count is at least 1, and what is counted stands under the day it was seen.
 * R2. No day has more than REPORT_STORE_ROWS_MAX rows: what is beyond is dropped, and the caller is told.
 * R3. What was added is on disk after report_store_commit; a crash loses what was added since, never more.
 */
#ifndef STORE_REPORT_STORE_H
#define STORE_REPORT_STORE_H

#include "base/error.h"
#include "base/text.h"

#define REPORT_STORE_ROWS_MAX         200000
#define REPORT_STORE_DESTINATIONS_MAX 16 /* of one domain and day */
#define REPORT_STORE_DOMAIN_MAX       253
#define REPORT_STORE_POLICY_MAX       64
#define REPORT_STORE_RECORD_MAX       16384
#define REPORT_STORE_ADDRESS_MAX      320

struct report_store;

struct report_store_row {
	int64_t day;
	struct text domain, policy, record;
	uint64_t count;
};

struct report_store_destination {
	int64_t day;
	struct text domain, address;
};

/* Creates the database where there is none. ERROR_CORRUPT: it is damaged, or of another version. */
enum error report_store_open(struct report_store **ret_store);
/* Keeps a damaged database as report.db.damaged, in place of one that was kept before, so that a fresh one
 * can be opened: counts of a day are not worth that mail waits for them. */
enum error report_store_set_aside(void);
void report_store_close(struct report_store *s); /* commits; NULL is allowed */

/* Adds row->count to the row. ERROR_TOO_MANY: the day is full (R2). ERROR_MALFORMED: a text is empty or above
 * its maximum. */
enum error report_store_add(struct report_store *s, const struct report_store_row *row);
/* ERROR_TOO_MANY above REPORT_STORE_DESTINATIONS_MAX; what is there already is no error. */
enum error report_store_add_destination(struct report_store *s, const struct report_store_destination *d);
enum error report_store_commit(struct report_store *s);

/* Each calls back in the order day, domain, policy, record; texts live until it returns. A callback that
 * gives an error ends the walk with it. */
typedef enum error report_store_row_function(void *arg, const struct report_store_row *row);
typedef enum error report_store_destination_function(void *arg, const struct report_store_destination *d);

/* One call for each report there is, of days before `before`: record is empty, count the number of messages.
 */
enum error report_store_list(struct report_store *s, int64_t before, report_store_row_function *each,
			     void *arg);
/* The records of one report. */
enum error report_store_read(struct report_store *s, const struct report_store_row *report,
			     report_store_row_function *each, void *arg);
enum error report_store_read_destinations(struct report_store *s, int64_t day, struct text domain,
					  report_store_destination_function *each, void *arg);
/* A report is done: its rows go, and with the last of its day and domain the destinations. */
enum error report_store_forget(struct report_store *s, const struct report_store_row *report);

/* Everything; report_store_add and report_store_add_destination take it back. */
enum error report_store_export(struct report_store *s, report_store_row_function *each_row,
			       report_store_destination_function *each_destination, void *arg);

#endif
