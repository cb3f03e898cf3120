/* SPDX-License-Identifier: Apache-2.0
 *
 * Records between the roles and the writer (store/audit_write.h). Called by main.c. Trusts the writer to
 * leave the chain whole when it fails.
 *
 * Invariants: what the writer has pending is n_pending ordinary records and those of `tickets`; after a
 * failed flush it is the tickets' only. The
 * tickets' records together are smaller than what the writer takes, so that they always fit anew.
 */
#include "roles/audit/journal.h"

#include "base/clock.h"
#include "base/ensure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A record whose sender waits for it. */
struct ticket {
	struct ticket *next;
	struct journal_event event; /* its texts point into bytes */
	uint32_t number;
	char bytes[AUDIT_SUBJECT_MAX + AUDIT_DETAIL_MAX];
};

struct journal {
	struct audit_writer *writer;
	journal_written_function *written;
	void *owner;
	struct ticket *tickets, **tickets_end;
	size_t n_tickets;
	uint64_t n_pending, n_unreported;
	bool is_failing; /* the last flush was in vain */
	struct journal_counts counts;
};

enum error journal_open(int dir_fd, uint64_t segment_size, journal_written_function *written, void *owner,
			struct journal **ret_journal, struct audit_opened *ret_opened)
{
	struct audit_writer *writer;
	struct journal *j;
	enum error e = audit_writer_open(dir_fd, segment_size, &writer, ret_opened);

	if (e)
		return e;
	j = mem_zalloc(1, sizeof *j);
	*j = (struct journal){ .writer = writer, .written = written, .owner = owner };
	j->tickets_end = &j->tickets;
	*ret_journal = j;
	return ERROR_NONE;
}

static void drop_ticket(struct journal *j)
{
	struct ticket *t = j->tickets;

	j->tickets = t->next;
	if (!j->tickets)
		j->tickets_end = &j->tickets;
	j->n_tickets--;
	free(t);
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	while (j->tickets)
		drop_ticket(j);
	audit_writer_close(j->writer);
	free(j);
}

static bool add(struct journal *j, const struct journal_event *event)
{
	const struct ipc_message *message = ipc_find_message(&role_audit_edge, ROLE_AUDIT_EVENT);
	struct audit_record record = { .time = event->time,
				       .role = text_from_cstr(role_name(event->role)),
				       .kind = text_from_cstr(message->fields[0].names[event->kind]),
				       .subject = event->subject,
				       .detail = event->detail };

	return audit_writer_add(j->writer, &record) == ERROR_NONE;
}

/* Makes room when too much waits; in vain when the disk is full, and then only the tickets wait. */
static bool add_or_flush(struct journal *j, const struct journal_event *event)
{
	if (add(j, event))
		return true;
	if (!j->is_failing)
		journal_flush(j);
	return add(j, event);
}

static void lose(struct journal *j, uint64_t n)
{
	j->counts.n_lost += n;
	j->n_unreported += n;
}

void journal_add(struct journal *j, const struct journal_event *event)
{
	if (add_or_flush(j, event))
		j->n_pending++;
	else
		lose(j, 1);
}

static void keep_text(struct text *t, char **at)
{
	if (t->n)
		memcpy(*at, t->p, t->n);
	t->p = *at;
	*at += t->n;
}

bool journal_add_ticket(struct journal *j, const struct journal_event *event, uint32_t ticket)
{
	struct ticket *t;
	char *at;

	if (j->n_tickets == JOURNAL_MAX_TICKETS || event->subject.n > AUDIT_SUBJECT_MAX ||
	    event->detail.n > AUDIT_DETAIL_MAX) {
		lose(j, 1);
		return false;
	}
	if (!add(j, event)) {
		journal_flush(j);
		ASSERT(add(j, event));
	}
	t = mem_zalloc(1, sizeof *t);
	t->event = *event;
	t->number = ticket;
	at = t->bytes;
	keep_text(&t->event.subject, &at);
	keep_text(&t->event.detail, &at);
	*j->tickets_end = t;
	j->tickets_end = &t->next;
	j->n_tickets++;
	return true;
}

bool journal_is_waiting(const struct journal *j)
{
	return j->n_pending || j->n_tickets || j->n_unreported;
}

/* The record of what was lost; the count stands until this record is on disk. */
static bool add_report(struct journal *j)
{
	struct journal_event event = {
		ROLE_AUDIT, ROLE_AUDIT_KIND_QUEUE_ALARM, clock_wall_ms(), TEXT("audit"), { NULL, 0 }
	};
	char detail[64];

	snprintf(detail, sizeof detail, "%llu records could not be written",
		 (unsigned long long)j->n_unreported);
	event.detail = text_from_cstr(detail);
	return add(j, &event);
}

static enum error fail(struct journal *j, enum error e)
{
	lose(j, j->n_pending);
	j->n_pending = 0;
	j->is_failing = true;
	for (struct ticket *t = j->tickets; t; t = t->next)
		ASSERT(add(j, &t->event));
	return e;
}

enum error journal_flush(struct journal *j)
{
	uint64_t n_reported = j->n_unreported && add_report(j) ? j->n_unreported : 0;
	enum error e;

	if (audit_writer_pending(j->writer) == 0)
		return ERROR_NONE;
	e = audit_writer_flush(j->writer);
	if (e)
		return fail(j, e);
	j->is_failing = false;
	j->counts.n_written += j->n_pending + j->n_tickets + (n_reported > 0);
	j->n_pending = 0;
	j->n_unreported -= n_reported;
	while (j->tickets) {
		j->written(j->owner, j->tickets->event.role, j->tickets->number);
		drop_ticket(j);
	}
	return ERROR_NONE;
}

struct journal_counts journal_count(const struct journal *j)
{
	return j->counts;
}

struct audit_writer *journal_writer(struct journal *j)
{
	return j->writer;
}
