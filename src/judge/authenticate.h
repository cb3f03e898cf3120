/* SPDX-License-Identifier: Apache-2.0
 *
 * authenticate - who sent this message? All checks of a message's origin in one call, in order: iprev, SPF
 * of HELO and of MAIL FROM, DKIM, ARC, DMARC, BIMI.
 *
 * Called by the authentication room and by `postern authenticate`. Blocking and plain: it asks the DNS
 * source given and touches nothing else; no clock, no network, no key. What it yields is typed and bounded,
 * fit to cross a channel: no text is longer than the AUTHENTICATE_*_MAX beside it (what is longer in the
 * message is cut or left out), none was composed for a header. Headers are written from it by trusted
 * code: authenticate_results and spf_header_print. Texts live in the arena, or in the input.
 */
#ifndef JUDGE_AUTHENTICATE_H
#define JUDGE_AUTHENTICATE_H

#include "proto/spf.h"

#define AUTHENTICATE_SIGNATURES_MAX 16  /* DKIM results kept; the limit of the reader is below */
#define AUTHENTICATE_NAME_MAX       255 /* a domain, a selector, an address's domain */
#define AUTHENTICATE_ADDRESS_MAX    320
#define AUTHENTICATE_TEXT_MAX       512 /* explanation, reason, mechanism */

struct authenticate_input {
	struct text message; /* as received, with CRLF; empty: only iprev and SPF are done */
	struct addr client;
	struct text helo;      /* as said; empty: not known */
	struct text mail_from; /* without brackets; empty: the null reverse-path */
	struct text receiver;  /* our name in Authentication-Results */
	int64_t now;           /* seconds since 1970 */
	bool has_client;       /* false: neither iprev nor SPF is done */
};

/* rfc8601 3 */
struct authenticate_iprev {
	enum auth_result result;
	struct text name; /* of a pass: the first that leads back; else the first that was given, or empty */
	struct text reason; /* AUTHENTICATE_TEXT_MAX */
};

/* rfc7208 8; one for each identity */
struct authenticate_spf {
	enum auth_result result;
	struct text domain;    /* AUTHENTICATE_NAME_MAX */
	struct text mechanism; /* AUTHENTICATE_TEXT_MAX */
	struct text explanation;
	struct text reason; /* of an error */
	unsigned lookups;
};

/* rfc6376 6.1; one for each signature that was looked at, in the order of the message */
struct authenticate_dkim {
	enum auth_result result;
	struct text domain;    /* d= */
	struct text selector;  /* s= */
	struct text identity;  /* i=, or "@" and the domain */
	struct text algorithm; /* a= */
	struct text b;         /* the first 8 bytes of b=, which tell signatures apart. rfc6008 */
	struct text reason;
	bool is_testing; /* the key says t=y */
};

/* rfc8617 5.2; the state of the chain as it came */
struct authenticate_arc {
	enum auth_result result; /* none, pass, fail; temperror when a key did not come */
	unsigned instances;      /* sets in the chain */
	unsigned oldest_pass;    /* of a pass: the smallest instance whose message signature holds; 0: all */
	struct text sealer;      /* d= of the newest seal */
	bool is_trusted;         /* it passes and every sealer is on our list */
	enum auth_result dmarc;  /* of a trusted chain: what its first sealer said of dmarc */
	struct text reason;
};

enum authenticate_policy {
	AUTHENTICATE_POLICY_ABSENT,
	AUTHENTICATE_POLICY_NONE,
	AUTHENTICATE_POLICY_QUARANTINE,
	AUTHENTICATE_POLICY_REJECT
};

/* rfc9989 */
struct authenticate_dmarc {
	enum auth_result result;
	struct text from;          /* the domain of the one author */
	struct text policy_domain; /* whose record applies */
	struct text org_domain;
	enum authenticate_policy published; /* that applies to this author: p, sp or np */
	enum authenticate_policy
		requested; /* what its owner asks for this message: "absent" unless it fails; t=y lowers it */
	bool spf_aligned, dkim_aligned;
	bool is_vouched; /* a trusted ARC chain saw it pass */
	struct text reason;
};

/* draft-brand-indicators-for-message-identification */
struct authenticate_bimi {
	enum auth_result result; /* AUTH_POLICY: not eligible, "skipped" */
	struct text domain, selector;
	struct text location, authority; /* the record's l= and a=; nothing is fetched */
	struct text reason;
};

struct authenticate_report {
	struct authenticate_iprev iprev;
	struct authenticate_spf spf[2]; /* by enum spf_identity */
	struct authenticate_dkim dkim[AUTHENTICATE_SIGNATURES_MAX];
	size_t n_dkim;
	struct authenticate_arc arc;
	struct authenticate_dmarc dmarc;
	struct authenticate_bimi bimi;
};

struct authenticate_limits {
	struct spf_limits spf;
	unsigned iprev_names; /* of a client that are tried: 10 */
			      /* those of DKIM, ARC and DMARC follow with them */
};

struct authenticate_limits authenticate_limits_default(void);

struct authenticate_settings {
	struct authenticate_limits limits;
	const struct text *trusted_sealers; /* domains whose ARC sets are believed */
	size_t n_trusted_sealers;
};

void authenticate_message(const struct authenticate_input *input,
			  const struct authenticate_settings *settings, const struct dns_source *dns,
			  struct arena *arena, struct authenticate_report *ret_report);

#endif
