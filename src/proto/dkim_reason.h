/* SPDX-License-Identifier: Apache-2.0
 *
 * dkim_reason - why a signature (of DKIM or ARC) is not valid, with a word for reports and a text for people.
 */
#ifndef PROTO_DKIM_REASON_H
#define PROTO_DKIM_REASON_H

#include "proto/auth_result.h"

enum dkim_reason {
#define REASON(name, result, word, text) DKIM_REASON_##name,
#include "proto/dkim_reasons.def"
#undef REASON
	DKIM_REASON_COUNT
};

const char *dkim_reason_word(enum dkim_reason reason);        /* "body-hash" */
const char *dkim_reason_text(enum dkim_reason reason);        /* "the body is not what was signed" */
enum auth_result dkim_reason_result(enum dkim_reason reason); /* what a signature with it comes to */

#endif
