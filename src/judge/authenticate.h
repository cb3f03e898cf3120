/* SPDX-License-Identifier: Apache-2.0
 *
 * authenticate - who sent this message? All checks of a message's origin in one call, in order: iprev, SPF
 * of HELO and of MAIL FROM, DKIM, ARC, DMARC, BIMI.
 *
 * Called by the authentication room and by `postern authenticate`. Blocking and plain: it asks the DNS
 * source given and touches nothing else; no clock, no network, no key. What it costs is bounded by the
 * limits of each check; how many names are asked for and how long that takes, by the source.
 *
 * The report holds what the checks themselves give, typed (their headers are the manual of each field).
 * Nothing in it was composed for a header: Received-SPF and Authentication-Results are written from it by
 * trusted code, spf_header_print and authenticate_results. Its texts live in the arena and in the message,
 * which must both stay.
 */
#ifndef JUDGE_AUTHENTICATE_H
#define JUDGE_AUTHENTICATE_H

#include "proto/arc.h"
#include "proto/bimi.h"
#include "proto/dkim_verify.h"
#include "proto/dmarc.h"
#include "proto/iprev.h"
#include "proto/spf.h"

struct authenticate_input {
	struct text message; /* as received, with CRLF */
	bool has_message;    /* false: only iprev and SPF are done */
	struct addr client;
	bool has_client;       /* false: neither iprev nor SPF is done */
	struct text helo;      /* as said; empty: SPF of HELO is not done */
	struct text mail_from; /* without brackets; empty: the null reverse-path */
	bool has_mail_from;    /* false: SPF of MAIL FROM is not done */
	struct text receiver;  /* our name */
	int64_t now;           /* seconds since 1970 */
	struct dmarc_vouch
		vouch; /* what is known beside; is_list, has_trusted_arc and arc are found out here */
};

/* What is looked at at all. A check that is left out finds nothing for those that come after it. */
struct authenticate_checks {
	bool iprev, spf_helo, spf_mail_from, dkim, arc, dmarc, bimi;
};

struct authenticate_settings {
	struct authenticate_checks checks;
	struct spf_limits spf;
	struct dkim_limits dkim;
	enum dmarc_discovery discovery;
	unsigned iprev_names;               /* of a client that are tried: 10 */
	const struct text *trusted_sealers; /* domains whose ARC sets are believed, A-labels in lower case */
	size_t n_trusted_sealers;
};

/* All checks; no sealer is trusted. */
struct authenticate_settings authenticate_settings_default(void);

struct authenticate_report {
	bool has_iprev, has_spf[2], has_message; /* which were done; the last: DKIM, ARC, DMARC, BIMI */
	struct iprev_result iprev;
	struct spf_query spf_query[2]; /* by enum spf_identity: what was asked, for Received-SPF */
	struct spf_result spf[2];
	struct dkim_report dkim;
	struct arc_report arc;
	unsigned arc_trusted; /* the instance from which on all sealers are trusted; 0: none */
	struct dmarc_from from;
	struct dmarc_result dmarc;
	struct bimi_result bimi;
};

/* When the arena is full, what was not reached is a temporary or permanent error of its check. It needs about
 * ten times the header, and what the DNS gives; AUTHENTICATE_ARENA is enough within the default limits. */
#define AUTHENTICATE_ARENA ((size_t)32 << 20)

void authenticate_message(const struct authenticate_input *input,
			  const struct authenticate_settings *settings, const struct dns_source *dns,
			  struct arena *arena, struct authenticate_report *ret_report);

#endif
