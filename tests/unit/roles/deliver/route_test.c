/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of servers, and those that are never connected to.
 */
#include "unit.h"

#include "roles/deliver/route.h"

#include <stdio.h>

struct mx {
	const char *name;
	uint16_t preference;
	uint32_t key;
};

static const struct order {
	const char *name;
	struct mx records[6];
	size_t max;
	enum route_mx result;
	const char *order;
} orders[] = {
	{ "by preference", { { "b.test", 20, 0 }, { "a.test", 10, 9 } }, 20, ROUTE_MX_OK, "a.test b.test " },
	{ "equals by their random key",
	  { { "a.test", 10, 3 }, { "b.test", 10, 1 }, { "c.test", 5, 7 }, { "d.test", 10, 2 } },
	  20,
	  ROUTE_MX_OK,
	  "c.test b.test d.test a.test " },
	{ "no more than the configured number",
	  { { "a.test", 3, 0 }, { "b.test", 1, 0 }, { "c.test", 2, 0 } },
	  2,
	  ROUTE_MX_OK,
	  "b.test c.test " },
	{ "a last dot is dropped", { { "a.test.", 10, 0 } }, 20, ROUTE_MX_OK, "a.test " },
	{ "null MX", { { ".", 0, 0 } }, 20, ROUTE_MX_NULL, "" },
	{ "null MX, written as nothing", { { "", 0, 0 } }, 20, ROUTE_MX_NULL, "" },
	{ "the root beside others is ignored",
	  { { ".", 0, 0 }, { "a.test", 10, 0 } },
	  20,
	  ROUTE_MX_OK,
	  "a.test " },
	{ "only roots, but several", { { ".", 0, 0 }, { ".", 10, 0 } }, 20, ROUTE_MX_NONE, "" },
	{ "ourselves, and what is no better, is cut",
	  { { "a.test", 5, 0 }, { "MX.Own.test", 10, 5 }, { "b.test", 10, 1 }, { "c.test", 20, 0 } },
	  20,
	  ROUTE_MX_OK,
	  "a.test " },
	{ "ourselves as the best: none is left",
	  { { "mx.own.test", 5, 0 }, { "a.test", 10, 0 } },
	  20,
	  ROUTE_MX_NONE,
	  "" },
};

static void mx_records_are_ordered(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(orders); i++) {
		const struct order *o = &orders[i];
		const struct route_host *h;
		struct buf got;
		struct route r;
		enum route_mx result;

		print_message("%s\n", o->name);
		buf_init(&got, 1024);
		route_init(&r, true);
		for (size_t k = 0; k < UNIT_COUNT(o->records) && o->records[k].name; k++)
			assert_true(route_add_name(&r, text_from_cstr(o->records[k].name), 25,
						   o->records[k].preference, o->records[k].key));
		result = route_sort_mx(&r, text_from_cstr("mx.own.test"), o->max);
		assert_int_equal(result, o->result);
		while (result == ROUTE_MX_OK && (h = route_next(&r)))
			buf_printf(&got, "%s ", h->name);
		assert_string_equal(buf_cstr(&got), o->order);
		buf_done(&got);
		route_done(&r);
	}
}

static void an_own_address_ends_the_walk_at_its_preference(void **state)
{
	struct route r;

	(void)state;
	route_init(&r, true);
	route_add_name(&r, text_from_cstr("a.test"), 25, 5, 0);
	route_add_name(&r, text_from_cstr("b.test"), 25, 10, 0);
	route_add_name(&r, text_from_cstr("c.test"), 25, 10, 1);
	route_add_name(&r, text_from_cstr("d.test"), 25, 20, 0);
	assert_int_equal(route_sort_mx(&r, text_from_cstr("mx.own.test"), 20), ROUTE_MX_OK);
	route_next(&r);
	route_next(&r); /* b.test turns out to be us */
	route_stop_at_own(&r);
	assert_false(route_has_more(&r));
	route_done(&r);
}

static void the_number_of_hosts_is_bounded(void **state)
{
	struct route r;
	char name[300];

	(void)state;
	route_init(&r, true);
	for (unsigned i = 0; i < ROUTE_HOSTS_MAX; i++)
		assert_true(route_add_name(&r, text_from_cstr("a.test"), 25, 1, i));
	assert_false(route_add_name(&r, text_from_cstr("a.test"), 25, 1, 0));
	route_done(&r);
	memset(name, 'a', sizeof name);
	assert_true(route_add_name(&r, text_from_bytes(name, ROUTE_NAME_MAX), 25, 1, 0));
	assert_false(route_add_name(&r, text_from_bytes(name, ROUTE_NAME_MAX + 1), 25, 1, 0));
	route_done(&r);
}

