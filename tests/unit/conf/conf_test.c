/* SPDX-License-Identifier: Apache-2.0
 *
 * What a configuration says once it is parsed, who sees what of it, and that its canonical text means the
 * same again.
 */
#include "conf_fixture.h"

static const char everything[] = "hostname MX.Example.COM\n"
				 "postmaster \"o'neil@example.com\"\n"
				 "state \"/srv/my \\\"mail\\\"\\\\x\"\n"
				 "admin root 1000\nadmin joe\n"
				 "listener public {\n"
				 "  address 0.0.0.0 [::]:2525\n"
				 "  port 26 # a comment\n"
				 "  tls required\n  banner \"\"\n"
				 "  relay-from 10.0.0.0/8 2001:db8::/32\n  relay-from 192.0.2.1\n"
				 "  connection-rate 7/90s\n  command-timeout 90s\n  max-message-size 1536K\n"
				 "}\n"
				 "domain Example.COM { next-hop Mail 192.0.2.7:2525 [2001:db8::7]\n "
				 "recipients joe \xc3\xa9mile \"tls\" }\n"
				 "domain local.example { maildir /srv/mail\n recipients joe@local.example }\n"
				 "domain lmtp.example { lmtp 127.0.0.1 }\n"
				 "domain mx.example { mx yes }\n"
				 "domain * { next-hop relay.example.net:587\n tls required }\n"
				 "queue { retry 1s 2m\n warn-after 4h }\n"
				 "scan { spam quarantine }\n"
				 "resolver { mode forward\n forwarder 192.0.2.53 [2001:db8::53]:5353 }\n"
				 "stub-zone Demo.Example. { server 127.0.0.1:5353 }\n";

static bool is_text(struct text t, const char *s)
{
	return text_is_cstr(t, s);
}

static void values_of_the_file(void **state)
{
	struct conf *c = parse_good(everything, CONF_WHOLE);
	const struct conf_listener *l = &c->listener.v[0];

	(void)state;
	assert_true(is_text(c->top.hostname, "mx.example.com"));
	assert_true(is_text(c->top.state, "/srv/my \"mail\"\\x"));
	assert_int_equal(c->top.admin.n, 3);
	assert_true(is_text(c->top.admin.v[2], "joe"));
	assert_int_equal(c->listener.n, 1);
	assert_int_equal(l->at.line, 6);
	assert_int_equal(l->address.v[0].port, 26);
	assert_int_equal(l->address.v[1].port, 2525);
	assert_int_equal(l->tls, CONF_LISTENER_TLS_REQUIRED);
	assert_int_equal(l->banner.n, 0);
	assert_int_equal(l->relay_from.n, 3);
	assert_int_equal(l->relay_from.v[0].bits, 104);
	assert_int_equal(l->relay_from.v[2].bits, 128);
	assert_int_equal(l->connection_rate.count, 7);
	assert_int_equal(l->connection_rate.time, 90000);
	assert_int_equal(l->command_timeout, 90000);
	assert_int_equal(l->max_message_size, 1536 * 1024);
	assert_int_equal(c->queue.retry.n, 2);
	assert_int_equal(c->queue.retry.v[1], 120000);
	assert_int_equal(c->scan.spam, CONF_DISPOSITION_QUARANTINE);
	assert_int_equal(c->resolver.forwarder.v[0].port, 53);
	assert_int_equal(c->resolver.forwarder.v[1].port, 5353);
	assert_true(is_text(c->stub_zone.v[0].name, "demo.example"));
	conf_free(c);
}

static void defaults_where_nothing_is_set(void **state)
{
	struct conf *c = parse_good("", CONF_PART);

	(void)state;
	assert_int_equal(c->listener.n, 0);
	assert_int_equal(c->top.hostname.n, 0);
	assert_true(is_text(c->top.state, "/var/lib/postern"));
	assert_true(is_text(c->top.admin.v[0], "root"));
	assert_int_equal(c->queue.scan_wait, 25000);
	assert_int_equal(c->queue.retry.n, 6);
	assert_int_equal(c->queue.memory, (uint64_t)256 << 20);
	assert_int_equal(c->scan.unscannable, CONF_DISPOSITION_QUARANTINE);
	conf_free(c);
}

