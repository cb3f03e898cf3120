/* SPDX-License-Identifier: Apache-2.0
 *
 * conf - the configuration: postern.conf in, struct conf out.
 *
 *   file    = *( setting / block )          one setting a line; a line also ends at "}"
 *   block   = NAME [ LABEL ] "{" *setting "}"
 *   setting = NAME 1*value
 *   value   = word / DQUOTE *( char / "\" DQUOTE / "\\" ) DQUOTE
 *   comment = "#" to the end of the line, after a blank or at the start
 *
 * Every setting is a row of conf/schema.def: its field below, type, bounds, default, readers, help.
 * Times are milliseconds (int64_t), sizes are bytes, unset texts and lists have n == 0, texts are
 * lower case where case has no meaning (host names, domains).
 *
 * A struct conf is read-only after conf_parse, owns all that it points to, and is freed by conf_free.
 * Nothing here opens files or asks the system: posternd reads the file, fills in the host name, and
 * hands each role the canonical text of what that role may see, which the role parses by CONF_PART.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/addr.h"
#include "base/buf.h"
#include "base/role_id.h"

/* Who reads a setting: CONF_FOR_QUEUE is 1u << ROLE_QUEUE, and so on. */
enum conf_reader {
#define ROLE(name, text) CONF_FOR_##name = 1 << ROLE_##name,
#include "base/roles.def"
#undef ROLE
	CONF_FOR_ALL = (1 << ROLE_COUNT) - 1,
};

/* Bounds of the file itself. */
#define CONF_MAX_FILE   ((size_t)4 << 20)
#define CONF_MAX_LINE   4096
#define CONF_MAX_ERRORS 200
/* Enough for the errors of any file, and for the canonical text of any configuration. */
#define CONF_MAX_ERROR_TEXT ((size_t)1 << 20)
#define CONF_MAX_PRINT      ((size_t)16 << 20)
/* Different ports of next servers: the sandbox of deliver lists them. */
#define CONF_PORTS_MAX    64
#define CONF_MAILDIRS_MAX 64 /* domains with one: each is a directory that a sandbox lists */
#define CONF_DOMAIN_NONE  UINT64_C(0)
/* Ids that uid-base stands for the first of. */
#define CONF_UIDS 32
/* Address space of a resolver, which its sandbox bounds. cache-size and max-queries must fit. */
#define CONF_RESOLVER_MEMORY ((uint64_t)1536 << 20)

struct conf_place {
	unsigned line, column; /* from 1; line 0: nowhere, a default */
};

struct conf_endpoint {
	struct addr addr;
	uint16_t port;
};

/* A server by name or address. */
struct conf_host {
	struct text name; /* empty: addr is meant */
	struct addr addr;
	uint16_t port;
};

/* At most `count` within any `time` milliseconds. */
struct conf_rate {
	uint64_t count;
	int64_t time;
};

struct conf_texts {
	const struct text *v;
	size_t n;
};
struct conf_addrs {
	const struct addr *v;
	size_t n;
};
struct conf_prefixes {
	const struct addr_prefix *v;
	size_t n;
};
struct conf_endpoints {
	const struct conf_endpoint *v;
	size_t n;
};
struct conf_hosts {
	const struct conf_host *v;
	size_t n;
};
struct conf_times {
	const int64_t *v;
	size_t n;
};

/* enum conf_listener_tls { CONF_LISTENER_TLS_OFF, ... } and so on, see choices.def. */
#define CHOICE(id, word)     CONF_##id,
#define CHOICES(set, choice) enum conf_##set{ choice };
#include "conf/choices.def"
#undef CHOICES
#undef CHOICE

