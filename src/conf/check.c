/* SPDX-License-Identifier: Apache-2.0
 *
 * What follows from several settings, and what does not fit together. Called by conf_parse after the
 * grammar, on instances, because they know the places. Each check is one function over one kind of
 * block, or a row in the table of pairs.
 *
 * A setting that was not understood (is_bad) is not checked again. Defaults fit together (tested), so a
 * mistake always has a setting of the file to point at. Invariant: conf_check_derive comes first and
 * also for CONF_PART, so that a role sees the same ports and routes as posternd.
 */
#include "conf/host.h"
#include "conf/parser.h"

#include <stdio.h>

#define FIELD_OF(in, type) ((struct conf_##type *)(in)->data)

static const struct conf_slot *slot(const struct conf_instance *in, const char *name)
{
	return conf_slot_of(in, conf_row_by_name(in->block, text_from_cstr(name)));
}

/* Of the setting, or of the block where it is a default. */
static struct conf_place place(const struct conf_instance *in, const char *name)
{
	struct conf_place at = slot(in, name)->at;

	if (!at.line)
		at = in->at;
	return at.line ? at : (struct conf_place){ 1, 1 };
}

static bool is_set(const struct conf_instance *in, const char *name)
{
	const struct conf_slot *s = slot(in, name);

	return s->at.line && !s->is_bad;
}

static bool is_block(const struct conf_instance *in, const char *name)
{
	return !in->is_stray && text_is_cstr(text_from_cstr(in->block->name), name);
}

static const struct conf_instance *only(const struct conf_parser *p, const char *block)
{
	const struct conf_instance *in = p->first;

	while (!is_block(in, block))
		in = in->next;
	return in;
}

static void fill_endpoints(struct conf_endpoints list, uint64_t port)
{
	struct conf_endpoint *v = (struct conf_endpoint *)(uintptr_t)list.v;

	for (size_t i = 0; i < list.n; i++)
		if (v[i].port == 0)
			v[i].port = (uint16_t)port;
}

static void fill_hosts(struct conf_hosts list, uint16_t port)
{
	struct conf_host *v = (struct conf_host *)(uintptr_t)list.v;

	for (size_t i = 0; i < list.n; i++)
		if (v[i].port == 0)
			v[i].port = port;
}

static void derive_domain(struct conf_domain *d)
{
	fill_hosts(d->next_hop, 25);
	fill_hosts(d->lmtp, 24);
	d->id = text_hash(d->name);
	if (d->next_hop.n)
		d->route = CONF_ROUTE_SMTP;
	else if (d->lmtp.n)
		d->route = CONF_ROUTE_LMTP;
	else if (d->maildir.n)
		d->route = CONF_ROUTE_MAILDIR;
	else
		d->route = CONF_ROUTE_MX;
}

void conf_check_derive(struct conf_parser *p)
{
	for (struct conf_instance *in = p->first; in; in = in->next) {
		if (is_block(in, "listener"))
			fill_endpoints(FIELD_OF(in, listener)->address, FIELD_OF(in, listener)->port);
		else if (is_block(in, "stub-zone"))
			fill_endpoints(FIELD_OF(in, stub_zone)->server, 53);
		else if (is_block(in, "resolver"))
			fill_endpoints(FIELD_OF(in, resolver)->forwarder, 53);
		else if (is_block(in, "domain"))
			derive_domain(in->data);
		else if (is_block(in, "authentication"))
			FIELD_OF(in, authentication)->id = text_hash(in->name);
		else if (is_block(in, "dkim"))
			FIELD_OF(in, dkim)->id = text_hash(in->name);
	}
}

/* Two settings of which the first may not be above the second. Where a default of the first is harmless,
 * because both limits are kept anyway, only the file's own setting is a mistake. */
struct pair {
	const char *block, *low, *high_block, *high;
	bool also_default;
};

