/* SPDX-License-Identifier: Apache-2.0
 *
 * schedule - what is sent when, and over how many connections. A pure data structure: it is told the
 * time, asks nobody, and does the same for the same calls (tests/unit/roles/queue_schedule_test.c).
 *
 * A part is the recipients of one message that go to one destination; it is tried as a whole. A
 * destination is one next hop: a domain block of the configuration, or a domain found by MX. Parts
 * wait for their time (`due`), then in line at their destination, in the order in which they became
 * due. Times are wall clock, ms.
 *
 * Connections: a destination gets its first as soon as a part is ready, its second likewise, and one
 * more whenever the head of its line has waited longer than those it has can explain, up to the
 * limit. After a failed connection it is left alone for a while that doubles each time, and what was
 * ready is deferred by the caller. Destinations take turns.
 */
#ifndef QUEUE_SCHEDULE_H
#define QUEUE_SCHEDULE_H

#include "base/table.h"
#include "base/text.h"
#include "conf/conf.h"

#define SCHEDULE_NEVER INT64_MAX

struct part;

struct part_line {
	struct part *first, *last;
	size_t n;
};

struct destination {
	uint64_t key;
	uint64_t route;     /* id of the domain block, or CONF_DOMAIN_NONE: by MX */
	struct text domain; /* lower case; empty for a block */
	struct part_line ready;
	size_t n_parts;                       /* in any state */
	uint32_t n_connections, n_connecting; /* all; those that have not asked for a message yet */
	uint32_t n_idle;                      /* connections that wait for a message */
	uint32_t failures;                    /* in a row */
	int64_t not_before;
	char trouble[256];        /* why the last connection failed, for people; empty after success */
	bool is_listed;           /* in the round of those with work */
	struct destination *next; /* in the round */
};

enum part_state {
	PART_WAITING, /* for `due` */
	PART_READY,   /* in its destination's line */
	PART_SENDING, /* taken */
	PART_OUT      /* not in the schedule */
};

struct part {
	uint64_t key;
	void *owner;
	struct destination *destination;
	enum part_state state;
	int64_t due;
	int64_t ready_since;
	uint32_t attempts;
	struct part *previous, *next; /* in line */
	struct part *sibling;         /* next of the same message: the owner's */
	uint32_t n_rcpts;
	uint32_t rcpts[]; /* indexes */
};

struct schedule_limits {
	uint32_t per_destination; /* connections */
	uint32_t total;
	const int64_t *retry; /* pauses in ms, the last repeats */
	size_t n_retry;
};

struct schedule {
	struct schedule_limits limits;
	struct table parts, destinations;
	struct heap due;
	struct destination *round, *round_last;
	uint32_t n_connections;
	size_t n_ready;
	uint64_t last_key;
};

void schedule_init(struct schedule *s, const struct schedule_limits *limits);
void schedule_done(struct schedule *s); /* destinations only; parts are their owners' */

/* The destination of a route, made when it is new; it goes away with its last part and connection. */
struct destination *schedule_destination(struct schedule *s, uint64_t route, struct text domain);

/* A part with n recipients (to be filled in), not yet in the schedule. */
struct part *schedule_part_new(struct schedule *s, struct destination *d, void *owner, uint32_t n_rcpts);
/* Takes it out of wherever it is, and frees it. */
void schedule_part_free(struct schedule *s, struct part *p);

/* Waits until `due`. From any state. */
void schedule_wait(struct schedule *s, struct part *p, int64_t due);
/* Out of the schedule, until schedule_wait. */
void schedule_hold(struct schedule *s, struct part *p);
/* Moves what is due into line. */
void schedule_advance(struct schedule *s, int64_t now);

/* A destination that should get one more connection now, or NULL. The caller opens it and says so. */
struct destination *schedule_want_connection(struct schedule *s, int64_t now);
void schedule_connection_opened(struct schedule *s, struct destination *d);
/* It asked for its first message. */
void schedule_connection_works(struct schedule *s, struct destination *d);
/* May free the destination. was_connecting: it never asked. */
void schedule_connection_closed(struct schedule *s, struct destination *d, bool was_connecting);
/* No connection could be made. Leaves the destination alone for a while. */
void schedule_connection_failed(struct destination *d, int64_t now);

/* The head of the line, now SENDING; NULL: nothing is ready. */
struct part *schedule_take(struct schedule *s, struct destination *d);

/* When a part that was tried `attempts` times (1 or more) is tried next. */
int64_t schedule_next_attempt(const struct schedule *s, uint32_t attempts, int64_t now);
/* The same for what expires at `end`: the last attempt is then. SCHEDULE_NEVER: that one was it. */
int64_t schedule_next_before(const struct schedule *s, uint32_t attempts, int64_t now, int64_t end);
/* When something will change by itself: a part becomes due, a destination may be tried again or may
 * get another connection. SCHEDULE_NEVER: only by a call. */
int64_t schedule_wake_at(const struct schedule *s, int64_t now);

#endif