/* The C type of each setting type. */
#define CONF_C_TEXT        struct text
#define CONF_C_LABEL       struct text
#define CONF_C_HOSTNAME    struct text
#define CONF_C_MAILBOX     struct text
#define CONF_C_FILE        struct text
#define CONF_C_YES_NO      bool
#define CONF_C_COUNT       uint64_t
#define CONF_C_SIZE        uint64_t
#define CONF_C_TIME        int64_t
#define CONF_C_RATE        struct conf_rate
#define CONF_C_CHOICE(set) enum conf_##set
#define CONF_C_WORDS(set)  struct conf_texts
#define CONF_C_USERS       struct conf_texts
#define CONF_C_RECIPIENTS  struct conf_texts
#define CONF_C_DOMAINS     struct conf_texts
#define CONF_C_FIELDS      struct conf_texts
#define CONF_C_SENDERS     struct conf_texts
#define CONF_C_ADDRS       struct conf_addrs
#define CONF_C_PREFIXES    struct conf_prefixes
#define CONF_C_ENDPOINTS   struct conf_endpoints
#define CONF_C_HOSTS       struct conf_hosts
#define CONF_C_TIMES       struct conf_times

#define CONF_FIELD(field, name, type, ...) CONF_C_##type field;

struct conf_listener {
	struct text name;
	struct conf_place at;
#define LISTENER CONF_FIELD
#include "conf/schema.def"
};

enum conf_route {
	CONF_ROUTE_MX,
	CONF_ROUTE_SMTP,
	CONF_ROUTE_LMTP,
	CONF_ROUTE_MAILDIR,
};

struct conf_domain {
	struct text name; /* lower case; "*" is the route of all others */
	struct conf_place at;
	enum conf_route route; /* which of next-hop, lmtp, maildir, mx is set */
	uint64_t id;           /* by which processes name it to each other: the hash of its name, so that
				* those with the old and the new configuration mean the same */
#define DOMAIN CONF_FIELD
#include "conf/schema.def"
};

struct conf_stub_zone {
	struct text name; /* without the last dot; "." is the root */
	struct conf_place at;
#define STUB_ZONE CONF_FIELD
#include "conf/schema.def"
};

struct conf_authentication {
	struct text name; /* "default" is always there */
	struct conf_place at;
	uint64_t id; /* the hash of its name, as of a domain */
#define AUTHENTICATION CONF_FIELD
#include "conf/schema.def"
};

struct conf_dkim {
	struct text name;
	struct conf_place at;
	uint64_t id; /* the hash of its name, as of a domain */
#define DKIM CONF_FIELD
#include "conf/schema.def"
};

struct conf_policy {
#define POLICY CONF_FIELD
#include "conf/schema.def"
};

struct conf_queue {
#define QUEUE CONF_FIELD
#include "conf/schema.def"
};

struct conf_scan {
#define SCAN CONF_FIELD
#include "conf/schema.def"
};

struct conf_deliver {
#define DELIVER CONF_FIELD
#include "conf/schema.def"
};

struct conf_resolver {
#define RESOLVER CONF_FIELD
#include "conf/schema.def"
};

struct conf_judge_resolver {
#define JUDGE_RESOLVER CONF_FIELD
#include "conf/schema.def"
};

struct conf_dmarc_report {
#define DMARC_REPORT CONF_FIELD
#include "conf/schema.def"
};

struct conf_tls {
#define TLS CONF_FIELD
#include "conf/schema.def"
};

struct conf_rooms {
#define ROOMS CONF_FIELD
#include "conf/schema.def"
};

struct conf_audit {
#define AUDIT CONF_FIELD
#include "conf/schema.def"
};

struct conf_top {
#define TOP CONF_FIELD
#include "conf/schema.def"
};

struct conf_listeners {
	const struct conf_listener *v;
	size_t n;
};
struct conf_domains {
	const struct conf_domain *v;
	size_t n;
};
struct conf_authentications {
	const struct conf_authentication *v;
	size_t n;
};
struct conf_dkims {
	const struct conf_dkim *v;
	size_t n;
};
struct conf_stub_zones {
	const struct conf_stub_zone *v;
	size_t n;
};

struct conf {
	struct conf_top top;
	struct conf_listeners listener; /* in the order of the file, as are all lists */
	struct conf_domains domain;
	struct conf_authentications authentication;
	struct conf_dkims dkim;
	struct conf_policy policy;
	struct conf_queue queue;
	struct conf_scan scan;
	struct conf_deliver deliver;
	struct conf_resolver resolver;
	struct conf_judge_resolver judge_resolver;
	struct conf_stub_zones stub_zone;
	struct conf_dmarc_report dmarc_report;
	struct conf_tls tls;
	struct conf_rooms rooms;
	struct conf_audit audit;
};