static const struct pair pairs[] = {
	{ "", "restart-delay", "", "restart-delay-max", false },
	{ "policy", "crash-pause", "policy", "crash-pause-max", false },
	{ "listener", "max-connections-per-client", "listener", "max-connections", false },
	{ "listener", "command-timeout", "listener", "session-time", false },
	{ "listener", "data-timeout", "listener", "session-time", false },
	{ "listener", "message-time", "listener", "session-time", false },
	{ "listener", "max-header-size", "listener", "max-message-size", false },
	{ "listener", "max-message-size", "queue", "waiting-files", true },
	{ "listener", "max-message-size", "queue", "max-size", true },
	{ "listener", "max-message-size", "scan", "max-decoded-size", true },
	{ "queue", "warn-after", "queue", "expire", false },
	{ "queue", "bounce-expire", "queue", "expire", false },
	{ "queue", "destination-concurrency", "queue", "max-in-flight", false },
	{ "scan", "max-header-size", "scan", "max-decoded-size", false },
	{ "judge-resolver", "timeout", "judge-resolver", "message-time", false },
	{ "judge-resolver", "message-time", "queue", "scan-wait", false },
	{ "deliver", "command-timeout", "deliver", "session-time", false },
	{ "deliver", "final-timeout", "deliver", "session-time", false },
};

static uint64_t number_of(const struct conf_instance *in, const char *name)
{
	const struct conf_row *row = conf_row_by_name(in->block, text_from_cstr(name));
	uint64_t v;

	memcpy(&v, (const char *)in->data + row->offset, sizeof v);
	return v;
}

static void print_setting(const struct conf_instance *in, const char *name, struct buf *out)
{
	const struct conf_row *row = conf_row_by_name(in->block, text_from_cstr(name));

	conf_value_print(row, (const char *)in->data + row->offset, out);
}

static void check_pair(struct conf_parser *p, const struct conf_instance *in, const struct pair *pair)
{
	const struct conf_instance *other = in;
	struct conf_place at;
	struct buf low, high;

	if (!text_is_cstr(text_from_cstr(pair->high_block), pair->block))
		other = only(p, pair->high_block);
	if (slot(in, pair->low)->is_bad || slot(other, pair->high)->is_bad ||
	    number_of(in, pair->low) <= number_of(other, pair->high))
		return;
	if (!is_set(in, pair->low) && !pair->also_default)
		return;
	at = is_set(in, pair->low) ? place(in, pair->low) : place(other, pair->high);
	buf_init(&low, 64);
	buf_init(&high, 64);
	print_setting(in, pair->low, &low);
	print_setting(other, pair->high, &high);
	conf_report(&p->report, at, "%s%s%s (%s) is above %s%s%s (%s)", pair->block, *pair->block ? " " : "",
		    pair->low, buf_cstr(&low), pair->high_block, *pair->high_block ? " " : "", pair->high,
		    buf_cstr(&high));
	buf_done(&low);
	buf_done(&high);
}

static void check_pairs(struct conf_parser *p, const struct conf_instance *in)
{
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (is_block(in, pairs[i].block))
			check_pair(p, in, &pairs[i]);
}

static bool has_uid(uint64_t base, uint64_t id)
{
	return id >= base && id < base + CONF_UIDS;
}

static void check_uids(struct conf_parser *p, const struct conf_instance *in)
{
	const struct conf_top *top = in->data;
	uint64_t base = top->uid_base, id;

	if (!is_set(in, "uid-base") || base == 0)
		return;
	if (base < 1000)
		conf_report(&p->report, place(in, "uid-base"),
			    "uid-base: the ids %ju-%ju may belong to system users (begin at 1000 or above)",
			    (uintmax_t)base, (uintmax_t)base + CONF_UIDS - 1);
	for (id = 65534; id <= 65535; id++)
		if (has_uid(base, id)) {
			conf_report(&p->report, place(in, "uid-base"),
				    "uid-base: the range %ju-%ju holds %ju, which is reserved",
				    (uintmax_t)base, (uintmax_t)base + CONF_UIDS - 1, (uintmax_t)id);
			break;
		}
	for (size_t i = 0; i < top->admin.n; i++)
		if (text_parse_u64(top->admin.v[i], UINT32_MAX, &id) && has_uid(base, id))
			conf_report(&p->report, slot(in, "admin")->places[i],
				    "admin: the user %ju is one of the roles' own (uid-base)", (uintmax_t)id);
}

static void check_top(struct conf_parser *p, const struct conf_instance *in)
{
	const struct conf_top *top = in->data;

	if (is_set(in, "hostname") && text_find_byte(top->hostname, '.') == top->hostname.n)
		conf_report(&p->report, place(in, "hostname"),
			    "hostname: %s is not fully qualified (write for example mx.example.com)",
			    conf_quote(top->hostname).s);
	check_uids(p, in);
}

