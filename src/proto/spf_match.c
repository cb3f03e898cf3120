/* SPDX-License-Identifier: Apache-2.0
 *
 * One mechanism against one client. Called by spf.c, in the order of the record. What a mechanism may
 * ask is bounded here: one question, and for "mx" and "ptr" one more for each name, up to
 * spf_limits.names; a question without an answer counts against spf_limits.void_lookups once for each
 * term (rfc7208 4.6.4: the limit is one of terms, so that a client over IPv6 does not make an error of
 * three servers that have none).
 *
 * A name that macros made and that DNS cannot hold is not asked for and matches nothing, which
 * rfc7208 4.8 allows.
 */
#include "proto/spf_work.h"

#define EXPANSION_MAX 8192 /* of one domain-spec, before it is cut */
#define NAME_MAX_TEXT 253  /* rfc7208 7.3 */

static struct text without_last_dot(struct text t)
{
	if (t.n && t.p[t.n - 1] == '.')
		t.n--;
	return t;
}

/* ---- the client's names ---- */

static bool has_address(const struct dns_answer *answer, const struct addr *client, unsigned bits)
{
	for (size_t i = 0; i < answer->n; i++) {
		struct addr_prefix network = { answer->records[i].address, (uint8_t)bits };
		if (addr_is_v4(&network.addr) == addr_is_v4(client) && addr_is_in(client, &network))
			return true;
	}
	return false;
}

static enum dns_type address_type(const struct addr *client)
{
	return addr_is_v4(client) ? DNS_A : DNS_AAAA;
}

/* Another question of this term was in vain. */
static enum spf_match count_void(struct spf_work *w, struct text term)
{
	if (++w->result->void_lookups > w->limits->void_lookups && !w->is_explaining)
		return spf_stop(w, SPF_PROBLEM_VOID_LOOKUPS, term);
	return SPF_NO_MATCH;
}

/* rfc7208 5.5: those names of the client that have its address. What fails counts as not there. */
static void find_client_names(struct spf_work *w, bool *ret_is_void)
{
	char reverse[DNS_REVERSE_SIZE];
	struct dns_answer names, addresses;
	size_t max = w->limits->names < SPF_CLIENT_NAMES_MAX ? w->limits->names : SPF_CLIENT_NAMES_MAX;
	const struct addr *client = &w->query->client;

	*ret_is_void = false;
	if (w->has_client_names)
		return;
	w->has_client_names = true;
	dns_print_reverse(client, reverse);
	dns_ask(w->dns, DNS_PTR, text_from_cstr(reverse), w->arena, &names);
	*ret_is_void = names.status == DNS_NO_DATA || names.status == DNS_NO_NAME;
	for (size_t i = 0; i < names.n && i < max; i++) {
		dns_ask(w->dns, address_type(client), names.records[i].name, w->arena, &addresses);
		if (addresses.status == DNS_FOUND && has_address(&addresses, client, 128))
			w->client_names[w->n_client_names++] = names.records[i].name;
	}
}

static bool is_below(struct text name, struct text domain)
{
	return name.n > domain.n && text_has_suffix_nocase(name, domain) &&
	       name.p[name.n - domain.n - 1] == '.';
}

/* For the macro p: the domain itself, else a name below it, else any. rfc7208 7.3 */
static struct text choose_client_name(const struct spf_work *w)
{
	struct text domain = without_last_dot(w->values.domain);

	for (size_t i = 0; i < w->n_client_names; i++)
		if (text_is_equal_nocase(w->client_names[i], domain))
			return w->client_names[i];
	for (size_t i = 0; i < w->n_client_names; i++)
		if (is_below(w->client_names[i], domain))
			return w->client_names[i];
	return w->n_client_names ? w->client_names[0] : text_from_cstr("unknown");
}

/* ---- domain-specs ---- */

/* The macro p asks as the mechanism "ptr" does, and counts as one, once. rfc7208 4.6.4 */
static enum spf_match prepare_client_name(struct spf_work *w, struct text term)
{
	bool is_void = false;

	if (!w->has_client_names) {
		if (!spf_count_lookup(w, term))
			return SPF_STOP;
		find_client_names(w, &is_void);
	}
	w->values.client_name = choose_client_name(w);
	return is_void ? count_void(w, term) : SPF_NO_MATCH;
}

/* Labels go from the left until the rest has at most 253 bytes. rfc7208 7.3 */
static struct text cut_name(struct text name)
{
	struct text label;

	name = without_last_dot(name);
	while (name.n > NAME_MAX_TEXT && text_cut(name, '.', &label, &name))
		;
	return name;
}

/* A local part beyond ASCII is in no name of DNS. rfc8616 4 */
static bool is_unspeakable(const struct spf_work *w, struct text spec)
{
	return !text_is_ascii(w->values.local) && (spf_macro_has(spec, 's') || spf_macro_has(spec, 'l'));
}

enum spf_match spf_expand_domain(struct spf_work *w, struct text spec, struct text term,
				 struct text *ret_domain)
{
	struct text name;
	struct buf out;
	enum spf_match match = SPF_MATCH;

	*ret_domain = w->values.domain;
	if (spec.n == 0)
		return SPF_MATCH;
	if (is_unspeakable(w, spec))
		return SPF_NO_MATCH;
	if (spf_macro_has(spec, 'p') && prepare_client_name(w, term) == SPF_STOP)
		return SPF_STOP;
	buf_init(&out, EXPANSION_MAX);
	spf_macro_expand(spec, &w->values, &out);
	name = cut_name(buf_text(&out));
	if (out.overflow)
		match = spf_stop(w, SPF_PROBLEM_EXPANSION, term);
	else if (!arena_copy(w->arena, name, ret_domain))
		match = spf_stop(w, SPF_PROBLEM_MEMORY, term);
	else if (!dns_name_is_askable(name))
		match = SPF_NO_MATCH;
	buf_done(&out);
	return match;
}

