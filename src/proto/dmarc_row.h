/* SPDX-License-Identifier: Apache-2.0
 *
 * dmarc_row - one evaluation of a day, as bytes that are equal where what is reported is equal.
 *
 * What is counted together is compared as bytes: the policy of a domain, and a record of a report without its
 * count (rfc9990 3.1.1.5 and 3.1.1.7). Texts are views when writing, and lie in the given bytes when read.
 */
#ifndef PROTO_DMARC_ROW_H
#define PROTO_DMARC_ROW_H

#include "proto/dmarc_report.h"

#define DMARC_ROW_SIGNATURES_MAX 100 /* rfc9990 3.1.3 */
#define DMARC_ROW_REASONS_MAX    8

/* False when out is full, or a text has more than 65535 bytes. Without its domain. */
bool dmarc_row_write_policy(const struct dmarc_report_policy *policy, struct buf *out);
bool dmarc_row_write_record(const struct dmarc_report_record *record, struct buf *out);

/* False: not what the other wrote, or the arena is full. */
bool dmarc_row_read_policy(struct text bytes, struct dmarc_report_policy *ret_policy);
bool dmarc_row_read_record(struct text bytes, struct arena *arena, struct dmarc_report_record *ret_record);

#endif
