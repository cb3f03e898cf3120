/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds rows: a walk, then a search among what the walk did not reach. Called by salvage.c.
 *
 * Trusts no pointer between pages: each page is visited once, whatever points to it, and the walk goes
 * no deeper than a sound tree of this size can be.
 */
#include "store/salvage_find.h"
#include "store/spool_format.h"

#include "base/ensure.h"

enum { DEPTH_MAX = 20 };

struct search {
	struct salvage_pages *pages;
	struct salvage_places *places;
	uint8_t *visited; /* a bit for each page */
	struct buf payload;
	bool is_doubtful, is_full;
};

static bool visit(struct search *s, uint32_t number)
{
	uint8_t bit = (uint8_t)(1u << (number & 7));

	if (number == 0 || number > s->pages->n_pages || (s->visited[number >> 3] & bit))
		return false;
	s->visited[number >> 3] |= bit;
	return true;
}

static void add_place(struct search *s, const struct salvage_row *row, uint32_t page, unsigned cell)
{
	struct salvage_places *places = s->places;

	if (places->n == SALVAGE_PLACES_MAX) {
		s->is_full = true;
		return;
	}
	if (places->n == places->cap) {
		places->cap = places->cap ? 2 * places->cap : 1024;
		places->v = mem_realloc(places->v, places->cap * sizeof *places->v);
	}
	places->v[places->n++] = (struct salvage_place){
		.id = row->id,
		.index = row->kind == SALVAGE_RCPT ? row->rcpt.index : 0,
		.page = page,
		.cell = (uint16_t)cell,
		.kind = (uint8_t)row->kind,
		.is_doubtful = s->is_doubtful,
	};
}

static void take_rows(struct search *s, const struct salvage_tree *tree)
{
	struct salvage_row row;

	for (unsigned i = 0; i < tree->n_cells; i++)
		if (salvage_row_read(s->pages, tree, i, &s->payload, &row))
			add_place(s, &row, tree->number, i);
}

static bool is_inner(const struct salvage_tree *tree)
{
	return tree->kind == SALVAGE_INNER_INDEX || tree->kind == SALVAGE_INNER_TABLE;
}

/* The subtree of one page, depth first. */
static void walk(struct search *s, uint32_t number, unsigned depth)
{
	struct salvage_tree *tree;

	if (depth > DEPTH_MAX || !visit(s, number))
		return;
	tree = mem_alloc(sizeof *tree);
	if (!salvage_tree_read(s->pages, number, tree)) {
		s->places->n_bad_pages++;
		free(tree);
		return;
	}
	take_rows(s, tree);
	for (unsigned i = 0; is_inner(tree) && i <= tree->n_cells; i++)
		walk(s, salvage_tree_child(tree, i), depth + 1);
	free(tree);
}

static void search_page(struct search *s, uint32_t number, struct salvage_tree *tree)
{
	enum salvage_use use = salvage_pages_use(s->pages, number);

	if (use != SALVAGE_USE_TREE && use != SALVAGE_USE_ROOT && use != SALVAGE_USE_UNKNOWN)
		return;
	if (!visit(s, number))
		return;
	s->is_doubtful = use == SALVAGE_USE_UNKNOWN;
	if (salvage_tree_read(s->pages, number, tree))
		take_rows(s, tree);
	else if (!s->is_doubtful)
		s->places->n_bad_pages++;
}

static int compare(const void *left, const void *right)
{
	const struct salvage_place *a = left, *b = right;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->index != b->index)
		return a->index < b->index ? -1 : 1;
	return (int)a->is_doubtful - (int)b->is_doubtful;
}

enum error salvage_find(struct salvage_pages *pages, struct salvage_places *ret_places)
{
	static const uint32_t roots[] = { SPOOL_ROOT_MESSAGE, SPOOL_ROOT_RCPT, SPOOL_ROOT_BODY,
					  SPOOL_ROOT_META };
	struct search s = { .pages = pages, .places = ret_places };
	struct salvage_tree *tree = mem_alloc(sizeof *tree);

	*ret_places = (struct salvage_places){ 0 };
	s.visited = mem_zalloc((size_t)pages->n_pages / 8 + 1, 1);
	buf_init(&s.payload, SALVAGE_PAYLOAD_MAX);
	for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
		walk(&s, roots[i], 0);
	for (uint32_t number = SPOOL_ROOT_META + 1; number <= pages->n_pages; number++)
		search_page(&s, number, tree);
	if (ret_places->n > 0)
		qsort(ret_places->v, ret_places->n, sizeof *ret_places->v, compare);
	buf_done(&s.payload);
	free(s.visited);
	free(tree);
	return s.is_full ? ERROR_TOO_MANY : ERROR_NONE;
}

void salvage_places_free(struct salvage_places *places)
{
	free(places->v);
	*places = (struct salvage_places){ 0 };
}
