/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions of a room to the resolver for judging, by number, and what has come back so far. Called by
 * authentication_room.c and by the checks through dns_source. Trusts the resolver for the form of what it
 * says (the edge bounds it); what it says comes from strangers.
 *
 * Invariants: a question has its number as its place in the list; it is complete when its `done` has come,
 * and its records do not change any more; one message of the resolver belongs to one question that was asked.
 */
#include "roles/scan/room_dns.h"

#include "base/buf.h"
#include "base/ensure.h"

#define NAME_MAX_PRINTED 255 /* of client_resolver.def */

struct record {
	struct record *next;
	struct dns_record r;
};

struct room_dns_question {
	enum dns_type type;
	struct text name; /* lower case, as the resolver reads it */
	bool is_complete;
	struct record *first, *last;
	size_t n;
	struct dns_answer answer;
};

static void fail(struct room_dns_question *q, const char *why)
{
	q->is_complete = true;
	q->answer = (struct dns_answer){ .status = DNS_FAILED, .why = why };
}

/* ---- the question ---- */

/* In the form of rfc1035 5.1: a backslash of a stranger is a byte like others. False: not a name that can be
 * asked for, so it is not there. */
static bool print_name(struct text name, struct buf *out)
{
	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	if (!dns_name_is_askable(name) || !text_is_printable(name))
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '\\')
			buf_add_byte(out, '\\');
		if (name.p[i] == ' ')
			buf_add_cstr(out, "\\032");
		else
			buf_add_byte(out, text_lower_byte(name.p[i]));
	}
	return !out->overflow;
}

static enum client_resolver_type type_on_channel(enum dns_type type)
{
	switch (type) {
	case DNS_A:
		return CLIENT_RESOLVER_TYPE_A;
	case DNS_AAAA:
		return CLIENT_RESOLVER_TYPE_AAAA;
	case DNS_MX:
		return CLIENT_RESOLVER_TYPE_MX;
	case DNS_PTR:
		return CLIENT_RESOLVER_TYPE_PTR;
	case DNS_TXT:
		break;
	}
	return CLIENT_RESOLVER_TYPE_TXT;
}

static struct room_dns_question *find(const struct room_dns *dns, enum dns_type type, struct text name)
{
	for (size_t i = 0; i < dns->n; i++)
		if (dns->questions[i]->type == type && text_is_equal(dns->questions[i]->name, name))
			return dns->questions[i];
	return NULL;
}

/* NULL: no room for one more. */
static struct room_dns_question *send_question(struct room_dns *dns, enum dns_type type, struct text name)
{
	struct client_resolver_query query = { (uint32_t)dns->n, type_on_channel(type), name };
	struct room_dns_question *q =
		dns->n < ROOM_DNS_QUESTIONS_MAX ? arena_alloc(dns->arena, sizeof *q) : NULL;

	if (!q || !arena_copy(dns->arena, name, &q->name))
		return NULL;
	q->type = type;
	dns->questions[dns->n++] = q;
	if (!dns->is_away && link_send(&dns->resolver, CLIENT_RESOLVER_QUERY, &query, NULL, 0, dns->deadline))
		dns->is_away = true;
	if (dns->is_away)
		fail(q, "no resolver");
	return q;
}

/* ---- the answer ---- */

static bool add_record(struct room_dns *dns, struct room_dns_question *q, const struct dns_record *r)
{
	struct record *record = arena_alloc(dns->arena, sizeof *record);

	if (!record)
		return false;
	record->r = *r;
	if (!arena_copy(dns->arena, r->name, &record->r.name) ||
	    !arena_copy(dns->arena, r->data, &record->r.data))
		return false;
	if (q->last)
		q->last->next = record;
	else
		q->first = record;
	q->last = record;
	q->n++;
	return true;
}

static bool take_record(struct room_dns *dns, struct room_dns_question *q)
{
	const struct client_resolver_address *address = link_body(&dns->in);
	const struct client_resolver_name *name = link_body(&dns->in);
	const struct client_resolver_text *data = link_body(&dns->in);
	struct dns_record r = { 0 };

	switch (dns->in.type) {
	case CLIENT_RESOLVER_ADDRESS:
		r = (struct dns_record){ .ttl = address->ttl, .address = address->address };
		break;
	case CLIENT_RESOLVER_NAME:
		r = (struct dns_record){ .ttl = name->ttl,
					 .name = name->name,
					 .preference = name->preference };
		break;
	default:
		r = (struct dns_record){ .ttl = data->ttl, .data = data->data };
	}
	return add_record(dns, q, &r);
}

