/* SPDX-License-Identifier: Apache-2.0
 *
 * Validates a chain, in the order of rfc8617 5.2. Called by whoever judges a message, on a stranger's header.
 * The structure comes first: whoever gets past it has exactly one field of each kind for 1..n, so that what
 * follows works on a table of sets. Seals are hashed in one pass, since each covers all that the one before
 * it covers. Invariant: cv is PASS only when the newest AMS and every seal have passed.
 */
#include "proto/arc.h"

#include "base/ensure.h"

#include <openssl/evp.h>

#define COMMENT_DEPTH 20

/* The fields of one set, by their index. */
struct set_fields {
	const struct dkim_signature *ams, *seal;
	size_t results;
	bool has_results;
};

struct chain {
	struct dkim_message *m;
	struct arc_report *report;
	struct set_fields sets[ARC_SETS_MAX];
	struct text payloads[ARC_SETS_MAX];
	unsigned n;
};

const char *arc_reason_word(enum arc_reason reason)
{
	static const char *const words[ARC_REASON_COUNT] = {
#define REASON(name, word, text) word,
#include "proto/arc_reasons.def"
#undef REASON
	};

	return words[reason];
}

const char *arc_reason_text(enum arc_reason reason)
{
	static const char *const texts[ARC_REASON_COUNT] = {
#define REASON(name, word, text) text,
#include "proto/arc_reasons.def"
#undef REASON
	};

	return texts[reason];
}

const char *arc_cv_word(enum arc_cv cv)
{
	static const char *const words[] = { "none", "pass", "fail" };

	return words[cv];
}

/* ---- ARC-Authentication-Results ---- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Behind one comment; SIZE_MAX: not closed, or too deep. */
static size_t skip_comment(struct text t, size_t at)
{
	unsigned depth = 0;

	for (; at < t.n; at++) {
		if (t.p[at] == '\\')
			at++;
		else if (t.p[at] == '(' && ++depth > COMMENT_DEPTH)
			return SIZE_MAX;
		else if (t.p[at] == ')' && --depth == 0)
			return at + 1;
	}
	return SIZE_MAX;
}

/* [CFWS]; rfc5322 3.2.2 */
static bool skip_cfws(struct text *t)
{
	for (;;) {
		size_t end;
		while (t->n > 0 && is_space(t->p[0]))
			*t = text_skip(*t, 1);
		if (t->n == 0 || t->p[0] != '(')
			return true;
		end = skip_comment(*t, 0);
		if (end == SIZE_MAX)
			return false;
		*t = text_skip(*t, end);
	}
}

static bool skip_char(struct text *t, char c)
{
	if (!skip_cfws(t) || t->n == 0 || t->p[0] != c)
		return false;
	*t = text_skip(*t, 1);
	return skip_cfws(t);
}

/* instance [CFWS] ";" payload, where instance = [CFWS] "i" [CFWS] "=" [CFWS] 1*2DIGIT [CFWS]; rfc8617 4.1.1.
 * False without a valid instance; ret_payload has no bytes when what follows it is not well-formed. */
static bool parse_results(struct text field, unsigned *ret_instance, struct text *ret_payload)
{
	struct text t = text_skip(field, text_find_byte(field, ':') + 1);
	uint64_t instance;
	size_t n = 0;

	if (!skip_char(&t, 'i') || !skip_char(&t, '='))
		return false;
	while (n < t.n && t.p[n] >= '0' && t.p[n] <= '9')
		n++;
	if (n > 2 || !text_parse_u64(text_slice(t, 0, n), ARC_SETS_MAX, &instance) || instance == 0)
		return false;
	t = text_skip(t, n);
	*ret_instance = (unsigned)instance;
	*ret_payload = skip_char(&t, ';') ? text_trim(t) : text_slice(t, 0, 0);
	return true;
}

/* ---- structure ---- */

static bool fail(struct chain *c, enum arc_reason reason, unsigned instance)
{
	c->report->cv = ARC_CV_FAIL;
	c->report->result = AUTH_FAIL;
	c->report->reason = reason;
	c->report->failed = instance;
	return false;
}

