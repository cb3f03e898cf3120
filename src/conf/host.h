/* SPDX-License-Identifier: Apache-2.0
 *
 * host - names and addresses in postern.conf: domains, mailboxes, networks, endpoints, servers.
 *
 * All as struct conf_kind asks. Texts that are given back point into the word. Inside src/conf only.
 */
#ifndef CONF_HOST_H
#define CONF_HOST_H

#include "conf/value.h"

/* Letters, digits and - in labels of 1 to 63, at most 253 in all, the last label not a number; a dot at
 * the end is dropped. rfc1123 2.1 */
bool conf_hostname_is_valid(struct text name);

/* struct text */
bool conf_hostname_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why);
bool conf_route_name_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why);
bool conf_zone_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why);
bool conf_mailbox_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why);
bool conf_sender_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why);
bool conf_recipient_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why);
/* struct addr */
bool conf_addr_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why);
void conf_addr_print(const struct conf_row *row, const void *value, struct buf *out);
/* struct addr_prefix */
bool conf_prefix_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why);
void conf_prefix_print(const struct conf_row *row, const void *value, struct buf *out);
/* struct conf_endpoint; port 0: none was written */
bool conf_endpoint_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why);
void conf_endpoint_print(const struct conf_row *row, const void *value, struct buf *out);
/* struct conf_host; port 0: none was written */
bool conf_host_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why);
void conf_host_print(const struct conf_row *row, const void *value, struct buf *out);

#endif
