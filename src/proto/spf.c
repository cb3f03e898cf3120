/* SPDX-License-Identifier: Apache-2.0
 *
 * check_host() of rfc7208 4: which record, which term, which result. Called by judge/authenticate.c and
 * the tests. The grammar is in spf_record.c, the mechanisms in spf_match.c, macros in spf_macro.c.
 *
 * Invariants: a record is read whole before its first term is evaluated; every term that asks is
 * counted before it asks, in all records together, so that "include" goes no deeper than
 * spf_limits.lookups and a loop of "redirect" ends; once SPF_STOP is given nothing more is asked.
 */
#include "proto/spf.h"

#include "base/ensure.h"
#include "proto/domain.h"
#include "proto/spf_work.h"

struct spf_limits spf_limits_default(void)
{
	return (struct spf_limits){ .lookups = 10,
				    .void_lookups = 2,
				    .names = 10,
				    .terms = 256,
				    .record = 4096,
				    .explanation = 512 };
}

const char *spf_identity_word(enum spf_identity identity)
{
	return identity == SPF_HELO ? "helo" : "mailfrom";
}

const char *spf_problem_text(enum spf_problem problem)
{
	static const char *const texts[] = {
#define PROBLEM(name, text) text,
#include "proto/spf_problems.def"
#undef PROBLEM
	};

	ASSERT(problem < SPF_PROBLEM_COUNT);
	return texts[problem];
}

enum spf_match spf_stop(struct spf_work *w, enum spf_problem problem, struct text where)
{
	w->result->result = problem == SPF_PROBLEM_DNS ? AUTH_TEMPERROR : AUTH_PERMERROR;
	w->result->problem = problem;
	w->result->problem_at = where;
	w->result->record_owner = w->values.domain;
	return SPF_STOP;
}

bool spf_count_lookup(struct spf_work *w, struct text term)
{
	if (w->result->lookups >= w->limits->lookups || w->result->lookups >= SPF_LOOKUPS_MAX) {
		spf_stop(w, SPF_PROBLEM_LOOKUPS, term);
		return false;
	}
	w->result->lookups++;
	return true;
}

/* ---- the record ---- */

/* The one SPF record of w->values.domain. SPF_NO_MATCH: there is none. rfc7208 4.4 and 4.5 */
static enum spf_match find_record(struct spf_work *w, struct spf_record *ret_record)
{
	struct dns_answer answer;
	struct text txt = { NULL, 0 }, where;
	enum spf_problem problem;
	size_t n = 0;

	dns_ask(w->dns, DNS_TXT, w->values.domain, w->arena, &answer);
	if (answer.status == DNS_FAILED)
		return spf_stop(w, SPF_PROBLEM_DNS, w->values.domain);
	for (size_t i = 0; i < answer.n; i++) {
		if (!spf_record_is_spf(answer.records[i].data))
			continue;
		txt = answer.records[i].data;
		n++;
	}
	if (n == 0)
		return SPF_NO_MATCH;
	if (n > 1)
		return spf_stop(w, SPF_PROBLEM_TWO_RECORDS, w->values.domain);
	problem = spf_record_parse(txt, w->limits, w->arena, ret_record, &where);
	return problem ? spf_stop(w, problem, where) : SPF_MATCH;
}

/* ---- evaluation ---- */

static enum spf_match check_domain(struct spf_work *w, unsigned depth);

/* The domain's own check, as if it were the sender's. rfc7208 5.2 */
static enum spf_match match_include(struct spf_work *w, const struct spf_term *term, unsigned depth)
{
	struct text outer = w->values.domain, domain;
	enum spf_match match = spf_expand_domain(w, term->domain_spec, term->source, &domain);

	/* A name that cannot be has no record either. */
	if (match == SPF_NO_MATCH)
		return spf_stop(w, SPF_PROBLEM_NO_INCLUDED, term->source);
	if (match == SPF_STOP)
		return SPF_STOP;
	w->values.domain = domain;
	match = check_domain(w, depth + 1);
	w->values.domain = outer;
	if (match == SPF_STOP)
		return SPF_STOP;
	if (w->result->result == AUTH_NONE)
		return spf_stop(w, SPF_PROBLEM_NO_INCLUDED, term->source);
	return w->result->result == AUTH_PASS ? SPF_MATCH : SPF_NO_MATCH;
}

/* The first term that matches gives the result. rfc7208 4.6.2 */
static enum spf_match evaluate(struct spf_work *w, const struct spf_record *record, unsigned depth)
{
	for (size_t i = 0; i < record->n; i++) {
		const struct spf_term *term = &record->terms[i];
		enum spf_match match;
		if (term->is_lookup && !spf_count_lookup(w, term->source))
			return SPF_STOP;
		match = term->mechanism == SPF_MECHANISM_INCLUDE ? match_include(w, term, depth)
								 : spf_match_term(w, term);
		if (match == SPF_STOP)
			return SPF_STOP;
		if (match == SPF_NO_MATCH)
			continue;
		w->result->result = term->result;
		w->result->mechanism = term->source;
		w->result->record_owner = w->values.domain;
		return SPF_MATCH;
	}
	return SPF_NO_MATCH;
}

