/* SPDX-License-Identifier: Apache-2.0
 *
 * counters - what policy remembers of each client: open connections, rates, crashes of its rooms.
 *
 * A client is one IPv4 address, or one IPv6 prefix of the listener's length. Pure but for memory: the
 * caller gives the time (monotonic, ms) and, once, a secret, without which nobody can choose addresses
 * that share a record. At most `max` clients are remembered; the one unseen for the longest is
 * forgotten first, but never one with a connection, and one that is refused for a crash only when no
 * other is near.
 */
#ifndef POLICY_COUNTERS_H
#define POLICY_COUNTERS_H

#include "base/addr.h"
#include "base/table.h"
#include "conf/conf.h"

enum counted { COUNTED_CONNECTIONS, COUNTED_MESSAGES, COUNTED_RECIPIENTS, COUNTED_INVALID, COUNTED_COUNT };

struct counter {
	bool is_begun;
	int64_t since;        /* begin of the current time */
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

struct counters_secret {
	uint64_t k[2];
};

struct counters {
	struct table clients;
	struct client *newest, *oldest;
	size_t max;
	struct counters_secret secret;
};

void counters_init(struct counters *c, size_t max, struct counters_secret secret);
void counters_done(struct counters *c);

/* The record of this client, new if need be; now the newest. NULL: every record has a connection. It
 * stays valid while it has a connection, else until the next find. */
struct client *counters_find(struct counters *c, const struct addr *address, unsigned prefix, int64_t now);
/* Would one more be within the rate? The window slides: the time before counts by the part of it that
 * is not yet over. */
bool counters_may(struct client *client, enum counted what, const struct conf_rate *rate, int64_t now);
/* The same, and counts it when it is within the rate. */
bool counters_allow(struct client *client, enum counted what, const struct conf_rate *rate, int64_t now);
/* A room died: the client is refused for crash-pause, which doubles with each, up to crash-pause-max.
 * Forgiven when crash-pause-max has passed since the last refusal ended. */
void counters_crashed(struct client *client, const struct conf_policy *conf, int64_t now);

#endif
