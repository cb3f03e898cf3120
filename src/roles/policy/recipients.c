/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of recipients: sorted arrays of lower-case local parts, one per domain block. Called by main.c
 * and sessions.c of policy. Files come from the administrator, addresses from strangers (parsed by the
 * session room). Invariant: a domain whose list could not be read has nobody, never everybody.
 */
#include "roles/policy/recipients.h"

#include "base/arena.h"
#include "base/ensure.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIST_MEMORY ((size_t)256 << 20)

struct list {
	bool is_any;
	struct text *v;
	size_t n, room;
};

struct recipients {
	const struct conf *conf;
	struct arena arena;
	struct list *lists; /* by domain block */
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

/* Local part of an entry that may be a whole address, in lower case. */
static bool add(struct recipients *r, struct list *list, struct text entry)
{
	size_t at = text_find_last_byte(entry, '@');
	struct text copy;
	char *p;

	if (at != SIZE_MAX)
		entry = text_slice(entry, 0, at);
	if (!arena_copy(&r->arena, entry, &copy))
		return false;
	p = (char *)copy.p;
	for (size_t i = 0; i < copy.n; i++)
		p[i] = text_lower_byte(p[i]);
	if (list->n == list->room) {
		list->room = list->room ? 2 * list->room : 64;
		list->v = mem_realloc(list->v, list->room * sizeof *list->v);
	}
	list->v[list->n++] = copy;
	return true;
}

static void sort(struct list *list)
{
	if (list->n)
		qsort(list->v, list->n, sizeof *list->v, compare);
}

struct recipients *recipients_new(const struct conf *conf)
{
	struct recipients *r = mem_zalloc(1, sizeof *r);

	r->conf = conf;
	arena_init(&r->arena, LIST_MEMORY);
	r->lists = mem_zalloc(conf->domain.n ? conf->domain.n : 1, sizeof *r->lists);
	for (size_t i = 0; i < conf->domain.n; i++) {
		const struct conf_domain *d = &conf->domain.v[i];
		struct list *list = &r->lists[i];
		list->is_any = !d->recipients_file.n &&
			       (d->recipients.n == 0 || text_is_cstr(d->recipients.v[0], "any"));
		for (size_t k = 0; !list->is_any && !d->recipients_file.n && k < d->recipients.n; k++)
			ASSERT(add(r, list, d->recipients.v[k]));
		sort(list);
	}
	return r;
}

void recipients_free(struct recipients *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->conf->domain.n; i++)
		free(r->lists[i].v);
	free(r->lists);
	arena_reset(&r->arena);
	free(r);
}

static bool read_file(int fd, struct buf *out)
{
	char bytes[65536];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof bytes)) > 0)
		buf_add(out, text_from_bytes(bytes, (size_t)n));
	return n == 0 && !out->overflow;
}

bool recipients_load_file(struct recipients *r, size_t index, int fd)
{
	struct list *list = &r->lists[index];
	struct text rest, line;
	struct buf all;
	bool is_good;

	buf_init(&all, RECIPIENTS_FILE_MAX);
	is_good = read_file(fd, &all);
	rest = buf_text(&all);
	list->n = 0;
	while (is_good && rest.n) {
		text_cut(rest, '\n', &line, &rest);
		line.n = text_find_byte(line, '#');
		line = text_trim(line);
		if (line.n)
			is_good = add(r, list, line);
	}
	if (!is_good)
		list->n = 0;
	sort(list);
	buf_done(&all);
	return is_good;
}

static bool is_in_list(const struct list *list, struct text local)
{
	char lower[320] = "";
	struct text key = text_from_bytes(lower, local.n);

	if (list->is_any)
		return true;
	if (local.n > sizeof lower)
		return false;
	for (size_t i = 0; i < local.n; i++)
		lower[i] = text_lower_byte(local.p[i]);
	return list->n && bsearch(&key, list->v, list->n, sizeof *list->v, compare);
}

static uint32_t way_out(const struct conf *conf)
{
	const struct conf_domain *d = conf_default_domain(conf);

	return d ? (uint32_t)(d - conf->domain.v) : RECIPIENTS_BY_MX;
}

enum recipients_answer recipients_find(const struct recipients *r, struct text address, uint32_t *ret_route)
{
	size_t at = text_find_last_byte(address, '@');
	const struct conf_domain *d;
	struct text local;

	if (at == SIZE_MAX || at == 0 || at + 1 == address.n)
		return RECIPIENTS_MALFORMED;
	local = text_slice(address, 0, at);
	d = conf_find_domain(r->conf, text_skip(address, at + 1));
	*ret_route = d ? (uint32_t)(d - r->conf->domain.v) : way_out(r->conf);
	if (!d)
		return RECIPIENTS_NOT_OURS;
	if (text_is_cstr_nocase(local, "postmaster"))
		return RECIPIENTS_OK;
	return is_in_list(&r->lists[*ret_route], local) ? RECIPIENTS_OK : RECIPIENTS_UNKNOWN;
}
