/* SPDX-License-Identifier: Apache-2.0
 *
 * The DNS tree walk of DMARC and the organisational domain that it shows. Called by dmarc.c. The names come
 * from strangers and were checked to be domain names; what the DNS answers is a stranger's, too.
 *
 * Invariants:
 * 1. No name is asked for twice, and no finder asks more than DMARC_QUERIES_MAX times.
 * 2. A walk asks for at most DMARC_WALK_QUERIES names, whatever the number of labels.
 * 3. A walk that was not answered in full shows no organisational domain.
 */
#include "proto/dmarc_walk.h"

#include "base/buf.h"
#include "proto/public_suffix.h"

#define NAME_MAX_BYTES 253

size_t dmarc_count_labels(struct text domain)
{
	size_t n = domain.n > 0;

	for (size_t i = 0; i < domain.n; i++)
		n += domain.p[i] == '.';
	return n;
}

struct text dmarc_last_labels(struct text domain, size_t n)
{
	for (size_t i = domain.n; i > 0; i--)
		if (domain.p[i - 1] == '.' && --n == 0)
			return text_skip(domain, i);
	return domain;
}

bool dmarc_is_within(struct text name, struct text domain)
{
	return text_has_suffix_nocase(name, domain) &&
	       (name.n == domain.n || (domain.n > 0 && name.p[name.n - domain.n - 1] == '.'));
}

/* --- one name --- */

/* Records of other kinds are passed over; several policy records are none. rfc9989 4.10, step 2 */
static void choose_record(struct dmarc_finder *f, const struct dns_answer *answer, struct dmarc_found *found)
{
	size_t n = 0;

	found->dns = DNS_NO_DATA;
	for (size_t i = 0; i < answer->n && n < 2; i++) {
		struct dmarc_record record;
		enum dmarc_record_status status =
			dmarc_record_parse(answer->records[i].data, f->arena, &record);
		if (status == DMARC_RECORD_OTHER)
			continue;
		found->record = record;
		found->status = status;
		n++;
	}
	if (n == 1)
		found->dns = DNS_FOUND;
}

static void ask(struct dmarc_finder *f, struct dmarc_found *found)
{
	struct dns_answer answer;
	struct buf name;

	if (f->n_queries == DMARC_QUERIES_MAX)
		return;
	buf_init(&name, NAME_MAX_BYTES);
	buf_add_cstr(&name, "_dmarc.");
	buf_add(&name, found->domain);
	if (name.overflow) {
		found->dns = DNS_NO_NAME;
	} else {
		f->n_queries++;
		dns_ask(f->dns, DNS_TXT, buf_text(&name), f->arena, &answer);
		found->dns = answer.status;
		if (answer.status == DNS_FOUND)
			choose_record(f, &answer, found);
	}
	buf_done(&name);
}

const struct dmarc_found *dmarc_find(struct dmarc_finder *f, struct text domain)
{
	static const struct dmarc_found failed = { .dns = DNS_FAILED };
	struct dmarc_found *found;

	for (found = f->known; found; found = found->next)
		if (text_is_equal_nocase(found->domain, domain))
			return found;
	found = arena_alloc(f->arena, sizeof *found);
	if (found == NULL)
		return &failed;
	*found = (struct dmarc_found){ .domain = domain, .dns = DNS_FAILED, .next = f->known };
	f->known = found;
	ask(f, found);
	return found;
}

/* --- the walk --- */

bool dmarc_walk_tree(struct dmarc_finder *f, struct text domain, struct dmarc_walk *ret_walk)
{
	struct text target = domain;
	size_t labels = dmarc_count_labels(domain);

	*ret_walk = (struct dmarc_walk){ .start = domain };
	while (labels > 0) {
		const struct dmarc_found *found = dmarc_find(f, target);
		if (found->dns == DNS_FAILED)
			return false;
		if (found->dns == DNS_FOUND) {
			ret_walk->found[ret_walk->n++] = found;
			if (found->record.psd != DMARC_PSD_UNKNOWN)
				return true;
		}
		labels = labels < DMARC_WALK_QUERIES ? labels - 1 : DMARC_WALK_QUERIES - 1;
		target = dmarc_last_labels(domain, labels);
	}
	return true;
}

static struct text listed_organization(struct text domain)
{
	struct text registrable = public_suffix_registrable(domain);

	return registrable.n > 0 ? registrable : domain;
}

struct text dmarc_walk_organization(const struct dmarc_finder *f, const struct dmarc_walk *walk,
				    enum dmarc_discovery *ret_by)
{
	struct text shortest = walk->start;

	*ret_by = DMARC_TREEWALK;
	for (size_t i = 0; i < walk->n; i++) {
		struct text at = walk->found[i]->domain;
		enum dmarc_psd psd = walk->found[i]->record.psd;
		if (psd == DMARC_PSD_NO)
			return at;
		if (psd == DMARC_PSD_YES && at.n != walk->start.n)
			return dmarc_last_labels(walk->start, dmarc_count_labels(at) + 1);
		shortest = at;
	}
	if (f->discovery == DMARC_AUTO && (walk->n == 0 || public_suffix_is(shortest))) {
		*ret_by = DMARC_PSL;
		return listed_organization(walk->start);
	}
	return shortest;
}

bool dmarc_organization(struct dmarc_finder *f, struct text domain, struct text *ret_organization)
{
	struct dmarc_walk walk;
	enum dmarc_discovery by;

	if (f->discovery == DMARC_PSL) {
		*ret_organization = listed_organization(domain);
		return true;
	}
	if (!dmarc_walk_tree(f, domain, &walk))
		return false;
	*ret_organization = dmarc_walk_organization(f, &walk, &by);
	return true;
}
