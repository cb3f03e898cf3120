/* SPDX-License-Identifier: Apache-2.0
 *
 * From typed results of authentication to what becomes of the message: pure decisions by the configuration of
 * its listener. Called by intake.c, item.c and judge.c. Invariant: without a setting that says so nothing is
 * refused because a check could not be made.
 */
#include "roles/queue/origin.h"

static const struct {
	enum session_queue_outcome outcome;
	const char *reason;
} verdicts[ORIGIN_VERDICTS] = {
	[ORIGIN_ACCEPTED] = { SESSION_QUEUE_OUTCOME_ACCEPTED, "" },
	[ORIGIN_QUARANTINED] = { SESSION_QUEUE_OUTCOME_ACCEPTED, "dmarc: its domain asks for quarantine" },
	[ORIGIN_SPF_REFUSED] = { SESSION_QUEUE_OUTCOME_SPF_REFUSED, "spf: the client is not permitted" },
	[ORIGIN_SPF_LATER] = { SESSION_QUEUE_OUTCOME_SPF_LATER, "spf: could not be checked" },
	[ORIGIN_DKIM_REFUSED] = { SESSION_QUEUE_OUTCOME_DKIM_REFUSED, "dkim: no signature is good" },
	[ORIGIN_DKIM_LATER] = { SESSION_QUEUE_OUTCOME_DKIM_LATER, "dkim: could not be verified" },
	[ORIGIN_DMARC_REFUSED] = { SESSION_QUEUE_OUTCOME_DMARC_REFUSED, "dmarc: its domain asks for reject" },
	[ORIGIN_DMARC_LATER] = { SESSION_QUEUE_OUTCOME_DMARC_LATER, "dmarc: could not be evaluated" },
};

enum session_queue_outcome origin_outcome(enum origin_verdict verdict)
{
	return verdicts[verdict].outcome;
}

const char *origin_reason(enum origin_verdict verdict)
{
	return verdicts[verdict].reason;
}

/* The words of the setting are those of the results. */
static bool is_refused(const struct conf_texts *refused, enum queue_authenticate_result result)
{
	static const char *const words[] = {
		[QUEUE_AUTHENTICATE_RESULT_NONE] = "none",
		[QUEUE_AUTHENTICATE_RESULT_PASS] = "pass",
		[QUEUE_AUTHENTICATE_RESULT_FAIL] = "fail",
		[QUEUE_AUTHENTICATE_RESULT_SOFTFAIL] = "softfail",
		[QUEUE_AUTHENTICATE_RESULT_NEUTRAL] = "neutral",
		[QUEUE_AUTHENTICATE_RESULT_POLICY] = "policy",
		[QUEUE_AUTHENTICATE_RESULT_TEMPERROR] = "temperror",
		[QUEUE_AUTHENTICATE_RESULT_PERMERROR] = "permerror",
	};

	for (size_t i = 0; i < refused->n; i++)
		if (text_is_cstr(refused->v[i], words[result]))
			return true;
	return false;
}

static enum origin_verdict judge_spf(const struct origin *o, const struct conf_authentication *conf)
{
	const struct conf_texts *const refused[] = { &conf->spf_helo_refuse, &conf->spf_refuse };

	for (size_t i = 0; i < 2; i++) {
		if (!o->has_spf[i] || !is_refused(refused[i], o->spf[i].result))
			continue;
		return o->spf[i].result == QUEUE_AUTHENTICATE_RESULT_TEMPERROR ? ORIGIN_SPF_LATER
									       : ORIGIN_SPF_REFUSED;
	}
	return ORIGIN_ACCEPTED;
}

static enum origin_verdict judge_dkim(const struct origin *o, const struct conf_authentication *conf)
{
	bool is_passing = false, is_later = false;

