/* SPDX-License-Identifier: Apache-2.0
 *
 * All checks of a message's origin. Called by the authentication room of scan and by the command line, with
 * a stranger's message and envelope. Each check is a module of proto; here is their order, and what one
 * needs of another: DMARC takes the results of SPF and DKIM, and what a trusted ARC chain says.
 *
 * Invariant: every field of the report is set, whatever the message is: a check that was not reached says so
 * by its result.
 */
#include "judge/authenticate.h"

#include "proto/auth_results.h"
#include "proto/dmarc_from.h"
#include "proto/dns_memo.h"
#include "proto/domain.h"

#define IPREV_NAMES     10
#define ARC_COMMENT_MAX 512

struct authenticate_settings authenticate_settings_default(void)
{
	return (struct authenticate_settings){
		.checks = { true, true, true, true, true, true, true },
		.spf = spf_limits_default(),
		.dkim = dkim_limits_default(),
		.discovery = DMARC_AUTO,
		.iprev_names = IPREV_NAMES,
	};
}

static void check_client(const struct authenticate_input *input, const struct authenticate_settings *settings,
			 const struct dns_source *dns, struct arena *arena,
			 struct authenticate_report *report)
{
	const bool is_wanted[] = { [SPF_HELO] = settings->checks.spf_helo && input->helo.n > 0,
				   [SPF_MAILFROM] = settings->checks.spf_mail_from && input->has_mail_from };

	if (!input->has_client)
		return;
	report->has_iprev = settings->checks.iprev;
	if (report->has_iprev)
		iprev_check(&input->client, settings->iprev_names, dns, arena, &report->iprev);
	for (enum spf_identity identity = SPF_HELO; identity <= SPF_MAILFROM; identity++) {
		report->spf_query[identity] = (struct spf_query){
			.identity = identity,
			.client = input->client,
			.helo = input->helo,
			.mail_from = input->mail_from,
			.receiver = input->receiver,
			.now = input->now,
		};
		if (!is_wanted[identity])
			continue;
		report->has_spf[identity] = true;
		spf_check(&report->spf_query[identity], &settings->spf, dns, arena, &report->spf[identity]);
	}
}

static bool is_trusted_sealer(void *context, struct text domain)
{
	const struct authenticate_settings *settings = context;

	for (size_t i = 0; i < settings->n_trusted_sealers; i++)
		if (text_is_equal_nocase(settings->trusted_sealers[i], domain))
			return true;
	return false;
}

/* ---- what ARC says for DMARC ---- */

/* Did the first of the trusted sealers see DMARC pass, for this author? rfc8617 7.2.1 */
static bool saw_dmarc_pass(const struct authenticate_report *report, struct arena *arena)
{
	const struct auth_results_method *method = NULL;
	struct auth_results results;
	struct text from;

	if (!report->arc_trusted || report->from.n_domains != 1 ||
	    !auth_results_parse(report->arc.sets[report->arc_trusted - 1].results, arena, &results))
		return false;
	while ((method = auth_results_find(&results, "dmarc", method))) {
		from = auth_results_property(method, "header", "from");
		if (text_is_cstr_nocase(method->result, "pass") &&
		    (from.n == 0 || domain_is_equal(from, report->from.domains[0])))
			return true;
	}
	return false;
}

/* "arc=pass as[2].d=... as[2].s=... as[1].d=...". rfc8617 7.2.2 */
static struct text print_chain(const struct arc_report *arc, struct arena *arena)
{
	struct text comment = { NULL, 0 };
	struct buf out;

	buf_init(&out, ARC_COMMENT_MAX);
	buf_add_cstr(&out, "arc=pass");
	for (unsigned i = arc->n; i > 0; i--)
		buf_printf(&out, " as[%u].d=%.*s as[%u].s=%.*s", i, TEXT_ARGS(arc->sets[i - 1].sealer), i,
			   TEXT_ARGS(arc->sets[i - 1].selector));
	arena_copy(arena, buf_text(&out), &comment);
	buf_done(&out);
	return comment;
}

/* ---- what the header says for DMARC and BIMI ---- */

static size_t count_fields(const struct dkim_message *m, const char *name, size_t *ret_last)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_fields; i++) {
		if (!text_is_cstr_nocase(m->fields[i].name, name))
			continue;
		*ret_last = i;
		n++;
	}
	return n;
}

/* rfc2919 and rfc2369: anybody can write these fields. */
static bool is_list(const struct dkim_message *m)
{
	size_t at = 0;

	return count_fields(m, "List-Id", &at) > 0 || count_fields(m, "List-Post", &at) > 0;
}