enum conf_mode {
	CONF_WHOLE, /* an administrator's file */
	CONF_PART,  /* what conf_print made: nothing is required, nothing is checked across settings */
};

/* Parses a file. On any mistake returns NULL and adds every mistake of the file to errors, in the order
 * of the file, each as the line "file:line:column: what is wrong\n"; at most CONF_MAX_ERRORS. */
struct conf *conf_parse(struct text bytes, const char *file_name, enum conf_mode mode, struct buf *errors);
void conf_free(struct conf *c); /* NULL is allowed */

/* Fills in the system's host name where the file has none. False when it is not a fully qualified
 * domain name; then the administrator must write one. */
bool conf_set_hostname(struct conf *c, struct text hostname);

/* NULL: there is none with this id. */
const struct conf_domain *conf_domain_by_id(const struct conf *c, uint64_t id);
/* The domain block of an address's domain (any case), or NULL. Never the block "*". */
const struct conf_domain *conf_find_domain(const struct conf *c, struct text domain);
/* The block "*", or NULL: then MX records are the way out. */
const struct conf_domain *conf_default_domain(const struct conf *c);
/* Never NULL where the default block is: with an id that is gone, that one. */
const struct conf_authentication *conf_authentication_by_id(const struct conf *c, uint64_t id);
/* Of the listener with this number; with a number that is gone, the default. */
const struct conf_authentication *conf_authentication_of(const struct conf *c, uint32_t listener);
/* The block dkim that signs for this sender (of MAIL FROM, or of a From field); NULL: none. */
const struct conf_dkim *conf_find_dkim(const struct conf *c, struct text address);
const struct conf_dkim *conf_dkim_by_id(const struct conf *c, uint64_t id);
const struct conf_listener *conf_find_listener(const struct conf *c, struct text name);
bool conf_is_in(const struct conf_prefixes *prefixes, const struct addr *a);

/* The canonical text of what these readers (CONF_FOR_... or'ed) may see, every value written out. It
 * parses by CONF_PART to the same values. False when it did not fit. */
bool conf_print(const struct conf *c, unsigned readers, struct buf *out);
/* What of b differs from a and is taken at the start only, such as "state, listener public address, domain
 * example.com maildir"; nothing when b can be put in the place of a while the gateway runs. */
void conf_list_restarts(const struct conf *a, const struct conf *b, struct buf *ret_list);
/* Every setting with its default, as a file with comments. */
bool conf_print_defaults(struct buf *out);
/* postern.conf(5), in mdoc(7). */
bool conf_print_manual(struct buf *out);

/* One row of the schema, for whoever checks documents against it. */
struct conf_setting {
	const char *block; /* "" for the file itself */
	const char *name;
	const char *type; /* as the manual calls it */
	const char *min, *max, *initial;
	const char *help;
	unsigned readers;
	bool is_needed, is_repeatable, needs_restart;
};

/* By number from 0; false after the last. */
bool conf_get_setting(size_t number, struct conf_setting *ret_setting);
/* "listener" and "port"; block "" for the file itself. */
bool conf_find_setting(struct text block, struct text name, struct conf_setting *ret_setting);

#undef CONF_FIELD
#undef CONF_C_TEXT
#undef CONF_C_LABEL
#undef CONF_C_HOSTNAME
#undef CONF_C_MAILBOX
#undef CONF_C_FILE
#undef CONF_C_YES_NO
#undef CONF_C_COUNT
#undef CONF_C_SIZE
#undef CONF_C_TIME
#undef CONF_C_RATE
#undef CONF_C_CHOICE
#undef CONF_C_WORDS
#undef CONF_C_USERS
#undef CONF_C_RECIPIENTS
#undef CONF_C_DOMAINS
#undef CONF_C_SENDERS
#undef CONF_C_ADDRS
#undef CONF_C_PREFIXES
#undef CONF_C_ENDPOINTS
#undef CONF_C_HOSTS
#undef CONF_C_TIMES

#endif