static void routes_of_domains(void **state)
{
	struct conf *c = parse_good(everything, CONF_WHOLE);
	const struct conf_domain *d = conf_find_domain(c, text_from_cstr("EXAMPLE.com"));

	(void)state;
	assert_non_null(d);
	assert_int_equal(d->route, CONF_ROUTE_SMTP);
	assert_true(is_text(d->next_hop.v[0].name, "mail"));
	assert_int_equal(d->next_hop.v[0].port, 25);
	assert_int_equal(d->next_hop.v[1].name.n, 0);
	assert_int_equal(d->next_hop.v[1].port, 2525);
	assert_int_equal(conf_find_domain(c, text_from_cstr("local.example"))->route, CONF_ROUTE_MAILDIR);
	d = conf_find_domain(c, text_from_cstr("lmtp.example"));
	assert_int_equal(d->route, CONF_ROUTE_LMTP);
	assert_int_equal(d->lmtp.v[0].port, 24);
	assert_int_equal(conf_find_domain(c, text_from_cstr("mx.example"))->route, CONF_ROUTE_MX);
	assert_null(conf_find_domain(c, text_from_cstr("other.example")));
	assert_null(conf_find_domain(c, text_from_cstr("*")));
	assert_null(conf_find_domain(c, text_from_cstr("")));
	assert_int_equal(conf_default_domain(c)->next_hop.v[0].port, 587);
	assert_non_null(conf_find_listener(c, text_from_cstr("public")));
	assert_null(conf_find_listener(c, text_from_cstr("Public")));
	conf_free(c);
}

static void networks_hold_addresses(void **state)
{
	struct conf *c = parse_good(everything, CONF_WHOLE);
	struct addr a;

	(void)state;
	assert_true(addr_parse(text_from_cstr("10.255.0.1"), &a));
	assert_true(conf_is_in(&c->listener.v[0].relay_from, &a));
	assert_true(addr_parse(text_from_cstr("192.0.2.2"), &a));
	assert_false(conf_is_in(&c->listener.v[0].relay_from, &a));
	conf_free(c);
}

static void host_name_of_the_system(void **state)
{
	struct conf *c = parse_good("", CONF_PART);

	(void)state;
	assert_false(conf_set_hostname(c, text_from_cstr("localhost")));
	assert_false(conf_set_hostname(c, text_from_cstr("a_b.example")));
	assert_true(conf_set_hostname(c, text_from_cstr("Host.Example")));
	assert_true(is_text(c->top.hostname, "host.example"));
	assert_true(conf_set_hostname(c, text_from_cstr("other.example")));
	assert_true(is_text(c->top.hostname, "host.example"));
	conf_free(c);
}

/* Prints, parses and prints again. */
static void check_round_trip(const struct conf *c, unsigned readers)
{
	struct buf once, twice;
	struct conf *again;

	buf_init(&once, CONF_MAX_PRINT);
	buf_init(&twice, CONF_MAX_PRINT);
	assert_true(conf_print(c, readers, &once));
	again = parse_good(buf_cstr(&once), CONF_PART);
	assert_true(conf_print(again, readers, &twice));
	assert_string_equal(buf_cstr(&once), buf_cstr(&twice));
	conf_free(again);
	buf_done(&once);
	buf_done(&twice);
}

static void canonical_text_means_the_same(void **state)
{
	struct conf *c = parse_good(everything, CONF_WHOLE);

	(void)state;
	check_round_trip(c, CONF_FOR_ALL);
	for (unsigned role = 0; role < ROLE_COUNT; role++)
		check_round_trip(c, 1u << role);
	conf_free(c);
}

static void long_lists_are_cut_into_lines(void **state)
{
	struct buf text;
	struct conf *c;

	(void)state;
	buf_init(&text, CONF_MAX_FILE);
	buf_add_cstr(&text, "domain a.b { mx yes\n");
	for (size_t i = 0; i < 5000; i++)
		buf_printf(&text, "recipients user-number-%zu\n", i);
	buf_add_cstr(&text, "}\n");
	c = parse_good(buf_cstr(&text), CONF_PART);
	assert_int_equal(c->domain.v[0].recipients.n, 5000);
	check_round_trip(c, CONF_FOR_POLICY);
	conf_free(c);
	buf_done(&text);
}

static bool is_told(const struct conf *c, unsigned readers, const char *what)
{
	struct buf out;
	bool told;

	buf_init(&out, CONF_MAX_PRINT);
	assert_true(conf_print(c, readers, &out));
	told = text_find(buf_text(&out), text_from_cstr(what)) != SIZE_MAX;
	buf_done(&out);
	return told;
}

