/* SPDX-License-Identifier: Apache-2.0
 *
 * smtp_xtext - the encoding of ENVID and ORCPT values. rfc3461 4.
 *
 *	xtext   = *( xchar / hexchar )
 *	xchar   = any ASCII from "!" to "~" except "+" and "="
 *	hexchar = "+" and two upper case hexadecimal digits
 */
#ifndef PROTO_SMTP_XTEXT_H
#define PROTO_SMTP_XTEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

/* ERROR_MALFORMED: not xtext, or it stands for something other than printable ASCII. */
enum error smtp_xtext_decode(struct text t, struct arena *a, struct text *ret_plain);
bool smtp_xtext_encode(struct text plain, struct buf *out);

#endif
