/* SPDX-License-Identifier: Apache-2.0
 *
 * The fields that tell the next reader who sent a message, from typed results: one Authentication-Results
 * (rfc8601 2.2; methods and properties as in the registry of rfc8601 2.7) and Received-SPF (rfc7208 9.1).
 * Called when the results of a room are taken. The values in them are strangers' bytes: the two writers of
 * proto see to it that they stay within the field.
 *
 * Invariant: what was not checked is not mentioned; when nothing was, the field says "none".
 */
#include "proto/auth_results.h"
#include "proto/spf_header.h"
#include "roles/queue/origin.h"

#include <stdio.h>

_Static_assert((int)QUEUE_AUTHENTICATE_RESULT_PERMERROR == (int)AUTH_PERMERROR &&
		       (int)QUEUE_AUTHENTICATE_RESULT_POLICY == (int)AUTH_POLICY &&
		       (int)QUEUE_AUTHENTICATE_IDENTITY_MAIL_FROM == (int)SPF_MAILFROM,
	       "the channel has the numbers of proto");

static const char *const policy_words[] = { "none", "quarantine", "reject" };

static enum auth_result result_of(enum queue_authenticate_result result)
{
	return (enum auth_result)result;
}

static void add_iprev(struct auth_results_writer *w, const struct origin *o, const struct spool_message *m)
{
	char client[ADDR_TEXT_SIZE];

	if (!o->has_iprev)
		return;
	addr_print(&m->client, client);
	auth_results_add_method(w, "iprev", result_of(o->iprev.result));
	auth_results_add_comment(w, o->iprev.name);
	auth_results_add_reason(w, o->iprev.reason);
	auth_results_add_property(w, "policy", "iprev", text_from_cstr(client));
}

static void add_spf(struct auth_results_writer *w, const struct origin *o, const struct spool_message *m)
{
	static const char *const properties[] = { "helo", "mailfrom" };
	const struct text values[] = { m->helo, m->sender };

	for (size_t i = 0; i < 2; i++) {
		const struct queue_authenticate_spf *spf = &o->spf[i];
		if (!o->has_spf[i])
			continue;
		auth_results_add_method(w, "spf", result_of(spf->result));
		auth_results_add_reason(w, text_from_cstr(spf_problem_text((enum spf_problem)spf->problem)));
		auth_results_add_property(w, "smtp", properties[i], values[i].n ? values[i] : spf->sender);
	}
}

static void add_dkim(struct auth_results_writer *w, const struct origin *o, bool was_checked)
{
	for (size_t i = 0; i < o->n_dkim; i++) {
		const struct queue_authenticate_dkim *dkim = &o->dkim[i];
		auth_results_add_method(w, "dkim", result_of(dkim->result));
		auth_results_add_reason(w, dkim->reason);
		auth_results_add_property(w, "header", "d", dkim->domain);
		auth_results_add_property(w, "header", "s", dkim->selector);
		auth_results_add_property(w, "header", "i", dkim->identity);
		auth_results_add_property(w, "header", "a", dkim->algorithm);
		auth_results_add_property(w, "header", "b", dkim->b);
	}
	if (o->n_dkim == 0 && was_checked)
		auth_results_add_method(w, "dkim", AUTH_NONE);
}

static void add_arc(struct auth_results_writer *w, const struct origin *o, const struct spool_message *m)
{
	char number[12], client[ADDR_TEXT_SIZE];

	if (!o->has_arc)
		return;
	auth_results_add_method(w, "arc", result_of(o->arc.result));
	if (o->arc.result == QUEUE_AUTHENTICATE_RESULT_NONE)
		return;
	addr_print(&m->client, client);
	snprintf(number, sizeof number, "%u", o->arc.oldest_pass);
	auth_results_add_reason(w, o->arc.reason);
	auth_results_add_property(w, "smtp", "remote-ip", text_from_cstr(client)); /* rfc8617 10.2 */
	if (o->arc.result == QUEUE_AUTHENTICATE_RESULT_PASS)
		auth_results_add_property(w, "header", "oldest-pass", text_from_cstr(number));
}

/* What the owner asks for a message that fails, with t=y taken into account; of one that failed, what is left
 * of it after all overrides. rfc9989 9.1 */
static enum queue_authenticate_policy effective_policy(const struct queue_authenticate_dmarc *dmarc)
{
	if (dmarc->result == QUEUE_AUTHENTICATE_RESULT_FAIL)
		return dmarc->applied;
	return dmarc->testing && dmarc->published ? dmarc->published - 1 : dmarc->published;
}

static void add_dmarc(struct auth_results_writer *w, const struct origin *o)
{
	const struct queue_authenticate_dmarc *dmarc = &o->dmarc;

	if (!o->has_dmarc)
		return;
	auth_results_add_method(w, "dmarc", result_of(dmarc->result));
	auth_results_add_reason(w, dmarc->reason);
	auth_results_add_property(w, "header", "from", dmarc->from);
	if (dmarc->policy_domain.n)
		auth_results_add_property(w, "policy", "dmarc",
					  text_from_cstr(policy_words[effective_policy(dmarc)]));
}

