/* SPDX-License-Identifier: Apache-2.0
 *
 * context - libunbound, set up from the configuration, on the role's event loop.
 *
 *   recursive  asks from the root servers on, but stub zones from their own servers
 *   forward    asks the forwarders, but stub zones from their own servers
 *   stub       asks for names in stub zones only; an alias that leads out of them fails
 *
 * Proofs (DNSSEC) are asked for in the first two modes when there is a trust anchor, not for stub zones
 * and not for the reverse zones of private networks (rfc6303), which nobody signs. Of the zones that the
 * library answers by itself (localhost, test, invalid, ... rfc6761, rfc6303) those of private networks
 * are asked like others, and those that a stub zone is in or above are not in its way.
 */
#ifndef ROLES_RESOLVER_CONTEXT_H
#define ROLES_RESOLVER_CONTEXT_H

#include "conf/conf.h"

#define CONTEXT_MAX_ANCHOR 65536 /* size of the trust anchor file */

struct event_base;
struct ub_ctx;

/* anchors: DS and DNSKEY records, one a line, with ";" before comments. Ready to be asked: after this
 * the library opens no file and makes no thread. Ends the process when a setting is not understood. */
struct ub_ctx *context_new(const struct conf *conf, struct text anchors, struct event_base *loop);

/* May this name be asked for at all, by form (printable ASCII, no blanks) and mode? */
bool context_may_ask(const struct conf *conf, struct text name);
/* Is the name this zone's or below it? Without last dots; zone "." is the root. Case has no meaning. */
bool context_is_below(struct text name, struct text zone);

/* Sockets that the library may have open at one time. */
unsigned context_sockets(const struct conf *conf);
/* Distinct TCP ports of the servers it may ask; ends the process when there are more than max. */
size_t context_ports(const struct conf *conf, uint16_t *ret_ports, size_t max);

#endif
