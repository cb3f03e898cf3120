/* SPDX-License-Identifier: Apache-2.0
 *
 * The schedule: a heap of parts that wait, a line of ready parts per destination, a round of
 * destinations that have work. Called by the queue's loop and by its test; trusts both.
 *
 * Invariants: a part is in exactly one place, the one its state says; heap entries whose part is gone,
 * is no longer waiting or waits for another time are stale and skipped; a destination is in the round
 * exactly while its line is not empty; n_connections of the schedule is the sum over destinations.
 */
#include "roles/queue/schedule.h"

#include "base/ensure.h"

#include <stdlib.h>

enum {
	GROWTH_MS = 20,           /* the head of the line may wait so long for each connection there is */
	FIRST_CONNECTIONS = 2,    /* opened without waiting */
	FAILURE_PAUSE_MS = 10000, /* after the first failure */
	FAILURE_PAUSE_MAX_MS = 300000,
};

void schedule_init(struct schedule *s, const struct schedule_limits *limits)
{
	*s = (struct schedule){ .limits = *limits };
	table_init(&s->parts);
	table_init(&s->destinations);
	heap_init(&s->due);
}

void schedule_done(struct schedule *s)
{
	struct destination *d;
	size_t at = 0;

	while ((d = table_next(&s->destinations, &at)))
		free(d);
	table_done(&s->destinations);
	table_done(&s->parts);
	heap_done(&s->due);
}

/* ---- destinations ---- */

/* Blocks by id, domains by hash; moved on while another is there. */
static uint64_t key_of(const struct schedule *s, uint64_t route, struct text domain)
{
	uint64_t key = route != CONF_DOMAIN_NONE ? route : text_hash(domain);
	const struct destination *d;

	while ((d = table_get(&s->destinations, key)) &&
	       (d->route != route || !text_is_equal(d->domain, domain)))
		key++;
	return key;
}

struct destination *schedule_destination(struct schedule *s, uint64_t route, struct text domain)
{
	size_t n = route == CONF_DOMAIN_NONE ? domain.n : 0;
	uint64_t key = key_of(s, route, text_slice(domain, 0, n));
	struct destination *d = table_get(&s->destinations, key);
	char *name;

	if (d)
		return d;
	d = mem_zalloc(1, sizeof *d + n);
	name = (char *)(d + 1);
	if (n)
		memcpy(name, domain.p, n);
	d->key = key;
	d->route = route;
	d->domain = text_from_bytes(name, n);
	table_put(&s->destinations, key, d);
	return d;
}

static void forget_if_unused(struct schedule *s, struct destination *d)
{
	if (d->n_parts > 0 || d->n_connections > 0)
		return;
	ASSERT(!d->is_listed);
	table_remove(&s->destinations, d->key);
	free(d);
}

static void list(struct schedule *s, struct destination *d)
{
	if (d->is_listed)
		return;
	d->is_listed = true;
	d->next = NULL;
	if (s->round_last)
		s->round_last->next = d;
	else
		s->round = d;
	s->round_last = d;
}

static void unlist(struct schedule *s, struct destination *d)
{
	struct destination **at = &s->round, *before = NULL;

	for (; *at != d; at = &(*at)->next)
		before = *at;
	*at = d->next;
	if (s->round_last == d)
		s->round_last = before;
	d->is_listed = false;
	d->next = NULL;
}

/* ---- parts ---- */

struct part *schedule_part_new(struct schedule *s, struct destination *d, void *owner, uint32_t n_rcpts)
{
	struct part *p = mem_zalloc(1, sizeof *p + n_rcpts * sizeof *p->rcpts);

	p->key = ++s->last_key;
	p->owner = owner;
	p->destination = d;
	p->state = PART_OUT;
	p->n_rcpts = n_rcpts;
	d->n_parts++;
	table_put(&s->parts, p->key, p);
	return p;
}

static void leave_line(struct schedule *s, struct part *p)
{
	struct part_line *line = &p->destination->ready;

	if (p->previous)
		p->previous->next = p->next;
	else
		line->first = p->next;
	if (p->next)
		p->next->previous = p->previous;
	else
		line->last = p->previous;
	p->previous = p->next = NULL;
	s->n_ready--;
	if (--line->n == 0)
		unlist(s, p->destination);
}

static void join_line(struct schedule *s, struct part *p, int64_t now)
{
	struct part_line *line = &p->destination->ready;

	p->state = PART_READY;
	p->ready_since = now;
	p->previous = line->last;
	if (line->last)
		line->last->next = p;
	else
		line->first = p;
	line->last = p;
	line->n++;
	s->n_ready++;
	list(s, p->destination);
}

void schedule_hold(struct schedule *s, struct part *p)
{
	if (p->state == PART_READY)
		leave_line(s, p);
	p->state = PART_OUT;
}

