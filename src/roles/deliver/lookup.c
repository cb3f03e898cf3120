/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions and answers by id. Called by job.c. Trusts resolver for the form of answers (the edge
 * checks it), not for their content: names and addresses are strangers'.
 *
 * Invariants: a question is in the table from lookup_ask until its end; an answer to an id that is not
 * there (it was cancelled) is ignored; a record count is bounded whatever resolver sends.
 */
#include "roles/deliver/lookup.h"

#include "base/ensure.h"
#include "base/log.h"
#include "base/table.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/time.h>

#define KEPT_FOR_RESOLVER ((size_t)4 << 20)

struct lookups {
	struct role *role;
	struct peer *resolver; /* NULL: away */
	struct table table;    /* struct lookup by id */
	uint32_t last_id;
};

struct lookup {
	struct lookups *all;
	uint32_t id;
	enum client_resolver_type type;
	char name[256];
	lookup_done_function *done;
	void *owner;
	struct event *timer;
	struct lookup_record *records;
	size_t n, cap;
};

struct lookups *lookups_new(struct role *r)
{
	struct lookups *ls = mem_zalloc(1, sizeof *ls);

	ls->role = r;
	table_init(&ls->table);
	return ls;
}

static void lookup_free(struct lookup *l)
{
	table_remove(&l->all->table, l->id);
	event_free(l->timer);
	free(l->records);
	free(l);
}

void lookup_cancel(struct lookup *l)
{
	if (l)
		lookup_free(l);
}

static void finish(struct lookup *l, enum client_resolver_status status, bool is_secure)
{
	bool is_ok = status == CLIENT_RESOLVER_STATUS_OK;
	struct lookup_answer answer = { status, is_secure, l->records, is_ok ? l->n : 0 };
	lookup_done_function *done = l->done;

	/* Out of the table first, so that the owner may ask again at once. */
	table_remove(&l->all->table, l->id);
	done(l->owner, l, &answer);
	lookup_free(l);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	finish(arg, CLIENT_RESOLVER_STATUS_TIMEOUT, false);
}

static void send_query(struct lookup *l)
{
	struct client_resolver_query query = { l->id, l->type, text_from_cstr(l->name) };

	l->n = 0; /* what an earlier resolver had begun to say */
	if (l->all->resolver)
		peer_send(l->all->resolver, CLIENT_RESOLVER_QUERY, &query);
}

struct lookup *lookup_ask(struct lookups *ls, enum client_resolver_type type, struct text name,
			  lookup_done_function *done, void *owner)
{
	struct timeval timeout = { LOOKUP_TIMEOUT / 1000, LOOKUP_TIMEOUT % 1000 * 1000 };
	struct lookup *l = mem_zalloc(1, sizeof *l);

	ASSERT(name.n < sizeof l->name);
	while (ls->last_id++, table_get(&ls->table, ls->last_id))
		;
	*l = (struct lookup){ .all = ls, .id = ls->last_id, .type = type, .done = done, .owner = owner };
	memcpy(l->name, name.p, name.n);
	l->timer = event_new(ls->role->loop, -1, 0, on_timer, l);
	ASSERT(l->timer != NULL);
	event_add(l->timer, &timeout);
	table_put(&ls->table, l->id, l);
	send_query(l);
	return l;
}

static struct lookup_record *add_record(struct lookup *l)
{
	if (l->n == LOOKUP_RECORDS_MAX)
		return NULL;
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 4;
		l->records = mem_realloc(l->records, l->cap * sizeof *l->records);
	}
	l->records[l->n] = (struct lookup_record){ 0 };
	return &l->records[l->n++];
}

static void add_address(struct lookup *l, const struct client_resolver_address *m)
{
	bool is_wanted =
		l->type == (addr_is_v4(&m->address) ? CLIENT_RESOLVER_TYPE_A : CLIENT_RESOLVER_TYPE_AAAA);
	struct lookup_record *record = is_wanted ? add_record(l) : NULL;

	if (record)
		record->addr = m->address;
}

static void add_name(struct lookup *l, const struct client_resolver_name *m)
{
	struct lookup_record *record = l->type == CLIENT_RESOLVER_TYPE_MX ? add_record(l) : NULL;

	if (!record)
		return;
	record->preference = m->preference;
	record->name_n = (uint8_t)m->name.n;
	if (m->name.n)
		memcpy(record->name, m->name.p, m->name.n);
}

static void on_message(void *owner, struct peer *p, struct link_in *in)
{
	const struct client_resolver_done *done = link_body(in);
	struct lookups *ls = owner;
	struct lookup *l = table_get(&ls->table, done->id); /* every message begins with its id */

	(void)p;
	if (!l)
		return;
	if (in->type == CLIENT_RESOLVER_ADDRESS)
		add_address(l, link_body(in));
	else if (in->type == CLIENT_RESOLVER_NAME)
		add_name(l, link_body(in));
	else if (in->type == CLIENT_RESOLVER_DONE)
		finish(l, done->status, done->secure);
}

static void on_gone(void *owner, struct peer *p, enum error why)
{
	struct lookups *ls = owner;

	(void)p;
	role_log_gone(ROLE_RESOLVER, why);
	ls->resolver = NULL;
}

void lookups_connect(struct lookups *ls, int fd)
{
	static const struct peer_events events = { on_message, on_gone };
	struct lookup *l;
	size_t at = 0;

	peer_close(ls->resolver);
	ls->resolver = peer_new(ls->role->loop, fd, &client_resolver_edge, CLIENT_RESOLVER_SIDE_CLIENT,
				&events, ls, KEPT_FOR_RESOLVER);
	while ((l = table_next(&ls->table, &at)))
		send_query(l);
}
