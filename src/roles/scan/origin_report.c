/* SPDX-License-Identifier: Apache-2.0
 *
 * Typed results on their way from the authentication room to queue. Called by authentication_room.c. The
 * texts are a stranger's: what is longer than the edge allows is cut, and a NUL becomes "?", since no text on
 * a channel has one.
 *
 * Invariants: each result goes once; at most CUTS_MAX cuts, rising: neighbours are one, and when a hostile
 * message has more, the last reaches to the end of the last field that bears our name.
 */
#include "roles/scan/origin_report.h"

#include "base/ensure.h"
#include "ipc/queue_authenticate.h"
#include "proto/auth_results.h"
#include "proto/mime_header.h"

#define CUTS_MAX 64

/* ---- results ---- */

static struct text fit(struct origin_report *to, struct text t, size_t max)
{
	char *copy;

	t = text_slice(t, 0, max);
	if (text_find_byte(t, 0) == t.n)
		return t;
	copy = arena_alloc(to->arena, t.n);
	for (size_t i = 0; copy && i < t.n; i++)
		copy[i] = t.p[i] ? t.p[i] : '?';
	return copy ? text_from_bytes(copy, t.n) : (struct text){ NULL, 0 };
}

static void send(struct origin_report *to, unsigned type, void *body)
{
	const struct ipc_message *m = ipc_find_message(&queue_authenticate_edge, type);

	for (size_t i = 0; i < m->n_fields; i++) {
		struct text *t = (struct text *)((char *)body + m->fields[i].offset);
		if (m->fields[i].kind == IPC_TEXT)
			*t = fit(to, *t, (size_t)m->fields[i].max);
	}
	if (!to->error)
		to->error = link_send(to->queue, type, body, NULL, 0, to->deadline);
}

static enum queue_authenticate_result result_of(enum auth_result result)
{
	return (enum queue_authenticate_result)result; /* the same numbers: queue asserts it */
}

static void send_iprev(struct origin_report *to, const struct iprev_result *iprev)
{
	struct queue_authenticate_iprev m = { .result = result_of(iprev->result),
					      .name = iprev->name,
					      .reason = text_from_cstr(iprev->reason ? iprev->reason : "") };

	send(to, QUEUE_AUTHENTICATE_IPREV, &m);
}

static void send_spf(struct origin_report *to, enum spf_identity identity, const struct spf_result *spf)
{
	struct queue_authenticate_spf m = { .identity = (enum queue_authenticate_identity)identity,
					    .result = result_of(spf->result),
					    .domain = spf->domain,
					    .sender = spf->sender,
					    .mechanism = spf->mechanism,
					    .explanation = spf->explanation,
					    .problem = (uint8_t)spf->problem };

	send(to, QUEUE_AUTHENTICATE_SPF, &m);
}

static void send_dkim(struct origin_report *to, const struct dkim_result *dkim)
{
	struct queue_authenticate_dkim m = { .result = result_of(dkim->result),
					     .domain = dkim->domain,
					     .selector = dkim->selector,
					     .identity = dkim->identity,
					     .algorithm = text_from_cstr(
						     dkim->algorithm_word ? dkim->algorithm_word : ""),
					     .b = dkim->b,
					     .key_bits = (uint16_t)dkim->key_bits,
					     .testing = dkim->is_testing };

	if (dkim->reason != DKIM_REASON_NONE)
		m.reason = text_from_cstr(dkim_reason_text(dkim->reason));
	send(to, QUEUE_AUTHENTICATE_DKIM, &m);
}

static void send_arc(struct origin_report *to, const struct arc_report *arc, unsigned trusted)
{
	struct queue_authenticate_arc m = { .result = result_of(arc->result),
					    .instances = (uint8_t)arc->n,
					    .oldest_pass = (uint8_t)arc->oldest_pass,
					    .trusted = (uint8_t)trusted };

	if (arc->sets && arc->n > 0)
		m.sealer = arc->sets[arc->n - 1].sealer;
	if (arc->reason != ARC_REASON_NONE)
		m.reason = text_from_cstr(arc_reason_text(arc->reason));
	send(to, QUEUE_AUTHENTICATE_ARC, &m);
}