/* The place of a field in its set; NULL with the reason set. */
static struct set_fields *place(struct chain *c, unsigned instance)
{
	if (instance == 0) {
		fail(c, ARC_REASON_INSTANCE, 0);
		return NULL;
	}
	if (instance > c->n)
		c->n = instance;
	return &c->sets[instance - 1];
}

static bool collect_signatures(struct chain *c, const struct dkim_signature *signatures, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct set_fields *set = place(c, signatures[i].instance);
		const struct dkim_signature **slot;
		if (!set)
			return false;
		slot = signatures[i].kind == DKIM_FIELD_AMS ? &set->ams : &set->seal;
		if (*slot)
			return fail(c, ARC_REASON_DUPLICATE, signatures[i].instance);
		*slot = &signatures[i];
	}
	return true;
}

static bool collect_results(struct chain *c)
{
	for (size_t i = 0; i < c->m->n_fields; i++) {
		const struct dkim_header_field *f = &c->m->fields[i];
		struct set_fields *set;
		unsigned instance = 0;
		struct text payload = { NULL, 0 };
		if (!text_is_cstr_nocase(f->name, "arc-authentication-results"))
			continue;
		parse_results(f->raw, &instance, &payload);
		set = place(c, instance);
		if (!set)
			return false;
		if (set->has_results)
			return fail(c, ARC_REASON_DUPLICATE, instance);
		set->has_results = true;
		set->results = i;
		c->payloads[instance - 1] = payload;
	}
	return true;
}

/* rfc8617 5.2, step 3 */
static bool check_structure(struct chain *c)
{
	for (unsigned i = 1; i <= c->n; i++) {
		const struct set_fields *set = &c->sets[i - 1];
		if (!set->ams || !set->seal || !set->has_results)
			return fail(c, ARC_REASON_GAP, i);
		if (c->payloads[i - 1].n == 0)
			return fail(c, ARC_REASON_RESULTS, i);
		if (set->seal->reason == DKIM_REASON_CHAIN_VALUE ||
		    set->seal->cv != (i == 1 ? ARC_CV_NONE : ARC_CV_PASS))
			return fail(c, ARC_REASON_CV, i);
	}
	return true;
}

/* Step 2 comes before the structure of the whole: a chain that a sealer found broken stays broken, whatever
 * became of it since. */
static bool check_last(struct chain *c)
{
	const struct dkim_signature *seal = c->sets[c->n - 1].seal;

	return !seal || seal->cv != ARC_CV_FAIL || fail(c, ARC_REASON_SEALED_FAIL, c->n);
}

static bool collect(struct chain *c)
{
	if (c->m->n_ams > ARC_SETS_MAX || c->m->n_seals > ARC_SETS_MAX)
		return fail(c, ARC_REASON_TOO_MANY, 0);
	return collect_signatures(c, c->m->seals, c->m->n_seals) &&
	       collect_signatures(c, c->m->ams, c->m->n_ams) && collect_results(c);
}

static bool make_sets(struct chain *c)
{
	struct arc_set *sets = arena_alloc(c->m->arena, c->n * sizeof *sets);

	if (!sets)
		return false;
	for (unsigned i = 0; i < c->n; i++) {
		const struct set_fields *set = &c->sets[i];
		sets[i] = (struct arc_set){
			.instance = i + 1,
			.results = c->payloads[i],
			.sealer = set->seal->domain,
			.selector = set->seal->selector,
			.cv = set->seal->cv,
			.results_field = set->results,
			.message_field = set->ams->field,
			.seal_field = set->seal->field,
		};
	}
	c->report->sets = sets;
	c->report->n = c->n;
	return true;
}

/* ---- signatures ---- */

static bool fail_signature(struct chain *c, enum arc_reason reason, const struct dkim_result *result,
			   unsigned instance)
{
	fail(c, reason, instance);
	c->report->signature = result->reason;
	if (result->result == AUTH_TEMPERROR)
		c->report->result = AUTH_TEMPERROR;
	return false;
}

