/* SPDX-License-Identifier: Apache-2.0
 *
 * bimi - may the owner's picture be shown beside this message, and where is it? By
 * draft-brand-indicators-for-message-identification-08 (Assertion Records, section 4; receivers, section 7).
 *
 * Nothing is fetched here: the record's two addresses are reported, and what they lead to is checked by
 * svg_tiny_ps.h and bimi_certificate.h when somebody has the bytes. So BIMI_PASS says that the message may
 * have a picture, not that there is a good one.
 */
#ifndef PROTO_BIMI_H
#define PROTO_BIMI_H

#include "proto/dmarc.h"

enum bimi_status {
	BIMI_NONE, /* no record */
	BIMI_PASS,
	BIMI_FAIL, /* a record that is not well-formed, or several */
	BIMI_TEMPERROR,
	BIMI_DECLINED, /* the owner wants none shown */
	BIMI_SKIPPED,  /* not looked for: DMARC does not pass, or its policy is not enforced */
	BIMI_STATUS_COUNT
};

const char *bimi_status_word(enum bimi_status status); /* "declined" */

enum bimi_record_status {
	BIMI_RECORD_GOOD,
	BIMI_RECORD_OTHER, /* does not begin with v=BIMI1 */
	BIMI_RECORD_BAD,   /* an address that is no https: URI, or no l= */
};

struct bimi_record {
	struct text location;  /* l=, the picture; empty with an authority: it is in the certificate */
	struct text authority; /* a=, the certificate; may be empty */
	bool is_personal;      /* avp=personal: the person's own picture comes first */
	bool is_declination;   /* both are there and empty */
};

/* Views point into the text. */
enum bimi_record_status bimi_record_parse(struct text txt, struct bimi_record *ret_record);

/* The selector in the body of a BIMI-Selector field, "v=BIMI1; s=brand"; false when there is none in it. */
bool bimi_selector_parse(struct text body, struct text *ret_selector);

struct bimi_question {
	const struct dmarc_result *dmarc;
	enum dmarc_discovery discovery;
	struct text selector; /* of the one BIMI-Selector field that a passing signature covers; else empty */
};

struct bimi_result {
	enum bimi_status status;
	const char *reason;           /* static, or NULL */
	struct text domain, selector; /* where the record is, or would be */
	struct bimi_record record;    /* of pass and declined */
};

void bimi_check(const struct bimi_question *question, const struct dns_source *dns, struct arena *arena,
		struct bimi_result *ret_result);

#endif