static bool is_covered(const struct dkim_message *m, const struct dkim_report *dkim, const char *name)
{
	for (size_t i = 0; i < dkim->n && i < m->n_dkim; i++)
		for (size_t k = 0; dkim->signatures[i].result == AUTH_PASS && k < m->dkim[i].n_names; k++)
			if (text_is_cstr_nocase(m->dkim[i].names[k], name))
				return true;
	return false;
}

/* Of the one field that is signed; else empty. */
static struct text find_bimi_selector(const struct dkim_message *m, const struct dkim_report *dkim)
{
	struct text selector = { NULL, 0 }, name, body;
	size_t at = 0;

	if (count_fields(m, "BIMI-Selector", &at) != 1 || !is_covered(m, dkim, "BIMI-Selector"))
		return selector;
	text_cut(m->fields[at].raw, ':', &name, &body);
	return bimi_selector_parse(body, &selector) ? selector : (struct text){ NULL, 0 };
}

/* ---- the message ---- */

static void check_dmarc(const struct authenticate_input *input, const struct authenticate_settings *settings,
			const struct dkim_message *m, const struct dns_source *dns, struct arena *arena,
			struct authenticate_report *report)
{
	struct dmarc_signature *signatures = arena_alloc(arena, report->dkim.n * sizeof *signatures);
	struct dmarc_question question = { .discovery = settings->discovery, .vouch = input->vouch };

	dmarc_from_read(input->message, &settings->dkim.mime, arena, &report->from);
	if (!signatures) {
		report->dmarc.result = AUTH_TEMPERROR;
		return;
	}
	for (size_t i = 0; i < report->dkim.n; i++)
		signatures[i] = (struct dmarc_signature){ report->dkim.signatures[i].result,
							  report->dkim.signatures[i].domain };
	question.from = report->from;
	question.signatures = signatures;
	question.n_signatures = report->dkim.n;
	if (report->has_spf[SPF_MAILFROM])
		question.spf = (struct dmarc_spf){ report->spf[SPF_MAILFROM].result,
						   report->spf[SPF_MAILFROM].domain };
	question.vouch.is_list = is_list(m);
	question.vouch.has_trusted_arc = saw_dmarc_pass(report, arena);
	if (question.vouch.has_trusted_arc)
		question.vouch.arc = print_chain(&report->arc, arena);
	dmarc_check(&question, dns, arena, &report->dmarc);
}

static void check_bimi(const struct authenticate_settings *settings, const struct dkim_message *m,
		       const struct dns_source *dns, struct arena *arena, struct authenticate_report *report)
{
	struct bimi_question question = { .dmarc = &report->dmarc,
					  .discovery = settings->discovery,
					  .selector = find_bimi_selector(m, &report->dkim) };

	bimi_check(&question, dns, arena, &report->bimi);
}

static void check_arc(const struct authenticate_settings *settings, struct dkim_message *m,
		      const struct dns_source *dns, int64_t now, struct authenticate_report *report)
{
	arc_validate(m, dns, now, &report->arc);
	report->arc_trusted =
		arc_trusted_from(&report->arc, is_trusted_sealer, (struct authenticate_settings *)settings);
}

static void check_message(const struct authenticate_input *input,
			  const struct authenticate_settings *settings, const struct dns_source *dns,
			  struct arena *arena, struct authenticate_report *report)
{
	struct dkim_message m;

	report->has_message = true;
	if (!dkim_message_read(&m, input->message, &settings->dkim, arena)) {
		report->dkim.result = report->arc.result = report->dmarc.result = AUTH_TEMPERROR;
		report->bimi.status = BIMI_TEMPERROR;
		dkim_message_done(&m);
		return;
	}
	if (settings->checks.dkim)
		dkim_verify(&m, dns, input->now, &report->dkim);
	if (settings->checks.arc)
		check_arc(settings, &m, dns, input->now, report);
	if (settings->checks.dmarc)
		check_dmarc(input, settings, &m, dns, arena, report);
	if (settings->checks.bimi)
		check_bimi(settings, &m, dns, arena, report);
	dkim_message_done(&m);
}

void authenticate_message(const struct authenticate_input *input,
			  const struct authenticate_settings *settings, const struct dns_source *dns,
			  struct arena *arena, struct authenticate_report *ret_report)
{
	struct dns_memo memo;
	struct dns_source source = dns_memo_source(&memo);

	dns_memo_init(&memo, dns);
	*ret_report = (struct authenticate_report){ 0 };
	check_client(input, settings, &source, arena, ret_report);
	if (input->has_message)
		check_message(input, settings, &source, arena, ret_report);
}
