/* SPDX-License-Identifier: Apache-2.0
 *
 * dmarc_walk - looks for policy records up the tree of domain names, each name once. rfc9989 4.10
 *
 * Domains are A-labels in lower case without a last dot. What is found lies in the arena of the finder.
 */
#ifndef PROTO_DMARC_WALK_H
#define PROTO_DMARC_WALK_H

#include "proto/dmarc.h"

/* Questions of one finder in all; what is asked beyond has failed. */
#define DMARC_QUERIES_MAX 80

/* What the DNS says about _dmarc.DOMAIN. */
struct dmarc_found {
	struct text domain;
	enum dns_status dns;             /* DNS_FOUND: one record, and it is a DMARC Policy Record */
	enum dmarc_record_status status; /* of DNS_FOUND: good or unusable */
	struct dmarc_record record;      /* of DNS_FOUND */
	struct dmarc_found *next;        /* older */
};

struct dmarc_finder {
	const struct dns_source *dns;
	struct arena *arena;
	enum dmarc_discovery discovery;
	struct dmarc_found *known;
	unsigned n_queries;
};

/* The records on the way from a domain to its root, the longest name first. */
struct dmarc_walk {
	struct text start;
	const struct dmarc_found *found[DMARC_WALK_QUERIES];
	size_t n;
};

/* Several records at one name count as none: DNS_NO_DATA. */
const struct dmarc_found *dmarc_find(struct dmarc_finder *f, struct text domain);

/* False: the DNS did not answer one of the questions. */
bool dmarc_walk_tree(struct dmarc_finder *f, struct text domain, struct dmarc_walk *ret_walk);

/* The organisational domain that a walk shows; ret_by is what decided: the tree or the list.
 * rfc9989 4.10.2 */
struct text dmarc_walk_organization(const struct dmarc_finder *f, const struct dmarc_walk *walk,
				    enum dmarc_discovery *ret_by);

/* By whatever the finder's discovery says. False: the DNS did not answer. */
bool dmarc_organization(struct dmarc_finder *f, struct text domain, struct text *ret_organization);

/* The last n labels of a domain, all of it when it has no more. */
struct text dmarc_last_labels(struct text domain, size_t n);
size_t dmarc_count_labels(struct text domain);
/* Is it the domain itself or one below? */
bool dmarc_is_within(struct text name, struct text domain);

#endif