static void send_overrides(struct origin_report *to, const struct dmarc_result *dmarc)
{
	static const enum queue_authenticate_override_type types[DMARC_OVERRIDE_COUNT] = {
		[DMARC_OVERRIDE_LOCAL_POLICY] = QUEUE_AUTHENTICATE_OVERRIDE_TYPE_LOCAL_POLICY,
		[DMARC_OVERRIDE_MAILING_LIST] = QUEUE_AUTHENTICATE_OVERRIDE_TYPE_MAILING_LIST,
		[DMARC_OVERRIDE_OTHER] = QUEUE_AUTHENTICATE_OVERRIDE_TYPE_OTHER,
		[DMARC_OVERRIDE_POLICY_TEST_MODE] = QUEUE_AUTHENTICATE_OVERRIDE_TYPE_POLICY_TEST_MODE,
		[DMARC_OVERRIDE_TRUSTED_FORWARDER] = QUEUE_AUTHENTICATE_OVERRIDE_TYPE_TRUSTED_FORWARDER,
	};

	for (size_t i = 0; i < dmarc->n_overrides; i++) {
		struct queue_authenticate_override m = { types[dmarc->overrides[i].type],
							 dmarc->overrides[i].comment };
		send(to, QUEUE_AUTHENTICATE_OVERRIDE, &m);
	}
}

/* Policies have the same numbers. */
static enum queue_authenticate_policy policy_of(enum dmarc_policy policy)
{
	return (enum queue_authenticate_policy)policy;
}

static void send_dmarc(struct origin_report *to, const struct dmarc_result *dmarc)
{
	struct queue_authenticate_dmarc m = { .result = result_of(dmarc->result),
					      .from = dmarc->domain,
					      .organization = dmarc->organization,
					      .policy_domain = dmarc->policy_domain,
					      .discovery = dmarc->discovery == DMARC_PSL
								   ? QUEUE_AUTHENTICATE_DISCOVERY_PSL
								   : QUEUE_AUTHENTICATE_DISCOVERY_TREEWALK,
					      .p = policy_of(dmarc->record.p),
					      .sp = policy_of(dmarc->record.sp),
					      .np = policy_of(dmarc->record.np),
					      .spf_strict = dmarc->record.is_spf_strict,
					      .dkim_strict = dmarc->record.is_dkim_strict,
					      .testing = dmarc->record.is_testing,
					      .published = policy_of(dmarc->published),
					      .applied = policy_of(dmarc->applied),
					      .spf_aligned = dmarc->is_spf_aligned,
					      .dkim_aligned = dmarc->is_dkim_aligned,
					      .reason = text_from_cstr(dmarc->reason ? dmarc->reason : "") };

	send(to, QUEUE_AUTHENTICATE_DMARC, &m);
	send_overrides(to, dmarc);
}

static void send_bimi(struct origin_report *to, const struct bimi_result *bimi)
{
	static const enum queue_authenticate_bimi_status statuses[BIMI_STATUS_COUNT] = {
		[BIMI_NONE] = QUEUE_AUTHENTICATE_BIMI_STATUS_NONE,
		[BIMI_PASS] = QUEUE_AUTHENTICATE_BIMI_STATUS_PASS,
		[BIMI_FAIL] = QUEUE_AUTHENTICATE_BIMI_STATUS_FAIL,
		[BIMI_TEMPERROR] = QUEUE_AUTHENTICATE_BIMI_STATUS_TEMPERROR,
		[BIMI_DECLINED] = QUEUE_AUTHENTICATE_BIMI_STATUS_DECLINED,
		[BIMI_SKIPPED] = QUEUE_AUTHENTICATE_BIMI_STATUS_SKIPPED,
	};
	struct queue_authenticate_bimi m = { .status = statuses[bimi->status],
					     .domain = bimi->domain,
					     .selector = bimi->selector,
					     .location = bimi->record.location,
					     .authority = bimi->record.authority,
					     .reason = text_from_cstr(bimi->reason ? bimi->reason : "") };

	send(to, QUEUE_AUTHENTICATE_BIMI, &m);
}

