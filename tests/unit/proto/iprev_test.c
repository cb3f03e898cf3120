/* SPDX-License-Identifier: Apache-2.0
 *
 * The reverse check, each of its results. rfc8601 2.7.3
 */
#include "proto/iprev.h"

#include "zone_fixture.h"

static void each_result_has_its_cause(void **state)
{
	static const struct {
		const char *client;
		enum auth_result result;
		const char *name;
	} rows[] = {
		{ "192.0.2.1", AUTH_PASS, "one.example" },
		{ "192.0.2.2", AUTH_PASS, "two.example" }, /* the second name leads back */
		{ "192.0.2.3", AUTH_FAIL, "one.example" },
		{ "192.0.2.4", AUTH_PERMERROR, "" },
		{ "192.0.2.5", AUTH_TEMPERROR, "" },
		{ "192.0.2.6", AUTH_TEMPERROR, "slow.example" },
		{ "192.0.2.7", AUTH_PASS, "two.example" }, /* though another name does not answer */
		{ "2001:db8::1", AUTH_PASS, "six.example" },
	};
	struct iprev_result result;
	struct zone_fixture f;
	struct addr client;

	(void)state;
	zone_fixture_init(
		&f, "one.example. A 192.0.2.1\ntwo.example. A 192.0.2.2\ntwo.example. A 192.0.2.7\n"
		    "six.example. AAAA 2001:db8::1\n$TIMEOUT slow.example.\n"
		    "1.2.0.192.in-addr.arpa. PTR one.example.\n"
		    "2.2.0.192.in-addr.arpa. PTR one.example.\n2.2.0.192.in-addr.arpa. PTR two.example.\n"
		    "3.2.0.192.in-addr.arpa. PTR one.example.\n"
		    "$TIMEOUT 5.2.0.192.in-addr.arpa.\n"
		    "6.2.0.192.in-addr.arpa. PTR slow.example.\n"
		    "7.2.0.192.in-addr.arpa. PTR slow.example.\n7.2.0.192.in-addr.arpa. PTR two.example.\n"
		    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR "
		    "six.example.\n");
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		assert_true(addr_parse(text_from_cstr(rows[i].client), &client));
		iprev_check(&client, 10, &f.source, &f.arena, &result);
		if (result.result != rows[i].result)
			fail_msg("%s: got %s", rows[i].client, auth_result_word(result.result));
		unit_text_is(result.name, rows[i].name);
	}
	zone_fixture_done(&f);
}

static void names_above_the_limit_are_not_tried(void **state)
{
	struct iprev_result result;
	struct zone_fixture f;
	struct addr client;

	(void)state;
	zone_fixture_init(&f,
			  "1.2.0.192.in-addr.arpa. PTR a.example.\n1.2.0.192.in-addr.arpa. PTR b.example.\n"
			  "b.example. A 192.0.2.1\n");
	assert_true(addr_parse(text_from_cstr("192.0.2.1"), &client));
	iprev_check(&client, 1, &f.source, &f.arena, &result);
	assert_int_equal(result.result, AUTH_FAIL);
	assert_int_equal(f.n_questions, 2);
	zone_fixture_done(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_result_has_its_cause),
		cmocka_unit_test(names_above_the_limit_are_not_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