static struct addr address(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text_from_cstr(text), &a));
	return a;
}

static const struct {
	const char *address;
	enum route_verdict verdict;
	bool is_literal_allowed;
} verdicts[] = {
	{ "8.8.8.8", ROUTE_OK, false },
	{ "2600::1", ROUTE_OK, false },
	{ "127.0.0.1", ROUTE_SPECIAL, false },
	{ "127.8.0.1", ROUTE_SPECIAL, false },
	{ "::1", ROUTE_SPECIAL, false },
	{ "10.0.0.1", ROUTE_SPECIAL, false },
	{ "172.16.0.1", ROUTE_SPECIAL, false },
	{ "169.254.169.254", ROUTE_SPECIAL, false },
	{ "100.64.0.1", ROUTE_SPECIAL, false },
	{ "0.0.0.0", ROUTE_SPECIAL, false },
	{ "::", ROUTE_SPECIAL, false },
	{ "224.0.0.1", ROUTE_SPECIAL, false },
	{ "255.255.255.255", ROUTE_SPECIAL, false },
	{ "fe80::1", ROUTE_SPECIAL, false },
	{ "fd00::1", ROUTE_SPECIAL, false },
	{ "::ffff:10.0.0.1", ROUTE_SPECIAL, false },
	{ "8.8.4.4", ROUTE_OWN, false },
	{ "192.168.7.1", ROUTE_OK, true }, /* allowed */
	{ "192.168.8.1", ROUTE_SPECIAL, false },
	{ "192.168.7.7", ROUTE_OK, true }, /* allowed, though our own */
};

static void addresses_that_strangers_name_are_checked(void **state)
{
	struct addr_prefix prefix;
	const struct conf_prefixes allow = { .v = &prefix, .n = 1 };
	const struct addr own[] = { address("8.8.4.4"), address("192.168.7.7") };
	const struct route_rules rules = { &allow, own, 2 };

	(void)state;
	assert_true(addr_parse_prefix(text_from_cstr("192.168.7.0/24"), &prefix));
	for (size_t i = 0; i < UNIT_COUNT(verdicts); i++) {
		struct addr a = address(verdicts[i].address);
		print_message("%s\n", verdicts[i].address);
		assert_int_equal(route_check_addr(&rules, &a), verdicts[i].verdict);
		assert_int_equal(route_may_use_literal(&rules, &a), verdicts[i].is_literal_allowed);
	}
}

static void address_literals_are_read(void **state)
{
	static const struct {
		const char *domain, *address;
	} literals[] = {
		{ "[192.0.2.1]", "192.0.2.1" },
		{ "[IPv6:2001:db8::1]", "2001:db8::1" },
		{ "[ipv6:2001:DB8::1]", "2001:db8::1" },
		{ "[IPv6:192.0.2.1]", NULL },
		{ "[2001:db8::1]", NULL },
		{ "[192.0.2]", NULL },
		{ "[192.0.2.1", NULL },
		{ "192.0.2.1", NULL },
		{ "[]", NULL },
		{ "a.test", NULL },
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(literals); i++) {
		struct addr a, wanted;
		bool is_literal = route_parse_literal(text_from_cstr(literals[i].domain), &a);
		print_message("%s\n", literals[i].domain);
		assert_int_equal(is_literal, literals[i].address != NULL);
		if (!is_literal)
			continue;
		wanted = address(literals[i].address);
		assert_true(addr_is_equal(&a, &wanted));
	}
}

static void addresses_take_the_order_of_their_keys(void **state)
{
	struct addr addrs[] = { address("192.0.2.1"), address("192.0.2.2"), address("192.0.2.3") };
	const struct addr wanted[] = { addrs[2], addrs[0], addrs[1] };
	uint32_t keys[] = { 5, 9, 1 };

	(void)state;
	route_shuffle(addrs, keys, 3);
	assert_memory_equal(addrs, wanted, sizeof wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mx_records_are_ordered),
		cmocka_unit_test(an_own_address_ends_the_walk_at_its_preference),
		cmocka_unit_test(the_number_of_hosts_is_bounded),
		cmocka_unit_test(addresses_that_strangers_name_are_checked),
		cmocka_unit_test(address_literals_are_read),
		cmocka_unit_test(addresses_take_the_order_of_their_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