static void finish(struct room_dns *dns, struct room_dns_question *q, const struct client_resolver_done *done)
{
	static const struct {
		enum dns_status status;
		const char *why;
	} answers[] = {
		[CLIENT_RESOLVER_STATUS_OK] = { DNS_FOUND, NULL },
		[CLIENT_RESOLVER_STATUS_NO_DATA] = { DNS_NO_DATA, NULL },
		[CLIENT_RESOLVER_STATUS_NO_NAME] = { DNS_NO_NAME, NULL },
		[CLIENT_RESOLVER_STATUS_FAILED] = { DNS_FAILED, "server failure" },
		[CLIENT_RESOLVER_STATUS_BOGUS] = { DNS_FAILED, "bogus" },
		[CLIENT_RESOLVER_STATUS_TIMEOUT] = { DNS_FAILED, "timeout" },
		[CLIENT_RESOLVER_STATUS_REFUSED] = { DNS_FAILED, "refused" },
	};
	size_t i = 0;

	q->is_complete = true;
	q->answer = (struct dns_answer){ .status = answers[done->status].status,
					 .why = answers[done->status].why,
					 .is_secure = done->secure };
	if (q->answer.status != DNS_FOUND)
		return;
	q->answer.records = arena_alloc(dns->arena, q->n * sizeof *q->answer.records);
	if (q->n == 0 || !q->answer.records) {
		fail(q, "no records");
		return;
	}
	for (const struct record *r = q->first; r; r = r->next)
		q->answer.records[i++] = r->r;
	q->answer.n = q->n;
}

/* Every message of the resolver begins with the question's number. */
static bool take_message(struct room_dns *dns)
{
	const struct client_resolver_done *m = link_body(&dns->in);
	struct room_dns_question *q = m->id < dns->n ? dns->questions[m->id] : NULL;

	if (!q || q->is_complete)
		return q != NULL; /* of an answer that we have given up */
	if (dns->in.type == CLIENT_RESOLVER_DONE)
		finish(dns, q, m);
	else if (!take_record(dns, q))
		fail(q, "too large");
	return true;
}

static void await(struct room_dns *dns, struct room_dns_question *q)
{
	while (!q->is_complete) {
		if (!dns->is_away)
			dns->is_away = link_receive(&dns->resolver, &dns->in, dns->deadline) != ERROR_NONE ||
				       !take_message(dns);
		if (dns->is_away && !q->is_complete)
			fail(q, "no resolver");
	}
}

/* ---- for the checks ---- */

/* The question, asked already or now. NULL with *ret_status set: there will be no answer. */
static struct room_dns_question *question_of(struct room_dns *dns, enum dns_type type, struct text name,
					     enum dns_status *ret_status)
{
	struct room_dns_question *q = NULL;
	struct buf printed;

	buf_init(&printed, NAME_MAX_PRINTED);
	*ret_status = DNS_NO_NAME;
	if (print_name(name, &printed)) {
		*ret_status = DNS_FAILED;
		q = find(dns, type, buf_text(&printed));
		if (!q)
			q = send_question(dns, type, buf_text(&printed));
	}
	buf_done(&printed);
	return q;
}

static void ask(void *context, enum dns_type type, struct text name, struct arena *arena,
		struct dns_answer *ret_answer)
{
	struct room_dns *dns = context;
	enum dns_status status;
	struct room_dns_question *q = question_of(dns, type, name, &status);

	(void)arena; /* answers live as long as the message */
	if (!q) {
		*ret_answer = (struct dns_answer){ .status = status,
						   .why = status == DNS_FAILED ? "too many names" : NULL };
		return;
	}
	await(dns, q);
	*ret_answer = q->answer;
}

void room_dns_expect(struct room_dns *dns, enum dns_type type, struct text name)
{
	enum dns_status status;

	(void)question_of(dns, type, name, &status);
}

void room_dns_init(struct room_dns *dns, int fd, int64_t deadline, struct arena *arena)
{
	*dns = (struct room_dns){ .deadline = deadline, .arena = arena };
	dns->source = (struct dns_source){ dns, ask };
	dns->resolver = link_of(fd, &client_resolver_edge, CLIENT_RESOLVER_SIDE_CLIENT);
	link_in_init(&dns->in, &client_resolver_edge);
	dns->questions = arena_alloc(arena, ROOM_DNS_QUESTIONS_MAX * sizeof *dns->questions);
	ASSERT(dns->questions != NULL); /* the arena is new */
}

const struct dns_source *room_dns_source(const struct room_dns *dns)
{
	return &dns->source;
}
