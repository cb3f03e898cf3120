/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeps and finds the rules of style sheets. Called by html_view.c with the sheets of a page, and by
 * html_stack.c for each element. Only rules that set something of html_property.h are kept, in lists by the
 * id, class or element that they ask for last. Invariants: at most max_rules are kept; each rule looked at
 * and each element around that is compared takes one of STEPS, which one page shares; nested blocks are read
 * to MEDIA_DEPTH.
 */
#include "judge/html_sheet.h"

#define STEPS          2000000
#define MEDIA_DEPTH    4
#define COMPOUNDS_MAX  6
#define CLASSES_MAX    4
#define BLOCK_MAX      24 /* settings of one rule */
#define WINDOW_WIDE    80000
#define RANK_IMPORTANT ((uint64_t)1 << 63)
#define RANK_BASE      16
#define HASH_BASE      2166136261u
#define HASH_PRIME     16777619u

/* "td.a.b#c" */
struct compound {
	enum html_element element;
	uint32_t name, id;
	uint32_t classes[CLASSES_MAX];
	unsigned n_classes;
	bool is_any; /* asks for no element */
};

struct html_rule {
	struct html_rule *next;
	struct compound target;
	const struct compound *around; /* each is to match some element around */
	unsigned n_around;
	uint64_t rank;
	const struct html_setting *settings;
	size_t n_settings;
};

struct selector {
	struct compound compounds[COMPOUNDS_MAX];
	unsigned n;
	unsigned specificity;
};

struct block {
	struct html_setting settings[BLOCK_MAX];
	size_t n;
	const struct html_setting *kept; /* the same in the arena */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static uint32_t hash_add(uint32_t hash, char c)
{
	return (hash ^ (unsigned char)text_lower_byte(c)) * HASH_PRIME;
}

static uint32_t hash_of(struct text t)
{
	uint32_t hash = HASH_BASE;

	for (size_t i = 0; i < t.n; i++)
		hash = hash_add(hash, t.p[i]);
	return hash ? hash : 1;
}

void html_names_of(enum html_element element, struct text name, struct text classes, struct text id,
		   struct html_names *ret_names)
{
	size_t n = 0;

	*ret_names = (struct html_names){ .element = element };
	if (element == HTML_OTHER)
		ret_names->name = hash_of(name);
	if (id.n)
		ret_names->id = hash_of(text_trim(id));
	while (classes.n && ret_names->n_classes < HTML_CLASSES_MAX) {
		for (n = 0; n < classes.n && !is_space(classes.p[n]);)
			n++;
		if (n)
			ret_names->classes[ret_names->n_classes++] = hash_of(text_slice(classes, 0, n));
		classes = text_skip(classes, n + 1);
	}
}

void html_cascade_set(struct html_cascade *cascade, const struct html_setting *setting, uint64_t rank)
{
	uint32_t bit = (uint32_t)1 << setting->property;

	if (setting->is_important)
		rank |= RANK_IMPORTANT;
	if (cascade->set & bit && rank < cascade->ranks[setting->property])
		return;
	cascade->set |= bit;
	cascade->ranks[setting->property] = rank;
	cascade->values[setting->property] = setting->value;
}

void html_cascade_finish(struct html_cascade *cascade)
{
	for (unsigned i = 0; i < HTML_PROPERTY_COUNT; i++)
		if (!(cascade->set & (uint32_t)1 << i))
			cascade->values[i] = (struct html_value){ 0 };
}

void html_sheet_init(struct html_sheet *sheet, size_t max_rules, struct arena *arena)
{
	*sheet = (struct html_sheet){ .arena = arena, .max_rules = max_rules, .steps_left = STEPS };
}

static bool is_name_byte(char c)
{
	char lower = text_lower_byte(c);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
	       c & '\x80' || c == '\\';
}

/* A name at the start, its hash and its text as written. */
static struct text take_name(struct text *t, uint32_t *ret_hash)
{
	uint32_t hash = HASH_BASE;
	struct text all = *t;
	size_t n = 0;

