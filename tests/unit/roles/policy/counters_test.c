/* SPDX-License-Identifier: Apache-2.0
 *
 * What policy remembers of clients: who is one client, rates over a sliding window, penalties, and who
 * is forgotten when the memory is full.
 */
#include "unit.h"

#include "roles/policy/counters.h"

#define MINUTE 60000
#define DAY    (24 * 60 * MINUTE)

static const struct counters_secret secret = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };

static struct addr addr_of(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text_from_cstr(text), &a));
	return a;
}

static struct client *find(struct counters *c, const char *text, unsigned prefix, int64_t now)
{
	struct addr a = addr_of(text);

	return counters_find(c, &a, prefix, now);
}

static void clients_are_addresses_or_prefixes(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned prefix;
		bool is_same;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", 64, true },
		{ "192.0.2.1", "192.0.2.2", 64, false },
		{ "192.0.2.1", "192.0.2.2", 32, false },
		{ "2001:db8::1", "2001:db8::2", 64, true },
		{ "2001:db8::1", "2001:db8:0:1::1", 64, false },
		{ "2001:db8::1", "2001:db8::2", 128, false },
		{ "2001:db8:0:100::1", "2001:db8:0:1ff::1", 56, true },
		{ "2001:db8:0:100::1", "2001:db8:0:200::1", 56, false },
		{ "2001:db8:0:8000::1", "2001:db8:0:ffff::1", 49, true },
		{ "2001:db8:0:8000::1", "2001:db8::1", 49, false },
		{ "2001:db8::1", "2001:db8:ffff::1", 32, true },
		{ "2001:db8::ff00", "2001:db8::ffff", 120, true },
		{ "0:0:0:0:0:ffff:c000:201", "192.0.2.1", 64, true },
	};
	struct counters c;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		counters_init(&c, 10, secret);
		if ((find(&c, rows[i].a, rows[i].prefix, 0) == find(&c, rows[i].b, rows[i].prefix, 0)) !=
		    rows[i].is_same)
			fail_msg("%s and %s by /%u", rows[i].a, rows[i].b, rows[i].prefix);
		counters_done(&c);
	}
}

/* The vector of the reference implementation of SipHash-2-4 for the bytes 00 to 0f. */
static void keys_are_keyed_hashes(void **state)
{
	struct counters c;

	(void)state;
	counters_init(&c, 10, secret);
	assert_int_equal(find(&c, "1:203:405:607:809:a0b:c0d:e0f", 128, 0)->key,
			 UINT64_C(0x3f2acc7f57c29bdb));
	counters_done(&c);
}

static void rates_are_kept(void **state)
{
	const struct conf_rate rate = { 3, MINUTE };
	struct client client = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(counters_allow(&client, COUNTED_MESSAGES, &rate, 5 + i));
	assert_false(counters_may(&client, COUNTED_MESSAGES, &rate, 9));
	assert_false(counters_allow(&client, COUNTED_MESSAGES, &rate, 10));
	assert_true(counters_allow(&client, COUNTED_RECIPIENTS, &rate, 10));
	/* What was refused does not count. */
	assert_true(counters_allow(&client, COUNTED_MESSAGES, &rate, 5 + 2 * MINUTE));
}

static void windows_slide(void **state)
{
	static const struct {
		int64_t after;
		unsigned n; /* so many more are allowed at once */
	} rows[] = {
		{ 0, 0 },
		{ MINUTE - 1, 0 },
		{ MINUTE, 0 },
		{ MINUTE + MINUTE / 10, 1 },
		{ MINUTE + MINUTE / 2, 5 },
		{ 2 * MINUTE - 1, 10 },
		{ 2 * MINUTE, 10 },
		{ 1000 * MINUTE, 10 },
	};
	const struct conf_rate rate = { 10, MINUTE };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct client client = { 0 };
		unsigned n = 0;
		for (int k = 0; k < 10; k++)
			assert_true(counters_allow(&client, COUNTED_CONNECTIONS, &rate, 1000));
		while (n < 20 && counters_allow(&client, COUNTED_CONNECTIONS, &rate, 1000 + rows[i].after))
			n++;
		if (n != rows[i].n)
			fail_msg("after %lld ms: %u", (long long)rows[i].after, n);
	}
}

/* Two listeners may count the same client over different times. */
static void other_times_do_no_harm(void **state)
{
	const struct conf_rate rates[] = { { 5, MINUTE }, { 5, 60 * MINUTE }, { 5, 1 } };
	struct client client = { 0 };

	(void)state;
	for (int64_t now = 0; now < 300 * MINUTE; now += 7777)
		for (size_t i = 0; i < UNIT_COUNT(rates); i++)
			(void)counters_allow(&client, COUNTED_MESSAGES, &rates[i], now);
	assert_true(counters_allow(&client, COUNTED_MESSAGES, &rates[0], 1000 * MINUTE));
}

