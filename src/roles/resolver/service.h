/* SPDX-License-Identifier: Apache-2.0
 *
 * service - questions from channels of client_resolver.def to libunbound, and its answers back.
 *
 * What the two resolvers have in common: main.c serves deliver, judge_main.c serves the rooms that
 * authenticate. A client lives until its channel closes and its questions are over. One with a budget is
 * a room of somebody's: what it asks is counted here, and above the budget answered as refused.
 */
#ifndef ROLES_RESOLVER_SERVICE_H
#define ROLES_RESOLVER_SERVICE_H

#include "role/role.h"

struct ub_ctx;
struct client;

/* Of one client. */
struct service_budget {
	uint64_t queries;
	uint64_t bytes; /* of answers, as DNS messages */
	int64_t time;   /* ms from the first question */
};

/* What this resolver may use: the settings of the block resolver, or those instead. */
struct service_bounds {
	uint64_t max_queries, cache_size;
	int64_t timeout;
};

/* The configuration as the library is to see it: the copy shares what it points to. */
struct conf service_conf(const struct conf *conf, const struct service_bounds *bounds);

/* role_definition.resource, .open and .counters. */
void service_take_resource(struct role *r, enum posternd_role_thing kind, uint64_t index, int fd);
void service_open(struct role *r, const struct service_bounds *bounds);
void service_tell_counters(struct role *r);
/* role_definition.reload, once the bounds are known: the library takes no new settings, and the sandbox no
 * new ports, so with other settings (as this reader sees them) the process ends, and posternd starts the next
 * one with them. */
void service_reload(struct role *r, const struct conf *old, unsigned reader);
/* Files and ports that the library needs; before service_open. */
unsigned service_count_files(const struct conf *conf, const struct service_bounds *bounds);
size_t service_list_ports(const struct conf *conf, uint16_t *ret_ports);
struct ub_ctx *service_library(void);

/* Takes the descriptor. budget NULL: none. *place (place may be NULL) becomes NULL when the channel is over.
 */
struct client *service_add_client(int fd, const struct service_budget *budget, struct client **place);
/* Ends the channel from our side. */
void service_drop_client(struct client *c);
/* How many channels are open. */
uint64_t service_count_clients(void);

#endif