	while (n < all.n && is_name_byte(all.p[n])) {
		n += all.p[n] == '\\' && n + 1 < all.n;
		hash = hash_add(hash, all.p[n++]);
	}
	*t = text_skip(all, n);
	*ret_hash = hash ? hash : 1;
	return text_slice(all, 0, n);
}

static bool take_element(struct text *t, struct selector *s, struct compound *c)
{
	uint32_t hash;
	struct text name = take_name(t, &hash);

	c->is_any = false;
	c->element = html_element_find(name);
	c->name = c->element == HTML_OTHER ? hash : 0;
	s->specificity += 1;
	return name.n > 0;
}

/* Those pseudo-classes that are true of what is read in a mail. */
static bool take_pseudo(struct text *t, struct selector *s)
{
	uint32_t hash;
	struct text name = take_name(t, &hash);

	s->specificity += 100;
	return text_is_cstr_nocase(name, "link") || text_is_cstr_nocase(name, "root");
}

static bool take_part(struct text *t, struct selector *s, struct compound *c)
{
	char mark = t->p[0];
	uint32_t hash;

	if (is_name_byte(mark))
		return take_element(t, s, c);
	*t = text_skip(*t, 1);
	if (mark == '*')
		return true;
	if (mark == ':')
		return take_pseudo(t, s);
	if (mark != '.' && mark != '#')
		return false;
	if (!take_name(t, &hash).n || (mark == '.' && c->n_classes == CLASSES_MAX))
		return false;
	s->specificity += mark == '.' ? 100 : 10000;
	if (mark == '#')
		c->id = hash;
	else
		c->classes[c->n_classes++] = hash;
	return true;
}

/* False: the selector asks for what we do not look at. */
static bool selector_parse(struct text t, struct selector *ret)
{
	*ret = (struct selector){ 0 };
	for (t = text_trim(t); t.n; t = text_trim(t)) {
		struct compound *c = &ret->compounds[ret->n];
		if (t.p[0] == '>' && ret->n) {
			t = text_skip(t, 1);
			continue;
		}
		if (ret->n == COMPOUNDS_MAX)
			return false;
		*c = (struct compound){ .is_any = true };
		while (t.n && !is_space(t.p[0]) && t.p[0] != '>')
			if (!take_part(&t, ret, c))
				return false;
		ret->n++;
	}
	return ret->n > 0;
}

static struct html_rule **bucket_of(struct html_sheet *sheet, const struct compound *c)
{
	uint32_t key = c->id          ? c->id
		       : c->n_classes ? c->classes[0]
		       : c->name      ? c->name
				      : (uint32_t)c->element;

