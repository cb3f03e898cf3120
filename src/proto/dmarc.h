/* SPDX-License-Identifier: Apache-2.0
 *
 * dmarc - did the domain in From authorise this message, and what does its owner ask for if not? rfc9989
 *
 * One call takes who wrote the message (dmarc_from.h), what SPF and DKIM found and who else vouches, finds
 * the policy record, and answers. It asks the DNS in plain order: at most DMARC_WALK_QUERIES for the author,
 * as many for each identifier that could be aligned, and one more to learn whether a name exists; each name
 * only once.
 *
 *	struct dmarc_question q = { .from = from, .spf = ..., .signatures = sigs, .n_signatures = n };
 *	dmarc_check(&q, dns, arena, &result);
 *	if (result.applied == DMARC_REJECT) ...
 *
 * What is not said by the standard and was chosen here:
 * - A record without "p" counts as p=none (rfc9989 4.7); one whose p, sp or np is no policy's name and that
 *   asks for no reports gives permerror, and nothing is applied (4.10.1, and the words of 9.2).
 * - No usable author (no From, no domain in it, a field that is no address list): permerror, nothing applied.
 * - Several From fields or several domains: permerror, never pass. Each domain, up to DMARC_AUTHORS_MAX, is
 *   checked as the author, and the strictest policy of those that fail is applied (11.5).
 * - A failure of the DNS that kept an aligned SPF or DKIM result from being known is temperror, too (5.3.6).
 * - When the DNS does not say whether a subdomain exists, it does.
 */
#ifndef PROTO_DMARC_H
#define PROTO_DMARC_H

#include "proto/auth_result.h"
#include "proto/dmarc_record.h"
#include "proto/dns_source.h"

#define DMARC_WALK_QUERIES  8 /* rfc9989 4.10 */
#define DMARC_AUTHORS_MAX   4
#define DMARC_OVERRIDES_MAX 4

/* How the organisational domain is found. */
enum dmarc_discovery {
	DMARC_TREEWALK, /* rfc9989 4.10 */
	DMARC_PSL,      /* the public suffix list, as the replaced rfc7489 did */
	/* The tree walk, but a name that the list has as a public suffix is an organisation only if its
	 * record says so (psd=n), and where no record is found the list decides. It keeps a registry that
	 * forgot psd=y from aligning strangers with each other (rfc9989 11.8). */
	DMARC_AUTO,
};

/* Who wrote the message: proto/dmarc_from.h makes it. */
struct dmarc_from {
	size_t n_fields;            /* From fields in the header */
	bool is_malformed;          /* one of them is no address list, or an address has no usable domain */
	const struct text *domains; /* different ones, of all fields, A-labels in lower case */
	size_t n_domains;
};

/* The MAIL FROM identity (of a null sender: the HELO name). rfc9989 4.4.2 */
struct dmarc_spf {
	enum auth_result result;
	struct text domain;
};

struct dmarc_signature {
	enum auth_result result;
	struct text domain; /* d= */
};

/* What the receiver knows beside. Each is for a message that fails, and an empty comment is allowed. */
struct dmarc_vouch {
	bool is_exempt;            /* a list of senders or a header exempts it: local_policy */
	bool is_trusted_forwarder; /* the client is a known forwarder: trusted_forwarder */
	bool is_list;              /* its header says that it came by a mailing list: anybody can say so */
	bool has_trusted_arc;      /* a valid chain of a trusted sealer says that it passed there */
	struct text forwarder;     /* comments for the report */
	struct text arc;           /* "arc=pass as[1].d=..." rfc8617 7.2.2 */
	struct text exemption;
};

struct dmarc_question {
	enum dmarc_discovery discovery;
	struct dmarc_from from;
	struct dmarc_spf spf;
	const struct dmarc_signature *signatures;
	size_t n_signatures;
	struct dmarc_vouch vouch;
};

/* Why the policy was not applied as published. rfc9990 3.1.6 */
enum dmarc_override_type {
	DMARC_OVERRIDE_LOCAL_POLICY,
	DMARC_OVERRIDE_MAILING_LIST,
	DMARC_OVERRIDE_OTHER,
	DMARC_OVERRIDE_POLICY_TEST_MODE,
	DMARC_OVERRIDE_TRUSTED_FORWARDER,
	DMARC_OVERRIDE_COUNT
};

struct dmarc_override {
	enum dmarc_override_type type;
	struct text comment; /* may be empty */
};

struct dmarc_result {
	enum auth_result result;  /* none, pass, fail, temperror, permerror */
	const char *reason;       /* a few words for people, static; NULL when there is nothing to say */
	struct text domain;       /* the author's, of several the one whose policy is applied; may be empty */
	struct text organization; /* its organisational domain; empty when it was not needed or not found */
	struct text policy_domain;      /* where the record was found; empty: no record */
	enum dmarc_discovery discovery; /* DMARC_TREEWALK or DMARC_PSL: what found it */
	struct dmarc_record record;     /* of policy_domain */
	const char *tag;                /* "p", "sp" or "np": which one speaks; NULL without a record */
	enum dmarc_policy published;    /* what that tag says */
	enum dmarc_policy applied;      /* after t=y and all overrides; DMARC_NONE unless a check failed */
	bool is_spf_aligned;            /* passed and aligned */
	bool is_dkim_aligned;
	size_t aligned_signature; /* the first that passed and is aligned; n_signatures: none */
	struct dmarc_override overrides[DMARC_OVERRIDES_MAX];
	size_t n_overrides;
	unsigned n_queries; /* asked of the DNS */
};

void dmarc_check(const struct dmarc_question *question, const struct dns_source *dns, struct arena *arena,
		 struct dmarc_result *ret_result);

/* The organisational domain of a domain (A-labels). DNS_FOUND, or DNS_FAILED when the DNS did not answer.
 * rfc9989 4.10.2 */
enum dns_status dmarc_find_organization(struct text domain, enum dmarc_discovery discovery,
					const struct dns_source *dns, struct arena *arena,
					struct text *ret_organization);

/* May a report about policy_domain go to an address at host? Asks the DNS when host is of another
 * organisation. DNS_FOUND: yes; ret_record (may be all zero) is what the host's own record says, and its rua,
 * if it has one, replaces the destination. DNS_NO_DATA: no. DNS_FAILED: later. rfc9990 4 */
enum dns_status dmarc_verify_destination(struct text policy_domain, struct text host,
					 enum dmarc_discovery discovery, const struct dns_source *dns,
					 struct arena *arena, struct dmarc_record *ret_record);

/* The addresses that aggregate reports about a record's domain may go to: its mailto: URIs, those of other
 * organisations only where they have said so, and with the addresses that those want instead. The DNS is
 * asked for at most DMARC_DESTINATIONS_MAX of them; where it does not answer, an address is left out. Gives
 * their number. rfc9990 3.5 and 4 */
#define DMARC_DESTINATIONS_MAX 8
size_t dmarc_find_destinations(const struct dmarc_record *record, struct text policy_domain,
			       enum dmarc_discovery discovery, const struct dns_source *dns,
			       struct arena *arena, struct text ret_addresses[DMARC_DESTINATIONS_MAX]);

const char *dmarc_override_word(enum dmarc_override_type type);   /* "local_policy" */
const char *dmarc_discovery_word(enum dmarc_discovery discovery); /* "treewalk" "psl" "auto" */
bool dmarc_discovery_parse(struct text word, enum dmarc_discovery *ret_discovery);

#endif