/* Makes the domain of redirect= the one to be checked. rfc7208 6.1 */
static enum spf_match follow_redirect(struct spf_work *w, const struct spf_record *record)
{
	struct text domain;
	enum spf_match match;

	if (!spf_count_lookup(w, record->redirect_source))
		return SPF_STOP;
	match = spf_expand_domain(w, record->redirect, record->redirect_source, &domain);
	if (match == SPF_NO_MATCH)
		return spf_stop(w, SPF_PROBLEM_NO_INCLUDED, record->redirect_source);
	if (match == SPF_MATCH)
		w->values.domain = domain;
	return match;
}

/* Sets the result of w->values.domain. AUTH_NONE: it has no record. Explanations are those of the outermost
 * records only. rfc7208 6.2 */
static enum spf_match check_domain(struct spf_work *w, unsigned depth)
{
	struct spf_record record;
	struct text redirect = { NULL, 0 }; /* the modifier that led here */
	enum spf_match match;

	while (true) {
		match = find_record(w, &record);
		if (match == SPF_NO_MATCH && redirect.n)
			return spf_stop(w, SPF_PROBLEM_NO_INCLUDED, redirect);
		w->result->result = match == SPF_NO_MATCH ? AUTH_NONE : w->result->result;
		if (match != SPF_MATCH)
			return match;
		match = evaluate(w, &record, depth);
		if (match != SPF_NO_MATCH)
			break;
		if (record.redirect.n == 0) {
			w->result->result = AUTH_NEUTRAL; /* rfc7208 4.7 */
			w->result->mechanism = (struct text){ NULL, 0 };
			w->result->record_owner = w->values.domain;
			return SPF_NO_MATCH;
		}
		redirect = record.redirect_source;
		if (follow_redirect(w, &record) == SPF_STOP)
			return SPF_STOP;
	}
	if (match == SPF_MATCH && depth == 0 && w->result->result == AUTH_FAIL)
		w->result->explanation = spf_explain(w, &record);
	return match;
}

/* ---- the identity ---- */

/* "local@domain"; without a local part it is postmaster's. rfc7208 4.3 */
static void split_identity(const struct spf_query *query, struct text *ret_local, struct text *ret_domain)
{
	struct text address = query->mail_from;
	size_t at = text_find_last_byte(address, '@');

	*ret_local = text_from_cstr("postmaster");
	*ret_domain = query->helo;
	if (query->identity == SPF_HELO || address.n == 0)
		return;
	*ret_domain = at == SIZE_MAX ? address : text_skip(address, at + 1);
	if (at != SIZE_MAX && at > 0)
		*ret_local = text_slice(address, 0, at);
}

/* rfc7208 4.3: of several labels, and such that DNS can hold it. */
static bool is_domain(struct text domain)
{
	if (domain.n && domain.p[domain.n - 1] == '.')
		domain.n--;
	return dns_name_is_valid(domain) && domain.p[0] != '[' && text_find_byte(domain, '.') < domain.n;
}

static bool print_sender(struct text local, struct text domain, struct arena *arena, struct text *ret_sender)
{
	char *p = arena_alloc(arena, local.n + domain.n + 2);

	if (!p)
		return false;
	memcpy(p, local.p, local.n);
	p[local.n] = '@';
	memcpy(p + local.n + 1, domain.p, domain.n);
	*ret_sender = text_from_bytes(p, local.n + 1 + domain.n);
	return true;
}

static struct text lower_case(struct text t, struct arena *arena)
{
	char *p = arena_cstr(arena, t);

	for (size_t i = 0; p && i < t.n; i++)
		p[i] = text_lower_byte(p[i]);
	return text_from_bytes(p, p ? t.n : 0);
}

void spf_check(const struct spf_query *query, const struct spf_limits *limits, const struct dns_source *dns,
	       struct arena *arena, struct spf_result *ret_result)
{
	struct spf_work w = { query, limits, dns, arena, ret_result };
	struct text local, domain;

	*ret_result = (struct spf_result){ .result = AUTH_NONE, .problem = SPF_PROBLEM_NO_DOMAIN };
	split_identity(query, &local, &domain);
	if (!domain_to_ascii(domain, arena, &domain) || !is_domain(domain))
		return;
	if (domain.p[domain.n - 1] == '.')
		domain.n--;
	w.values = (struct spf_macro_values){
		.local = local,
		.sender_domain = domain,
		.domain = domain,
		.client = query->client,
		.client_name = text_from_cstr("unknown"),
		.helo = query->helo,
		.receiver = query->receiver.n ? query->receiver : text_from_cstr("unknown"),
		.now = query->now,
	};
	ret_result->problem = SPF_PROBLEM_NONE;
	ret_result->domain = lower_case(domain, arena);
	if (!print_sender(local, domain, arena, &w.values.sender)) {
		spf_stop(&w, SPF_PROBLEM_MEMORY, domain);
		return;
	}
	ret_result->sender = w.values.sender;
	check_domain(&w, 0);
	if (ret_result->result == AUTH_NONE)
		ret_result->problem = SPF_PROBLEM_NO_RECORD;
}
