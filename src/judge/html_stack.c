/* SPDX-License-Identifier: Apache-2.0
 *
 * Open elements. Called by html_view.c for each tag of a stranger's page. Entries of one element are a list
 * from the innermost out (`below`), and each entry knows the innermost element around that ends a search
 * (`scope`, `table`), so that finding what an end tag closes takes one step. Invariants: places count from 1,
 * 0 is none; last[e] is the innermost entry of e; an entry's style is computed from that of the entry before
 * it; at most max entries.
 */
#include "judge/html_stack.h"

#define FIRST_CAP 32
#define ALIKE_MAX 3

struct html_entry {
	enum html_element element;
	size_t below; /* the next of the same element, further out */
	size_t scope; /* the innermost element of HTML_FLAG_SCOPE up to this one */
	size_t table; /* the innermost <table> or <template> up to this one */
	size_t block; /* the innermost element of HTML_FLAG_SPECIAL up to this one */
	bool is_foreign;
	bool has_values; /* something was set; else the style is that of the entry before */
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

const struct html_style *html_stack_style(const struct html_stack *stack)
{
	return stack->n ? &entry_at(stack, stack->n)->style : &stack->root;
}

bool html_stack_is_foreign(const struct html_stack *stack)
{
	return stack->n && entry_at(stack, stack->n)->is_foreign;
}

static bool has_flag(enum html_element element, unsigned flag)
{
	return html_element_flags(element) & flag;
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
	if (entry->has_values)
		html_style_within(around ? &around->style : &stack->root, entry->values, &entry->style);
	else
		entry->style = around ? around->style : stack->root;
}

static void pop(struct html_stack *stack)
{
	struct html_entry *entry = entry_at(stack, stack->n);

	stack->last[entry->element] = entry->below;
	stack->n_open[entry->element]--;
	stack->n--;
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
	return !entry->is_foreign && has_flag(entry->element, HTML_FLAG_FORMATTING);
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

/* Closes the elements from place on, but opens again the innermost formatting ones behind it. */
static void close_from(struct html_stack *stack, size_t place, bool is_kept)
{
	size_t kept[HTML_KEPT], n = 0;

	for (; stack->n >= place; pop(stack))
		if (is_kept && n < HTML_KEPT && stack->n > place && goes_on(entry_at(stack, stack->n)))
			kept[n++] = stack->n;
	while (n--)
		if (!is_repeated(stack, entry_at(stack, kept[n])))
			push_again(stack, kept[n]);
}

/* A formatting element with a block open inside: it ends, the block stays. WHATWG HTML 13.2.6.4.7, "adoption
 * agency" */
static void take_out(struct html_stack *stack, size_t place)
{
	size_t n = stack->n;

	if (n - place > HTML_KEPT)
		return;
	close_from(stack, place, false);
	while (++place <= n)
		push_again(stack, place);
}

static bool is_table_part(enum html_element element)
{
	switch (element) {
	case HTML_TABLE:
	case HTML_CAPTION:
	case HTML_COLGROUP:
	case HTML_TBODY:
	case HTML_THEAD:
	case HTML_TFOOT:
	case HTML_TR:
	case HTML_TD:
	case HTML_TH:
		return true;
	default:
		return false;
	}
}

/* The place of the innermost such element that may be closed from here; 0: none. */
static size_t find_open(const struct html_stack *stack, enum html_element element)
{
	size_t place = stack->last[element], barrier = 0;

	if (!place)
		return 0;
	if (element == HTML_TABLE)
		return place;
	if (is_table_part(element))
		barrier = entry_at(stack, stack->n)->table;
	else if (!has_flag(element, HTML_FLAG_SCOPE))
		barrier = entry_at(stack, stack->n)->scope;
	return place > barrier ? place : 0;
}

static void close_element(struct html_stack *stack, enum html_element element)
{
	size_t place = stack->n ? find_open(stack, element) : 0;

	if (place)
		close_from(stack, place, !has_flag(element, HTML_FLAG_SCOPE));
}

/* The innermost item of its kind, unless a list began behind it. */
static void close_item(struct html_stack *stack, enum html_element item, const enum html_element *lists)
{
	size_t place = stack->n ? find_open(stack, item) : 0;

	for (; *lists != HTML_OTHER; lists++)
		if (stack->last[*lists] > place)
			return;
	if (place)
		close_from(stack, place, true);
}

/* What a start tag closes before its element opens. */
static void close_for(struct html_stack *stack, enum html_element element)
{
	static const enum html_element lists[] = { HTML_UL, HTML_OL, HTML_MENU, HTML_DIR, HTML_OTHER };
	static const enum html_element descriptions[] = { HTML_DL, HTML_OTHER };

	if (has_flag(element, HTML_FLAG_ENDS_P))
		close_element(stack, HTML_P);
	if (element == HTML_LI)
		close_item(stack, HTML_LI, lists);
	if (element == HTML_DT || element == HTML_DD) {
		close_item(stack, HTML_DT, descriptions);
		close_item(stack, HTML_DD, descriptions);
	}
	if (element == HTML_OPTION || element == HTML_OPTGROUP)
		close_element(stack, HTML_OPTION);
	if (element == HTML_A) /* a link within a link ends it */
		close_element(stack, HTML_A);
	if (element == HTML_TD || element == HTML_TH || element == HTML_TR) {
		close_element(stack, HTML_TD);
		close_element(stack, HTML_TH);
	}
	if (element == HTML_TR || element == HTML_TBODY || element == HTML_THEAD || element == HTML_TFOOT)
		close_element(stack, HTML_TR);
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
	is_foreign = is_foreign_inside(stack, element);
	cascade_of(stack, opening, &names, cascade);
	*ret_style = *html_stack_style(stack);
	if (cascade->set)
		html_style_within(html_stack_style(stack), cascade->values, ret_style);
	if ((!is_foreign && has_flag(element, HTML_FLAG_VOID)) ||
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
	entry->has_values = cascade->set != 0;
	if (cascade->set)
		memcpy(entry->values, cascade->values, sizeof entry->values);
	link_top(stack);
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
			close_from(stack, place, true);
			return true;
		}
		place = entry_at(stack, place)->below;
	}
	return false;
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
	place = find_open(stack, element);
	if (!place)
		return false;
	if (!has_flag(element, HTML_FLAG_SPECIAL) && place < entry_at(stack, stack->n)->block) {
		if (has_flag(element, HTML_FLAG_FORMATTING))
			take_out(stack, place);
		return has_flag(element, HTML_FLAG_FORMATTING);
	}
	close_from(stack, place, !has_flag(element, HTML_FLAG_SCOPE));
	return true;
}

void html_stack_cut(struct html_stack *stack, size_t n)
{
	stack->n_beyond = 0;
	while (stack->n > n)
		pop(stack);
}
