/* SPDX-License-Identifier: Apache-2.0
 *
 * The schedule of deliveries, on a clock of its own.
 */
#include "../../unit.h"

#include "roles/queue/schedule.h"

static const int64_t retry[] = { 1000, 5000 };

static int set_up(void **state)
{
	static struct schedule s;
	const struct schedule_limits limits = {
		.per_destination = 3, .total = 4, .retry = retry, .n_retry = 2
	};

	schedule_init(&s, &limits);
	*state = &s;
	return 0;
}

static int tear_down(void **state)
{
	struct schedule *s = *state;

	assert_int_equal(s->parts.n, 0);
	assert_int_equal(s->destinations.n, 0);
	assert_int_equal(s->n_connections, 0);
	assert_null(s->round);
	schedule_done(s);
	return 0;
}

static struct destination *to(struct schedule *s, const char *domain)
{
	return schedule_destination(s, CONF_DOMAIN_NONE, text_from_cstr(domain));
}

static struct part *add(struct schedule *s, struct destination *d, int64_t due)
{
	struct part *p = schedule_part_new(s, d, s, 1);

	schedule_wait(s, p, due);
	return p;
}

static void open_one(struct schedule *s, struct destination *d)
{
	schedule_connection_opened(s, d);
	schedule_connection_works(s, d);
}

static void parts_become_ready_at_their_time_and_in_its_order(void **state)
{
	struct schedule *s = *state;
	struct destination *d = to(s, "a.test");
	struct part *late = add(s, d, 200), *early = add(s, d, 100);

	assert_int_equal(schedule_wake_at(s, 0), 100);
	schedule_advance(s, 99);
	assert_null(schedule_take(s, d));
	schedule_advance(s, 200);
	assert_ptr_equal(schedule_take(s, d), early);
	assert_ptr_equal(schedule_take(s, d), late);
	assert_null(schedule_take(s, d));
	assert_int_equal(late->state, PART_SENDING);
	schedule_part_free(s, early);
	schedule_part_free(s, late);
}

static void an_entry_for_an_earlier_wait_is_stale(void **state)
{
	struct schedule *s = *state;
	struct destination *d = to(s, "a.test");
	struct part *p = add(s, d, 100);

	schedule_wait(s, p, 300);
	schedule_advance(s, 200);
	assert_null(schedule_take(s, d));
	schedule_hold(s, p);
	schedule_advance(s, 400);
	assert_null(schedule_take(s, d));
	schedule_wait(s, p, 10);
	schedule_advance(s, 400);
	assert_ptr_equal(schedule_take(s, d), p);
	schedule_part_free(s, p);
}

static void a_destination_lives_as_long_as_its_parts_and_connections(void **state)
{
	struct schedule *s = *state;
	struct destination *d = to(s, "a.test");
	struct part *p = add(s, d, 0);

	assert_ptr_equal(to(s, "a.test"), d);
	assert_ptr_not_equal(schedule_destination(s, 7, text_from_cstr("a.test")), d);
	assert_ptr_equal(schedule_destination(s, 7, text_from_cstr("b.test")),
			 schedule_destination(s, 7, text_from_cstr("")));
	schedule_connection_opened(s, d);
	schedule_part_free(s, p);
	assert_ptr_equal(to(s, "a.test"), d);
	schedule_connection_closed(s, d, true);
	p = add(s, schedule_destination(s, 7, text_from_cstr("")), 0); /* lets the block's go as well */
	schedule_part_free(s, p);
	assert_int_equal(s->destinations.n, 0);
}

