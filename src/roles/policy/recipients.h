/* SPDX-License-Identifier: Apache-2.0
 *
 * recipients - which recipients exist: the domains of the configuration and their lists.
 *
 * Local parts are compared without regard to ASCII case (rfc5321 2.4 leaves it to us; no server that
 * people use tells them apart), domains too. postmaster always exists (rfc5321 4.5.1). Addresses come
 * with their domains in ASCII; any other is malformed.
 *
 * File of a domain: one entry a line, local parts or whole addresses; those of other domains are
 * skipped, so that one file can serve several. Here a domain may be written in its own script
 * (rfc5890 2.3.2) or as the configuration has it. # at the start of a line or after a blank begins a
 * comment.
 */
#ifndef POLICY_RECIPIENTS_H
#define POLICY_RECIPIENTS_H

#include "conf/conf.h"

#define RECIPIENTS_FILE_MAX ((size_t)64 << 20)

struct recipients;

/* The lists that stand in the configuration. conf must outlive it, or be followed by a reload. */
struct recipients *recipients_new(const struct conf *conf);
void recipients_free(struct recipients *r); /* NULL is allowed */
/* A new configuration. Lists that came from files stay where the domain still has one: whether the file
 * comes again before or after this call makes no difference. */
void recipients_reload(struct recipients *r, const struct conf *conf);
/* The list of a domain of the configuration from its file. False when it is too large or cannot be read:
 * then the list that was there stays. */
bool recipients_load_file(struct recipients *r, const struct conf_domain *d, int fd);

enum recipients_answer {
	RECIPIENTS_OK,
	RECIPIENTS_UNKNOWN,
	RECIPIENTS_NOT_OURS,
	RECIPIENTS_MALFORMED,
	RECIPIENTS_NOT_LOADED, /* the file has not come, or was never good: nobody may be refused for good */
};

/* ret_route: id of the domain block, or CONF_DOMAIN_NONE; for NOT_OURS the way out of here, should
 * the client be allowed to use it. */
enum recipients_answer recipients_find(const struct recipients *r, struct text address, uint64_t *ret_route);

#endif
