/* SPDX-License-Identifier: Apache-2.0
 *
 * Seals. Called by whoever changes a message on its way and says so. Trusts the results given, which are
 * ours.
 *
 * A chain that is found broken gets one more set that says so, which covers itself only, and none after that
 * (rfc8617 5.1.2). Invariant: all three fields are added, or none.
 */
#include "proto/arc_seal.h"

#define FIELD_MAX (64 << 10)

struct work {
	struct dkim_message *m;
	const struct arc_seal_spec *spec;
	const struct dkim_signer *signer;
	struct buf results, message; /* the fields that the seal covers */
	struct dkim_sign_spec sign;
};

/* The highest instance that any field of the chain has. */
static unsigned count_sets(const struct dkim_message *m)
{
	unsigned n = 0;

	for (size_t i = 0; i < m->n_seals; i++)
		n = m->seals[i].instance > n ? m->seals[i].instance : n;
	for (size_t i = 0; i < m->n_ams; i++)
		n = m->ams[i].instance > n ? m->ams[i].instance : n;
	return n;
}

static bool make_results(struct work *w)
{
	return buf_printf(&w->results, "ARC-Authentication-Results: i=%u; ", w->sign.instance) &&
	       buf_add(&w->results, w->spec->results) && buf_add_cstr(&w->results, "\r\n");
}

static bool make_message_signature(struct work *w)
{
	struct dkim_body_hash hash = { .canon = DKIM_CANON_RELAXED, .length = UINT64_MAX };
	struct buf covered;
	bool ok;

	w->sign.kind = DKIM_FIELD_AMS;
	w->sign.header_canon = w->sign.body_canon = DKIM_CANON_RELAXED;
	w->sign.names = w->spec->names;
	w->sign.n_names = w->spec->n_names;
	if (!w->sign.names &&
	    !dkim_sign_choose(w->m, &w->spec->choice, w->m->arena, &w->sign.names, &w->sign.n_names))
		return false;
	buf_init(&covered, w->m->bytes.n + 4 * w->m->n_fields);
	dkim_hash_body(w->m->body, &hash, 1);
	ok = dkim_sign_cover(w->m, w->sign.names, w->sign.n_names, DKIM_CANON_RELAXED, &covered) &&
	     dkim_sign_field(&w->sign, buf_text(&covered), hash.digest, w->signer, &w->message);
	buf_done(&covered);
	return ok;
}

static bool add_old_sets(const struct work *w, const struct arc_report *found, struct buf *covered)
{
	bool ok = true;

	for (unsigned i = 0; i < found->n && ok; i++) {
		const struct arc_set *set = &found->sets[i];
		ok = dkim_canon_field(DKIM_CANON_RELAXED, w->m->fields[set->results_field].raw, covered) &&
		     dkim_canon_field(DKIM_CANON_RELAXED, w->m->fields[set->message_field].raw, covered) &&
		     dkim_canon_field(DKIM_CANON_RELAXED, w->m->fields[set->seal_field].raw, covered);
	}
	return ok;
}

static bool make_seal(struct work *w, const struct arc_report *found, struct buf *out)
{
	struct buf covered;
	bool ok;

	w->sign.kind = DKIM_FIELD_SEAL;
	w->sign.cv = found->cv;
	buf_init(&covered, w->m->bytes.n + 4 * w->m->n_fields + 2 * FIELD_MAX);
	ok = (found->cv == ARC_CV_FAIL || add_old_sets(w, found, &covered)) &&
	     dkim_canon_field(DKIM_CANON_RELAXED, buf_text(&w->results), &covered) &&
	     dkim_canon_field(DKIM_CANON_RELAXED, buf_text(&w->message), &covered) &&
	     dkim_sign_field(&w->sign, buf_text(&covered), NULL, w->signer, out);
	buf_done(&covered);
	return ok;
}

static bool seal(struct work *w, const struct arc_report *found, struct buf *out)
{
	size_t start = out->n;
	bool ok = make_results(w) && make_message_signature(w) && make_seal(w, found, out) &&
		  buf_add(out, buf_text(&w->message)) && buf_add(out, buf_text(&w->results));

	if (!ok)
		out->n = start;
	return ok;
}

enum arc_seal_outcome arc_seal(struct dkim_message *m, const struct arc_report *found,
			       const struct arc_seal_spec *spec, const struct dkim_signer *signer,
			       struct buf *out)
{
	struct work w = { .m = m, .spec = spec, .signer = signer };
	bool ok;

	if (found->reason == ARC_REASON_SEALED_FAIL || m->trouble)
		return ARC_SEAL_BROKEN;
	w.sign = (struct dkim_sign_spec){
		.algorithm = spec->algorithm,
		.domain = spec->domain,
		.selector = spec->selector,
		.signed_at = spec->signed_at,
		.expires = -1,
		.instance = count_sets(m) + 1,
	};
	if (w.sign.instance > ARC_SETS_MAX)
		return ARC_SEAL_FULL;
	buf_init(&w.results, FIELD_MAX);
	buf_init(&w.message, FIELD_MAX);
	ok = seal(&w, found, out);
	buf_done(&w.results);
	buf_done(&w.message);
	return ok ? ARC_SEAL_DONE : ARC_SEAL_FAILED;
}
