/* SPDX-License-Identifier: Apache-2.0
 *
 * The grammar of a record. Called by spf.c with what DNS gave. Pure: no question is asked here.
 *
 *	record            = version terms *SP                                   rfc7208 4.5
 *	version           = "v=spf1"
 *	terms             = *( 1*SP ( directive / modifier ) )                  rfc7208 4.6.1
 *	directive         = [ qualifier ] mechanism
 *	qualifier         = "+" / "-" / "?" / "~"
 *	mechanism         = ( all / include / a / mx / ptr / ip4 / ip6 / exists )
 *	modifier          = redirect / explanation / unknown-modifier
 *	unknown-modifier  = name "=" macro-string
 *	name              = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." )
 *	a, mx             = ( "a" / "mx" ) [ ":" domain-spec ] [ dual-cidr-length ]   rfc7208 5.3, 5.4
 *	dual-cidr-length  = [ ip4-cidr-length ] [ "/" ip6-cidr-length ]
 *	ip4-cidr-length   = "/" ( "0" / %x31-39 0*1DIGIT )    ; 0 to 32
 *	ip6-cidr-length   = "/" ( "0" / %x31-39 0*2DIGIT )    ; 0 to 128
 *	ip4, ip6          = ( "ip4" / "ip6" ) ":" network [ cidr-length ]             rfc7208 5.6
 *
 * A domain-spec may itself hold "/": the lengths are taken from the end of the term. Each term costs
 * time linear in its length.
 */
#include "proto/spf_record.h"

#include "proto/spf_macro.h"

struct mechanism {
	struct text word;
	enum spf_argument argument;
	bool has_prefix, is_lookup;
};

static const struct mechanism mechanisms[] = {
#define MECHANISM(name, word, argument, has_prefix, is_lookup)                                               \
	{ TEXT(word), argument, has_prefix, is_lookup },
#include "proto/spf_mechanisms.def"
#undef MECHANISM
};

static const struct text version = TEXT("v=spf1");

bool spf_record_is_spf(struct text txt)
{
	return text_has_prefix_nocase(txt, version) && (txt.n == version.n || txt.p[version.n] == ' ');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	c = text_lower_byte(c);
	return c >= 'a' && c <= 'z';
}

/* ---- arguments ---- */

/* No sign, no leading zero. */
static bool parse_length(struct text t, unsigned max, uint8_t *ret_bits)
{
	uint64_t bits;

	if (!text_parse_u64(t, max, &bits) || (t.n > 1 && t.p[0] == '0'))
		return false;
	*ret_bits = (uint8_t)bits;
	return true;
}

/* Where the digits at the end of t begin; SIZE_MAX when no slash is before them. */
static size_t find_last_length(struct text t)
{
	size_t at = t.n;

	while (at > 0 && is_digit(t.p[at - 1]))
		at--;
	return at > 0 && t.p[at - 1] == '/' ? at : SIZE_MAX;
}

/* Cuts a dual-cidr-length off the end of *t. */
static bool cut_lengths(struct text *t, uint8_t *ret_v4, uint8_t *ret_v6)
{
	size_t at = find_last_length(*t);

	*ret_v4 = 32;
	*ret_v6 = 128;
	if (at == SIZE_MAX)
		return true;
	if (at >= 2 && t->p[at - 2] == '/') {
		if (!parse_length(text_skip(*t, at), 128, ret_v6))
			return false;
		t->n = at - 2;
		at = find_last_length(*t);
		if (at == SIZE_MAX)
			return true;
	}
	if (!parse_length(text_skip(*t, at), 32, ret_v4))
		return false;
	t->n = at - 1;
	return true;
}

/* "1.2.3.4", without leading zeros, which addr_parse does not take either. */
static enum spf_problem parse_network(struct text t, bool is_v4, struct addr_prefix *ret_network)
{
	struct text host, length;
	bool has_length = text_cut(t, '/', &host, &length);
	uint8_t bits = is_v4 ? 32 : 128;

	if (!addr_parse(host, &ret_network->addr) || (text_find_byte(host, ':') == host.n) != is_v4)
		return SPF_PROBLEM_ADDRESS;
	if (has_length && !parse_length(length, bits, &bits))
		return SPF_PROBLEM_PREFIX;
	ret_network->bits = (uint8_t)(is_v4 ? 96 + bits : bits);
	return SPF_PROBLEM_NONE;
}

/* What follows the mechanism's name. */
static enum spf_problem parse_argument(struct text t, const struct mechanism *m, struct spf_term *term)
{
	bool is_given;