/* Names of blocks, by which settings refer to them. */
static bool has_block(const struct conf_parser *p, const char *block, struct text name)
{
	for (const struct conf_instance *in = p->first; in; in = in->next)
		if (is_block(in, block) && text_is_equal(in->name, name))
			return true;
	return false;
}

static bool is_everybody(const struct addr_prefix *prefix)
{
	return prefix->bits == 0 || (addr_is_v4(&prefix->addr) && prefix->bits == 96);
}

static void check_listener(struct conf_parser *p, const struct conf_instance *in)
{
	const struct conf_listener *l = in->data;

	if (is_set(in, "authentication") && !has_block(p, "authentication", l->authentication))
		conf_report(&p->report, place(in, "authentication"),
			    "authentication: there is no block authentication %s",
			    conf_quote(l->authentication).s);
	for (size_t i = 0; i < l->relay_from.n; i++)
		if (is_everybody(&l->relay_from.v[i]))
			conf_report(&p->report, slot(in, "relay-from")->places[i],
				    "relay-from: this is everybody, which makes an open relay");
	if (l->bare_newline_exempt.n && l->bare_newline != CONF_BARE_NEWLINE_REJECT &&
	    !slot(in, "bare-newline")->is_bad)
		conf_report(&p->report, place(in, "bare-newline-exempt"),
			    "bare-newline-exempt: has no effect without bare-newline reject");
}

/* A verifier refuses a signature whose i= is not at or below d=. rfc6376 6.1.1 */
static void check_dkim(struct conf_parser *p, const struct conf_instance *in)
{
	const struct conf_dkim *d = in->data;
	size_t at = text_find_last_byte(d->identity, '@');
	struct text domain = at == SIZE_MAX ? (struct text){ NULL, 0 } : text_skip(d->identity, at + 1);

	if (d->identity.n == 0 || d->domain.n == 0)
		return;
	if (!text_has_suffix_nocase(domain, d->domain) ||
	    (domain.n > d->domain.n && domain.p[domain.n - d->domain.n - 1] != '.'))
		conf_report(&p->report, place(in, "identity"),
			    "identity: %s is not an address at or below %s", conf_quote(d->identity).s,
			    conf_quote(d->domain).s);
}

static bool is_any(const struct addr *a)
{
	static const uint8_t zero[16];

	return addr_is_v4(a) ? memcmp(a->b + 12, zero, 4) == 0 : memcmp(a->b, zero, 16) == 0;
}

static bool is_clash(const struct conf_endpoint *a, const struct conf_endpoint *b)
{
	if (a->port != b->port || addr_is_v4(&a->addr) != addr_is_v4(&b->addr))
		return false;
	return addr_is_equal(&a->addr, &b->addr) || is_any(&a->addr) || is_any(&b->addr);
}

static void report_clash(struct conf_parser *p, struct conf_place at, const struct conf_endpoint *e,
			 const struct conf_instance *other, struct conf_place first)
{
	struct buf b;

	buf_init(&b, 64);
	conf_endpoint_print(NULL, e, &b);
	conf_report(&p->report, at, "address: %s is taken by %s at line %u already", buf_cstr(&b),
		    conf_instance_label(other).s, first.line);
	buf_done(&b);
}

/* One address against all before it. */
static void check_endpoint(struct conf_parser *p, const struct conf_instance *in, size_t number)
{
	const struct conf_endpoint *e = &FIELD_OF(in, listener)->address.v[number];
	const struct conf_instance *other = p->first;

	for (;; other = other->next) {
		const struct conf_listener *l = other->data;
		const struct conf_slot *s;
		size_t n;
		if (!is_block(other, "listener"))
			continue;
		s = slot(other, "address");
		n = other == in ? number : s->n;
		for (size_t i = 0; i < n; i++)
			if (is_clash(e, &l->address.v[i])) {
				report_clash(p, slot(in, "address")->places[number], e, other, s->places[i]);
				return;
			}
		if (other == in)
			return;
	}
}

static void check_endpoints(struct conf_parser *p, const struct conf_instance *in)
{
	if (slot(in, "port")->is_bad || slot(in, "address")->is_bad)
		return;
	for (size_t i = 0; i < FIELD_OF(in, listener)->address.n; i++)
		check_endpoint(p, in, i);
}