static void connections_come_one_by_one_up_to_the_limit(void **state)
{
	struct schedule *s = *state;
	struct destination *d = to(s, "a.test");
	struct part *parts[6];

	for (size_t i = 0; i < 6; i++)
		parts[i] = add(s, d, 1000);
	assert_null(schedule_want_connection(s, 999));
	schedule_advance(s, 1000);
	/* Two at once, the third when the head of the line has waited for long, no fourth. */
	for (int i = 0; i < 2; i++) {
		assert_ptr_equal(schedule_want_connection(s, 1000), d);
		open_one(s, d);
	}
	assert_null(schedule_want_connection(s, 1000));
	assert_in_range(schedule_wake_at(s, 1000), 1001, 1200);
	assert_ptr_equal(schedule_want_connection(s, schedule_wake_at(s, 1000)), d);
	open_one(s, d);
	assert_null(schedule_want_connection(s, 100000));
	assert_int_equal(schedule_wake_at(s, 1000), SCHEDULE_NEVER);
	for (size_t i = 0; i < 6; i++)
		schedule_part_free(s, parts[i]);
	for (int i = 0; i < 3; i++)
		schedule_connection_closed(s, d, false);
}

static void no_more_connections_are_opened_than_there_is_work_or_while_one_idles(void **state)
{
	struct schedule *s = *state;
	struct destination *d = to(s, "a.test");
	struct part *p = add(s, d, 0), *q;

	schedule_advance(s, 0);
	assert_ptr_equal(schedule_want_connection(s, 0), d);
	schedule_connection_opened(s, d);
	assert_null(schedule_want_connection(s, 1000)); /* one part, one connection on its way */
	q = add(s, d, 0);
	schedule_advance(s, 1000);
	assert_ptr_equal(schedule_want_connection(s, 1000), d);
	d->n_idle = 1;
	assert_null(schedule_want_connection(s, 1000));
	d->n_idle = 0;
	schedule_part_free(s, p);
	schedule_part_free(s, q);
	schedule_connection_closed(s, d, true);
}

static void all_destinations_share_the_total_in_turns(void **state)
{
	struct schedule *s = *state;
	struct destination *d[3] = { to(s, "a.test"), to(s, "b.test"), to(s, "c.test") };
	struct part *parts[9];
	size_t opened[3] = { 0 };

	for (size_t i = 0; i < 9; i++)
		parts[i] = add(s, d[i / 3], 0);
	schedule_advance(s, 0);
	for (struct destination *w; (w = schedule_want_connection(s, 0));) {
		open_one(s, w);
		opened[w == d[1] ? 1 : w == d[2] ? 2 : 0]++;
	}
	assert_int_equal(s->n_connections, 4);
	for (size_t i = 0; i < 3; i++)
		assert_in_range(opened[i], 1, 2);
	for (size_t i = 0; i < 9; i++)
		schedule_part_free(s, parts[i]);
	for (size_t i = 0; i < 3; i++)
		while (opened[i]--)
			schedule_connection_closed(s, d[i], false);
}

static void a_failed_destination_is_left_alone_longer_each_time(void **state)
{
	struct schedule *s = *state;
	struct destination *d = to(s, "a.test");
	struct part *p = add(s, d, 0);
	int64_t now = 0, pause = 0;

	schedule_advance(s, 0);
	for (int i = 0; i < 8; i++) {
		assert_ptr_equal(schedule_want_connection(s, now), d);
		schedule_connection_opened(s, d);
		schedule_connection_failed(d, now);
		schedule_connection_closed(s, d, true);
		assert_null(schedule_want_connection(s, now));
		assert_true(d->not_before - now >= pause);
		assert_true(d->not_before - now <= 300000);
		pause = d->not_before - now;
		assert_null(schedule_want_connection(s, d->not_before - 1));
		now = d->not_before;
	}
	assert_int_equal(pause, 300000);
	/* One that works makes it good again. */
	schedule_connection_opened(s, d);
	assert_null(schedule_want_connection(s, now)); /* one probe at a time */
	schedule_connection_works(s, d);
	assert_int_equal(d->failures, 0);
	assert_ptr_equal(schedule_want_connection(s, now), d);
	schedule_connection_closed(s, d, false);
	schedule_part_free(s, p);
}

