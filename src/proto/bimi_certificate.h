/* SPDX-License-Identifier: Apache-2.0
 *
 * bimi_certificate - a mark certificate: who says that this picture belongs to this domain. rfc9399 4.1 and
 * draft-fetch-validation-vmc-wchuang
 *
 * Both the certificate and the picture are bytes that somebody has fetched. A certificate is good if it leads
 * to one of the given roots at the given time, is for marks (extended key usage 1.3.6.1.5.5.7.3.31), names
 * the domain or selector._bimi.domain, and holds a picture whose hash is right and that is SVG Tiny PS; and,
 * if a picture is given beside, it is that one.
 */
#ifndef PROTO_BIMI_CERTIFICATE_H
#define PROTO_BIMI_CERTIFICATE_H

#include "base/buf.h"
#include "proto/svg_tiny_ps.h"

#define BIMI_CERTIFICATE_BYTES_MAX 262144 /* of the file, with its chain */
#define BIMI_CHAIN_MAX             8

enum bimi_certificate_problem_bit {
#define PROBLEM(name, word, text) BIMI_CERTIFICATE_BIT_##name,
#include "proto/bimi_certificate_problems.def"
#undef PROBLEM
	BIMI_CERTIFICATE_PROBLEM_COUNT
};

enum bimi_certificate_problem {
#define PROBLEM(name, word, text) BIMI_CERTIFICATE_##name = 1 << BIMI_CERTIFICATE_BIT_##name,
#include "proto/bimi_certificate_problems.def"
#undef PROBLEM
};

struct bimi_certificate_question {
	struct text pem;    /* the certificate, then those above it */
	struct text roots;  /* PEM; empty: nothing is trusted */
	struct text domain; /* empty: not compared */
	struct text selector;
	struct text svg; /* the picture of l=; empty: none is given */
	int64_t now;     /* seconds since 1970 */
};

struct bimi_certificate_report {
	unsigned problems;       /* BIMI_CERTIFICATE_; 0: it is good */
	struct svg_report svg;   /* of the picture within */
	const char *chain_error; /* OpenSSL's words for CHAIN; static */
};

/* The picture within, unpacked, is added to ret_svg (at most SVG_TINY_PS_BYTES_MAX). */
void bimi_certificate_check(const struct bimi_certificate_question *question, struct buf *ret_svg,
			    struct bimi_certificate_report *ret_report);

const char *bimi_certificate_problem_word(enum bimi_certificate_problem_bit bit);
const char *bimi_certificate_problem_text(enum bimi_certificate_problem_bit bit);

#endif
