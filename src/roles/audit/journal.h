/* SPDX-License-Identifier: Apache-2.0
 *
 * journal - records on their way to the disk: what waits for the next flush, who waits for an answer,
 * and what could not be written.
 *
 * Adding never blocks but when eight megabytes wait; journal_flush writes and syncs. A record that
 * fails to be written is lost and counted, and the count becomes a record when there is space again.
 * A record with a ticket is not lost: it is kept and tried again with every flush, up to
 * JOURNAL_MAX_TICKETS of them, and `written` is called when it is on disk.
 */
#ifndef ROLES_AUDIT_JOURNAL_H
#define ROLES_AUDIT_JOURNAL_H

#include "base/role_id.h"
#include "ipc/role_audit.h"
#include "store/audit_write.h"

#define JOURNAL_MAX_TICKETS 1024

struct journal;

struct journal_event {
	enum role_id role; /* who says so */
	enum role_audit_kind kind;
	int64_t time; /* wall clock, ms */
	struct text subject, detail;
};

struct journal_counts {
	uint64_t n_written, n_lost;
};

typedef void journal_written_function(void *owner, enum role_id role, uint32_t ticket);

/* dir_fd must stay open. Errors of audit_writer_open. */
enum error journal_open(int dir_fd, uint64_t segment_size, journal_written_function *written, void *owner,
			struct journal **ret_journal, struct audit_opened *ret_opened);
void journal_close(struct journal *j); /* what was not flushed is lost */

void journal_add(struct journal *j, const struct journal_event *event);
/* False: JOURNAL_MAX_TICKETS wait already; the record is counted as lost, nobody will be told. */
bool journal_add_ticket(struct journal *j, const struct journal_event *event, uint32_t ticket);
/* Is there anything to flush, the count of what was lost included? */
bool journal_is_waiting(const struct journal *j);
/* Everything added is on disk, and whoever waited was told. Otherwise: ERROR_DISK_FULL and the like;
 * flush again later. */
enum error journal_flush(struct journal *j);

struct journal_counts journal_count(const struct journal *j);
struct audit_writer *journal_writer(struct journal *j); /* for its head, size and retention */

#endif
