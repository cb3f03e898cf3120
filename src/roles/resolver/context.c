/* SPDX-License-Identifier: Apache-2.0
 *
 * The settings of libunbound. Called by main.c before the sandbox. Trusts the configuration.
 *
 * Invariants: /etc is never read (no resolv.conf, no hosts); in the mode stub the library has nobody
 * to ask but the stub servers: the root is forwarded to an address that it is forbidden to ask.
 */
#include "roles/resolver/context.h"

#include "base/ensure.h"
#include "base/log.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unbound-event.h>
#include <unbound.h>

#define NOBODY      "255.255.255.255"
#define MAX_SOCKETS 512
#define TCP_SOCKETS 32
#define DNS_PORT    53

#define TYPE_A   1
#define CLASS_IN 1

/* What the library answers by itself and a stub zone may want back. unblock-lan-zones takes care of the
 * private networks. rfc6761 6, rfc7686, rfc8375 */
static const char *const built_in[] = {
	"localhost",
	"127.in-addr.arpa",
	"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
	"home.arpa",
	"onion",
	"test",
	"invalid",
};

static void check(int result, const char *what, const char *value)
{
	if (result)
		log_fatal(EX_CONFIG, "libunbound does not take %s %s: %s", what, value, ub_strerror(result));
}

static void set(struct ub_ctx *ctx, const char *option, const char *value)
{
	check(ub_ctx_set_option(ctx, option, value), option, value);
}

static void set_number(struct ub_ctx *ctx, const char *option, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	set(ctx, option, text);
}

/* "192.0.2.1@5353", NUL-terminated. */
static void print_server(const struct conf_endpoint *server, char out[ADDR_TEXT_SIZE + 8])
{
	char addr[ADDR_TEXT_SIZE];

	addr_print(&server->addr, addr);
	snprintf(out, ADDR_TEXT_SIZE + 8, "%s@%u", addr, server->port ? server->port : DNS_PORT);
}

static bool has_loopback(const struct conf_endpoints *servers)
{
	for (size_t i = 0; i < servers->n; i++)
		if (addr_is_loopback(&servers->v[i].addr))
			return true;
	return false;
}

static void set_bounds(struct ub_ctx *ctx, const struct conf *conf)
{
	const struct conf_resolver *r = &conf->resolver;

	set_number(ctx, "num-queries-per-thread:", r->max_queries);
	set_number(ctx, "outgoing-range:", context_sockets(conf) - TCP_SOCKETS);
	set_number(ctx, "outgoing-num-tcp:", TCP_SOCKETS);
	/* All caches out of one setting. The manual of unbound: twice as much for records as for messages. */
	set_number(ctx, "msg-cache-size:", r->cache_size / 64 * 19);
	set_number(ctx, "rrset-cache-size:", r->cache_size / 64 * 38);
	set_number(ctx, "key-cache-size:", r->cache_size / 64 * 4);
	set_number(ctx, "neg-cache-size:", r->cache_size / 64);
	/* One thread: no need for parts with locks of their own. */
	set(ctx, "msg-cache-slabs:", "1");
	set(ctx, "rrset-cache-slabs:", "1");
	set(ctx, "infra-cache-slabs:", "1");
	set(ctx, "key-cache-slabs:", "1");
	/* A server that was down is tried again at once, not in a quarter of an hour. */
	set(ctx, "infra-keep-probing:", "yes");
}

static void add_stub_zones(struct ub_ctx *ctx, const struct conf *conf)
{
	char server[ADDR_TEXT_SIZE + 8], name[256];

	for (size_t i = 0; i < conf->stub_zone.n; i++) {
		const struct conf_stub_zone *zone = &conf->stub_zone.v[i];
		snprintf(name, sizeof name, "%.*s", TEXT_ARGS(zone->name));
		set(ctx, "domain-insecure:", name);
		if (has_loopback(&zone->server))
			set(ctx, "do-not-query-localhost:", "no");
		for (size_t k = 0; k < zone->server.n; k++) {
			print_server(&zone->server.v[k], server);
			check(ub_ctx_set_stub(ctx, name, server, 0), "stub-zone", name);
		}
	}
}

static bool has_root_stub(const struct conf *conf)
{
	for (size_t i = 0; i < conf->stub_zone.n; i++)
		if (text_is_cstr(conf->stub_zone.v[i].name, "."))
			return true;
	return false;
}

static void add_ways_out(struct ub_ctx *ctx, const struct conf *conf)
{
	const struct conf_endpoints *forwarders = &conf->resolver.forwarder;
	char server[ADDR_TEXT_SIZE + 8];

	if (conf->resolver.mode == CONF_RESOLVER_MODE_STUB && !has_root_stub(conf)) {
		check(ub_ctx_set_fwd(ctx, NOBODY), "forwarder", NOBODY);
		set(ctx, "do-not-query-address:", NOBODY);
	}
	if (conf->resolver.mode != CONF_RESOLVER_MODE_FORWARD)
		return;
	if (has_loopback(forwarders))
		set(ctx, "do-not-query-localhost:", "no");
	for (size_t i = 0; i < forwarders->n; i++) {
		print_server(&forwarders->v[i], server);
		check(ub_ctx_set_fwd(ctx, server), "forwarder", server);
	}
}