static const struct conf_policy pauses_conf = { .crash_pause = MINUTE, .crash_pause_max = DAY };

static void crashes_cost_ever_more_time(void **state)
{
	static const int64_t pauses[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440, 1440 };
	struct client client = { 0 };
	int64_t now = 1000;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(pauses); i++) {
		counters_crashed(&client, &pauses_conf, now);
		assert_int_equal(client.refused_until, now + pauses[i] * MINUTE);
		now = client.refused_until;
	}
	now += DAY;
	counters_crashed(&client, &pauses_conf, now); /* not yet forgiven */
	assert_int_equal(client.refused_until, now + DAY);
	now = client.refused_until + DAY + 1;
	counters_crashed(&client, &pauses_conf, now);
	assert_int_equal(client.refused_until, now + MINUTE);
}

static void the_one_unseen_for_the_longest_is_forgotten(void **state)
{
	struct counters c;
	struct client *kept;

	(void)state;
	counters_init(&c, 3, secret);
	find(&c, "192.0.2.1", 64, 0)->crashes = 1;
	find(&c, "192.0.2.2", 64, 0)->crashes = 2;
	kept = find(&c, "192.0.2.3", 64, 0);
	kept->crashes = 3;
	assert_int_equal(find(&c, "192.0.2.1", 64, 0)->crashes, 1); /* seen again */
	assert_int_equal(find(&c, "192.0.2.4", 64, 0)->crashes, 0);
	assert_int_equal(c.clients.n, 3);
	assert_int_equal(find(&c, "192.0.2.1", 64, 0)->crashes, 1);
	assert_ptr_equal(find(&c, "192.0.2.3", 64, 0), kept);
	assert_int_equal(find(&c, "192.0.2.2", 64, 0)->crashes, 0);
	counters_done(&c);
}

static void who_is_connected_is_never_forgotten(void **state)
{
	struct counters c;
	struct client *a, *b;

	(void)state;
	counters_init(&c, 2, secret);
	a = find(&c, "192.0.2.1", 64, 0);
	a->n_connections = 1;
	find(&c, "192.0.2.2", 64, 0);
	b = find(&c, "192.0.2.3", 64, 0);
	b->n_connections = 1;
	assert_ptr_equal(find(&c, "192.0.2.1", 64, 0), a);
	assert_null(find(&c, "192.0.2.4", 64, 0));
	a->n_connections = 0;
	assert_non_null(find(&c, "192.0.2.4", 64, 0));
	assert_ptr_equal(find(&c, "192.0.2.3", 64, 0), b);
	counters_done(&c);
}

static void who_is_refused_for_a_crash_is_forgotten_last(void **state)
{
	struct counters c;

	(void)state;
	counters_init(&c, 2, secret);
	counters_crashed(find(&c, "192.0.2.1", 64, 1000), &pauses_conf, 1000);
	for (int i = 2; i < 200; i++) {
		char text[16];
		snprintf(text, sizeof text, "192.0.2.%d", i);
		find(&c, text, 64, 1000);
	}
	assert_int_equal(find(&c, "192.0.2.1", 64, 1000)->crashes, 1);
	counters_crashed(find(&c, "192.0.2.2", 64, 1000), &pauses_conf, 1000);
	assert_int_equal(find(&c, "192.0.2.3", 64, 1000)->crashes, 0); /* there is no other */
	assert_int_equal(c.clients.n, 2);
	counters_done(&c);
}

static void a_smaller_bound_is_reached(void **state)
{
	struct counters c;

	(void)state;
	counters_init(&c, 100, secret);
	for (int i = 0; i < 100; i++) {
		char text[16];
		snprintf(text, sizeof text, "192.0.2.%d", i);
		find(&c, text, 64, 0);
	}
	c.max = 10;
	find(&c, "2001:db8::1", 64, 0);
	assert_int_equal(c.clients.n, 10);
	counters_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_are_addresses_or_prefixes),
		cmocka_unit_test(keys_are_keyed_hashes),
		cmocka_unit_test(rates_are_kept),
		cmocka_unit_test(windows_slide),
		cmocka_unit_test(other_times_do_no_harm),
		cmocka_unit_test(crashes_cost_ever_more_time),
		cmocka_unit_test(the_one_unseen_for_the_longest_is_forgotten),
		cmocka_unit_test(who_is_connected_is_never_forgotten),
		cmocka_unit_test(who_is_refused_for_a_crash_is_forgotten_last),
		cmocka_unit_test(a_smaller_bound_is_reached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