/* "mx no" is none. */
static bool is_way(const struct conf_instance *in, const char *name)
{
	bool is_no = text_is_cstr(text_from_cstr(name), "mx") && !FIELD_OF(in, domain)->mx;

	return slot(in, name)->at.line && !(is_no && is_set(in, name));
}

/* Exactly one way for a domain's mail. */
static void check_route(struct conf_parser *p, const struct conf_instance *in)
{
	static const char *const ways[] = { "next-hop", "lmtp", "maildir", "mx" };
	const char *first = NULL;

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		if (!is_way(in, ways[i]))
			continue;
		if (first)
			conf_report(&p->report, place(in, ways[i]),
				    "%s: %s has a way for its mail already, %s at line %u", ways[i],
				    conf_instance_label(in).s, first, place(in, first).line);
		else
			first = ways[i];
	}
	if (!first)
		conf_report(&p->report, in->at,
			    "%s: where does its mail go? (set one of next-hop, lmtp, maildir, mx)",
			    conf_instance_label(in).s);
}

static void check_recipients(struct conf_parser *p, const struct conf_instance *in)
{
	const struct conf_domain *d = in->data;
	const struct conf_slot *s = slot(in, "recipients");

	if (is_set(in, "recipients") && is_set(in, "recipients-file"))
		conf_report(&p->report, place(in, "recipients-file"),
			    "recipients-file: recipients is set at line %u (use one of them)", s->at.line);
	for (size_t i = 0; i < d->recipients.n && is_set(in, "recipients"); i++) {
		struct text r = d->recipients.v[i];
		size_t at = text_find_last_byte(r, '@');
		if (text_is_cstr(r, "any") && d->recipients.n > 1)
			conf_report(&p->report, s->places[i], "recipients: any stands alone");
		if (at != SIZE_MAX && !text_is_equal_nocase(text_skip(r, at + 1), in->name))
			conf_report(&p->report, s->places[i], "recipients: %s is not in the domain %s",
				    conf_quote(r).s, conf_quote(in->name).s);
	}
}

static void check_domain(struct conf_parser *p, const struct conf_instance *in)
{
	static const char *const local[] = { "maildir", "recipients", "recipients-file" };

	check_route(p, in);
	if (!text_is_cstr(in->name, "*")) {
		check_recipients(p, in);
		return;
	}
	for (size_t i = 0; i < sizeof local / sizeof *local; i++)
		if (slot(in, local[i])->at.line)
			conf_report(&p->report, place(in, local[i]),
				    "%s: not for domain *, which stands for the domains of others", local[i]);
}

static void check_queue(struct conf_parser *p, const struct conf_instance *in)
{
	const struct conf_queue *q = in->data;

	if (is_set(in, "retry") && !slot(in, "expire")->is_bad && q->retry.v[0] > q->expire)
		conf_report(&p->report, place(in, "retry"),
			    "retry: the first pause is longer than expire, so nothing is ever tried again");
}

/* Measured with libunbound 1.17: 1.3 times its caches and 16K for each question that is open, of which a
 * long way from the root can need a few. */
static uint64_t resolver_need(uint64_t cache_size, uint64_t max_queries)
{
	const uint64_t program = (uint64_t)128 << 20, question = 32 << 10;

	return program + 2 * cache_size + max_queries * question;
}

/* Of resolver and judge-resolver: the settings have the same names. */
static void check_resolver_memory(struct conf_parser *p, const struct conf_instance *in)
{
	uint64_t cache_size = number_of(in, "cache-size"), max_queries = number_of(in, "max-queries");
	uint64_t need = resolver_need(cache_size, max_queries);

	if (slot(in, "cache-size")->is_bad || slot(in, "max-queries")->is_bad || need <= CONF_RESOLVER_MEMORY)
		return;
	conf_report(
		&p->report, place(in, is_set(in, "cache-size") ? "cache-size" : "max-queries"),
		"cache-size %juM and max-queries %ju may need %juM of memory together, and the resolver has "
		"%juM (make one of them smaller)",
		(uintmax_t)(cache_size >> 20), (uintmax_t)max_queries, (uintmax_t)(need >> 20),
		(uintmax_t)(CONF_RESOLVER_MEMORY >> 20));
}