/* Steps 4 and 5: the newest must pass; how far down they do is told. */
static bool verify_messages(struct chain *c, const struct dns_source *dns, int64_t now)
{
	for (unsigned i = c->n; i >= 1; i--) {
		struct dkim_result *result = &c->report->sets[i - 1].message;
		dkim_verify_one(c->m, c->sets[i - 1].ams, dns, now, result);
		if (result->result == AUTH_PASS)
			continue;
		if (i == c->n)
			return fail_signature(c, ARC_REASON_MESSAGE_SIGNATURE, result, i);
		c->report->oldest_pass = i + 1;
		return true;
	}
	return true;
}

static void update(EVP_MD_CTX *md, struct buf *form)
{
	ASSERT(!form->overflow && EVP_DigestUpdate(md, form->p, form->n) == 1);
	buf_reset(form);
}

/* The digest of one seal, over all sets up to its own (rfc8617 5.1.1); md goes on behind it. */
static void hash_seal(const struct dkim_message *m, const struct set_fields *set, EVP_MD_CTX *md,
		      struct buf *form, unsigned char *ret_digest)
{
	struct text seal = m->fields[set->seal->field].raw;
	EVP_MD_CTX *own = EVP_MD_CTX_new();

	dkim_canon_field(DKIM_CANON_RELAXED, m->fields[set->results].raw, form);
	dkim_canon_field(DKIM_CANON_RELAXED, m->fields[set->ams->field].raw, form);
	update(md, form);
	ASSERT(own && EVP_MD_CTX_copy_ex(own, md) == 1);
	dkim_canon_field_without(DKIM_CANON_RELAXED, seal, set->seal->b_value, form);
	update(own, form);
	ASSERT(EVP_DigestFinal_ex(own, ret_digest, NULL) == 1);
	EVP_MD_CTX_free(own);
	dkim_canon_field(DKIM_CANON_RELAXED, seal, form);
	update(md, form);
}

/* Step 6. */
static bool verify_seals(struct chain *c, const struct dns_source *dns)
{
	unsigned char digest[DKIM_DIGEST_BYTES];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	struct buf form;
	bool ok = true;

	ASSERT(md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
	buf_init(&form, c->m->bytes.n + 4096);
	for (unsigned i = 1; i <= c->n && ok; i++) {
		struct dkim_result *result = &c->report->sets[i - 1].seal;
		hash_seal(c->m, &c->sets[i - 1], md, &form, digest);
		dkim_verify_digest(c->m, c->sets[i - 1].seal, digest, dns, result);
		ok = result->result == AUTH_PASS || fail_signature(c, ARC_REASON_SEAL, result, i);
	}
	buf_done(&form);
	EVP_MD_CTX_free(md);
	return ok;
}

void arc_validate(struct dkim_message *m, const struct dns_source *dns, int64_t now,
		  struct arc_report *ret_report)
{
	struct chain c = { .m = m, .report = ret_report };

	*ret_report = (struct arc_report){ .cv = ARC_CV_NONE, .result = AUTH_NONE };
	if (m->trouble) {
		fail(&c, ARC_REASON_HEADER_LIMIT, 0);
		return;
	}
	if (!collect(&c) || c.n == 0 || !check_last(&c) || !check_structure(&c))
		return;
	if (!make_sets(&c)) {
		fail(&c, ARC_REASON_MEMORY, 0);
		ret_report->result = AUTH_TEMPERROR;
		return;
	}
	if (!verify_messages(&c, dns, now) || !verify_seals(&c, dns))
		return;
	ret_report->cv = ARC_CV_PASS;
	ret_report->result = AUTH_PASS;
}

unsigned arc_trusted_from(const struct arc_report *report,
			  bool (*is_trusted)(void *context, struct text domain), void *context)
{
	unsigned from = report->n;

	if (report->cv != ARC_CV_PASS)
		return 0;
	while (from > 0 && is_trusted(context, report->sets[from - 1].sealer))
		from--;
	return from == report->n ? 0 : from + 1;
}
