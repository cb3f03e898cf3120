/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a picture for BIMI, and a mark certificate in PEM form. Checked beside memory safety: what is
 * in the certificate never unpacks to more than a picture may have.
 */
#include "base/ensure.h"
#include "proto/bimi_certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bimi_certificate_question q = { .pem = text_from_bytes(data, n),
					       .domain = TEXT("example.com"),
					       .selector = TEXT("default"),
					       .now = 1900000000 };
	struct bimi_certificate_report report;
	struct svg_report svg;
	struct buf picture;

	svg_tiny_ps_check(q.pem, &svg);
	ASSERT(strlen(svg.title) <= SVG_TINY_PS_TITLE_MAX);
	buf_init(&picture, SVG_TINY_PS_BYTES_MAX);
	bimi_certificate_check(&q, &picture, &report);
	ASSERT(picture.n <= SVG_TINY_PS_BYTES_MAX);
	ASSERT(report.problems & BIMI_CERTIFICATE_CHAIN || report.problems & BIMI_CERTIFICATE_NOT_PEM ||
	       report.problems & BIMI_CERTIFICATE_TOO_LARGE);
	buf_done(&picture);
	return 0;
}
