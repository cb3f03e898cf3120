/* SPDX-License-Identifier: Apache-2.0
 *
 * One message's evaluation: taken from queue piece by piece, then counted in the store. Called by main.c.
 * Trusts queue with the facts, not with the order or the number of pieces. Texts live in the evaluation's
 * arena, which is emptied with each message.
 */
#include "roles/report/report.h"

#include "proto/auth_result.h"
#include "proto/dmarc_row.h"

enum { TEXTS_MAX = 65536 };

static bool copy(struct evaluation *e, struct text *t)
{
	return arena_copy(&e->arena, *t, t);
}

static bool take_head(struct evaluation *e, const struct queue_report_evaluation *m)
{
	struct queue_report_evaluation *h = &e->head;

	if (e->has_head)
		return false;
	e->has_head = true;
	arena_init(&e->arena, TEXTS_MAX);
	*h = *m;
	return copy(e, &h->from) && copy(e, &h->envelope_from) && copy(e, &h->policy_domain) &&
	       copy(e, &h->spf_domain);
}

static bool take_signature(struct evaluation *e, const struct queue_report_signature *m)
{
	struct queue_report_signature *s = &e->signatures[e->n_signatures];

	if (e->n_signatures == REPORT_SIGNATURES_MAX)
		return false;
	*s = *m;
	e->n_signatures++;
	return copy(e, &s->domain) && copy(e, &s->selector);
}

static bool take_override(struct evaluation *e, const struct queue_report_override *m)
{
	struct queue_report_override *o = &e->overrides[e->n_overrides];

	if (e->n_overrides == REPORT_OVERRIDES_MAX)
		return false;
	*o = *m;
	e->n_overrides++;
	return copy(e, &o->comment);
}

static bool take_destination(struct evaluation *e, const struct queue_report_destination *m)
{
	if (e->n_destinations == REPORT_DESTINATIONS_MAX)
		return false;
	e->destinations[e->n_destinations] = m->address;
	return copy(e, &e->destinations[e->n_destinations++]);
}

bool evaluation_take(struct evaluation *e, unsigned type, const void *body)
{
	if (type == QUEUE_REPORT_EVALUATION)
		return take_head(e, body);
	if (!e->has_head)
		return false;
	switch (type) {
	case QUEUE_REPORT_SIGNATURE:
		return take_signature(e, body);
	case QUEUE_REPORT_OVERRIDE:
		return take_override(e, body);
	case QUEUE_REPORT_DESTINATION:
		return take_destination(e, body);
	default:
		return false;
	}
}

void evaluation_reset(struct evaluation *e)
{
	if (e->has_head)
		arena_reset(&e->arena);
	*e = (struct evaluation){ 0 };
}

/* ---- as the report has it ---- */

static enum dmarc_report_disposition policy_word(enum queue_report_policy policy)
{
	static const enum dmarc_report_disposition words[] = {
		[QUEUE_REPORT_POLICY_NONE] = DMARC_REPORT_NONE,
		[QUEUE_REPORT_POLICY_QUARANTINE] = DMARC_REPORT_QUARANTINE,
		[QUEUE_REPORT_POLICY_REJECT] = DMARC_REPORT_REJECT,
	};

	return words[policy];
}

static enum dmarc_report_disposition disposition_word(enum queue_report_disposition d)
{
	static const enum dmarc_report_disposition words[] = {
		[QUEUE_REPORT_DISPOSITION_NONE] = DMARC_REPORT_NONE,
		[QUEUE_REPORT_DISPOSITION_PASS] = DMARC_REPORT_PASS,
		[QUEUE_REPORT_DISPOSITION_QUARANTINE] = DMARC_REPORT_QUARANTINE,
		[QUEUE_REPORT_DISPOSITION_REJECT] = DMARC_REPORT_REJECT,
	};

	return words[d];
}

