/* SPDX-License-Identifier: Apache-2.0
 *
 * dns_network - a dns_source that asks the servers of /etc/resolv.conf, by libunbound.
 *
 * For a person at the command line: the gateway itself asks its `resolver`. Answers are kept for as long
 * as the source lives. Nothing is validated: no answer is said to be secure.
 */
#ifndef CLI_DNS_NETWORK_H
#define CLI_DNS_NETWORK_H

#include "proto/dns_source.h"

struct dns_network;

/* NULL: libunbound cannot be used; *ret_why says why. `seconds`: that all questions together may take. */
struct dns_network *dns_network_new(unsigned seconds, const char **ret_why);
void dns_network_free(struct dns_network *network); /* NULL is allowed */
struct dns_source dns_network_source(struct dns_network *network);

#endif