	term->bits_v4 = 32;
	term->bits_v6 = 128;
	if (m->argument == SPF_TAKES_NETWORK) {
		if (t.n < 2 || t.p[0] != ':')
			return SPF_PROBLEM_NO_ARGUMENT;
		return parse_network(text_skip(t, 1), term->mechanism == SPF_MECHANISM_IP4, &term->network);
	}
	if (m->has_prefix && !cut_lengths(&t, &term->bits_v4, &term->bits_v6))
		return SPF_PROBLEM_PREFIX;
	is_given = t.n > 0;
	if (m->argument == SPF_TAKES_DOMAIN && t.n < 2)
		return SPF_PROBLEM_NO_ARGUMENT;
	if (is_given && (m->argument == SPF_TAKES_NOTHING || t.p[0] != ':'))
		return SPF_PROBLEM_ARGUMENT;
	term->domain_spec = text_skip(t, 1);
	if (is_given && !spf_macro_is_domain_spec(term->domain_spec))
		return SPF_PROBLEM_DOMAIN_SPEC;
	return SPF_PROBLEM_NONE;
}

/* ---- terms ---- */

static enum spf_problem parse_directive(struct text t, struct spf_term *ret_term)
{
	static const struct {
		char qualifier;
		enum auth_result result;
	} qualifiers[] = {
		{ '+', AUTH_PASS }, { '-', AUTH_FAIL }, { '~', AUTH_SOFTFAIL }, { '?', AUTH_NEUTRAL }
	};
	size_t n = 0;

	*ret_term = (struct spf_term){ .source = t, .result = AUTH_PASS };
	for (size_t i = 0; i < sizeof qualifiers / sizeof *qualifiers; i++) {
		if (qualifiers[i].qualifier != t.p[0])
			continue;
		ret_term->result = qualifiers[i].result;
		t = text_skip(t, 1);
		break;
	}
	while (n < t.n && t.p[n] != ':' && t.p[n] != '/')
		n++;
	for (size_t i = 0; i < SPF_MECHANISM_COUNT; i++) {
		if (!text_is_equal_nocase(text_slice(t, 0, n), mechanisms[i].word))
			continue;
		ret_term->mechanism = (enum spf_mechanism)i;
		ret_term->is_lookup = mechanisms[i].is_lookup;
		return parse_argument(text_skip(t, n), &mechanisms[i], ret_term);
	}
	return SPF_PROBLEM_MECHANISM;
}

/* Is there a name with "=" behind it? */
static bool is_modifier(struct text t, struct text *ret_name, struct text *ret_value)
{
	if (!text_cut(t, '=', ret_name, ret_value) || ret_name->n == 0 || !is_alpha(t.p[0]))
		return false;
	for (size_t i = 0; i < ret_name->n; i++) {
		char c = ret_name->p[i];
		if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '_' && c != '.')
			return false;
	}
	return true;
}

static enum spf_problem set_modifier(struct text source, struct text value, struct text *kept_source,
				     struct text *kept)
{
	if (kept_source->n)
		return SPF_PROBLEM_REPEATED;
	if (!spf_macro_is_domain_spec(value))
		return value.n ? SPF_PROBLEM_DOMAIN_SPEC : SPF_PROBLEM_NO_ARGUMENT;
	*kept_source = source;
	*kept = value;
	return SPF_PROBLEM_NONE;
}

static enum spf_problem parse_term(struct text t, struct spf_record *record)
{
	struct text name, value;
	enum spf_problem problem;

	if (!is_modifier(t, &name, &value)) {
		problem = parse_directive(t, &record->terms[record->n]);
		record->n++;
		return problem;
	}
	if (text_is_cstr_nocase(name, "redirect"))
		return set_modifier(t, value, &record->redirect_source, &record->redirect);
	if (text_is_cstr_nocase(name, "exp"))
		return set_modifier(t, value, &record->explain_source, &record->explain);
	return spf_macro_is_valid(value, SPF_MACRO_DOMAIN) ? SPF_PROBLEM_NONE : SPF_PROBLEM_DOMAIN_SPEC;
}

static size_t count_terms(struct text t)
{
	struct text term;
	size_t n = 0;

	while (t.n) {
		text_cut(t, ' ', &term, &t);
		n += term.n > 0;
	}
	return n;
}

enum spf_problem spf_record_parse(struct text txt, const struct spf_limits *limits, struct arena *arena,
				  struct spf_record *ret_record, struct text *ret_where)
{
	struct text rest = text_skip(txt, version.n);
	size_t n = count_terms(rest);
	enum spf_problem problem = SPF_PROBLEM_NONE;

	*ret_record = (struct spf_record){ 0 };
	*ret_where = (struct text){ NULL, 0 };
	if (txt.n > limits->record)
		return SPF_PROBLEM_RECORD_SIZE;
	if (n > limits->terms)
		return SPF_PROBLEM_TERMS;
	ret_record->terms = arena_alloc(arena, (n + 1) * sizeof *ret_record->terms);
	if (!ret_record->terms)
		return SPF_PROBLEM_MEMORY;
	while (rest.n && !problem) {
		text_cut(rest, ' ', ret_where, &rest);
		if (!text_is_printable(*ret_where))
			problem = SPF_PROBLEM_BYTE;
		else if (ret_where->n)
			problem = parse_term(*ret_where, ret_record);
	}
	if (!problem)
		*ret_where = (struct text){ NULL, 0 };
	return problem;
}