/* ---- mechanisms ---- */

/* Asks; SPF_MATCH means that there is an answer. */
static enum spf_match ask(struct spf_work *w, enum dns_type type, struct text name, struct text term,
			  struct dns_answer *ret_answer)
{
	dns_ask(w->dns, type, name, w->arena, ret_answer);
	if (ret_answer->status == DNS_FAILED)
		return spf_stop(w, SPF_PROBLEM_DNS, name);
	if (ret_answer->status != DNS_FOUND)
		return count_void(w, term);
	return SPF_MATCH;
}

static unsigned prefix_bits(const struct spf_work *w, const struct spf_term *term)
{
	return addr_is_v4(&w->query->client) ? 96U + term->bits_v4 : term->bits_v6;
}

/* rfc7208 5.3 */
static enum spf_match match_a(struct spf_work *w, const struct spf_term *term, struct text domain)
{
	struct dns_answer answer;
	enum spf_match found = ask(w, address_type(&w->query->client), domain, term->source, &answer);

	if (found != SPF_MATCH)
		return found;
	return has_address(&answer, &w->query->client, prefix_bits(w, term)) ? SPF_MATCH : SPF_NO_MATCH;
}

/* rfc7208 5.4 */
static enum spf_match match_mx(struct spf_work *w, const struct spf_term *term, struct text domain)
{
	struct dns_answer servers, answer;
	enum spf_match found = ask(w, DNS_MX, domain, term->source, &servers);

	if (found != SPF_MATCH)
		return found;
	if (servers.n > w->limits->names)
		return spf_stop(w, SPF_PROBLEM_MX_NAMES, term->source);
	for (size_t i = 0; i < servers.n; i++) {
		dns_ask(w->dns, address_type(&w->query->client), servers.records[i].name, w->arena, &answer);
		if (answer.status == DNS_FAILED)
			return spf_stop(w, SPF_PROBLEM_DNS, servers.records[i].name);
		if (has_address(&answer, &w->query->client, prefix_bits(w, term)))
			return SPF_MATCH;
	}
	return SPF_NO_MATCH;
}

/* rfc7208 5.5 */
static enum spf_match match_ptr(struct spf_work *w, const struct spf_term *term, struct text domain)
{
	bool is_void;

	find_client_names(w, &is_void);
	if (is_void)
		return count_void(w, term->source);
	domain = without_last_dot(domain);
	for (size_t i = 0; i < w->n_client_names; i++)
		if (text_is_equal_nocase(w->client_names[i], domain) || is_below(w->client_names[i], domain))
			return SPF_MATCH;
	return SPF_NO_MATCH;
}

/* rfc7208 5.6 */
static enum spf_match match_network(const struct spf_work *w, const struct spf_term *term)
{
	const struct addr *client = &w->query->client;
	bool is_of_family = addr_is_v4(client) == (term->mechanism == SPF_MECHANISM_IP4);

	return is_of_family && addr_is_in(client, &term->network) ? SPF_MATCH : SPF_NO_MATCH;
}

enum spf_match spf_match_term(struct spf_work *w, const struct spf_term *term)
{
	struct dns_answer answer;
	struct text domain = { NULL, 0 };
	enum spf_match match;

	if (term->is_lookup) {
		match = spf_expand_domain(w, term->domain_spec, term->source, &domain);
		if (match != SPF_MATCH)
			return match;
	}
	switch (term->mechanism) {
	case SPF_MECHANISM_A:
		return match_a(w, term, domain);
	case SPF_MECHANISM_MX:
		return match_mx(w, term, domain);
	case SPF_MECHANISM_PTR:
		return match_ptr(w, term, domain);
	case SPF_MECHANISM_EXISTS: /* always A, whatever the client's family. rfc7208 5.7 */
		return ask(w, DNS_A, domain, term->source, &answer);
	case SPF_MECHANISM_IP4:
	case SPF_MECHANISM_IP6:
		return match_network(w, term);
	default:
		return SPF_MATCH; /* all */
	}
}

/* ---- explanations ---- */

static bool is_explanation(struct text t)
{
	return spf_macro_is_valid(t, SPF_MACRO_EXPLANATION);
}

static bool find_explanation(struct spf_work *w, const struct spf_record *record, struct text *ret_text)
{
	struct dns_answer answer;
	struct text domain;

	if (record->explain.n == 0 ||
	    spf_expand_domain(w, record->explain, record->explain_source, &domain) != SPF_MATCH)
		return false;
	dns_ask(w->dns, DNS_TXT, domain, w->arena, &answer);
	if (answer.status != DNS_FOUND || answer.n != 1 || !is_explanation(answer.records[0].data))
		return false;
	*ret_text = answer.records[0].data;
	return !spf_macro_has(*ret_text, 'p') || prepare_client_name(w, record->explain_source) != SPF_STOP;
}

struct text spf_explain(struct spf_work *w, const struct spf_record *record)
{
	struct spf_result before = *w->result;
	struct text text = { NULL, 0 };
	struct buf out;

	w->is_explaining = true;
	buf_init(&out, w->limits->explanation);
	if (find_explanation(w, record, &text))
		spf_macro_expand(text, &w->values, &out);
	if (out.overflow || !text_is_printable(buf_text(&out)) ||
	    !arena_copy(w->arena, buf_text(&out), &text))
		text = (struct text){ NULL, 0 };
	buf_done(&out);
	/* What went wrong with a text for people, and what was asked for it, is not of the check. */
	*w->result = before;
	return text;
}