static void pauses_follow_the_list_and_the_last_repeats(void **state)
{
	static const struct {
		uint32_t attempts;
		int64_t at;
	} rows[] = { { 0, 101000 }, { 1, 101000 }, { 2, 105000 }, { 3, 105000 }, { 1000, 105000 } };

	for (size_t i = 0; i < UNIT_COUNT(rows); i++)
		assert_int_equal(schedule_next_attempt(*state, rows[i].attempts, 100000), rows[i].at);
}

/* A life by the clock of the defaults: retry 5m 10m 20m 40m 1h 2h, expire 5d. */
static void a_message_is_tried_by_the_list_until_the_moment_when_it_expires(void **state)
{
	enum { MINUTE = 60000 };
	static const int64_t pauses[] = { 5 * MINUTE,  10 * MINUTE, 20 * MINUTE,
					  40 * MINUTE, 60 * MINUTE, 120 * MINUTE };
	static const int64_t first[] = { 0, 5, 15, 35, 75, 135, 255, 375 }; /* minutes after its arrival */
	struct schedule *s = *state;
	int64_t arrival = 1000000, end = arrival + 5 * 24 * 60 * MINUTE, now = arrival, last = 0;
	uint32_t attempts = 0;

	s->limits.retry = pauses;
	s->limits.n_retry = UNIT_COUNT(pauses);
	while (now != SCHEDULE_NEVER) {
		if (attempts < UNIT_COUNT(first))
			assert_int_equal(now - arrival, first[attempts] * MINUTE);
		else
			assert_true(now - last == 120 * MINUTE || now == end);
		last = now;
		now = schedule_next_before(s, ++attempts, now, end);
	}
	assert_int_equal(last, end);
	assert_int_equal(attempts, 65);
	/* One that comes late, since the gateway was off, is the last. */
	assert_int_equal(schedule_next_before(s, 3, end + 1, end), SCHEDULE_NEVER);
	assert_int_equal(schedule_next_before(s, 3, end - 1, end), end);
}

/* Every part is in one place, whatever happens. */
static void a_long_random_walk_keeps_the_invariants(void **state)
{
	struct schedule *s = *state;
	struct part *parts[40];
	struct destination *d[5];
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	uint32_t random = 1, n_sending = 0;

	for (size_t i = 0; i < 5; i++)
		d[i] = to(s, names[i]);
	for (size_t i = 0; i < 40; i++)
		parts[i] = add(s, d[i % 5], (int64_t)i * 7);
	for (int64_t now = 0; now < 20000; now++) {
		struct part *p;
		random = random * 1664525 + 1013904223;
		p = parts[random >> 8 & 31];
		schedule_advance(s, now);
		if (random >> 28 < 6)
			schedule_wait(s, p, now + (random >> 16 & 63));
		else if (random >> 28 < 8)
			schedule_hold(s, p);
		else if ((p = schedule_take(s, d[(random >> 20) % 5])))
			assert_int_equal(p->state, PART_SENDING);
	}
	for (size_t i = 0; i < 40; i++) {
		n_sending += parts[i]->state == PART_SENDING;
		schedule_part_free(s, parts[i]);
	}
	assert_true(n_sending > 0);
	assert_int_equal(s->n_ready, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(parts_become_ready_at_their_time_and_in_its_order),
		TEST(an_entry_for_an_earlier_wait_is_stale),
		TEST(a_destination_lives_as_long_as_its_parts_and_connections),
		TEST(connections_come_one_by_one_up_to_the_limit),
		TEST(no_more_connections_are_opened_than_there_is_work_or_while_one_idles),
		TEST(all_destinations_share_the_total_in_turns),
		TEST(a_failed_destination_is_left_alone_longer_each_time),
		TEST(pauses_follow_the_list_and_the_last_repeats),
		TEST(a_message_is_tried_by_the_list_until_the_moment_when_it_expires),
		TEST(a_long_random_walk_keeps_the_invariants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
