/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients and their counters. Called by sessions.c and main.c of policy, and by the unit test. Trusts
 * its callers. Invariants: every client is in the table and in the list of sight, and in nothing else;
 * a client with a connection is never forgotten; the key of a record is a keyed hash, since a stranger
 * with a large IPv6 network chooses as many addresses as it likes.
 */
#include "roles/policy/counters.h"

#include "base/ensure.h"

#include <stdlib.h>
#include <string.h>

enum { SPARED_MAX = 64 };

void counters_init(struct counters *c, size_t max, struct counters_secret secret)
{
	*c = (struct counters){ .max = max, .secret = secret };
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

static uint64_t rotate(uint64_t n, unsigned bits)
{
	return n << bits | n >> (64 - bits);
}

static void sip_rounds(uint64_t v[4], unsigned n)
{
	while (n--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

/* SipHash-2-4 of the 16 bytes of an address. */
static uint64_t hash(const struct counters_secret *secret, const uint64_t words[2])
{
	uint64_t v[4] = { secret->k[0] ^ UINT64_C(0x736f6d6570736575),
			  secret->k[1] ^ UINT64_C(0x646f72616e646f6d),
			  secret->k[0] ^ UINT64_C(0x6c7967656e657261),
			  secret->k[1] ^ UINT64_C(0x7465646279746573) };
	const uint64_t last = UINT64_C(16) << 56;

	for (int i = 0; i < 3; i++) {
		uint64_t word = i < 2 ? words[i] : last;
		v[3] ^= word;
		sip_rounds(v, 2);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* IPv4 by the whole address; IPv6 by its prefix. */
static uint64_t key_of(const struct counters *c, const struct addr *address, unsigned prefix)
{
	uint8_t masked[16];
	uint64_t words[2];

	if (addr_is_v4(address))
		prefix = 128;
	for (unsigned i = 0; i < 16; i++) {
		unsigned bits = prefix > 8 * i ? prefix - 8 * i : 0;
		masked[i] = (uint8_t)(bits >= 8 ? address->b[i] : address->b[i] & 0xff00u >> bits);
	}
	memcpy(words, masked, sizeof words);
	return hash(&c->secret, words);
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

static void see(struct counters *c, struct client *client)
{
	leave_list(c, client);
	join_list(c, client);
}

/* The one to forget. Those with a connection are seen at this moment, so that the next search does not
 * meet them again. */
static struct client *choose_oldest(struct counters *c, int64_t now)
{
	struct client *client, *refused = NULL;
	size_t n_refused = 0;

	client = c->oldest;
	for (size_t n = c->clients.n; n > 0 && client; n--) {
		struct client *next = client->newer;
		if (client->n_connections > 0) {
			see(c, client);
		} else if (client->refused_until <= now) {
			return client;
		} else {
			refused = refused ? refused : client;
			if (++n_refused == SPARED_MAX)
				break;
		}
		client = next;
	}
	return refused;
}

/* Makes room for one. */
static bool forget_oldest(struct counters *c, int64_t now)
{
	struct client *client = choose_oldest(c, now);

	if (!client)
		return false;
	leave_list(c, client);
	table_remove(&c->clients, client->key);
	free(client);
	return true;
}

struct client *counters_find(struct counters *c, const struct addr *address, unsigned prefix, int64_t now)
{
	uint64_t key = key_of(c, address, prefix);
	struct client *client = table_get(&c->clients, key);

	if (client) {
		see(c, client);
		return client;
	}
	while (c->clients.n >= c->max)
		if (!forget_oldest(c, now))
			return NULL;
	client = mem_zalloc(1, sizeof *client);
	client->key = key;
	table_put(&c->clients, key, client);
	join_list(c, client);
	return client;
}

/* Begins the time that `now` lies in. */
static void move_on(struct counter *n, int64_t time, int64_t now)
{
	int64_t passed = now - n->since;
	bool is_next = n->is_begun && passed < 2 * time;

	if (n->is_begun && passed < time)
		return;
	n->before = is_next ? n->now : 0;
	n->since = is_next ? n->since + time : now;
	n->now = 0;
	n->is_begun = true;
}

bool counters_may(struct client *client, enum counted what, const struct conf_rate *rate, int64_t now)
{
	struct counter *n = &client->counters[what];
	uint64_t left;

	move_on(n, rate->time, now);
	left = (uint64_t)(rate->time - (now - n->since));
	return n->now + n->before * left / (uint64_t)rate->time < rate->count;
}

bool counters_allow(struct client *client, enum counted what, const struct conf_rate *rate, int64_t now)
{
	if (!counters_may(client, what, rate, now))
		return false;
	client->counters[what].now++;
	return true;
}

void counters_crashed(struct client *client, const struct conf_policy *conf, int64_t now)
{
	int64_t pause = conf->crash_pause;

	if (now - client->refused_until > conf->crash_pause_max)
		client->crashes = 0;
	for (uint32_t i = 0; i < client->crashes && pause < conf->crash_pause_max; i++)
		pause *= 2;
	client->crashes++;
	client->refused_until = now + (pause < conf->crash_pause_max ? pause : conf->crash_pause_max);
}