	if (!c->id && !c->n_classes && c->is_any)
		return &sheet->everywhere;
	return &sheet->buckets[key % HTML_BUCKETS];
}

/* The settings of a rule are kept once for all its selectors, when the first of them is. */
static const struct html_setting *keep_settings(struct html_sheet *sheet, struct block *block)
{
	struct html_setting *kept;

	if (block->kept)
		return block->kept;
	kept = arena_alloc(sheet->arena, block->n * sizeof *kept);
	if (kept)
		memcpy(kept, block->settings, block->n * sizeof *kept);
	block->kept = kept;
	return kept;
}

static void add_rule(struct html_sheet *sheet, const struct selector *s, struct block *block)
{
	const struct html_setting *settings = keep_settings(sheet, block);
	struct html_rule *rule, **bucket;
	struct compound *around = NULL;

	if (sheet->n_rules == sheet->max_rules) {
		sheet->is_full = true;
		return;
	}
	rule = arena_alloc(sheet->arena, sizeof *rule);
	if (s->n > 1)
		around = arena_alloc(sheet->arena, (s->n - 1) * sizeof *around);
	if (!settings || !rule || (s->n > 1 && !around)) {
		sheet->is_full = true;
		return;
	}
	if (around)
		memcpy(around, s->compounds, (s->n - 1) * sizeof *around);
	*rule = (struct html_rule){ .target = s->compounds[s->n - 1],
				    .around = around,
				    .n_around = s->n - 1,
				    .settings = settings,
				    .n_settings = block->n };
	rule->rank = RANK_BASE + ((uint64_t)s->specificity << 32) + sheet->order++;
	bucket = bucket_of(sheet, &rule->target);
	rule->next = *bucket;
	*bucket = rule;
	sheet->n_rules++;
}

static void read_block(struct text t, struct block *ret)
{
	struct css_declaration declaration;
	struct html_settings settings;

	ret->n = 0;
	ret->kept = NULL;
	while (css_declaration_next(&t, &declaration)) {
		html_settings_of(&declaration, &settings);
		for (size_t i = 0; i < settings.n; i++) {
			if (ret->n == BLOCK_MAX) /* the last ones win anyway */
				ret->n = BLOCK_MAX - 1;
			ret->settings[ret->n++] = settings.list[i];
		}
	}
}

static void add_style_rule(struct html_sheet *sheet, const struct css_rule *rule)
{
	struct text rest = rule->prelude, one;
	struct selector selector;
	struct block block;

	read_block(rule->block, &block);
	if (!block.n || sheet->is_full)
		return;
	while (rest.n && !sheet->is_full) {
		text_cut(rest, ',', &one, &rest);
		if (selector_parse(one, &selector))
			add_rule(sheet, &selector, &block);
	}
}

/* "(min-width: 480px)": of the conditions this one alone may be true. */
static bool has_feature(struct text t)
{
	struct text name, value;
	struct css_length length;

	text_cut(t, ':', &name, &value);
	name = text_trim(name);
	if (!text_is_cstr_nocase(name, "min-width") && !text_is_cstr_nocase(name, "min-device-width"))
		return false;
	return css_length_parse(text_trim(value), &length) &&
	       css_length_pixels(length, 1600, 0) <= WINDOW_WIDE;
}

static bool query_is_true(struct text query)
{
	static const char *const others[] = { "print", "speech", "not", "handheld", "tv", "projection" };
	struct text feature, rest = query;

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (text_find_nocase(query, text_from_cstr(others[i])) != SIZE_MAX)
			return false;
	while (text_cut(rest, '(', &feature, &rest)) {
		text_cut(rest, ')', &feature, &rest);
		if (!has_feature(feature))
			return false;
	}
	return true;
}

static bool media_is_true(struct text list)
{
	struct text query;

	if (!list.n)
		return true;
	while (list.n) {
		text_cut(list, ',', &query, &list);
		if (query_is_true(query))
			return true;
	}
	return false;
}

static bool is_entered(const struct css_rule *rule)
{
	if (text_is_cstr_nocase(rule->at_name, "media"))
		return media_is_true(rule->prelude);
	return text_is_cstr_nocase(rule->at_name, "supports") || text_is_cstr_nocase(rule->at_name, "layer");
}

/* The sheets that are still to be read, from the outermost in. */
void html_sheet_add(struct html_sheet *sheet, struct text css)
{
	struct text open[MEDIA_DEPTH] = { css };
	struct css_rule rule;
	size_t depth = 0;

	for (;;) {
		if (!css_rule_next(&open[depth], &rule)) {
			if (depth == 0)
				return;
			depth--;
		} else if (!rule.at_name.n) {
			add_style_rule(sheet, &rule);
		} else if (depth + 1 < MEDIA_DEPTH && is_entered(&rule)) {
			open[++depth] = rule.block;
		}
	}
}

static bool has_class(const struct html_names *names, uint32_t class)
{
	for (unsigned i = 0; i < names->n_classes; i++)
		if (names->classes[i] == class)
			return true;
	return false;
}

static bool matches(const struct compound *c, const struct html_names *names)
{
	if (!c->is_any && (c->element != names->element || c->name != names->name))
		return false;
	if (c->id && c->id != names->id)
		return false;
	for (unsigned i = 0; i < c->n_classes; i++)
		if (!has_class(names, c->classes[i]))
			return false;
	return true;
}

static bool take_step(struct html_sheet *sheet)
{
	if (sheet->steps_left == 0) {
		sheet->is_full = true;
		return false;
	}
	sheet->steps_left--;
	return true;
}

/* From the innermost out, each compound further out than the one behind it. */
static bool matches_around(struct html_sheet *sheet, const struct html_rule *rule,
			   const struct html_names *around, size_t n)
{
	unsigned left = rule->n_around;

	while (left && n && take_step(sheet)) {
		left -= matches(&rule->around[left - 1], &around[n - 1]);
		n--;
	}
	return left == 0;
}

struct look {
	struct html_sheet *sheet;
	const struct html_names *names, *around;
	size_t n_around;
	struct html_cascade *cascade;
};

static void apply_list(const struct look *l, const struct html_rule *rule)
{
	for (; rule && take_step(l->sheet); rule = rule->next) {
		if (!matches(&rule->target, l->names) ||
		    !matches_around(l->sheet, rule, l->around, l->n_around))
			continue;
		for (size_t i = 0; i < rule->n_settings; i++)
			html_cascade_set(l->cascade, &rule->settings[i], rule->rank);
	}
}

void html_sheet_apply(struct html_sheet *sheet, const struct html_names *names,
		      const struct html_names *around, size_t n_around, struct html_cascade *cascade)
{
	struct look look = { sheet, names, around, n_around, cascade };
	uint32_t element = names->name ? names->name : (uint32_t)names->element;

	if (!sheet->n_rules)
		return;
	apply_list(&look, sheet->everywhere);
	apply_list(&look, sheet->buckets[element % HTML_BUCKETS]);
	if (names->id)
		apply_list(&look, sheet->buckets[names->id % HTML_BUCKETS]);
	for (unsigned i = 0; i < names->n_classes; i++)
		apply_list(&look, sheet->buckets[names->classes[i] % HTML_BUCKETS]);
}
