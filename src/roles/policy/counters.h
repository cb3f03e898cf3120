/* SPDX-License-Identifier: Apache-2.0
 *
 * counters - what policy remembers of each client: open connections, rates, crashes of its rooms.
 *
 * A client is one IPv4 address, or one IPv6 prefix of the listener's length. Pure but for memory: the
 * caller gives the time (monotonic, ms). At most `max` clients are remembered; the one unseen for the
 * longest, without a connection, is forgotten first.
 */
#ifndef POLICY_COUNTERS_H
#define POLICY_COUNTERS_H

#include "base/addr.h"
#include "base/table.h"
#include "conf/conf.h"

enum counted {
	COUNTED_CONNECTIONS,
	COUNTED_MESSAGES,
	COUNTED_RECIPIENTS,
	COUNTED_INVALID,
	COUNTED_COUNT
};

struct counter {
	int64_t since; /* begin of the current time */
	uint64_t now, before; /* in the current time and in the one before it */
};

struct client {
	uint64_t key;
	struct client *newer, *older; /* in the order of last sight */
	uint32_t n_connections;
	uint32_t crashes;
	int64_t refused_until;
	struct counter counters[COUNTED_COUNT];
};

struct counters {
	struct table clients;
	struct client *newest, *oldest;
	size_t max;
};

void counters_init(struct counters *c, size_t max);
void counters_done(struct counters *c);

/* The record of this client, new if need be; now the newest. NULL: every record has a connection. */
struct client *counters_find(struct counters *c, const struct addr *address, unsigned prefix);
/* Counts one more; false when that is above the rate, and then it is not counted. The window slides:
 * the time before counts by the part of it that is not yet over. */
bool counters_allow(struct client *client, enum counted what, const struct conf_rate *rate, int64_t now);
/* A room died: the client is refused for a time that doubles with each, up to a day. */
void counters_crashed(struct client *client, int64_t now);

#endif
