/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifies signatures. Called by whoever judges a message, with the message's bytes and the DNS, both a
 * stranger's. What costs least is asked first: the signature's own form, its times, the key, the body (hashed
 * once for all), the header, and only then the arithmetic. A key is asked for once per message. Trusts
 * dkim_message and dkim_key. Invariant: a result is pass only with reason NONE, and NONE is set only behind a
 * verified signature.
 */
#include "proto/dkim_verify.h"

#include <string.h>

/* What the DNS said of one name. */
struct dkim_key_answer {
	struct dkim_key_answer *next;
	struct text name;
	enum dns_status status;
	bool is_secure;
	struct dkim_key *keys;
	enum dkim_reason *reasons; /* of each record */
	size_t n;
};

void dkim_message_done(struct dkim_message *m)
{
	for (struct dkim_key_answer *a = m->keys; a; a = a->next)
		for (size_t i = 0; i < a->n; i++)
			dkim_key_done(&a->keys[i]);
	m->keys = NULL;
}

/* ---- keys ---- */

/* selector "._domainkey." domain; rfc6376 3.6.2.1 */
static bool make_key_name(const struct dkim_signature *s, struct arena *arena, struct text *ret_name)
{
	static const struct text middle = TEXT("._domainkey.");
	char *p = arena_alloc(arena, s->selector.n + middle.n + s->domain.n);

	if (!p)
		return false;
	memcpy(p, s->selector.p, s->selector.n);
	memcpy(p + s->selector.n, middle.p, middle.n);
	memcpy(p + s->selector.n + middle.n, s->domain.p, s->domain.n);
	*ret_name = text_from_bytes(p, s->selector.n + middle.n + s->domain.n);
	return true;
}

static bool parse_keys(struct dkim_message *m, const struct dns_answer *answer, struct dkim_key_answer *a)
{
	size_t n = answer->n < m->limits->keys ? answer->n : m->limits->keys;

	a->keys = arena_alloc(m->arena, n * sizeof *a->keys);
	a->reasons = arena_alloc(m->arena, n * sizeof *a->reasons);
	if (!a->keys || !a->reasons)
		return false;
	for (; a->n < n; a->n++)
		a->reasons[a->n] =
			dkim_key_parse(answer->records[a->n].data, m->limits->rsa_bits_max, &a->keys[a->n]);
	return true;
}

static struct dkim_key_answer *ask(struct dkim_message *m, const struct dns_source *dns, struct text name)
{
	struct dkim_key_answer *a = arena_alloc(m->arena, sizeof *a);
	struct dns_answer answer;

	if (!a)
		return NULL;
	dns_ask(dns, DNS_TXT, name, m->arena, &answer);
	*a = (struct dkim_key_answer){ m->keys, name, answer.status, answer.is_secure, NULL, NULL, 0 };
	m->keys = a;
	return answer.status != DNS_FOUND || parse_keys(m, &answer, a) ? a : NULL;
}

/* NULL: the arena is full. */
static const struct dkim_key_answer *find_keys(struct dkim_message *m, const struct dkim_signature *s,
					       const struct dns_source *dns)
{
	struct text name;

	if (!make_key_name(s, m->arena, &name))
		return NULL;
	for (const struct dkim_key_answer *a = m->keys; a; a = a->next)
		if (text_is_equal(a->name, name))
			return a;
	return ask(m, dns, name);
}

/* rfc6376 6.1.2 */
static enum dkim_reason check_key(const struct dkim_key *key, const struct dkim_signature *s)
{
	if (key->type != dkim_algorithm_key_type(s->algorithm))
		return DKIM_REASON_KEY_TYPE;
	if (!key->allows_sha256)
		return DKIM_REASON_KEY_HASH;
	if (!key->is_for_mail)
		return DKIM_REASON_KEY_SERVICE;
	if (key->is_strict && s->kind == DKIM_FIELD_DKIM && !text_is_equal(s->identity_domain, s->domain))
		return DKIM_REASON_KEY_IDENTITY;
	return key->public_key ? DKIM_REASON_NONE : DKIM_REASON_KEY_LONG;
}

/* Whether any key of the answer could do; the best reason why none does, otherwise. */
static enum dkim_reason check_keys(const struct dkim_key_answer *a, const struct dkim_signature *s,
				   struct dkim_result *result)
{
	enum dkim_reason worst = DKIM_REASON_NO_KEY;

	if (a->status == DNS_FAILED)
		return DKIM_REASON_KEY_DNS;
	for (size_t i = 0; i < a->n; i++) {
		enum dkim_reason reason = a->reasons[i] ? a->reasons[i] : check_key(&a->keys[i], s);
		if (reason == DKIM_REASON_NONE || reason > worst) {
			result->key_bits = a->keys[i].bits;
			result->is_testing = a->keys[i].is_testing;
		}
		if (reason == DKIM_REASON_NONE)
			return reason;
		worst = reason > worst ? reason : worst;
	}
	return worst;
}

/* Tries each key that fits: where there are several, the record that was meant is not known. */
static enum dkim_reason try_keys(const struct dkim_message *m, const struct dkim_key_answer *a,
				 const struct dkim_signature *s, const unsigned char *digest,
				 struct dkim_result *result)
{
	struct text bytes = text_from_bytes(digest, DKIM_DIGEST_BYTES);