	for (size_t i = 0; i < o->n_dkim; i++) {
		is_passing |= o->dkim[i].result == QUEUE_AUTHENTICATE_RESULT_PASS;
		is_later |= o->dkim[i].result == QUEUE_AUTHENTICATE_RESULT_TEMPERROR;
	}
	if (o->n_dkim == 0 || is_passing)
		return ORIGIN_ACCEPTED;
	if (is_later)
		return conf->dkim_temperror == CONF_UNVERIFIED_REFUSE ? ORIGIN_DKIM_LATER : ORIGIN_ACCEPTED;
	return conf->dkim_fail == CONF_UNVERIFIED_REFUSE ? ORIGIN_DKIM_REFUSED : ORIGIN_ACCEPTED;
}

static enum origin_verdict judge_failure(const struct queue_authenticate_dmarc *dmarc,
					 const struct conf_authentication *conf)
{
	if (dmarc->applied == QUEUE_AUTHENTICATE_POLICY_REJECT) {
		if (conf->dmarc_reject == CONF_DMARC_REJECT_REJECT)
			return ORIGIN_DMARC_REFUSED;
		return conf->dmarc_reject == CONF_DMARC_REJECT_QUARANTINE ? ORIGIN_QUARANTINED
									  : ORIGIN_ACCEPTED;
	}
	if (dmarc->applied == QUEUE_AUTHENTICATE_POLICY_QUARANTINE &&
	    conf->dmarc_quarantine == CONF_DMARC_QUARANTINE_QUARANTINE)
		return ORIGIN_QUARANTINED;
	return ORIGIN_ACCEPTED;
}

static enum origin_verdict judge_dmarc(const struct origin *o, const struct conf_authentication *conf)
{
	bool refuses_temperror = conf->dmarc_temperror == CONF_UNVERIFIED_REFUSE,
	     refuses_permerror = conf->dmarc_permerror == CONF_UNVERIFIED_REFUSE;

	if (!o->has_dmarc)
		return ORIGIN_ACCEPTED;
	switch (o->dmarc.result) {
	case QUEUE_AUTHENTICATE_RESULT_TEMPERROR:
		return refuses_temperror ? ORIGIN_DMARC_LATER : ORIGIN_ACCEPTED;
	case QUEUE_AUTHENTICATE_RESULT_PASS:
	case QUEUE_AUTHENTICATE_RESULT_NONE:
		return ORIGIN_ACCEPTED;
	case QUEUE_AUTHENTICATE_RESULT_PERMERROR:
		if (refuses_permerror)
			return ORIGIN_DMARC_REFUSED;
		break; /* of several authors one may ask for something. rfc9989 11.5 */
	default:
		break;
	}
	return judge_failure(&o->dmarc, conf);
}

void origin_judge(struct origin *o, const struct conf_authentication *conf)
{
	o->verdict = judge_spf(o, conf);
	if (o->verdict == ORIGIN_ACCEPTED)
		o->verdict = judge_dkim(o, conf);
	if (o->verdict == ORIGIN_ACCEPTED)
		o->verdict = judge_dmarc(o, conf);
}

struct text origin_explanation(const struct origin *o, const struct conf_authentication *conf)
{
	if (o->verdict != ORIGIN_SPF_REFUSED || !conf->spf_explanation)
		return (struct text){ NULL, 0 };
	for (size_t i = 0; i < 2; i++)
		if (o->has_spf[i] && o->spf[i].result == QUEUE_AUTHENTICATE_RESULT_FAIL &&
		    o->spf[i].explanation.n)
			return o->spf[i].explanation;
	return (struct text){ NULL, 0 };
}

struct text origin_authserv_id(const struct conf *conf, const struct conf_authentication *a)
{
	return a->authserv_id.n ? a->authserv_id : conf->top.hostname;
}

bool origin_is_wanted(const struct conf *conf, const struct spool_message *m)
{
	const struct conf_authentication *a = conf_authentication_of(conf, m->listener);
	bool is_any = a->iprev || a->spf || a->spf_helo || a->dkim || a->arc || a->dmarc || a->bimi;

	return is_any && m->origin.n == 0 && !(m->flags & (SPOOL_AUTHENTICATED | SPOOL_RELAY | SPOOL_NOTICE));
}
