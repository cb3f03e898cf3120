/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of open elements. Called by html_stack.c alone, which knows what tags do. Entries of one element
 * are a list from the innermost out (`below`), and each entry knows the innermost element around that ends a
 * search (`scope`, `table`, `block`), so that finding what an end tag closes takes one step. Invariants:
 * places count from 1, 0 is none; last[e] is the innermost entry of e that is not dead; an entry's style is
 * computed from that of the one around it; at most max entries.
 */
#include "judge/html_entry.h"

#define FIRST_CAP 32
#define ALIKE_MAX 3

struct html_entry *html_entry_at(const struct html_stack *stack, size_t place)
{
	return &stack->entries[place - 1];
}

static bool has_flag(enum html_element element, unsigned flag)
{
	return html_element_flags(element) & flag;
}

const enum html_element html_entry_row_parts[HTML_ROW_PARTS] = {
	HTML_TABLE, HTML_COLGROUP, HTML_TBODY, HTML_THEAD, HTML_TFOOT, HTML_TR,
};

bool html_entry_is_row_part(enum html_element element)
{
	for (size_t i = 0; i < HTML_ROW_PARTS; i++)
		if (html_entry_row_parts[i] == element)
			return true;
	return false;
}

bool html_entry_is_table_part(enum html_element element)
{
	return html_entry_is_row_part(element) || element == HTML_TD || element == HTML_TH ||
	       element == HTML_CAPTION || element == HTML_COL;
}

/* The style that an element or text (HTML_OTHER) gets from the innermost n. What stands in a table but in no
 * cell is moved out in front of the table. WHATWG HTML 13.2.6.1, "foster parenting" */
const struct html_style *html_entry_style_around(const struct html_stack *stack, size_t n,
						 enum html_element element)
{
	const struct html_entry *around;

	while (n && has_flag(element, HTML_FLAG_SPECIAL) && html_entry_at(stack, n)->is_pending)
		n--;
	if (n == 0)
		return &stack->root;
	around = html_entry_at(stack, n);
	if (!html_entry_is_row_part(around->element) || html_entry_is_table_part(element) || !around->table)
		return &around->style;
	return around->table > 1 ? &html_entry_at(stack, around->table - 1)->style : &stack->root;
}

const struct html_style *html_stack_style(const struct html_stack *stack)
{
	return html_entry_style_around(stack, stack->n, HTML_OTHER);
}

bool html_stack_is_foreign(const struct html_stack *stack)
{
	return stack->n && html_entry_at(stack, stack->n)->is_foreign;
}

bool html_entry_grow(struct html_stack *stack)
{
	size_t cap = stack->cap ? 2 * stack->cap : FIRST_CAP;
	struct html_entry *entries;
	struct html_names *names;

	if (cap > stack->max)
		cap = stack->max;
	if (cap == stack->cap)
		return false;
	entries = arena_alloc(stack->arena, cap * sizeof *entries);
	names = arena_alloc(stack->arena, cap * sizeof *names);
	if (!entries || !names)
		return false;
	if (stack->n) {
		memcpy(entries, stack->entries, stack->n * sizeof *entries);
		memcpy(names, stack->names, stack->n * sizeof *names);
	}
	stack->entries = entries;
	stack->names = names;
	stack->cap = cap;
	return true;
}

static void set_style(struct html_stack *stack, size_t place)
{
	struct html_entry *entry = html_entry_at(stack, place);
	const struct html_style *style = html_entry_style_around(stack, place - 1, entry->element);

	if (entry->has_values)
		html_style_within(style, entry->values, &entry->style);
	else
		entry->style = *style;
}

/* Links the entry at the top into the lists; its element, foreignness and values are set. */
void html_entry_link(struct html_stack *stack)
{
	struct html_entry *entry = html_entry_at(stack, stack->n);
	const struct html_entry *around = stack->n > 1 ? entry - 1 : NULL;
	bool is_html = !entry->is_foreign;

	entry->below = stack->last[entry->element];
	stack->last[entry->element] = stack->n;
	stack->n_open[entry->element]++;
	entry->scope = around ? around->scope : 0;
	entry->table = around ? around->table : 0;
	entry->block = around ? around->block : 0;
	if (is_html && has_flag(entry->element, HTML_FLAG_SCOPE))
		entry->scope = stack->n;
	if (is_html && (entry->element == HTML_TABLE || entry->element == HTML_TEMPLATE))
		entry->table = stack->n;
	if (is_html && has_flag(entry->element, HTML_FLAG_SPECIAL))
		entry->block = stack->n;
	set_style(stack, stack->n);
}

void html_entry_pop(struct html_stack *stack)
{
	struct html_entry *entry = html_entry_at(stack, stack->n--);

	if (entry->is_dead)
		return;
	stack->last[entry->element] = entry->below;
	stack->n_open[entry->element]--;
}

/* The entry that stands, unlinked, at `from` comes to the top, which is no further in. */
static void push_again(struct html_stack *stack, size_t from)
{
	stack->names[stack->n] = stack->names[from - 1];
	stack->entries[stack->n] = stack->entries[from - 1];
	stack->n++;
	html_entry_link(stack);
}

static bool goes_on(const struct html_entry *entry)
{
	return !entry->is_foreign && !entry->is_dead && has_flag(entry->element, HTML_FLAG_FORMATTING);
}

