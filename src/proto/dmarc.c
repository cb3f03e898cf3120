/* SPDX-License-Identifier: Apache-2.0
 *
 * DMARC for one message: whose policy applies, what is aligned with the author, what is applied. Called where
 * a message is authenticated, by `postern authenticate`, and by whoever needs an organisational domain. The
 * domains come from strangers; those of SPF and DKIM results are theirs, too, and only the results are
 * trusted.
 *
 * Invariants:
 * 1. Only a domain made of letters, digits, "-" and "_" is compared with another or asked for.
 * 2. An identifier outside the author's organisation is never looked up: it cannot be aligned.
 * 3. A policy is applied only where the result for its author is fail; each weakening is an override.
 */
#include "proto/dmarc.h"

#include "base/buf.h"
#include "proto/dmarc_walk.h"
#include "proto/domain.h"

#define NAME_MAX_BYTES 253

enum alignment { NOT_ALIGNED, ALIGNED, NOT_KNOWN };

/* The check of one author. */
struct check {
	const struct dmarc_question *q;
	struct dmarc_finder *finder;
	struct dmarc_result *result;
	struct text author;
	bool is_organization_asked;
	bool is_organization_known;
	bool is_unknown; /* the DNS kept an identifier from being known */
};

/* --- domains --- */

static bool is_host_byte(char c)
{
	char lower = text_lower_byte(c);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* A-labels in lower case, without a last dot; false: nothing that DNS could know. */
static bool read_domain(struct text given, struct arena *arena, struct text *ret_domain)
{
	struct text ascii;
	char *out;

	if (given.n > 0 && given.p[given.n - 1] == '.')
		given.n--;
	if (!domain_to_ascii(given, arena, &ascii) || !dns_name_is_valid(ascii))
		return false;
	out = arena_alloc(arena, ascii.n);
	if (out == NULL)
		return false;
	for (size_t i = 0; i < ascii.n; i++) {
		if (!is_host_byte(ascii.p[i]))
			return false;
		out[i] = text_lower_byte(ascii.p[i]);
	}
	*ret_domain = text_from_bytes(out, ascii.n);
	return true;
}

/* --- the policy record --- */

/* Asked only when somebody needs it. */
static bool know_organization(struct check *c)
{
	if (!c->is_organization_asked) {
		c->is_organization_asked = true;
		c->is_organization_known = dmarc_organization(c->finder, c->author, &c->result->organization);
	}
	return c->is_organization_known;
}

static void set_policy_record(struct check *c, const struct dmarc_found *found, enum dmarc_discovery by)
{
	c->result->policy_domain = found->domain;
	c->result->record = found->record;
	c->result->discovery = by;
	if (found->status == DMARC_RECORD_UNUSABLE) {
		c->result->result = AUTH_PERMERROR;
		c->result->reason = "the record has no policy";
	}
}

/* The record of the organisational domain, else that of the public suffix domain. rfc9989 4.10.1 */
static bool find_above(struct check *c)
{
	struct dmarc_walk walk;
	enum dmarc_discovery by;

	if (!dmarc_walk_tree(c->finder, c->author, &walk))
		return false;
	c->is_organization_asked = c->is_organization_known = true;
	c->result->organization = dmarc_walk_organization(c->finder, &walk, &by);
	for (size_t i = 0; i < walk.n; i++)
		if (text_is_equal(walk.found[i]->domain, c->result->organization)) {
			set_policy_record(c, walk.found[i], DMARC_TREEWALK);
			return true;
		}
	if (walk.n > 0)
		set_policy_record(c, walk.found[walk.n - 1], DMARC_TREEWALK);
	return true;
}

static bool find_listed(struct check *c)
{
	const struct dmarc_found *found;

	(void)know_organization(c);
	found = dmarc_find(c->finder, c->result->organization);
	if (found->dns == DNS_FOUND)
		set_policy_record(c, found, DMARC_PSL);
	return found->dns != DNS_FAILED;
}

/* False: the DNS did not answer. */
static bool find_policy(struct check *c)
{
	bool is_listed = c->q->discovery == DMARC_PSL;
	const struct dmarc_found *found = dmarc_find(c->finder, c->author);

	if (found->dns == DNS_FAILED)
		return false;
	if (found->dns == DNS_FOUND) {
		set_policy_record(c, found, is_listed ? DMARC_PSL : DMARC_TREEWALK);
		return true;
	}
	return is_listed ? find_listed(c) : find_above(c);
}

/* rfc9989 3.2.13: a name exists unless the DNS denies it as a whole. */
static bool does_author_exist(struct check *c)
{
	struct dns_answer answer;

	c->finder->n_queries++;
	dns_ask(c->finder->dns, DNS_A, c->author, c->finder->arena, &answer);
	return answer.status != DNS_NO_NAME;
}

/* Which of p, sp and np speaks. rfc9989 4.10.1 */
static void choose_tag(struct check *c)
{
	struct dmarc_result *r = c->result;
	bool is_below = !text_is_equal(r->policy_domain, c->author);

	if (is_below && r->record.has_np && !does_author_exist(c)) {
		r->tag = "np";
		r->published = r->record.np;
	} else if (is_below && r->record.has_sp) {
		r->tag = "sp";
		r->published = r->record.sp;
	} else {
		r->tag = "p";
		r->published = r->record.p;
	}
}

/* --- alignment --- */

/* rfc9989 4.10.2. Two names share an organisational domain only if both are within it, which saves the walk
 * for all others. */
static enum alignment align(struct check *c, struct text identifier, bool is_strict)
{
	struct text id, organization;

	if (!read_domain(identifier, c->finder->arena, &id))
		return NOT_ALIGNED;
	if (text_is_equal(id, c->author))
		return ALIGNED;
	if (is_strict || !text_is_equal(dmarc_last_labels(id, 1), dmarc_last_labels(c->author, 1)))
		return NOT_ALIGNED;
	if (!know_organization(c))
		return NOT_KNOWN;
	if (!dmarc_is_within(id, c->result->organization))
		return NOT_ALIGNED;
	if (!dmarc_organization(c->finder, id, &organization))
		return NOT_KNOWN;
	return text_is_equal(organization, c->result->organization) ? ALIGNED : NOT_ALIGNED;
}

/* Did it pass in alignment? A result that the DNS withheld may be one that would have. */
static bool identifies(struct check *c, enum auth_result result, struct text domain, bool is_strict)
{
	enum alignment alignment;

	if (result != AUTH_PASS && result != AUTH_TEMPERROR)
		return false;
	alignment = align(c, domain, is_strict);
	if (alignment == NOT_KNOWN || (alignment == ALIGNED && result == AUTH_TEMPERROR))
		c->is_unknown = true;
	return alignment == ALIGNED && result == AUTH_PASS;
}

static void align_all(struct check *c)
{
	const struct dmarc_question *q = c->q;
	struct dmarc_result *r = c->result;

	r->is_spf_aligned = identifies(c, q->spf.result, q->spf.domain, r->record.is_spf_strict);
	for (size_t i = 0; i < q->n_signatures && !r->is_dkim_aligned; i++) {
		const struct dmarc_signature *s = &q->signatures[i];
		if (!identifies(c, s->result, s->domain, r->record.is_dkim_strict))
			continue;
		r->is_dkim_aligned = true;
		r->aligned_signature = i;
	}
}

/* --- what is applied --- */

static void override(struct dmarc_result *r, enum dmarc_policy applied, enum dmarc_override_type type,
		     struct text comment)
{
	r->applied = applied;
	if (r->n_overrides < DMARC_OVERRIDES_MAX)
		r->overrides[r->n_overrides++] = (struct dmarc_override){ .type = type, .comment = comment };
}

/* Nobody vouches: the owner's test mode lowers the policy by one, and what says that it came by a list is not
 * refused for the policy alone. rfc9989 4.7 and 7.4 */
static void weaken_policy(struct check *c)
{
	static const struct text list = TEXT("the header names a mailing list");
	struct dmarc_result *r = c->result;

	if (r->record.is_testing)
		override(r, r->applied - 1, DMARC_OVERRIDE_POLICY_TEST_MODE, (struct text){ 0 });
	if (c->q->vouch.is_list && r->applied == DMARC_REJECT)
		override(r, DMARC_QUARANTINE, DMARC_OVERRIDE_MAILING_LIST, list);
}

/* rfc9989 5.4 and 7.4, rfc8617 7.2 */
static void apply_policy(struct check *c)
{
	const struct dmarc_vouch *v = &c->q->vouch;
	struct dmarc_result *r = c->result;

	r->applied = r->published;
	if (r->applied == DMARC_NONE)
		return;
	if (v->is_exempt)
		override(r, DMARC_NONE, DMARC_OVERRIDE_LOCAL_POLICY, v->exemption);
	else if (v->is_trusted_forwarder)
		override(r, DMARC_NONE, DMARC_OVERRIDE_TRUSTED_FORWARDER, v->forwarder);
	else if (v->has_trusted_arc)
		override(r, DMARC_NONE,
			 v->is_list ? DMARC_OVERRIDE_MAILING_LIST : DMARC_OVERRIDE_LOCAL_POLICY, v->arc);
	else
		weaken_policy(c);
}

/* --- one author --- */

static void finish(struct dmarc_result *r, enum auth_result result, const char *reason)
{
	r->result = result;
	r->reason = reason;
}

static void check_author(const struct dmarc_question *q, struct dmarc_finder *finder, struct text author,
			 struct dmarc_result *ret_result)
{
	struct dmarc_result *r = ret_result;
	struct check c = { .q = q, .finder = finder, .result = r, .author = author };

	*r = (struct dmarc_result){ .domain = author, .aligned_signature = q->n_signatures };
	if (!find_policy(&c)) {
		finish(r, AUTH_TEMPERROR, "the DNS did not answer for the policy");
		return;
	}
	if (r->policy_domain.n == 0 || r->result == AUTH_PERMERROR)
		return;
	choose_tag(&c);
	align_all(&c);
	if (r->is_spf_aligned || r->is_dkim_aligned) {
		finish(r, AUTH_PASS, NULL);
	} else if (c.is_unknown) {
		finish(r, AUTH_TEMPERROR, "the DNS did not answer for an identifier");
	} else {
		finish(r, AUTH_FAIL, NULL);
		apply_policy(&c);
	}
}

/* --- all authors --- */

/* Each is checked on its own; what the strictest of the failed asks for stands for all. rfc9989 11.5 */
static void check_each(const struct dmarc_question *q, struct dmarc_finder *finder,
		       struct dmarc_result *ret_result)
{
	for (size_t i = 0; i < q->from.n_domains && i < DMARC_AUTHORS_MAX; i++) {
		struct dmarc_result one;
		struct text author;

		if (!read_domain(q->from.domains[i], finder->arena, &author))
			continue;
		check_author(q, finder, author, &one);
		if (ret_result->domain.n == 0 || one.applied > ret_result->applied)
			*ret_result = one;
	}
}

static const char *author_trouble(const struct dmarc_from *from)
{
	if (from->n_fields == 0)
		return "no From field";
	if (from->n_fields > 1)
		return "several From fields";
	if (from->n_domains > 1)
		return "several domains in From";
	if (from->is_malformed)
		return "From is malformed";
	return from->n_domains == 0 ? "no domain in From" : NULL;
}

void dmarc_check(const struct dmarc_question *question, const struct dns_source *dns, struct arena *arena,
		 struct dmarc_result *ret_result)
{
	struct dmarc_finder finder = { .dns = dns, .arena = arena, .discovery = question->discovery };
	const char *trouble = author_trouble(&question->from);

	*ret_result = (struct dmarc_result){ .aligned_signature = question->n_signatures };
	check_each(question, &finder, ret_result);
	if (trouble)
		finish(ret_result, AUTH_PERMERROR, trouble);
	else if (ret_result->domain.n == 0)
		finish(ret_result, AUTH_PERMERROR, "From has no domain that the DNS could know");
	ret_result->n_queries = finder.n_queries;
}

/* --- for others --- */

enum dns_status dmarc_find_organization(struct text domain, enum dmarc_discovery discovery,
					const struct dns_source *dns, struct arena *arena,
					struct text *ret_organization)
{
	struct dmarc_finder finder = { .dns = dns, .arena = arena, .discovery = discovery };
	struct text name;

	if (!read_domain(domain, arena, &name))
		name = domain;
	return dmarc_organization(&finder, name, ret_organization) ? DNS_FOUND : DNS_FAILED;
}

/* The records that let others send their reports here; the first with addresses of its own counts. */
static enum dns_status read_permission(const struct dns_answer *answer, struct arena *arena,
				       struct dmarc_record *ret_record)
{
	enum dns_status status = DNS_NO_DATA;

	for (size_t i = 0; i < answer->n; i++) {
		struct dmarc_record record;

		/* Without p, and so perhaps "unusable", is how such a record should be. */
		if (dmarc_record_parse(answer->records[i].data, arena, &record) == DMARC_RECORD_OTHER)
			continue;
		if (status == DNS_NO_DATA || (ret_record->n_rua == 0 && record.n_rua > 0))
			*ret_record = record;
		status = DNS_FOUND;
	}
	return status;
}

/* rfc9990 4, steps 1 to 8 */
enum dns_status dmarc_verify_destination(struct text policy_domain, struct text host,
					 enum dmarc_discovery discovery, const struct dns_source *dns,
					 struct arena *arena, struct dmarc_record *ret_record)
{
	struct dmarc_finder finder = { .dns = dns, .arena = arena, .discovery = discovery };
	struct text from, to, ours, theirs;
	struct dns_answer answer = { .status = DNS_NO_NAME };
	struct buf name;

	*ret_record = (struct dmarc_record){ 0 };
	if (!read_domain(policy_domain, arena, &from) || !read_domain(host, arena, &to))
		return DNS_NO_DATA;
	if (!dmarc_organization(&finder, from, &ours) || !dmarc_organization(&finder, to, &theirs))
		return DNS_FAILED;
	if (text_is_equal(ours, theirs))
		return DNS_FOUND;
	buf_init(&name, NAME_MAX_BYTES);
	buf_add(&name, from);
	buf_add_cstr(&name, "._report._dmarc.");
	buf_add(&name, to);
	if (!name.overflow)
		dns_ask(dns, DNS_TXT, buf_text(&name), arena, &answer);
	buf_done(&name);
	if (answer.status != DNS_FOUND)
		return answer.status == DNS_FAILED ? DNS_FAILED : DNS_NO_DATA;
	return read_permission(&answer, arena, ret_record);
}

const char *dmarc_override_word(enum dmarc_override_type type)
{
	static const char *const words[DMARC_OVERRIDE_COUNT] = {
		"local_policy", "mailing_list", "other", "policy_test_mode", "trusted_forwarder",
	};

	return words[type];
}

const char *dmarc_discovery_word(enum dmarc_discovery discovery)
{
	static const char *const words[] = { "treewalk", "psl", "auto" };

	return words[discovery];
}

bool dmarc_discovery_parse(struct text word, enum dmarc_discovery *ret_discovery)
{
	for (enum dmarc_discovery d = DMARC_TREEWALK; d <= DMARC_AUTO; d++)
		if (text_is_cstr_nocase(word, dmarc_discovery_word(d))) {
			*ret_discovery = d;
			return true;
		}
	return false;
}
