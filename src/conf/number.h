/* SPDX-License-Identifier: Apache-2.0
 *
 * number - plain numbers, sizes, times and rates of postern.conf.
 *
 * Strict on purpose: decimal, no sign, no leading zero, a unit exactly where one belongs. Inside
 * src/conf only.
 */
#ifndef CONF_NUMBER_H
#define CONF_NUMBER_H

#include "conf/value.h"

/* As struct conf_kind asks; values are uint64_t, uint64_t, int64_t and struct conf_rate. */
bool conf_count_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why);
bool conf_size_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why);
bool conf_time_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why);
bool conf_rate_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why);
void conf_count_print(const struct conf_row *row, const void *value, struct buf *out);
void conf_size_print(const struct conf_row *row, const void *value, struct buf *out);
void conf_time_print(const struct conf_row *row, const void *value, struct buf *out);
void conf_rate_print(const struct conf_row *row, const void *value, struct buf *out);

#endif
