/* SPDX-License-Identifier: Apache-2.0
 *
 * Open elements. Called by html_view.c for each tag of a stranger's page. Entries of one element are a list
 * from the innermost out (`below`), and each entry knows the innermost element around that ends a search
 * (`scope`, `table`), so that finding what an end tag closes takes one step. Invariants: places count from 1,
 * 0 is none; last[e] is the innermost entry of e; an entry's style is computed from that of the entry before
 * it; at most max entries.
 */
#include "judge/html_stack.h"

#define FIRST_CAP  32
#define ALIKE_MAX  3
#define ITEM_STEPS 32

struct html_entry {
	enum html_element element;
	size_t below; /* the next of the same element, further out */
	size_t scope; /* the innermost element of HTML_FLAG_SCOPE up to this one */
	size_t table; /* the innermost <table> or <template> up to this one */
	size_t block; /* the innermost element of HTML_FLAG_SPECIAL up to this one */
	bool is_foreign;
	bool has_values; /* something was set; else the style is that of the entry before */
	bool is_dead;    /* ended before what is open inside it: in no list, sets nothing */
	bool is_pending; /* to be opened again before the next text or inline element */
	struct html_style style;
	struct html_value values[HTML_PROPERTY_COUNT];
};

void html_stack_init(struct html_stack *stack, size_t max, struct html_sheet *sheet, struct arena *arena)
{
	memset(stack, 0, sizeof *stack);
	stack->max = max;
	stack->sheet = sheet;
	stack->arena = arena;
	stack->root = html_style_root();
}

static struct html_entry *entry_at(const struct html_stack *stack, size_t place)
{
	return &stack->entries[place - 1];
}

static bool has_flag(enum html_element element, unsigned flag)
{
	return html_element_flags(element) & flag;
}

/* What of a table stands around its cells. */
static const enum html_element row_parts[] = {
	HTML_TABLE, HTML_COLGROUP, HTML_TBODY, HTML_THEAD, HTML_TFOOT, HTML_TR,
};

static bool is_row_part(enum html_element element)
{
	for (size_t i = 0; i < sizeof row_parts / sizeof *row_parts; i++)
		if (row_parts[i] == element)
			return true;
	return false;
}

static bool is_table_part(enum html_element element)
{
	return is_row_part(element) || element == HTML_TD || element == HTML_TH || element == HTML_CAPTION ||
	       element == HTML_COL;
}

/* The style that an element or text (HTML_OTHER) gets from the innermost n. What stands in a table but in no
 * cell is moved out in front of the table. WHATWG HTML 13.2.6.1, "foster parenting" */
static const struct html_style *style_around(const struct html_stack *stack, size_t n,
					     enum html_element element)
{
	const struct html_entry *around;

	while (n && has_flag(element, HTML_FLAG_SPECIAL) && entry_at(stack, n)->is_pending)
		n--;
	if (n == 0)
		return &stack->root;
	around = entry_at(stack, n);
	if (!is_row_part(around->element) || is_table_part(element) || !around->table)
		return &around->style;
	return around->table > 1 ? &entry_at(stack, around->table - 1)->style : &stack->root;
}

const struct html_style *html_stack_style(const struct html_stack *stack)
{
	return style_around(stack, stack->n, HTML_OTHER);
}

bool html_stack_is_foreign(const struct html_stack *stack)
{
	return stack->n && entry_at(stack, stack->n)->is_foreign;
}

static bool grow(struct html_stack *stack)
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
	struct html_entry *entry = entry_at(stack, place);
	const struct html_style *style = style_around(stack, place - 1, entry->element);

	if (entry->has_values)
		html_style_within(style, entry->values, &entry->style);
	else
		entry->style = *style;
}

