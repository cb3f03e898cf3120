/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions to the network. Called by authenticate.c. libunbound gives the data of each record in wire
 * form with whole names; they are read here with every length checked, since strangers said them.
 *
 *	mx  = preference(2) name      rfc1035 3.3.9
 *	txt = 1*( length(1) bytes )   rfc1035 3.3.14
 */
#include "cli/dns_network.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/ensure.h"
#include "base/wire.h"

#include <poll.h>
#include <stdlib.h>
#include <unbound.h>

#define CLASS_IN    1
#define TEXT_MAX    4096
#define RECORDS_MAX 512
#define NAME_SIZE   1024

struct dns_network {
	struct ub_ctx *ctx;
	int64_t ends_at_ms;
};

/* What the library would answer by itself. */
static const char *const built_in[] = { "test", "invalid", "home.arpa", "onion" };

struct dns_network *dns_network_new(unsigned seconds, const char **ret_why)
{
	struct dns_network *network = mem_zalloc(1, sizeof *network);
	int result;

	network->ends_at_ms = clock_mono_ms() + (int64_t)seconds * 1000;
	network->ctx = ub_ctx_create();
	ASSERT(network->ctx);
	result = ub_ctx_async(network->ctx, 1);
	/* The server may be this machine's own, and know the networks behind it. */
	if (!result)
		result = ub_ctx_set_option(network->ctx, "do-not-query-localhost:", "no");
	if (!result)
		result = ub_ctx_set_option(network->ctx, "unblock-lan-zones:", "yes");
	if (!result)
		result = ub_ctx_resolvconf(network->ctx, NULL);
	for (size_t i = 0; !result && i < sizeof built_in / sizeof *built_in; i++)
		result = ub_ctx_zone_remove(network->ctx, built_in[i]);
	if (result) {
		*ret_why = ub_strerror(result);
		dns_network_free(network);
		return NULL;
	}
	return network;
}

void dns_network_free(struct dns_network *network)
{
	if (!network)
		return;
	ub_ctx_delete(network->ctx);
	free(network);
}

/* ---- records ---- */

/* Printed as dns_source.h has names. */
static bool read_name(struct wire_reader *r, struct buf *out)
{
	while (!r->bad) {
		size_t n = (size_t)wire_get_be(r, 1);
		struct text label = wire_get_bytes(r, n);
		if (r->bad || n > 63)
			return false;
		if (n == 0)
			break;
		if (out->n)
			buf_add_byte(out, '.');
		for (size_t i = 0; i < n; i++) {
			char c = text_lower_byte(label.p[i]);
			if (c == '.' || c == '\\')
				buf_printf(out, "\\%c", c);
			else if (c > ' ' && c < 0x7f)
				buf_add_byte(out, c);
			else
				buf_printf(out, "\\%03u", (unsigned char)c);
		}
	}
	if (out->n == 0)
		buf_add_byte(out, '.');
	return !r->bad && !out->overflow;
}

static bool read_strings(struct wire_reader *r, struct buf *out)
{
	while (wire_left(r) && !r->bad)
		buf_add(out, wire_get_bytes(r, (size_t)wire_get_be(r, 1)));
	return !r->bad && !out->overflow;
}

static bool read_address(struct text data, size_t size, struct addr *ret_addr)
{
	struct addr addr = { { [10] = 0xff, [11] = 0xff } };

	if (data.n != size)
		return false;
	memcpy(addr.b + 16 - size, data.p, size);
	*ret_addr = addr;
	return true;
}

static bool read_record(enum dns_type type, struct text data, struct arena *arena,
			struct dns_record *ret_record)
{
	struct wire_reader r = wire_reader_of(data);
	bool ok = false;
	struct buf out;

	buf_init(&out, type == DNS_TXT ? TEXT_MAX : NAME_SIZE);
	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		ok = read_address(data, type == DNS_A ? 4 : 16, &ret_record->address);
		break;
	case DNS_TXT:
		ok = read_strings(&r, &out) && arena_copy(arena, buf_text(&out), &ret_record->data);
		break;
	case DNS_MX:
		ret_record->preference = (uint16_t)wire_get_be(&r, 2);
		ok = read_name(&r, &out) && arena_copy(arena, buf_text(&out), &ret_record->name);
		break;
	case DNS_PTR:
		ok = read_name(&r, &out) && arena_copy(arena, buf_text(&out), &ret_record->name);
	}
	buf_done(&out);
	return ok;
}

static void read_result(const struct ub_result *result, enum dns_type type, struct arena *arena,
			struct dns_answer *ret_answer)
{
	size_t n = 0;

	while (result->data && result->data[n] && n < RECORDS_MAX)
		n++;
	ret_answer->records = arena_alloc(arena, n * sizeof *ret_answer->records);
	for (size_t i = 0; ret_answer->records && i < n; i++) {
		struct dns_record *record = &ret_answer->records[ret_answer->n];
		record->ttl = result->ttl > 0 ? (uint32_t)result->ttl : 0;
		if (result->len[i] >= 0 &&
		    read_record(type, text_from_bytes(result->data[i], (size_t)result->len[i]), arena,
				record))
			ret_answer->n++;
	}
	ret_answer->status = ret_answer->n      ? DNS_FOUND
			     : result->nxdomain ? DNS_NO_NAME
			     : n                ? DNS_FAILED
						: DNS_NO_DATA;
}

/* ---- questions ---- */

struct waiting {
	struct ub_result *result;
	bool is_done;
};

static void take(void *arg, int error, struct ub_result *result)
{
	struct waiting *waiting = arg;

	waiting->is_done = true;
	if (error)
		ub_resolve_free(result);
	else
		waiting->result = result;
}

/* NULL: no answer in time. */
static struct ub_result *resolve(struct dns_network *network, const char *name, enum dns_type type)
{
	struct waiting waiting = { 0 };
	int id;

	if (ub_resolve_async(network->ctx, name, type, CLASS_IN, &waiting, take, &id))
		return NULL;
	while (!waiting.is_done) {
		struct pollfd fd = { ub_fd(network->ctx), POLLIN, 0 };
		int64_t left = network->ends_at_ms - clock_mono_ms();
		if (left <= 0 || poll(&fd, 1, (int)left) == 0) {
			ub_cancel(network->ctx, id);
			return waiting.result;
		}
		if (ub_process(network->ctx))
			return NULL;
	}
	return waiting.result;
}

static void ask(void *context, enum dns_type type, struct text name, struct arena *arena,
		struct dns_answer *ret_answer)
{
	struct dns_network *network = context;
	struct ub_result *result;
	char printed[NAME_SIZE];

	ret_answer->status = DNS_NO_NAME;
	if (!dns_name_is_askable(name))
		return;
	snprintf(printed, sizeof printed, "%.*s", TEXT_ARGS(name));
	result = resolve(network, printed, type);
	ret_answer->status = DNS_FAILED;
	ret_answer->why = result ? "servfail" : "timeout";
	if (result && (result->rcode == 0 || result->nxdomain))
		read_result(result, type, arena, ret_answer);
	if (ret_answer->status != DNS_FAILED)
		ret_answer->why = NULL;
	ub_resolve_free(result);
}

struct dns_source dns_network_source(struct dns_network *network)
{
	return (struct dns_source){ network, ask };
}