static struct text override_word(enum queue_report_override_type type)
{
	static const char *const words[] = { "local_policy", "mailing_list", "other", "policy_test_mode",
					     "trusted_forwarder" };

	return text_from_cstr(words[type]);
}

static struct text result_word(enum queue_report_result result)
{
	return text_from_cstr(auth_result_word((enum auth_result)result)); /* the same order */
}

static bool write_policy(const struct evaluation *e, struct buf *out)
{
	const struct queue_report_evaluation *h = &e->head;
	struct dmarc_report_policy policy = {
		.discovery_method =
			text_from_cstr(h->discovery == QUEUE_REPORT_DISCOVERY_PSL ? "psl" : "treewalk"),
		.p = policy_word(h->p),
		.sp = policy_word(h->sp),
		.np = policy_word(h->np),
		.adkim = h->dkim_strict ? 's' : 'r',
		.aspf = h->spf_strict ? 's' : 'r',
		.testing = h->testing ? 'y' : 'n',
	};

	return dmarc_row_write_policy(&policy, out);
}

/* SPF of the standard's report has no result "policy" of ours, nor DKIM one of "softfail": queue has none. */
static bool write_record(const struct evaluation *e, struct buf *out)
{
	const struct queue_report_evaluation *h = &e->head;
	struct dmarc_report_auth dkim[REPORT_SIGNATURES_MAX] = { 0 };
	struct dmarc_report_reason reasons[REPORT_OVERRIDES_MAX] = { 0 };
	struct dmarc_report_auth spf = { .domain = h->spf_domain,
					 .scope = TEXT("mfrom"),
					 .result = result_word(h->spf) };
	struct dmarc_report_record record = { .disposition = disposition_word(h->disposition),
					      .is_dkim_aligned = h->dkim_aligned,
					      .is_spf_aligned = h->spf_aligned,
					      .header_from = h->from,
					      .has_envelope_from = true,
					      .envelope_from = h->envelope_from,
					      .spf = h->spf_domain.n ? &spf : NULL };
	char client[ADDR_TEXT_SIZE];

	addr_print(&h->client, client);
	record.source_ip = text_from_cstr(client);
	for (size_t i = 0; i < e->n_signatures; i++) {
		const struct queue_report_signature *s = &e->signatures[i];
		dkim[i] = (struct dmarc_report_auth){ .domain = s->domain,
						      .selector = s->selector,
						      .result = result_word(s->result),
						      .next = i + 1 < e->n_signatures ? &dkim[i + 1] : NULL };
	}
	for (size_t i = 0; i < e->n_overrides; i++)
		reasons[i] = (struct dmarc_report_reason){ .type = override_word(e->overrides[i].type),
							   .comment = e->overrides[i].comment,
							   .next = i + 1 < e->n_overrides ? &reasons[i + 1]
											  : NULL };
	record.dkim = e->n_signatures ? dkim : NULL;
	record.reasons = e->n_overrides ? reasons : NULL;
	return dmarc_row_write_record(&record, out);
}

enum error evaluation_store(struct evaluation *e, struct report_store *store, int64_t day)
{
	struct report_store_row row = { .day = day, .domain = e->head.policy_domain, .count = 1 };
	enum error error = ERROR_TOO_LARGE;
	struct buf policy, record;

	buf_init(&policy, REPORT_STORE_POLICY_MAX);
	buf_init(&record, REPORT_STORE_RECORD_MAX * 2);
	if (write_policy(e, &policy) && write_record(e, &record)) {
		row.policy = buf_text(&policy);
		row.record = buf_text(&record);
		error = report_store_add(store, &row);
	}
	for (size_t i = 0; !error && i < e->n_destinations; i++) {
		struct report_store_destination d = { day, row.domain, e->destinations[i] };
		if (report_store_add_destination(store, &d) == ERROR_IO)
			error = ERROR_IO;
	}
	buf_done(&policy);
	buf_done(&record);
	return error;
}