static void check_resolver(struct conf_parser *p, const struct conf_instance *in)
{
	const struct conf_resolver *r = in->data;
	bool has_forwarder = slot(in, "forwarder")->at.line != 0;

	check_resolver_memory(p, in);
	if (slot(in, "mode")->is_bad)
		return;
	if (r->mode == CONF_RESOLVER_MODE_FORWARD && !has_forwarder)
		conf_report(&p->report, place(in, "mode"), "mode: forward needs the setting forwarder");
	if (r->mode != CONF_RESOLVER_MODE_FORWARD && has_forwarder)
		conf_report(&p->report, place(in, "forwarder"),
			    "forwarder: has no effect without mode forward");
}

static void check_tls(struct conf_parser *p, const struct conf_instance *in)
{
	const struct conf_tls *tls = in->data;

	if (tls->ciphers.n && tls->min_version == CONF_TLS_VERSION_1_3)
		conf_report(&p->report, place(in, "ciphers"),
			    "ciphers: has no effect with min-version 1.3, it is for TLS 1.2");
}

static void check_whole(struct conf_parser *p, bool has_listener, bool has_mail)
{
	struct conf_place start = { 1, 1 };

	if (!has_listener)
		conf_report(
			&p->report, start,
			"no listener, so no mail comes in (add listener public { address 0.0.0.0 [::] })");
	if (!has_mail)
		conf_report(&p->report, start,
			    "no domain, so no mail is taken (add domain NAME { next-hop HOST })");
}

static void check_instance(struct conf_parser *p, const struct conf_instance *in)
{
	check_pairs(p, in);
	if (is_block(in, ""))
		check_top(p, in);
	if (is_block(in, "listener")) {
		check_listener(p, in);
		check_endpoints(p, in);
	}
	if (is_block(in, "domain"))
		check_domain(p, in);
	if (is_block(in, "dkim"))
		check_dkim(p, in);
	if (is_block(in, "queue"))
		check_queue(p, in);
	if (is_block(in, "resolver"))
		check_resolver(p, in);
	if (is_block(in, "judge-resolver"))
		check_resolver_memory(p, in);
	if (is_block(in, "tls"))
		check_tls(p, in);
}

struct ports {
	uint64_t bits[1024];
	size_t n;
};

static void count_ports(struct ports *ports, struct conf_hosts hosts)
{
	for (size_t i = 0; i < hosts.n; i++) {
		uint64_t bit = UINT64_C(1) << hosts.v[i].port % 64;
		ports->n += !(ports->bits[hosts.v[i].port / 64] & bit);
		ports->bits[hosts.v[i].port / 64] |= bit;
	}
}

/* deliver's sandbox names each port that it may connect to. */
static void check_ports(struct conf_parser *p)
{
	struct ports ports = { .n = 1 }; /* the one of deliver, whichever it is */

	for (const struct conf_instance *in = p->first; in; in = in->next) {
		const struct conf_domain *d = in->data;
		if (!is_block(in, "domain"))
			continue;
		count_ports(&ports, d->next_hop);
		count_ports(&ports, d->lmtp);
		if (ports.n <= CONF_PORTS_MAX)
			continue;
		conf_report(&p->report, in->at, "more than %u different ports of next servers: use fewer",
			    CONF_PORTS_MAX);
		return;
	}
}

/* The last of them is the one too many. */
static void check_maildirs(struct conf_parser *p)
{
	size_t n = 0;

	for (const struct conf_instance *in = p->first; in; in = in->next) {
		if (!is_block(in, "domain") || !FIELD_OF(in, domain)->maildir.n || ++n <= CONF_MAILDIRS_MAX)
			continue;
		conf_report(&p->report, place(in, "maildir"),
			    "more than %u domains with a maildir: deliver to some by lmtp",
			    CONF_MAILDIRS_MAX);
		return;
	}
}

void conf_check_all(struct conf_parser *p)
{
	bool has_domain = false, has_relay = false, has_listener = false;

	/* Blocks that could not be read count here: what is wrong with them is said already. */
	for (const struct conf_instance *in = p->first; in; in = in->next) {
		struct text block = text_from_cstr(in->block->name);
		bool is_listener = text_is_cstr(block, "listener");
		has_domain |= text_is_cstr(block, "domain") && !text_is_cstr(in->name, "*");
		has_listener |= is_listener;
		has_relay |= is_listener && slot(in, "relay-from")->at.line > 0;
	}
	if (!p->has_gap)
		check_whole(p, has_listener, has_domain || has_relay);
	for (const struct conf_instance *in = p->first; in; in = in->next)
		check_instance(p, in);
	check_ports(p);
	check_maildirs(p);
}
