/* SPDX-License-Identifier: Apache-2.0
 *
 * What tags do to the list of open elements (html_entry.c). Called by html_view.c for each tag of a
 * stranger's page. The rules are those of the WHATWG's tree construction, as far as they decide which
 * elements a text is in. Invariant: a tag looks at a bounded number of entries, but for those it closes and
 * for ending a formatting element with blocks inside, which takes from the steps of the page.
 */
#include "judge/html_stack.h"

#include "judge/html_entry.h"

#define ITEM_STEPS 32

void html_stack_init(struct html_stack *stack, size_t max, struct html_sheet *sheet, struct arena *arena)
{
	memset(stack, 0, sizeof *stack);
	stack->max = max;
	stack->sheet = sheet;
	stack->arena = arena;
	stack->root = html_style_root();
}

static bool has_flag(enum html_element element, unsigned flag)
{
	return html_element_flags(element) & flag;
}

static bool has_table(const struct html_stack *stack)
{
	return stack->n && html_entry_at(stack, stack->n)->table;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* The innermost element around that ends the search for an open one. WHATWG HTML 13.2.4.2 */
static size_t barrier_of(const struct html_stack *stack, enum html_element element)
{
	const struct html_entry *top = html_entry_at(stack, stack->n);

	if (element == HTML_TABLE)
		return 0;
	if (html_entry_is_table_part(element))
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
		html_entry_close(stack, place);
}

/* An item of a list ends the one before it, unless something other than <div> and <p> began between: within
 * the innermost ITEM_STEPS elements. */
static void close_item(struct html_stack *stack, enum html_element a, enum html_element b)
{
	for (size_t place = stack->n; place && stack->n - place < ITEM_STEPS; place--) {
		enum html_element element = html_entry_at(stack, place)->element;
		if (element == a || element == b) {
			html_entry_close(stack, place);
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
	size_t table = stack->n ? html_entry_at(stack, stack->n)->table : 0;

	return table && html_entry_at(stack, table)->element == HTML_TABLE && cell < table;
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
	size_t place = html_entry_at(stack, stack->n)->table;

	for (size_t i = 0; i < HTML_ROW_PARTS; i++)
		place = larger(place, stack->last[html_entry_row_parts[i]]);
	return place;
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
		html_entry_close_keeping(stack, part + 1, is_cell ? SIZE_MAX : part + 1);
	if ((is_cell || element == HTML_TR) && html_entry_at(stack, part)->element == HTML_TABLE)
		html_entry_open_implied(stack, HTML_TBODY);
	if (is_cell && stack->last[HTML_TR] <= part && html_entry_at(stack, part)->element != HTML_TR)
		html_entry_open_implied(stack, HTML_TR);
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
	if (is_heading(element) && stack->n && is_heading(html_entry_at(stack, stack->n)->element))
		html_entry_close(stack, stack->n);
	if (element == HTML_OPTION || element == HTML_OPTGROUP)
		close_element(stack, HTML_OPTION);
	if (element == HTML_BUTTON) /* none within its like */
		close_element(stack, element);
	if ((element == HTML_A || element == HTML_NOBR) && stack->last[element] &&
	    stack->last[element] > html_entry_at(stack, stack->n)->scope)
		html_entry_close_formatting(stack, stack->last[element]);
	if (element == HTML_TABLE && is_between_cells(stack))
		close_element(stack, HTML_TABLE);
	else if (html_entry_is_table_part(element) && element != HTML_TABLE && element != HTML_COL &&
		 has_table(stack))
		close_for_table_part(stack, element);
}

/* Start tags that mean nothing where they stand. */
static bool is_ignored(const struct html_stack *stack, enum html_element element)
{
	if (element == HTML_BODY || element == HTML_HTML)
		return stack->last[element] && html_entry_at(stack, stack->last[element])->has_values;
	if (!html_entry_is_table_part(element) || element == HTML_TABLE)
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
		html_entry_pop(stack);
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
	*ret_style = *html_entry_style_around(stack, stack->n, element);
	if (cascade->set)
		html_style_within(html_entry_style_around(stack, stack->n, element), cascade->values,
				  ret_style);
	if ((!is_foreign && (has_flag(element, HTML_FLAG_VOID) || is_ignored(stack, element))) ||
	    (opening->token->is_self_closing && (is_foreign || html_stack_is_foreign(stack))))
		return;
	if (stack->n_beyond || (stack->n == stack->cap && !html_entry_grow(stack))) {
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
	html_entry_link(stack);
	if (!is_foreign && has_flag(element, HTML_FLAG_SPECIAL) && !has_flag(element, HTML_FLAG_SCOPE))
		html_entry_move_formatting(stack);
}

/* An element of another name: the innermost of those that have it, and no block inside. */
static bool close_other(struct html_stack *stack, struct text name)
{
	struct html_names names;
	size_t place = stack->last[HTML_OTHER];

	html_names_of(HTML_OTHER, name, (struct text){ 0 }, (struct text){ 0 }, &names);
	for (unsigned i = 0; place && i < HTML_KEPT; i++) {
		if (stack->names[place - 1].name == names.name) {
			if (place < html_entry_at(stack, stack->n)->block)
				return false;
			html_entry_close(stack, place);
			return true;
		}
		place = html_entry_at(stack, place)->below;
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
		html_entry_close_formatting(stack, place);
		return true;
	}
	if (!has_flag(element, HTML_FLAG_SPECIAL) && place < html_entry_at(stack, stack->n)->block)
		return false;
	if (html_entry_is_row_part(
		    element)) /* what is open in a cell ends with it, what is between cells goes on */
		close_cell(stack);
	html_entry_close(stack, place);
	return true;
}

void html_stack_cut(struct html_stack *stack, size_t n)
{
	stack->n_beyond = 0;
	while (stack->n > n)
		html_entry_pop(stack);
}