static void roles_see_their_own_only(void **state)
{
	struct conf *c = parse_good(everything, CONF_WHOLE);

	(void)state;
	assert_true(is_told(c, CONF_FOR_POSTERND, "admin root 1000 joe\n"));
	assert_false(is_told(c, CONF_FOR_ALL & ~(unsigned)CONF_FOR_POSTERND, "admin"));
	assert_false(is_told(c, CONF_FOR_RECEIVE, "domain"));
	assert_false(is_told(c, CONF_FOR_SCAN, "listener"));
	assert_true(is_told(c, CONF_FOR_SCAN, "hostname mx.example.com\n"));
	assert_true(is_told(c, CONF_FOR_POLICY, "\trecipients joe \"\xc3\xa9mile\" tls\n"));
	assert_false(is_told(c, CONF_FOR_QUEUE, "recipients joe"));
	assert_true(is_told(c, CONF_FOR_DELIVER, "\tnext-hop mail:25 192.0.2.7:2525 [2001:db8::7]:25\n"));
	conf_free(c);
}

static void text_that_does_not_fit_is_told(void **state)
{
	struct conf *c = parse_good(everything, CONF_WHOLE);
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	assert_false(conf_print(c, CONF_FOR_ALL, &out));
	buf_done(&out);
	conf_free(c);
	conf_free(NULL);
}

/* ---- a reload ---- */

#define RUNNING                                                                                              \
	"hostname mx.example.com\nlistener public { address 127.0.0.1:25 }\n"                                \
	"listener private { address 127.0.0.1:26 }\ndomain a.example { next-hop 127.0.0.1:24 }\n"            \
	"domain b.example { maildir /b }\n"

static void a_reload_lists_what_it_cannot_change(void **state)
{
	static const struct {
		const char *text, *list;
	} cases[] = {
		{ RUNNING, "" },
		{ "listener public { address 127.0.0.1:25\nbanner x }\nlistener private { port 7\naddress "
		  "127.0.0.1:26 }\nhostname mx.example.org\n"
		  "domain a.example { lmtp 127.0.0.1:77\nrecipients joe }\ndomain b.example { maildir /b }\n"
		  "deliver { port 26 }\nlog-level debug\nqueue { expire 1d }\nresolver { mode stub }\n",
		  "listener private port" },
		{ RUNNING "state /x\nadmin joe\nuid-base 70000\nrun /y\nminimum-layers 3\n",
		  "state, run, uid-base, admin, minimum-layers" },
		{ RUNNING "minimum-landlock 1\nrequire-namespaces yes\n",
		  "minimum-landlock, require-namespaces" },
		{ RUNNING
		  "queue { reserve 1M\ncommit-batch 7 }\nscan { slots 3 }\ndeliver { max-connections 7 }\n",
		  "queue reserve, queue commit-batch, scan slots, deliver max-connections" },
		{ "hostname mx.example.com\nlistener public { address 127.0.0.1:25 [::1]:25\nbacklog 7 }\n"
		  "listener private { address 127.0.0.1:26\nmax-connections 70 }\n"
		  "domain a.example { next-hop 127.0.0.1:24 }\ndomain b.example { maildir /c }\n",
		  "listener public address, listener public backlog, listener private max-connections, "
		  "domain b.example maildir" },
		{ RUNNING "domain c.example { mx yes }\n", "" },
		{ RUNNING "domain c.example { maildir /c }\n", "domain c.example maildir" },
		{ "hostname mx.example.com\nlistener public { address 127.0.0.1:25 }\n"
		  "domain b.example { maildir /b }\ndomain a.example { next-hop 127.0.0.1:24 }\n",
		  "the blocks listener" },
		{ "hostname mx.example.com\nlistener public { address 127.0.0.1:25 }\n"
		  "listener private { address 127.0.0.1:26 }\ndomain a.example { next-hop 127.0.0.1:24 }\n",
		  "" },
	};
	struct conf *running = parse_good(RUNNING, CONF_WHOLE), *fresh;
	struct buf list;

	(void)state;
	buf_init(&list, 4096);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fresh = parse_good(cases[i].text, CONF_WHOLE);
		buf_reset(&list);
		conf_list_restarts(running, fresh, &list);
		assert_string_equal(buf_cstr(&list), cases[i].list);
		conf_free(fresh);
	}
	buf_done(&list);
	conf_free(running);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_the_file),
		cmocka_unit_test(defaults_where_nothing_is_set),
		cmocka_unit_test(routes_of_domains),
		cmocka_unit_test(networks_hold_addresses),
		cmocka_unit_test(host_name_of_the_system),
		cmocka_unit_test(canonical_text_means_the_same),
		cmocka_unit_test(long_lists_are_cut_into_lines),
		cmocka_unit_test(roles_see_their_own_only),
		cmocka_unit_test(text_that_does_not_fit_is_told),
		cmocka_unit_test(a_reload_lists_what_it_cannot_change),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
