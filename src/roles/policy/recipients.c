/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of recipients: sorted arrays of lower-case local parts, one per domain block. Called by main.c
 * and sessions.c of policy. Files come from the administrator, addresses from strangers (parsed by the
 * session room, which has brought their domains into ASCII). Invariants: a domain whose list could not be
 * read takes nobody, and refuses nobody for good; entries point into the list's own bytes.
 */
#include "roles/policy/recipients.h"

#include "base/buf.h"
#include "base/ensure.h"
#include "proto/domain.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum source { SOURCE_NONE, SOURCE_ANY, SOURCE_CONF, SOURCE_FILE };

struct list {
	uint64_t domain; /* its id */
	enum source source;
	struct buf bytes;
	struct text *v;
	size_t n, room;
};

struct recipients {
	const struct conf *conf;
	struct list *lists; /* in the order of the domains */
	size_t n;
};

static int compare(const void *x, const void *y)
{
	const struct text *a = x, *b = y;
	size_t n = a->n < b->n ? a->n : b->n;
	int order = n ? memcmp(a->p, b->p, n) : 0;

	if (order)
		return order;
	return (a->n > b->n) - (a->n < b->n);
}

static void list_init(struct list *list, enum source source)
{
	*list = (struct list){ .source = source };
	buf_init(&list->bytes, RECIPIENTS_FILE_MAX);
}

static void list_done(struct list *list)
{
	buf_done(&list->bytes);
	free(list->v);
	list_init(list, SOURCE_NONE);
}

static void add(struct list *list, struct text local)
{
	if (list->n == list->room) {
		list->room = list->room ? 2 * list->room : 64;
		list->v = mem_realloc(list->v, list->room * sizeof *list->v);
	}
	list->v[list->n++] = local;
}

/* One line of a file: a local part or an address. */
static void add_line(struct list *list, struct text line, struct text domain)
{
	size_t at;

	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] == '#' && (i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '\t'))
			line.n = i;
	line = text_trim(line);
	at = text_find_last_byte(line, '@');
	if (at != SIZE_MAX && !domain_is_equal(text_skip(line, at + 1), domain))
		return;
	if (at != SIZE_MAX)
		line = text_slice(line, 0, at);
	if (line.n)
		add(list, line);
}

/* What stands in list->bytes, which does not change any more. */
static void parse(struct list *list, struct text domain)
{
	struct text rest = buf_text(&list->bytes), line;

	for (size_t i = 0; i < list->bytes.n; i++)
		list->bytes.p[i] = text_lower_byte(list->bytes.p[i]);
	while (rest.n) {
		text_cut(rest, '\n', &line, &rest);
		add_line(list, line, domain);
	}
	if (list->n)
		qsort(list->v, list->n, sizeof *list->v, compare);
}

static void read_conf(struct list *list, const struct conf_domain *d)
{
	if (d->recipients_file.n)
		return;
	list->source = SOURCE_ANY;
	if (d->recipients.n == 0 || text_is_cstr(d->recipients.v[0], "any"))
		return;
	list->source = SOURCE_CONF;
	for (size_t i = 0; i < d->recipients.n; i++) {
		buf_add(&list->bytes, d->recipients.v[i]);
		buf_add_byte(&list->bytes, '\n');
	}
	ASSERT(!list->bytes.overflow);
	parse(list, d->name);
}

struct recipients *recipients_new(const struct conf *conf)
{
	struct recipients *r = mem_zalloc(1, sizeof *r);

	recipients_reload(r, conf);
	return r;
}

static void free_lists(struct list *lists, size_t n)
{
	for (size_t i = 0; i < n; i++)
		list_done(&lists[i]);
	free(lists);
}

void recipients_free(struct recipients *r)
{
	if (!r)
		return;
	free_lists(r->lists, r->n);
	free(r);
}

/* What a file said stays until that file comes again. */
static void keep_file(struct list *list, struct list *old, size_t n_old)
{
	for (size_t i = 0; i < n_old; i++) {
		if (old[i].domain != list->domain || old[i].source != SOURCE_FILE)
			continue;
		*list = old[i];
		list_init(&old[i], SOURCE_NONE);
	}
}

void recipients_reload(struct recipients *r, const struct conf *conf)
{
	struct list *old = r->lists;
	size_t n_old = r->n;

	r->conf = conf;
	r->n = conf->domain.n;
	r->lists = mem_zalloc(r->n ? r->n : 1, sizeof *r->lists);
	for (size_t i = 0; i < r->n; i++) {
		list_init(&r->lists[i], SOURCE_NONE);
		r->lists[i].domain = conf->domain.v[i].id;
		read_conf(&r->lists[i], &conf->domain.v[i]);
		if (r->lists[i].source == SOURCE_NONE)
			keep_file(&r->lists[i], old, n_old);
	}
	free_lists(old, n_old);
}

static struct list *list_of(const struct recipients *r, const struct conf_domain *d)
{
	return &r->lists[d - r->conf->domain.v];
}

static bool read_file(int fd, struct buf *out)
{
	char bytes[65536];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof bytes)) > 0 && !out->overflow)
		buf_add(out, text_from_bytes(bytes, (size_t)n));
	return n == 0 && !out->overflow;
}

bool recipients_load_file(struct recipients *r, const struct conf_domain *d, int fd)
{
	struct list *list = list_of(r, d), fresh;

	list_init(&fresh, SOURCE_FILE);
	fresh.domain = d->id;
	if (!read_file(fd, &fresh.bytes)) {
		list_done(&fresh);
		return false;
	}
	parse(&fresh, d->name);
	list_done(list);
	*list = fresh;
	return true;
}

static bool is_in_list(const struct list *list, struct text local)
{
	char lower[320] = "";
	struct text key = text_from_bytes(lower, local.n);

	if (local.n > sizeof lower)
		return false;
	for (size_t i = 0; i < local.n; i++)
		lower[i] = text_lower_byte(local.p[i]);
	return list->n && bsearch(&key, list->v, list->n, sizeof *list->v, compare);
}

static uint64_t way_out(const struct conf *conf)
{
	const struct conf_domain *d = conf_default_domain(conf);

	return d ? d->id : CONF_DOMAIN_NONE;
}

enum recipients_answer recipients_find(const struct recipients *r, struct text address, uint64_t *ret_route)
{
	size_t at = text_find_last_byte(address, '@');
	const struct conf_domain *d;
	const struct list *list;
	struct text local;

	if (at == SIZE_MAX || at == 0 || at + 1 == address.n || !text_is_ascii(text_skip(address, at)))
		return RECIPIENTS_MALFORMED;
	local = text_slice(address, 0, at);
	d = conf_find_domain(r->conf, text_skip(address, at + 1));
	*ret_route = d ? d->id : way_out(r->conf);
	if (!d)
		return RECIPIENTS_NOT_OURS;
	list = list_of(r, d);
	if (list->source == SOURCE_ANY || text_is_cstr_nocase(local, "postmaster"))
		return RECIPIENTS_OK;
	if (list->source == SOURCE_NONE)
		return RECIPIENTS_NOT_LOADED;
	return is_in_list(list, local) ? RECIPIENTS_OK : RECIPIENTS_UNKNOWN;
}
