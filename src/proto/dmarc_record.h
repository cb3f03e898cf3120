/* SPDX-License-Identifier: Apache-2.0
 *
 * dmarc_record - a DMARC Policy Record: what the owner of a domain asks for. rfc9989 4.7 and 4.8
 *
 * The text is a TXT record, its strings put together: a stranger's. Reading forgives as the standard says:
 * unknown tags, those of the replaced standard (pct, rf, ri) and what is not well-formed are passed over,
 * each with a bit in `defects`. Of a tag that is there twice the first counts. Names of tags and words are
 * taken in upper and lower case; only "DMARC1" is exact. Nothing is copied: views point into the text, and
 * the two lists lie in the arena.
 */
#ifndef PROTO_DMARC_RECORD_H
#define PROTO_DMARC_RECORD_H

#include "base/arena.h"

/* In the order of their strictness. */
enum dmarc_policy { DMARC_NONE, DMARC_QUARANTINE, DMARC_REJECT };

enum dmarc_psd { DMARC_PSD_UNKNOWN, DMARC_PSD_YES, DMARC_PSD_NO };

enum dmarc_record_status {
	DMARC_RECORD_GOOD,
	DMARC_RECORD_OTHER,    /* does not begin with v=DMARC1: some other TXT record */
	DMARC_RECORD_UNUSABLE, /* p, sp or np is no policy, and nobody to report it to. rfc9989 4.10.1 */
};

enum dmarc_record_defect {
	DMARC_DEFECT_UNKNOWN_TAG = 1 << 0,
	DMARC_DEFECT_OLD_TAG = 1 << 1, /* pct, rf, ri */
	DMARC_DEFECT_TWICE = 1 << 2,
	DMARC_DEFECT_SYNTAX =
		1 << 3, /* a part without "=", without a name or with a byte that is not allowed */
	DMARC_DEFECT_VALUE = 1 << 4,     /* a known tag with a value that is none of its own */
	DMARC_DEFECT_POLICY = 1 << 5,    /* p, sp or np with no policy's name: all three count as none */
	DMARC_DEFECT_NO_POLICY = 1 << 6, /* without p, which counts as none */
	DMARC_DEFECT_URI = 1 << 7,
	DMARC_DEFECT_TOO_MANY_URIS = 1 << 8,
};

enum dmarc_fo {
	DMARC_FO_ALL = 1 << 0, /* 0: when nothing passes and is aligned */
	DMARC_FO_ANY = 1 << 1, /* 1: when something does not */
	DMARC_FO_DKIM = 1 << 2,
	DMARC_FO_SPF = 1 << 3,
};

/* URIs of one list beyond this are not read. */
#define DMARC_URIS_MAX 16

/* rfc9989 4.6. */
struct dmarc_uri {
	struct text uri;    /* well-formed, percent-coded as written, without the old "!size" */
	uint64_t max_bytes; /* that old "!10m", which rfc9989 4.8 has reporters ignore; 0: none */
};

struct dmarc_record {
	enum dmarc_policy p, sp, np; /* np and sp with what they inherit: rfc9989 4.7 */
	bool has_sp, has_np;         /* said by the record itself */
	enum dmarc_psd psd;
	bool is_testing;     /* t=y */
	bool is_dkim_strict; /* adkim=s */
	bool is_spf_strict;  /* aspf=s */
	unsigned fo;         /* DMARC_FO_*, DMARC_FO_ALL by default */
	struct dmarc_uri *rua, *ruf;
	size_t n_rua, n_ruf;
	unsigned defects; /* DMARC_DEFECT_* */
};

/* ret_record is set except for DMARC_RECORD_OTHER. When the arena is full a list of URIs stays empty. */
enum dmarc_record_status dmarc_record_parse(struct text txt, struct arena *arena,
					    struct dmarc_record *ret_record);

const char *dmarc_policy_word(enum dmarc_policy policy); /* "quarantine" */
/* "none", "quarantine", "reject" in any case. */
bool dmarc_policy_parse(struct text word, enum dmarc_policy *ret_policy);

/* The address in a mailto: URI, percent-coding undone, without the part behind "?"; in the arena. False for
 * another scheme, several addresses, or what is no address with a domain. rfc6068 2 */
bool dmarc_uri_mailbox(struct text uri, struct arena *arena, struct text *ret_address);

#endif