void schedule_part_free(struct schedule *s, struct part *p)
{
	struct destination *d = p->destination;

	schedule_hold(s, p);
	table_remove(&s->parts, p->key);
	d->n_parts--;
	free(p);
	forget_if_unused(s, d);
}

void schedule_wait(struct schedule *s, struct part *p, int64_t due)
{
	schedule_hold(s, p);
	p->state = PART_WAITING;
	p->due = due;
	heap_push(&s->due, due, p->key);
}

static struct part *find_waiting(const struct schedule *s, const struct heap_entry *entry)
{
	struct part *p = table_get(&s->parts, entry->key);

	return p && p->state == PART_WAITING && p->due == entry->when ? p : NULL;
}

void schedule_advance(struct schedule *s, int64_t now)
{
	struct heap_entry entry;
	struct part *p;

	while (heap_peek(&s->due, &entry)) {
		p = find_waiting(s, &entry);
		if (p && entry.when > now)
			return;
		heap_pop(&s->due);
		if (p)
			join_line(s, p, now);
	}
}

struct part *schedule_take(struct schedule *s, struct destination *d)
{
	struct part *p = d->ready.first;

	if (!p)
		return NULL;
	leave_line(s, p);
	p->state = PART_SENDING;
	return p;
}

int64_t schedule_next_attempt(const struct schedule *s, uint32_t attempts, int64_t now)
{
	size_t at = attempts > 0 ? attempts - 1 : 0;

	ASSERT(s->limits.n_retry > 0);
	return now + s->limits.retry[at < s->limits.n_retry ? at : s->limits.n_retry - 1];
}

int64_t schedule_next_before(const struct schedule *s, uint32_t attempts, int64_t now, int64_t end)
{
	int64_t next = schedule_next_attempt(s, attempts, now);

	if (now >= end)
		return SCHEDULE_NEVER;
	return next < end ? next : end;
}

/* ---- connections ---- */

/* When this destination, which has work, may have one more connection. */
static int64_t connection_due(const struct schedule *s, const struct destination *d)
{
	int64_t grown = d->ready.first->ready_since;

	if (d->n_connections >= s->limits.per_destination || d->n_idle > 0)
		return SCHEDULE_NEVER;
	if (d->n_connecting >= d->ready.n) /* as many are on their way as there is work */
		return SCHEDULE_NEVER;
	if (d->failures > 0 && d->n_connections > 0) /* one probe at a time */
		return SCHEDULE_NEVER;
	if (d->n_connections >= FIRST_CONNECTIONS)
		grown += (int64_t)GROWTH_MS * d->n_connections;
	return grown > d->not_before ? grown : d->not_before;
}

struct destination *schedule_want_connection(struct schedule *s, int64_t now)
{
	struct destination *first = s->round, *d = first;

	if (s->n_connections >= s->limits.total)
		return NULL;
	while (d) {
		/* To the end of the round: the next one has its turn. */
		unlist(s, d);
		list(s, d);
		if (connection_due(s, d) <= now)
			return d;
		d = s->round == first ? NULL : s->round;
	}
	return NULL;
}

void schedule_connection_opened(struct schedule *s, struct destination *d)
{
	s->n_connections++;
	d->n_connections++;
	d->n_connecting++;
}

void schedule_connection_works(struct schedule *s, struct destination *d)
{
	(void)s;
	ASSERT(d->n_connecting > 0);
	d->n_connecting--;
	d->failures = 0;
	d->not_before = 0;
}

void schedule_connection_closed(struct schedule *s, struct destination *d, bool was_connecting)
{
	ASSERT(d->n_connections > 0 && s->n_connections > 0);
	s->n_connections--;
	d->n_connections--;
	if (was_connecting)
		d->n_connecting--;
	forget_if_unused(s, d);
}

void schedule_connection_failed(struct destination *d, int64_t now)
{
	int64_t pause = FAILURE_PAUSE_MS;

	for (uint32_t i = 0; i < d->failures && pause < FAILURE_PAUSE_MAX_MS; i++)
		pause *= 2;
	d->failures++;
	d->not_before = now + (pause < FAILURE_PAUSE_MAX_MS ? pause : FAILURE_PAUSE_MAX_MS);
}

int64_t schedule_wake_at(const struct schedule *s, int64_t now)
{
	struct heap_entry entry;
	int64_t at = heap_peek(&s->due, &entry) ? entry.when : SCHEDULE_NEVER;
	bool has_room = s->n_connections < s->limits.total;

	for (const struct destination *d = s->round; d && has_room && at > now; d = d->next) {
		int64_t due = connection_due(s, d);
		at = due < at ? due : at;
	}
	return at;
}
