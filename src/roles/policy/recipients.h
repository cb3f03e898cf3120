/* SPDX-License-Identifier: Apache-2.0
 *
 * recipients - which recipients exist: the domains of the configuration and their lists.
 *
 * Local parts are compared without regard to ASCII case (rfc5321 2.4 leaves it to us; no server that
 * people use tells them apart). postmaster always exists (rfc5321 4.5.1).
 */
#ifndef POLICY_RECIPIENTS_H
#define POLICY_RECIPIENTS_H

#include "conf/conf.h"

#define RECIPIENTS_FILE_MAX ((size_t)64 << 20)
#define RECIPIENTS_BY_MX    UINT32_MAX /* as route */

struct recipients;

/* The lists that stand in the configuration. conf must outlive it. */
struct recipients *recipients_new(const struct conf *conf);
void recipients_free(struct recipients *r); /* NULL is allowed */
/* The list of domain `index` from its file: one a line, local parts or whole addresses of this domain,
 * # begins a comment. False when it is too large or cannot be read; then nobody exists there. */
bool recipients_load_file(struct recipients *r, size_t index, int fd);

enum recipients_answer { RECIPIENTS_OK, RECIPIENTS_UNKNOWN, RECIPIENTS_NOT_OURS, RECIPIENTS_MALFORMED };

/* ret_route: index of the domain block, or RECIPIENTS_BY_MX; for NOT_OURS the way out of here, should
 * the client be allowed to use it. */
enum recipients_answer recipients_find(const struct recipients *r, struct text address, uint32_t *ret_route);

#endif