/* Words of the draft that rfc8601 does not have are said as reasons. */
static enum auth_result bimi_result(enum queue_authenticate_bimi_status status)
{
	static const enum auth_result results[] = {
		[QUEUE_AUTHENTICATE_BIMI_STATUS_NONE] = AUTH_NONE,
		[QUEUE_AUTHENTICATE_BIMI_STATUS_PASS] = AUTH_PASS,
		[QUEUE_AUTHENTICATE_BIMI_STATUS_FAIL] = AUTH_FAIL,
		[QUEUE_AUTHENTICATE_BIMI_STATUS_TEMPERROR] = AUTH_TEMPERROR,
		[QUEUE_AUTHENTICATE_BIMI_STATUS_DECLINED] = AUTH_POLICY,
		[QUEUE_AUTHENTICATE_BIMI_STATUS_SKIPPED] = AUTH_POLICY,
	};

	return results[status];
}

static void add_bimi(struct auth_results_writer *w, const struct origin *o)
{
	if (!o->has_bimi || o->bimi.status == QUEUE_AUTHENTICATE_BIMI_STATUS_SKIPPED)
		return;
	auth_results_add_method(w, "bimi", bimi_result(o->bimi.status));
	auth_results_add_reason(w, o->bimi.reason);
	auth_results_add_property(w, "header", "d", o->bimi.domain);
	auth_results_add_property(w, "header", "selector", o->bimi.selector);
}

static void add_results(const struct origin *o, const struct conf *conf, const struct conf_authentication *a,
			const struct spool_message *m, struct buf *out)
{
	struct auth_results_writer w;

	auth_results_begin(&w, out, "Authentication-Results", 0, origin_authserv_id(conf, a));
	add_iprev(&w, o, m);
	add_spf(&w, o, m);
	add_dkim(&w, o, a->dkim);
	add_arc(&w, o, m);
	add_dmarc(&w, o);
	add_bimi(&w, o);
	auth_results_end(&w);
}

static void add_received_spf(const struct origin *o, const struct conf *conf, const struct spool_message *m,
			     struct buf *out)
{
	for (size_t i = 0; i < 2; i++) {
		const struct queue_authenticate_spf *spf = &o->spf[i];
		struct spf_query query = { .identity = (enum spf_identity)i,
					   .client = m->client,
					   .helo = m->helo,
					   .mail_from = m->sender,
					   .receiver = conf->top.hostname };
		struct spf_result result = { .result = result_of(spf->result),
					     .domain = spf->domain,
					     .sender = spf->sender,
					     .mechanism = spf->mechanism,
					     .problem = (enum spf_problem)spf->problem };
		if (o->has_spf[i])
			spf_header_print(&query, &result, out);
	}
}

void origin_head(const struct origin *o, const struct conf *conf, const struct spool_message *m,
		 struct buf *out)
{
	const struct conf_authentication *a = conf_authentication_of(conf, m->listener);
	struct buf results, received;

	buf_init(&results, ORIGIN_HEAD_MAX);
	buf_init(&received, ORIGIN_HEAD_MAX);
	add_results(o, conf, a, m, &results);
	if (a->received_spf)
		add_received_spf(o, conf, m, &received);
	if (!results.overflow)
		buf_add(out, buf_text(&results));
	if (!received.overflow)
		buf_add(out, buf_text(&received));
	buf_done(&results);
	buf_done(&received);
}

static void add_word(struct buf *out, const char *method, enum queue_authenticate_result result,
		     struct text detail)
{
	buf_printf(out, "%s%s=%s", out->n ? " " : "", method, auth_result_word(result_of(result)));
	if (detail.n == 0)
		return;
	buf_add_byte(out, '(');
	buf_add_escaped(out, text_slice(detail, 0, 64));
	buf_add_byte(out, ')');
}

void origin_summary(const struct origin *o, struct buf *out)
{
	const struct text nothing = { NULL, 0 };

	if (o->has_iprev)
		add_word(out, "iprev", o->iprev.result, nothing);
	if (o->has_spf[SPF_HELO])
		add_word(out, "spf-helo", o->spf[SPF_HELO].result, nothing);
	if (o->has_spf[SPF_MAILFROM])
		add_word(out, "spf", o->spf[SPF_MAILFROM].result, o->spf[SPF_MAILFROM].domain);
	for (size_t i = 0; i < o->n_dkim; i++)
		add_word(out, "dkim", o->dkim[i].result, o->dkim[i].domain);
	if (o->has_arc)
		add_word(out, "arc", o->arc.result, o->arc.sealer);
	if (o->has_dmarc)
		add_word(out, "dmarc", o->dmarc.result, o->dmarc.from);
	if (o->has_dmarc && o->dmarc.result == QUEUE_AUTHENTICATE_RESULT_FAIL)
		buf_printf(out, " policy=%s applied=%s", policy_words[o->dmarc.published],
			   policy_words[o->dmarc.applied]);
	if (o->has_bimi && o->bimi.status == QUEUE_AUTHENTICATE_BIMI_STATUS_PASS)
		add_word(out, "bimi", QUEUE_AUTHENTICATE_RESULT_PASS, o->bimi.domain);
}
