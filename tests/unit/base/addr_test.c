/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses: notations, networks, and which address no public MX may name.
 */
#include "../unit.h"
#include "base/addr.h"

#include <netinet/in.h>

static struct addr of(const char *s)
{
	struct addr a = { { 0 } };

	if (!addr_parse(text_from_cstr(s), &a))
		fail_msg("%s is not read", s);
	return a;
}

static void notations_are_read_and_printed(void **state)
{
	static const char *const rows[][3] = {
		{ "192.0.2.1", "192.0.2.1", "[192.0.2.1]" },
		{ "::ffff:192.0.2.1", "192.0.2.1", "[192.0.2.1]" },
		{ "2001:DB8:0:0::1", "2001:db8::1", "[IPv6:2001:db8::1]" },
		{ "::", "::", "[IPv6:::]" },
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct addr a = of(rows[i][0]);
		char out[ADDR_TEXT_SIZE], literal[ADDR_TEXT_SIZE + 8];
		addr_print(&a, out);
		assert_string_equal(out, rows[i][1]);
		addr_print_literal(&a, literal);
		assert_string_equal(literal, rows[i][2]);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const rows[] = { "",           "1.2.3",  "1.2.3.4.5",  "256.1.1.1", "01.2.3.4",
					    "1.2.3.4 ",   "0x7f.1", "2130706433", ":::",       "1::2::3",
					    "fe80::1%lo", "[::1]",  "localhost" };
	struct addr a;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++)
		if (addr_parse(text_from_cstr(rows[i]), &a))
			fail_msg("\"%s\" is read", rows[i]);
	assert_false(addr_parse(text_from_bytes("1.2.3.4\0x", 9), &a));
}

static void networks_hold_their_addresses(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool in;
	} rows[] = {
		{ "10.0.0.0/8", "10.255.0.1", true },
		{ "10.0.0.0/8", "11.0.0.1", false },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.128/25", "192.0.2.200", true },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "0.0.0.0/0", "203.0.113.9", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "2001:db8::/32", "2001:db8:ff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "::/0", "2001:db8::1", true },
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct addr_prefix p;
		struct addr a = of(rows[i].addr);
		assert_true(addr_parse_prefix(text_from_cstr(rows[i].prefix), &p));
		if (addr_is_in(&a, &p) != rows[i].in)
			fail_msg("%s in %s", rows[i].addr, rows[i].prefix);
	}
}

static void wrong_networks_are_refused(void **state)
{
	static const char *const rows[] = { "10.0.0.0/33", "::/129", "10.0.0.0/",
					    "10.0.0.0/a",  "/8",     "10.0.0.0/-1" };
	struct addr_prefix p;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++)
		assert_false(addr_parse_prefix(text_from_cstr(rows[i]), &p));
}

static void special_addresses(void **state)
{
	static const char *const special[] = {
		"127.0.0.1",  "0.0.0.0",   "10.1.2.3",        "172.31.0.1", "192.168.1.1", "169.254.1.1",
		"100.64.0.1", "224.0.0.1", "255.255.255.255", "::1",        "::",          "fe80::1",
		"fd00::1",    "ff02::1",   "::ffff:10.0.0.1", "2001:db8::1"
	};
	static const char *const public[] = { "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111",
					      "223.255.0.1" };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(special); i++) {
		struct addr a = of(special[i]);
		if (!addr_is_special(&a))
			fail_msg("%s is not special", special[i]);
	}
	for (size_t i = 0; i < UNIT_COUNT(public); i++) {
		struct addr a = of(public[i]);
		if (addr_is_special(&a))
			fail_msg("%s is special", public[i]);
	}
}

static void socket_addresses_go_there_and_back(void **state)
{
	static const char *const rows[] = { "192.0.2.1", "2001:db8::1" };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct addr a = of(rows[i]), b;
		struct sockaddr_storage ss;
		uint16_t port;
		unsigned n = addr_to_sockaddr(&a, 25, &ss);
		assert_int_equal(n, i == 0 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		assert_true(addr_of_sockaddr(&ss, &b, &port));
		assert_true(addr_is_equal(&a, &b));
		assert_int_equal(port, 25);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notations_are_read_and_printed),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(networks_hold_their_addresses),
		cmocka_unit_test(wrong_networks_are_refused),
		cmocka_unit_test(special_addresses),
		cmocka_unit_test(socket_addresses_go_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
