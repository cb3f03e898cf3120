/* SPDX-License-Identifier: Apache-2.0
 *
 * Which names may be asked for, and which ports that takes.
 */
#include "unit.h"

#include "roles/resolver/context.h"
#include "sandbox/sandbox.h"

static struct conf *parse(const char *text)
{
	struct buf errors;
	struct conf *conf;

	buf_init(&errors, CONF_MAX_ERROR_TEXT);
	conf = conf_parse(text_from_cstr(text), "test", CONF_PART, &errors);
	if (!conf)
		fail_msg("%s", buf_cstr(&errors));
	buf_done(&errors);
	return conf;
}

static void a_name_is_below_its_zone(void **state)
{
	static const struct {
		const char *name, *zone;
		bool is_below;
	} cases[] = {
		{ "example", "example", true },      { "a.b.example", "example", true },
		{ "A.B.EXAMPLE", "example", true },  { "badexample", "example", false },
		{ "example.org", "example", false }, { "anything", ".", true },
		{ "xample", "example", false },      { "", "example", false },
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++)
		if (context_is_below(text_from_cstr(cases[i].name), text_from_cstr(cases[i].zone)) !=
		    cases[i].is_below)
			fail_msg("%s in %s", cases[i].name, cases[i].zone);
}

static void only_names_of_stub_zones_are_asked_in_mode_stub(void **state)
{
	struct conf *conf = parse("resolver {\n\tmode stub\n}\n"
				  "stub-zone example {\n\tserver 127.0.0.1\n}\n");

	(void)state;
	assert_true(context_may_ask(conf, text_from_cstr("www.example")));
	assert_true(context_may_ask(conf, text_from_cstr("www.EXAMPLE.")));
	assert_false(context_may_ask(conf, text_from_cstr("www.example.org")));
	assert_false(context_may_ask(conf, text_from_cstr(".")));
	conf_free(conf);
}

static void malformed_names_are_never_asked(void **state)
{
	static char long_name[300];
	struct conf *conf = parse("resolver {\n\tmode recursive\n}\n");

	(void)state;
	memset(long_name, 'a', sizeof long_name);
	assert_true(context_may_ask(conf, text_from_cstr("example.org")));
	assert_false(context_may_ask(conf, text_from_cstr("")));
	assert_false(context_may_ask(conf, text_from_cstr("a b")));
	assert_false(context_may_ask(conf, text_from_cstr("b\303\274cher.example")));
	assert_false(context_may_ask(conf, text_from_bytes("a\0b", 3)));
	assert_false(context_may_ask(conf, text_from_bytes(long_name, 256)));
	conf_free(conf);
}

static void only_the_servers_ports_may_be_connected_to(void **state)
{
	static const char both[] = "resolver {\n\tmode forward\n\tforwarder 192.0.2.1 192.0.2.2:5353\n}\n"
				   "stub-zone example {\n\tserver 127.0.0.1:5354 127.0.0.2:5353\n}\n";
	struct conf *conf = parse(both);
	uint16_t ports[8];

	(void)state;
	assert_int_equal(context_ports(conf, ports, 8), 3);
	assert_int_equal(ports[0], 53);
	assert_int_equal(ports[1], 5353);
	assert_int_equal(ports[2], 5354);
	conf_free(conf);
	conf = parse("resolver {\n\tmode stub\n}\nstub-zone example {\n\tserver 127.0.0.1:5354\n}\n");
	assert_int_equal(context_ports(conf, ports, 8), 1);
	conf_free(conf);
}

/* postern check refuses what does not fit. */
static void the_sandbox_has_the_memory_that_the_check_counts_with(void **state)
{
	(void)state;
	assert_int_equal(sandbox_find_profile("resolver")->memory, CONF_RESOLVER_MEMORY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_below_its_zone),
		cmocka_unit_test(only_names_of_stub_zones_are_asked_in_mode_stub),
		cmocka_unit_test(malformed_names_are_never_asked),
		cmocka_unit_test(only_the_servers_ports_may_be_connected_to),
		cmocka_unit_test(the_sandbox_has_the_memory_that_the_check_counts_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