/* Three of a kind say no more than four. WHATWG HTML 13.2.4.3, "Noah's Ark" */
static bool is_repeated(const struct html_stack *stack, const struct html_entry *entry)
{
	const struct html_entry *last;

	if (stack->n_open[entry->element] < ALIKE_MAX)
		return false;
	last = html_entry_at(stack, stack->last[entry->element]);
	if (entry->has_values != last->has_values)
		return false;
	return !entry->has_values || memcmp(entry->values, last->values, sizeof entry->values) == 0;
}

/* Closes the elements from place on; of those from first_kept on the innermost formatting ones open again. */
void html_entry_close_keeping(struct html_stack *stack, size_t place, size_t first_kept)
{
	size_t kept[HTML_KEPT], n = 0;

	for (; stack->n >= place; html_entry_pop(stack))
		if (n < HTML_KEPT && stack->n >= first_kept && goes_on(html_entry_at(stack, stack->n)))
			kept[n++] = stack->n;
	while (stack->n && html_entry_at(stack, stack->n)->is_dead)
		html_entry_pop(stack);
	while (n--)
		if (!is_repeated(stack, html_entry_at(stack, kept[n]))) {
			push_again(stack, kept[n]);
			html_entry_at(stack, stack->n)->is_pending = true;
		}
}

void html_stack_settle(struct html_stack *stack)
{
	for (size_t place = stack->n; place && html_entry_at(stack, place)->is_pending; place--)
		html_entry_at(stack, place)->is_pending = false;
}

/* Closes the element at place with all inside. What ends a search ends formatting too; other elements let it
 * go on behind them. */
void html_entry_close(struct html_stack *stack, size_t place)
{
	enum html_element element = html_entry_at(stack, place)->element;
	bool is_end = element != HTML_TABLE && has_flag(element, HTML_FLAG_SCOPE);

	html_entry_close_keeping(stack, place, is_end ? SIZE_MAX : place + 1);
}

/* Ends an element whose inside stays open: it and what it set are as if they were not there. */
static void kill(struct html_stack *stack, size_t place)
{
	struct html_entry *entry = html_entry_at(stack, place);
	size_t *link = &stack->last[entry->element];

	while (*link != place)
		link = &html_entry_at(stack, *link)->below;
	*link = entry->below;
	stack->n_open[entry->element]--;
	stack->names[place - 1] = (struct html_names){ 0 };
	entry->is_dead = true;
	entry->has_values = false;
}

/* A formatting element with blocks open inside: it ends, the blocks stay, and all else within ends too unless
 * it is a formatting element. Takes from the steps of the page. WHATWG HTML 13.2.6.4.7, "adoption agency" */
static void take_out(struct html_stack *stack, size_t place)
{
	size_t block = html_entry_at(stack, stack->n)->block;

	if (stack->sheet->steps_left < stack->n - place) {
		stack->sheet->is_full = true;
		return;
	}
	stack->sheet->steps_left -= stack->n - place;
	kill(stack, place);
	for (size_t inside = place + 1; inside < block; inside++) {
		const struct html_entry *entry = html_entry_at(stack, inside);
		if (!entry->is_dead && !goes_on(entry) && !has_flag(entry->element, HTML_FLAG_SPECIAL))
			kill(stack, inside);
	}
	for (; place <= block; place++)
		set_style(stack, place);
	html_entry_close_keeping(stack, block + 1, block + 1);
}

void html_entry_close_formatting(struct html_stack *stack, size_t place)
{
	if (place < html_entry_at(stack, stack->n)->block)
		take_out(stack, place);
	else
		html_entry_close(stack, place);
}

/* Formatting elements that are to be opened again, and those that stand between the parts of a table, go on
 * within the element that has just been opened at the top. */
void html_entry_move_formatting(struct html_stack *stack)
{
	bool is_part = html_entry_is_row_part(html_entry_at(stack, stack->n)->element);
	struct html_entry part = *html_entry_at(stack, stack->n);
	struct html_names names = stack->names[stack->n - 1];
	size_t places[HTML_KEPT], n = 0;

	html_entry_pop(stack);
	while (n < HTML_KEPT && stack->n && goes_on(html_entry_at(stack, stack->n)) &&
	       (is_part || html_entry_at(stack, stack->n)->is_pending)) {
		places[n++] = stack->n;
		html_entry_pop(stack);
	}
	for (size_t i = 0; i < n; i++) { /* one place up, the innermost first */
		stack->entries[places[i]] = stack->entries[places[i] - 1];
		stack->names[places[i]] = stack->names[places[i] - 1];
	}
	stack->entries[stack->n] = part;
	stack->names[stack->n++] = names;
	html_entry_link(stack);
	while (n--) {
		stack->n++;
		html_entry_link(stack);
	}
}

void html_entry_open_implied(struct html_stack *stack, enum html_element element)
{
	struct html_entry *entry;

	if (stack->n == stack->cap && !html_entry_grow(stack))
		return;
	html_names_of(element, (struct text){ 0 }, (struct text){ 0 }, (struct text){ 0 },
		      &stack->names[stack->n]);
	entry = &stack->entries[stack->n++];
	entry->element = element;
	entry->is_foreign = entry->has_values = entry->is_dead = entry->is_pending = false;
	html_entry_link(stack);
	html_entry_move_formatting(stack);
}
