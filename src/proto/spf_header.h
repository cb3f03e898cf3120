/* SPDX-License-Identifier: Apache-2.0
 *
 * spf_header - the field Received-SPF, from the typed result of a check. rfc7208 9.1
 */
#ifndef PROTO_SPF_HEADER_H
#define PROTO_SPF_HEADER_H

#include "base/buf.h"
#include "proto/spf.h"

#define SPF_HEADER_MAX 4096

/* Adds one field, folded, with its last CRLF. Whatever the texts hold, the field is well-formed and ends
 * where it should: a byte that no quoted string may have becomes "?", a text above 320 bytes is cut. At most
 * SPF_HEADER_MAX bytes. */
void spf_header_print(const struct spf_query *query, const struct spf_result *result, struct buf *out);

#endif