/* Returns how many. */
static unsigned add_anchors(struct ub_ctx *ctx, struct text anchors)
{
	struct text line, rest = anchors;
	char record[2048];
	unsigned n = 0;

	while (rest.n) {
		text_cut(rest, '\n', &line, &rest);
		text_cut(line, ';', &line, &(struct text){ NULL, 0 });
		line = text_trim(line);
		if (line.n == 0)
			continue;
		if (line.n >= sizeof record || text_find_byte(line, 0) < line.n)
			log_fatal(EX_CONFIG, "the trust anchor file holds a line that is no DNS record");
		snprintf(record, sizeof record, "%.*s", TEXT_ARGS(line));
		check(ub_ctx_add_ta(ctx, record), "trust anchor", record);
		n++;
	}
	return n;
}

static void set_proof(struct ub_ctx *ctx, const struct conf *conf, struct text anchors)
{
	bool wanted = conf->resolver.dnssec && conf->resolver.mode != CONF_RESOLVER_MODE_STUB;

	set(ctx, "unblock-lan-zones:", "yes");
	set(ctx, "insecure-lan-zones:", "yes");
	if (wanted && add_anchors(ctx, anchors))
		return;
	set(ctx, "module-config:", "iterator");
	if (wanted)
		log_warning("there is no trust anchor: answers of the DNS are not checked by DNSSEC");
}

static void ignore_answer(void *arg, int rcode, void *packet, int packet_n, int security, char *why,
			  int limited)
{
	(void)arg;
	(void)rcode;
	(void)packet;
	(void)packet_n;
	(void)security;
	(void)why;
	(void)limited;
}

/* After the first question the library's worker is there, with all that it opens. */
static void start(struct ub_ctx *ctx)
{
	check(ub_resolve_event(ctx, "localhost.", TYPE_A, CLASS_IN, NULL, ignore_answer, NULL),
	      "the question", "localhost");
}

static void clear_way(struct ub_ctx *ctx, const struct conf *conf)
{
	for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++)
		for (size_t k = 0; k < conf->stub_zone.n; k++) {
			struct text zone = conf->stub_zone.v[k].name, name = text_from_cstr(built_in[i]);
			if (context_is_below(name, zone) || context_is_below(zone, name))
				ub_ctx_zone_remove(ctx, built_in[i]);
		}
}

struct ub_ctx *context_new(const struct conf *conf, struct text anchors, struct event_base *loop)
{
	struct ub_ctx *ctx = ub_ctx_create_event(loop);

	ASSERT(ctx != NULL);
	ub_ctx_debugout(ctx, NULL);
	set_bounds(ctx, conf);
	set_proof(ctx, conf, anchors);
	add_stub_zones(ctx, conf);
	add_ways_out(ctx, conf);
	start(ctx);
	clear_way(ctx, conf);
	return ctx;
}

bool context_is_below(struct text name, struct text zone)
{
	if (text_is_cstr(zone, "."))
		return true;
	return text_has_suffix_nocase(name, zone) && (name.n == zone.n || name.p[name.n - zone.n - 1] == '.');
}

bool context_may_ask(const struct conf *conf, struct text name)
{
	if (name.n == 0 || name.n > 255 || !text_is_printable(name) || text_find_byte(name, ' ') < name.n)
		return false;
	if (conf->resolver.mode != CONF_RESOLVER_MODE_STUB)
		return true;
	if (name.p[name.n - 1] == '.')
		name.n--;
	for (size_t i = 0; i < conf->stub_zone.n; i++)
		if (context_is_below(name, conf->stub_zone.v[i].name))
			return true;
	return false;
}

unsigned context_sockets(const struct conf *conf)
{
	uint64_t n = conf->resolver.max_queries;

	return (unsigned)(n < MAX_SOCKETS ? n : MAX_SOCKETS) + TCP_SOCKETS;
}

struct ports {
	uint16_t *v;
	size_t n, max;
};

static void add_port(struct ports *ports, uint16_t port)
{
	for (size_t i = 0; i < ports->n; i++)
		if (ports->v[i] == port)
			return;
	if (ports->n == ports->max)
		log_fatal(EX_CONFIG,
			  "the DNS servers of the configuration have more than %zu different ports",
			  ports->max);
	ports->v[ports->n++] = port;
}

static void add_ports(struct ports *ports, const struct conf_endpoints *servers)
{
	for (size_t i = 0; i < servers->n; i++)
		add_port(ports, servers->v[i].port ? servers->v[i].port : DNS_PORT);
}

size_t context_ports(const struct conf *conf, uint16_t *ret_ports, size_t max)
{
	struct ports ports = { ret_ports, 0, max };

	if (conf->resolver.mode == CONF_RESOLVER_MODE_RECURSIVE)
		add_port(&ports, DNS_PORT);
	if (conf->resolver.mode == CONF_RESOLVER_MODE_FORWARD)
		add_ports(&ports, &conf->resolver.forwarder);
	for (size_t i = 0; i < conf->stub_zone.n; i++)
		add_ports(&ports, &conf->stub_zone.v[i].server);
	return ports.n;
}