	for (size_t i = 0; i < a->n; i++) {
		const struct dkim_key *key = &a->keys[i];
		if (a->reasons[i] || check_key(key, s) || !dkim_key_verify(key, bytes, s->signature))
			continue;
		result->key_bits = key->bits;
		result->is_testing = key->is_testing;
		return key->type == DKIM_KEY_RSA && key->bits < m->limits->rsa_bits_min
			       ? DKIM_REASON_KEY_SHORT
			       : DKIM_REASON_NONE;
	}
	return DKIM_REASON_SIGNATURE;
}

/* ---- one signature ---- */

void dkim_result_begin(const struct dkim_signature *s, struct dkim_result *ret_result)
{
	*ret_result = (struct dkim_result){
		.domain = s->domain,
		.selector = s->selector,
		.identity = s->identity,
		.b = s->b_prefix,
		.algorithm = s->algorithm,
		.algorithm_word = s->algorithm_word,
		.header_canon = s->header_canon,
		.body_canon = s->body_canon,
		.has_length = s->has_length,
		.length = s->length,
		.signed_at = s->signed_at,
		.expires = s->expires,
	};
}

static void end_result(struct dkim_result *result, enum dkim_reason reason)
{
	result->reason = reason;
	result->result = dkim_reason_result(reason);
}

/* The key's answer, when one of its keys can do; else the reason. */
static enum dkim_reason get_key(struct dkim_message *m, const struct dkim_signature *s,
				const struct dns_source *dns, const struct dkim_key_answer **ret_answer,
				struct dkim_result *result)
{
	*ret_answer = find_keys(m, s, dns);
	if (!*ret_answer)
		return DKIM_REASON_MEMORY;
	result->is_secure = (*ret_answer)->is_secure;
	return check_keys(*ret_answer, s, result);
}

/* bh=, and l= against the body as it is. rfc6376 3.5 and 6.1.3 */
static enum dkim_reason check_body(struct dkim_message *m, const struct dkim_signature *s, bool *ret_is_part)
{
	const struct dkim_body_hash *hash = dkim_message_hash_body(m, s);

	if (s->has_length && s->length > hash->total)
		return DKIM_REASON_LENGTH;
	*ret_is_part = s->has_length && s->length < hash->total;
	return text_is_equal(s->body_hash, text_from_bytes(hash->digest, sizeof hash->digest))
		       ? DKIM_REASON_NONE
		       : DKIM_REASON_BODY_HASH;
}

static enum dkim_reason verify(struct dkim_message *m, const struct dkim_signature *s,
			       const struct dns_source *dns, int64_t now, struct dkim_result *result)
{
	unsigned char digest[DKIM_DIGEST_BYTES];
	const struct dkim_key_answer *answer;
	bool is_part = false;
	enum dkim_reason reason = s->reason;

	if (!reason)
		reason = dkim_signature_check_time(s, now, m->limits->clock_skew);
	if (!reason)
		reason = get_key(m, s, dns, &answer, result);
	if (!reason)
		reason = check_body(m, s, &is_part);
	if (reason)
		return reason;
	dkim_message_hash_header(m, s, digest);
	reason = try_keys(m, answer, s, digest, result);
	if (!reason && is_part && !m->limits->takes_part)
		return DKIM_REASON_PART_OF_BODY;
	return reason;
}

void dkim_verify_one(struct dkim_message *m, const struct dkim_signature *s, const struct dns_source *dns,
		     int64_t now, struct dkim_result *ret_result)
{
	dkim_result_begin(s, ret_result);
	end_result(ret_result, verify(m, s, dns, now, ret_result));
}

void dkim_verify_digest(struct dkim_message *m, const struct dkim_signature *s, const unsigned char *digest,
			const struct dns_source *dns, struct dkim_result *ret_result)
{
	const struct dkim_key_answer *answer;
	enum dkim_reason reason = s->reason;

	dkim_result_begin(s, ret_result);
	if (!reason)
		reason = get_key(m, s, dns, &answer, ret_result);
	if (!reason)
		reason = try_keys(m, answer, s, digest, ret_result);
	end_result(ret_result, reason);
}

/* ---- all of a message ---- */

/* The better of two results, for the message as a whole. */
static enum auth_result better(enum auth_result a, enum auth_result b)
{
	static const unsigned char rank[AUTH_RESULT_COUNT] = {
		[AUTH_PASS] = 6, [AUTH_POLICY] = 5,    [AUTH_TEMPERROR] = 4,
		[AUTH_FAIL] = 3, [AUTH_PERMERROR] = 2,
	};

	return rank[a] >= rank[b] ? a : b;
}

void dkim_verify(struct dkim_message *m, const struct dns_source *dns, int64_t now,
		 struct dkim_report *ret_report)
{
	struct dkim_report *r = ret_report;

	*r = (struct dkim_report){ .result = AUTH_NONE, .n_left = m->n_dkim_left, .trouble = m->trouble };
	if (m->trouble) {
		r->result = AUTH_POLICY;
		return;
	}
	r->signatures = arena_alloc(m->arena, m->n_dkim * sizeof *r->signatures);
	if (!r->signatures) {
		r->result = AUTH_TEMPERROR;
		return;
	}
	for (; r->n < m->n_dkim; r->n++) {
		dkim_verify_one(m, &m->dkim[r->n], dns, now, &r->signatures[r->n]);
		r->result = better(r->result, r->signatures[r->n].result);
	}
}