void origin_report_send(struct origin_report *to, const struct conf_authentication *conf,
			const struct authenticate_report *report)
{
	if (conf->iprev && report->has_iprev)
		send_iprev(to, &report->iprev);
	if (conf->spf_helo && report->has_spf[SPF_HELO])
		send_spf(to, SPF_HELO, &report->spf[SPF_HELO]);
	if (conf->spf && report->has_spf[SPF_MAILFROM])
		send_spf(to, SPF_MAILFROM, &report->spf[SPF_MAILFROM]);
	if (!report->has_message)
		return;
	for (size_t i = 0; i < report->dkim.n && conf->dkim; i++)
		send_dkim(to, &report->dkim.signatures[i]);
	if (conf->arc)
		send_arc(to, &report->arc, report->arc_trusted);
	if (conf->dmarc)
		send_dmarc(to, &report->dmarc);
	if (conf->bimi)
		send_bimi(to, &report->bimi);
}

void origin_report_send_destinations(struct origin_report *to, const struct dmarc_result *dmarc,
				     enum dmarc_discovery discovery, const struct dns_source *dns)
{
	struct text addresses[DMARC_DESTINATIONS_MAX];
	size_t n = 0;

	if (dmarc->result == AUTH_PASS || dmarc->result == AUTH_FAIL)
		n = dmarc_find_destinations(&dmarc->record, dmarc->policy_domain, discovery, dns, to->arena,
					    addresses);
	for (size_t i = 0; i < n; i++) {
		struct queue_authenticate_destination m = { addresses[i] };
		send(to, QUEUE_AUTHENTICATE_DESTINATION, &m);
	}
}

/* ---- what claims to be ours ---- */

/* Does this Received-SPF say that we have checked? receiver= "our name", in any case. */
static bool is_received_spf_of(struct text body, struct text hostname)
{
	const struct text key = TEXT("receiver");
	struct text value;

	for (size_t at = 0; at < body.n; at++) {
		if (!text_has_prefix_nocase(text_skip(body, at), key))
			continue;
		value = text_trim(text_skip(body, at + key.n));
		if (value.n == 0 || value.p[0] != '=')
			continue;
		value = text_trim(text_skip(value, 1));
		if (value.n && value.p[0] == '"')
			value = text_skip(value, 1);
		if (text_has_prefix_nocase(value, hostname))
			return true;
	}
	return false;
}

static bool is_ours(const struct mime_field *f, struct text authserv_id, struct text hostname)
{
	if (text_is_equal_nocase(f->name, text_from_cstr("Authentication-Results")))
		return auth_results_is_of(f->body, authserv_id);
	return text_is_equal_nocase(f->name, text_from_cstr("Received-SPF")) &&
	       is_received_spf_of(f->body, hostname);
}

void origin_report_send_cuts(struct origin_report *to, struct text header, struct text authserv_id,
			     struct text hostname)
{
	/* What the checks do not read is delivered all the same. */
	const struct mime_limits limits = { .header_bytes = header.n, .header_fields = header.n };
	struct mime_header_reader r = mime_header_reader_of(header, &limits);
	struct queue_authenticate_cut cuts[CUTS_MAX];
	struct mime_field f;
	size_t n = 0;

	while (mime_header_next(&r, &f)) {
		uint32_t offset = (uint32_t)(f.raw.p - header.p), end = offset + (uint32_t)f.raw.n;
		if (!is_ours(&f, authserv_id, hostname))
			continue;
		if (n > 0 && (n == CUTS_MAX || cuts[n - 1].offset + cuts[n - 1].size == offset))
			cuts[n - 1].size = end - cuts[n - 1].offset;
		else
			cuts[n++] = (struct queue_authenticate_cut){ offset, end - offset };
	}
	for (size_t i = 0; i < n; i++)
		send(to, QUEUE_AUTHENTICATE_CUT, &cuts[i]);
}

void origin_report_end(struct origin_report *to)
{
	if (!to->error)
		to->error = link_send(to->queue, QUEUE_AUTHENTICATE_DONE, NULL, NULL, 0, to->deadline);
}
