/* SPDX-License-Identifier: Apache-2.0
 *
 * lookup - questions of the standing role to resolver.
 *
 * A question lives until its callback or lookup_cancel. While resolver is away, questions wait for the
 * next one and are asked again; LOOKUP_TIMEOUT ends them in any case.
 */
#ifndef ROLES_DELIVER_LOOKUP_H
#define ROLES_DELIVER_LOOKUP_H

#include "ipc/client_resolver.h"
#include "role/role.h"

#define LOOKUP_TIMEOUT     30000 /* ms */
#define LOOKUP_RECORDS_MAX 256   /* of one answer; the rest is forgotten */

struct lookups;
struct lookup;

struct lookup_record {
	struct addr addr;    /* of A and AAAA */
	uint16_t preference; /* of MX */
	uint8_t name_n;
	char name[255]; /* of MX */
};

struct lookup_answer {
	enum client_resolver_status status;
	bool is_secure; /* proven by DNSSEC */
	const struct lookup_record *records;
	size_t n; /* 0 unless the status is ok */
};

/* The answer is valid during the call. Never called from inside lookup_ask. */
typedef void lookup_done_function(void *owner, struct lookup *l, const struct lookup_answer *answer);

struct lookups *lookups_new(struct role *r);
void lookups_connect(struct lookups *ls, int fd); /* a fresh channel to resolver */

/* name: at most 255 bytes. */
struct lookup *lookup_ask(struct lookups *ls, enum client_resolver_type type, struct text name,
			  lookup_done_function *done, void *owner);
void lookup_cancel(struct lookup *l); /* NULL is allowed; no callback */

#endif
