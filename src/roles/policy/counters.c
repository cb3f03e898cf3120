/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients and their counters. Called by sessions.c and main.c of policy, and by the unit test. Trusts
 * its callers. Invariants: every client is in the table and in the list of sight, and in nothing else;
 * a client with a connection is never forgotten.
 */
#include "roles/policy/counters.h"

#include "base/ensure.h"

#include <stdlib.h>
#include <string.h>

enum { CRASH_PAUSE_MS = 60 * 1000, CRASH_PAUSE_MAX_MS = 24 * 3600 * 1000 };

void counters_init(struct counters *c, size_t max)
{
	*c = (struct counters){ .max = max };
	table_init(&c->clients);
}

void counters_done(struct counters *c)
{
	while (c->oldest) {
		struct client *client = c->oldest;
		c->oldest = client->newer;
		free(client);
	}
	table_done(&c->clients);
}

static uint64_t bytes_of(const uint8_t *b)
{
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | b[i];
	return n;
}

/* IPv4 by the whole address; IPv6 by its prefix. What is longer than 64 bits is folded: two such
 * clients may share a record, which costs them part of their rates. */
static uint64_t key_of(const struct addr *address, unsigned prefix)
{
	uint64_t high = bytes_of(address->b), low = bytes_of(address->b + 8);

	if (addr_is_v4(address))
		return low;
	if (prefix <= 64)
		return prefix == 0 ? 1 : high >> (64 - prefix) << (64 - prefix);
	low = low >> (128 - prefix) << (128 - prefix);
	return high ^ (low * UINT64_C(0x9e3779b97f4a7c15));
}

static void leave_list(struct counters *c, struct client *client)
{
	if (client->newer)
		client->newer->older = client->older;
	else
		c->newest = client->older;
	if (client->older)
		client->older->newer = client->newer;
	else
		c->oldest = client->newer;
	client->newer = client->older = NULL;
}

static void join_list(struct counters *c, struct client *client)
{
	client->older = c->newest;
	if (c->newest)
		c->newest->newer = client;
	else
		c->oldest = client;
	c->newest = client;
}

/* Makes room for one. */
static bool forget_oldest(struct counters *c)
{
	struct client *client = c->oldest;

	while (client && client->n_connections > 0)
		client = client->newer;
	if (!client)
		return false;
	leave_list(c, client);
	table_remove(&c->clients, client->key);
	free(client);
	return true;
}

struct client *counters_find(struct counters *c, const struct addr *address, unsigned prefix)
{
	uint64_t key = key_of(address, prefix);
	struct client *client = table_get(&c->clients, key);

	if (client) {
		leave_list(c, client);
		join_list(c, client);
		return client;
	}
	if (c->clients.n >= c->max && !forget_oldest(c))
		return NULL;
	client = mem_zalloc(1, sizeof *client);
	client->key = key;
	table_put(&c->clients, key, client);
	join_list(c, client);
	return client;
}

bool counters_allow(struct client *client, enum counted what, const struct conf_rate *rate, int64_t now)
{
	struct counter *n = &client->counters[what];
	int64_t passed = now - n->since;
	uint64_t old;

	if (passed >= rate->time || n->since == 0) {
		n->before = n->since != 0 && passed < 2 * rate->time ? n->now : 0;
		n->since = n->since != 0 && passed < 2 * rate->time ? n->since + rate->time : now;
		n->now = 0;
		passed = now - n->since;
	}
	old = n->before * (uint64_t)(rate->time - passed) / (uint64_t)rate->time;
	if (n->now + old >= rate->count)
		return false;
	n->now++;
	return true;
}

void counters_crashed(struct client *client, int64_t now)
{
	int64_t pause = CRASH_PAUSE_MS;

	for (uint32_t i = 0; i < client->crashes && pause < CRASH_PAUSE_MAX_MS; i++)
		pause *= 2;
	client->crashes++;
	client->refused_until = now + (pause < CRASH_PAUSE_MAX_MS ? pause : CRASH_PAUSE_MAX_MS);
}