/* Links the entry at the top into the lists; its element, foreignness and values are set. */
static void link_top(struct html_stack *stack)
{
	struct html_entry *entry = entry_at(stack, stack->n);
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

static void pop(struct html_stack *stack)
{
	struct html_entry *entry = entry_at(stack, stack->n--);

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
	link_top(stack);
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
	last = entry_at(stack, stack->last[entry->element]);
	if (entry->has_values != last->has_values)
		return false;
	return !entry->has_values || memcmp(entry->values, last->values, sizeof entry->values) == 0;
}

/* Closes the elements from place on; of those from first_kept on the innermost formatting ones open again. */
static void close_keeping(struct html_stack *stack, size_t place, size_t first_kept)
{
	size_t kept[HTML_KEPT], n = 0;

	for (; stack->n >= place; pop(stack))
		if (n < HTML_KEPT && stack->n >= first_kept && goes_on(entry_at(stack, stack->n)))
			kept[n++] = stack->n;
	while (stack->n && entry_at(stack, stack->n)->is_dead)
		pop(stack);
	while (n--)
		if (!is_repeated(stack, entry_at(stack, kept[n]))) {
			push_again(stack, kept[n]);
			entry_at(stack, stack->n)->is_pending = true;
		}
}

void html_stack_settle(struct html_stack *stack)
{
	for (size_t place = stack->n; place && entry_at(stack, place)->is_pending; place--)
		entry_at(stack, place)->is_pending = false;
}

/* Closes the element at place with all inside. What ends a search ends formatting too; other elements let it
 * go on behind them. */
static void close_from(struct html_stack *stack, size_t place)
{
	enum html_element element = entry_at(stack, place)->element;
	bool is_end = element != HTML_TABLE && has_flag(element, HTML_FLAG_SCOPE);

	close_keeping(stack, place, is_end ? SIZE_MAX : place + 1);
}

/* Ends an element whose inside stays open: it and what it set are as if they were not there. */
static void kill(struct html_stack *stack, size_t place)
{
	struct html_entry *entry = entry_at(stack, place);
	size_t *link = &stack->last[entry->element];

	while (*link != place)
		link = &entry_at(stack, *link)->below;
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
	size_t block = entry_at(stack, stack->n)->block;

	if (stack->sheet->steps_left < stack->n - place) {
		stack->sheet->is_full = true;
		return;
	}
	stack->sheet->steps_left -= stack->n - place;
	kill(stack, place);
	for (size_t inside = place + 1; inside < block; inside++) {
		const struct html_entry *entry = entry_at(stack, inside);
		if (!entry->is_dead && !goes_on(entry) && !has_flag(entry->element, HTML_FLAG_SPECIAL))
			kill(stack, inside);
	}
	for (; place <= block; place++)
		set_style(stack, place);
	close_keeping(stack, block + 1, block + 1);
}

static void close_formatting(struct html_stack *stack, size_t place)
{
	if (place < entry_at(stack, stack->n)->block)
		take_out(stack, place);
	else
		close_from(stack, place);
}

static bool has_table(const struct html_stack *stack)
{
	return stack->n && entry_at(stack, stack->n)->table;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* The innermost element around that ends the search for an open one. WHATWG HTML 13.2.4.2 */
static size_t barrier_of(const struct html_stack *stack, enum html_element element)
{
	const struct html_entry *top = entry_at(stack, stack->n);

	if (element == HTML_TABLE)
		return 0;
	if (is_table_part(element))
		return top->table;
	if (element == HTML_P)
		return larger(top->scope, stack->last[HTML_BUTTON]);
	if (element == HTML_LI)
		return larger(top->scope, larger(stack->last[HTML_UL], stack->last[HTML_OL]));
	return has_flag(element, HTML_FLAG_SCOPE) ? 0 : top->scope;
}

/* The place of the innermost such element that may be closed from here; 0: none. */
static size_t find_open(const struct html_stack *stack, enum html_element element)
{
	size_t place = stack->last[element];

	return place && place > barrier_of(stack, element) ? place : 0;
}

static void close_element(struct html_stack *stack, enum html_element element)
{
	size_t place = stack->n ? find_open(stack, element) : 0;

	if (place)
		close_from(stack, place);
}

/* An item of a list ends the one before it, unless something other than <div> and <p> began between: within
 * the innermost ITEM_STEPS elements. */
static void close_item(struct html_stack *stack, enum html_element a, enum html_element b)
{
	for (size_t place = stack->n; place && stack->n - place < ITEM_STEPS; place--) {
		enum html_element element = entry_at(stack, place)->element;
		if (element == a || element == b) {
			close_from(stack, place);
			return;
		}
		if (has_flag(element, HTML_FLAG_SPECIAL) && element != HTML_ADDRESS && element != HTML_DIV &&
		    element != HTML_P)
			return;
	}
}

static bool is_heading(enum html_element element)
{
	return element == HTML_H1 || element == HTML_H2 || element == HTML_H3 || element == HTML_H4 ||
	       element == HTML_H5 || element == HTML_H6;
}

/* Is the innermost table without a cell or caption that is open? */
static bool is_between_cells(const struct html_stack *stack)
{
	size_t cell = larger(stack->last[HTML_TD], larger(stack->last[HTML_TH], stack->last[HTML_CAPTION]));
	size_t table = stack->n ? entry_at(stack, stack->n)->table : 0;

	return table && entry_at(stack, table)->element == HTML_TABLE && cell < table;
}

static void close_cell(struct html_stack *stack)
{
	close_element(stack, HTML_TD);
	close_element(stack, HTML_TH);
	close_element(stack, HTML_CAPTION);
}

/* The innermost part of the innermost table that rows or cells may stand in. */
static size_t innermost_part(const struct html_stack *stack)
{
	size_t place = entry_at(stack, stack->n)->table;

	for (size_t i = 0; i < sizeof row_parts / sizeof *row_parts; i++)
		place = larger(place, stack->last[row_parts[i]]);
	return place;
}

/* Formatting elements that are to be opened again, and those that stand between the parts of a table, go on
 * within the element that has just been opened at the top. */
static void move_formatting(struct html_stack *stack)
{
	bool is_part = is_row_part(entry_at(stack, stack->n)->element);
	struct html_entry part = *entry_at(stack, stack->n);
	struct html_names names = stack->names[stack->n - 1];
	size_t places[HTML_KEPT], n = 0;

	pop(stack);
	while (n < HTML_KEPT && stack->n && goes_on(entry_at(stack, stack->n)) &&
	       (is_part || entry_at(stack, stack->n)->is_pending)) {
		places[n++] = stack->n;
		pop(stack);
	}
	for (size_t i = 0; i < n; i++) { /* one place up, the innermost first */
		stack->entries[places[i]] = stack->entries[places[i] - 1];
		stack->names[places[i]] = stack->names[places[i] - 1];
	}
	stack->entries[stack->n] = part;
	stack->names[stack->n++] = names;
	link_top(stack);
	while (n--) {
		stack->n++;
		link_top(stack);
	}
}

static void open_implied(struct html_stack *stack, enum html_element element)
{
	struct html_entry *entry;

	if (stack->n == stack->cap && !grow(stack))
		return;
	html_names_of(element, (struct text){ 0 }, (struct text){ 0 }, (struct text){ 0 },
		      &stack->names[stack->n]);
	entry = &stack->entries[stack->n++];
	entry->element = element;
	entry->is_foreign = entry->has_values = entry->is_dead = entry->is_pending = false;
	link_top(stack);
	move_formatting(stack);
}

/* Whatever is open between the parts of a table ends; a cell gets its row, a row its body. WHATWG HTML
 * 13.2.6.4.9 and on */
static void close_for_table_part(struct html_stack *stack, enum html_element element)
{
	bool is_cell = element == HTML_TD || element == HTML_TH;
	size_t part;

	close_cell(stack);
	close_element(stack, HTML_COLGROUP);
	if (!is_cell)
		close_element(stack, HTML_TR);
	if (!is_cell && element != HTML_TR) {
		close_element(stack, HTML_TBODY);
		close_element(stack, HTML_THEAD);
		close_element(stack, HTML_TFOOT);
	}
	part = innermost_part(stack);
	if (part < stack->n)
		close_keeping(stack, part + 1, is_cell ? SIZE_MAX : part + 1);
	if ((is_cell || element == HTML_TR) && entry_at(stack, part)->element == HTML_TABLE)
		open_implied(stack, HTML_TBODY);
	if (is_cell && stack->last[HTML_TR] <= part && entry_at(stack, part)->element != HTML_TR)
		open_implied(stack, HTML_TR);
}

/* What a start tag closes before its element opens. */
static void close_for(struct html_stack *stack, enum html_element element)
{
	if (element == HTML_LI)
		close_item(stack, HTML_LI, HTML_LI);
	if (element == HTML_DT || element == HTML_DD)
		close_item(stack, HTML_DT, HTML_DD);
	if (has_flag(element, HTML_FLAG_ENDS_P) && !(element == HTML_TABLE && stack->is_quirky))
		close_element(stack, HTML_P);
	if (is_heading(element) && stack->n && is_heading(entry_at(stack, stack->n)->element))
		close_from(stack, stack->n);
	if (element == HTML_OPTION || element == HTML_OPTGROUP)
		close_element(stack, HTML_OPTION);
	if (element == HTML_BUTTON) /* none within its like */
		close_element(stack, element);
	if ((element == HTML_A || element == HTML_NOBR) && stack->last[element] &&
	    stack->last[element] > entry_at(stack, stack->n)->scope)
		close_formatting(stack, stack->last[element]);
	if (element == HTML_TABLE && is_between_cells(stack))
		close_element(stack, HTML_TABLE);
	else if (is_table_part(element) && element != HTML_TABLE && element != HTML_COL && has_table(stack))
		close_for_table_part(stack, element);
}

/* Start tags that mean nothing where they stand. */
static bool is_ignored(const struct html_stack *stack, enum html_element element)
{
	if (element == HTML_BODY || element == HTML_HTML)
		return stack->last[element] && entry_at(stack, stack->last[element])->has_values;
	if (!is_table_part(element) || element == HTML_TABLE)
		return false;
	return !has_table(stack);
}

/* HTML within SVG and MathML: some tags end these, some elements hold HTML. WHATWG HTML 13.2.6.5 */
static bool is_foreign_inside(const struct html_stack *stack, enum html_element element)
{
	if (element == HTML_SVG || element == HTML_MATH)
		return true;
	if (!html_stack_is_foreign(stack))
		return false;
	switch (element) {
	case HTML_FOREIGNOBJECT:
	case HTML_DESC:
	case HTML_TITLE:
	case HTML_ANNOTATION_XML:
	case HTML_MI:
	case HTML_MO:
	case HTML_MN:
	case HTML_MS:
	case HTML_MTEXT:
		return false;
	default:
		return true;
	}
}

static void leave_foreign(struct html_stack *stack, enum html_element element)
{
	if (!has_flag(element, HTML_FLAG_BREAKOUT))
		return;
	while (html_stack_is_foreign(stack))
		pop(stack);
}

static void cascade_of(struct html_stack *stack, const struct html_opening *o, struct html_names *ret_names,
		       struct html_cascade *ret_cascade)
{
	ret_cascade->set = 0;
	html_names_of(o->token->element, o->token->name, o->classes, o->id, ret_names);
	html_style_set_element(o->token->element, o->attributes, ret_cascade);
	html_sheet_apply(stack->sheet, ret_names, stack->names, stack->n, ret_cascade);
	if (o->style.n)
		html_style_set_inline(o->style, ret_cascade);
	if (ret_cascade->set)
		html_cascade_finish(ret_cascade);
}

void html_stack_open(struct html_stack *stack, const struct html_opening *opening,
		     struct html_style *ret_style)
{
	enum html_element element = opening->token->element;
	struct html_cascade *cascade = &stack->cascade;
	struct html_names names;
	struct html_entry *entry;
	bool is_foreign;

	leave_foreign(stack, element);
	if (!html_stack_is_foreign(stack))
		close_for(stack, element);
	if (!has_flag(element, HTML_FLAG_SPECIAL))
		html_stack_settle(stack);
	is_foreign = is_foreign_inside(stack, element);
	cascade_of(stack, opening, &names, cascade);
	*ret_style = *style_around(stack, stack->n, element);
	if (cascade->set)
		html_style_within(style_around(stack, stack->n, element), cascade->values, ret_style);
	if ((!is_foreign && (has_flag(element, HTML_FLAG_VOID) || is_ignored(stack, element))) ||
	    (opening->token->is_self_closing && (is_foreign || html_stack_is_foreign(stack))))
		return;
	if (stack->n_beyond || (stack->n == stack->cap && !grow(stack))) {
		stack->was_full = true;
		stack->n_beyond++;
		return;
	}
	stack->names[stack->n] = names;
	entry = &stack->entries[stack->n++];
	entry->element = element;
	entry->is_foreign = is_foreign;
	entry->is_dead = entry->is_pending = false;
	entry->has_values = cascade->set != 0;
	if (cascade->set)
		memcpy(entry->values, cascade->values, sizeof entry->values);
	link_top(stack);
	if (!is_foreign && has_flag(element, HTML_FLAG_SPECIAL) && !has_flag(element, HTML_FLAG_SCOPE))
		move_formatting(stack);
}

/* An element of another name: the innermost of those that have it, and no block inside. */
static bool close_other(struct html_stack *stack, struct text name)
{
	struct html_names names;
	size_t place = stack->last[HTML_OTHER];

	html_names_of(HTML_OTHER, name, (struct text){ 0 }, (struct text){ 0 }, &names);
	for (unsigned i = 0; place && i < HTML_KEPT; i++) {
		if (stack->names[place - 1].name == names.name) {
			if (place < entry_at(stack, stack->n)->block)
				return false;
			close_from(stack, place);
			return true;
		}
		place = entry_at(stack, place)->below;
	}
	return false;
}

/* The end tag of any heading ends the one that is open. */
static size_t find_heading(const struct html_stack *stack)
{
	size_t place = 0;

	for (unsigned e = HTML_H1; e <= HTML_H6; e++)
		place = larger(place, find_open(stack, (enum html_element)e));
	return place;
}

bool html_stack_close(struct html_stack *stack, const struct html_token *token)
{
	enum html_element element = token->element;
	size_t place;

	if (stack->n_beyond) {
		stack->n_beyond--;
		return true;
	}
	if (!stack->n)
		return false;
	if (element == HTML_OTHER)
		return close_other(stack, token->name);
	if (element == HTML_BODY || element == HTML_HTML) /* what follows still belongs to it */
		return false;
	place = find_open(stack, element);
	if (is_heading(element))
		place = find_heading(stack);
	if (!place)
		return false;
	if (has_flag(element, HTML_FLAG_FORMATTING)) {
		close_formatting(stack, place);
		return true;
	}
	if (!has_flag(element, HTML_FLAG_SPECIAL) && place < entry_at(stack, stack->n)->block)
		return false;
	if (is_row_part(element)) /* what is open in a cell ends with it, what is between cells goes on */
		close_cell(stack);
	close_from(stack, place);
	return true;
}

void html_stack_cut(struct html_stack *stack, size_t n)
{
	stack->n_beyond = 0;
	while (stack->n > n)
		pop(stack);
}
