/* SPDX-License-Identifier: Apache-2.0
 *
 * The grammar of postern.conf (conf.h): blocks and settings out of tokens. Called by conf_parse with an
 * administrator's file. After a mistake it goes on at the next line, or behind the block, so that one run
 * shows every mistake once; what it skips is reported by the first thing wrong with it.
 *
 * Blocks do not nest: inside a block a block's name means that a "}" is missing, and it is read as if it
 * were there. Invariants: every loop takes a token or ends; no recursion.
 */
#include "conf/parser.h"

#define QUOTE(t) conf_quote(t).s

static void take(struct conf_parser *p)
{
	p->token = conf_lexer_next(&p->lexer);
}

static bool is_at(const struct conf_parser *p, enum conf_token_kind kind)
{
	return p->token.kind == kind;
}

static bool is_line_end(const struct conf_parser *p)
{
	return is_at(p, CONF_TOKEN_NEWLINE) || is_at(p, CONF_TOKEN_CLOSE) || is_at(p, CONF_TOKEN_END);
}

static bool is_value(const struct conf_parser *p)
{
	return is_at(p, CONF_TOKEN_WORD) || is_at(p, CONF_TOKEN_STRING);
}

/* Behind the "}" of a block whose "{" was taken. */
static void skip_block(struct conf_parser *p)
{
	size_t depth = 1;

	while (depth && !is_at(p, CONF_TOKEN_END)) {
		depth += is_at(p, CONF_TOKEN_OPEN);
		depth -= is_at(p, CONF_TOKEN_CLOSE);
		take(p);
	}
}

/* To the end of the line, with the block that begins on it. */
static void skip_line(struct conf_parser *p)
{
	while (!is_line_end(p)) {
		bool opens = is_at(p, CONF_TOKEN_OPEN);
		take(p);
		if (opens)
			skip_block(p);
	}
}

/* What was meant by an unknown name, as " (...)". */
static void explain_name(struct conf_parser *p, const struct conf_block *block, struct text name)
{
	const struct conf_block *other = conf_block_with_row(name);
	const char *near = conf_suggest_name(block, name);
	struct text before, after;

	buf_reset(&p->why);
	if (text_cut(name, '=', &before, &after) && conf_row_by_name(block, before))
		buf_printf(&p->why, " (write %.*s and its value without =)", TEXT_ARGS(before));
	else if (other && other->shape == CONF_SHAPE_TOP)
		buf_add_cstr(&p->why, " (it belongs outside of any block)");
	else if (other)
		buf_printf(&p->why, " (it belongs into %s%s { ... })", other->name,
			   other->shape == CONF_SHAPE_MANY ? " NAME" : "");
	else if (near)
		buf_printf(&p->why, " (did you mean %s?)", near);
}

static void report_unknown(struct conf_parser *p, const struct conf_instance *in)
{
	explain_name(p, in->block, p->token.text);
	if (in->block->shape == CONF_SHAPE_TOP)
		conf_report(&p->report, p->token.at, "unknown setting or block %s%s", QUOTE(p->token.text),
			    buf_cstr(&p->why));
	else
		conf_report(&p->report, p->token.at, "unknown setting %s in %s%s", QUOTE(p->token.text),
			    conf_instance_label(in).s, buf_cstr(&p->why));
	p->has_gap = true;
	skip_line(p);
}

/* A value without the "," or ";" that other languages put behind it; empty when nothing is left. */
static struct text strip_sign(struct conf_parser *p, const struct conf_row *row)
{
	struct text word = p->token.text;
	char last = word.n ? word.p[word.n - 1] : 0;

	if (is_at(p, CONF_TOKEN_STRING))
		return word;
	if (last != ',' && last != ';')
		return word;
	conf_report(&p->report, p->token.at, "%s: %s ends with '%c' (leave it out)", row->name, QUOTE(word),
		    last);
	return text_slice(word, 0, word.n - 1);
}

/* The value at p->token, the number-th of its line. */
static void read_value(struct conf_parser *p, struct conf_instance *in, const struct conf_row *row,
		       size_t number)
{
	struct conf_slot *slot = conf_slot_of(in, row);
	struct text word = strip_sign(p, row);
	struct conf_place earlier;
	union conf_any value;
	bool is_word = is_at(p, CONF_TOKEN_WORD);

	if (word.n == 0 && is_word) {
		slot->is_bad = true;
		return;
	}
	if (number > 0 && is_word && p->mode == CONF_WHOLE && conf_row_by_name(in->block, word)) {
		conf_report(&p->report, p->token.at,
			    "%s: %s is the name of a setting (put it on its own line, or in double quotes)",
			    row->name, QUOTE(word));
		return;
	}
	buf_reset(&p->why);
	if (!conf_value_parse(row, &p->owner->arena, word, &value, &p->why)) {
		slot->is_bad = true;
		conf_report(&p->report, p->token.at, "%s: %s", row->name, buf_cstr(&p->why));
		return;
	}
	if (!conf_instance_set(p, in, row, &value, p->token.at, &earlier))
		conf_report(&p->report, p->token.at, "%s: %s is given twice (first at line %u)", row->name,
			    QUOTE(word), earlier.line);
}

/* Whether the list is not above its bound; says so once. */
static bool check_count(struct conf_parser *p, struct conf_instance *in, const struct conf_row *row)
{
	struct conf_slot *slot = conf_slot_of(in, row);
	uint64_t max;

	if (!conf_kind_of(row)->is_list || !text_parse_u64(text_from_cstr(row->max), UINT64_MAX, &max) ||
	    slot->n <= max)
		return true;
	if (slot->n == max + 1)
		conf_report(&p->report, slot->places[max], "%s: more than %s values", row->name, row->max);
	slot->is_bad = true;
	return false;
}

/* Whether this line may set the row; if not, says why. */
static bool start_setting(struct conf_parser *p, const struct conf_instance *in, const struct conf_row *row)
{
	struct conf_slot *slot = conf_slot_of(in, row);

	if (slot->at.line && !(row->use & CONF_USE_REPEAT)) {
		conf_report(&p->report, p->token.at, "%s: set twice (first at line %u)", row->name,
			    slot->at.line);
		return false;
	}
	conf_slot_start(slot, p->token.at);
	return true;
}

static void read_values(struct conf_parser *p, struct conf_instance *in, const struct conf_row *row)
{
	bool is_list = conf_kind_of(row)->is_list;
	struct conf_place at = p->token.at;
	size_t n = 0;

	take(p);
	if (is_at(p, CONF_TOKEN_WORD) && text_is_cstr(p->token.text, "=")) {
		conf_report(&p->report, p->token.at, "%s: no = stands between a setting and its value",
			    row->name);
		take(p);
	}
	for (; is_value(p); take(p), n++) {
		if (n > 0 && !is_list) {
			conf_report(&p->report, p->token.at, "%s: one value only, found %s as well",
				    row->name, QUOTE(p->token.text));
			skip_line(p);
			return;
		}
		read_value(p, in, row, n);
		if (!check_count(p, in, row)) {
			skip_line(p);
			return;
		}
	}
	if (is_at(p, CONF_TOKEN_OPEN)) {
		conf_report(&p->report, p->token.at, "%s: a setting, not a block", row->name);
		skip_line(p);
	} else if (n == 0) {
		conf_slot_of(in, row)->is_bad = true;
		conf_report(&p->report, at, "%s: the value is missing", row->name);
	}
}

static void read_setting(struct conf_parser *p, struct conf_instance *in, const struct conf_row *row)
{
	if (start_setting(p, in, row))
		read_values(p, in, row);
	else
		skip_line(p);
}

/* The name between a block's word and its "{"; empty when there is none, or a wrong one. */
static struct text read_block_name(struct conf_parser *p, const struct conf_block *block)
{
	union conf_any value = { .text = { NULL, 0 } };
	bool has_name = block->shape == CONF_SHAPE_MANY;

	if (has_name && is_value(p)) {
		buf_reset(&p->why);
		if (!conf_value_parse(&block->name_row, &p->owner->arena, p->token.text, &value, &p->why)) {
			conf_report(&p->report, p->token.at, "%s: %s", block->name, buf_cstr(&p->why));
			value.text = (struct text){ NULL, 0 };
		}
		take(p);
	} else if (has_name) {
		conf_report(&p->report, p->token.at, "%s: its name is missing (write %s NAME {)", block->name,
			    block->name);
	}
	if (is_value(p))
		conf_report(&p->report, p->token.at, "%s: %s, found %s", block->name,
			    has_name ? "one name only" : "it has no name", QUOTE(p->token.text));
	while (is_value(p))
		take(p);
	return value.text;
}

/* Takes the "{". One on the next line is reported and taken too, and one that is missing before a
 * setting of the block is taken as if it were there. */
static bool take_open(struct conf_parser *p, const struct conf_block *block)
{
	struct conf_place at = p->token.at;

	if (is_at(p, CONF_TOKEN_OPEN)) {
		take(p);
		return true;
	}
	while (is_at(p, CONF_TOKEN_NEWLINE))
		take(p);
	if (is_at(p, CONF_TOKEN_OPEN)) {
		conf_report(&p->report, p->token.at, "%s: the '{' must stand on the line of the block's name",
			    block->name);
		take(p);
		return true;
	}
	conf_report(&p->report, at, "%s: '{' is missing", block->name);
	p->has_gap = true;
	return is_at(p, CONF_TOKEN_WORD) && conf_row_by_name(block, p->token.text);
}

/* Bounds the number of blocks, with one report. */
static bool is_too_many(struct conf_parser *p, const struct conf_block *block, struct conf_place at)
{
	size_t *n = &p->counts[block - conf_blocks];

	if (block->shape == CONF_SHAPE_MANY && *n == block->max)
		conf_report(&p->report, at, "%s: more than %zu blocks", block->name, block->max);
	return ++*n > block->max + (block->shape == CONF_SHAPE_ONE);
}

/* The instance to fill. A block that is there already, or has no name, is read for its mistakes only.
 * NULL: not even that. */
static struct conf_instance *open_instance(struct conf_parser *p, const struct conf_block *block,
					   struct text name, struct conf_place at)
{
	struct conf_instance *in = conf_instance_find(p, block, name);
	bool has_name = block->shape == CONF_SHAPE_MANY;

	if (is_too_many(p, block, at))
		return NULL;
	if (in && !has_name && !in->at.line) {
		in->at = at;
		return in;
	}
	if (in && (!has_name || name.n))
		conf_report(&p->report, at, "%s: there is one already, at line %u", conf_instance_label(in).s,
			    in->at.line);
	if (in || (has_name && name.n == 0))
		return conf_instance_add_stray(p, block, at);
	return conf_instance_add(p, block, name, at);
}

static void check_needed(struct conf_parser *p, const struct conf_instance *in)
{
	for (size_t i = 0; i < in->block->n_rows && p->mode == CONF_WHOLE; i++)
		if ((in->block->rows[i].use & CONF_USE_NEEDED) && !in->slots[i].at.line)
			conf_report(&p->report, in->at, "%s: the setting %s is missing",
				    conf_instance_label(in).s, in->block->rows[i].name);
}

/* The token that begins a line of a block, when it is no setting. False: the block ends here. */
static bool read_stray(struct conf_parser *p, const struct conf_instance *in)
{
	const struct conf_block *block = conf_block_by_name(p->token.text);

	if (is_at(p, CONF_TOKEN_WORD) && block && in->block->shape != CONF_SHAPE_TOP) {
		conf_report(&p->report, p->token.at,
			    "%s cannot stand within %s (is a '}' missing before it?)", block->name,
			    conf_instance_label(in).s);
		return false;
	}
	if (is_at(p, CONF_TOKEN_WORD)) {
		report_unknown(p, in);
		return true;
	}
	if (is_at(p, CONF_TOKEN_STRING))
		conf_report(&p->report, p->token.at, "expected the name of a setting, found the string %s",
			    QUOTE(p->token.text));
	else
		conf_report(&p->report, p->token.at, "a '%.*s' without a block", TEXT_ARGS(p->token.text));
	if (is_at(p, CONF_TOKEN_CLOSE))
		take(p);
	else
		skip_line(p);
	return true;
}

static void read_block_body(struct conf_parser *p, struct conf_instance *in)
{
	const struct conf_row *row;

	while (!is_at(p, CONF_TOKEN_CLOSE)) {
		if (is_at(p, CONF_TOKEN_END)) {
			conf_report(&p->report, in->at, "%s: the block is not closed, its '}' is missing",
				    conf_instance_label(in).s);
			return;
		}
		row = is_at(p, CONF_TOKEN_WORD) ? conf_row_by_name(in->block, p->token.text) : NULL;
		if (row)
			read_setting(p, in, row);
		else if (is_at(p, CONF_TOKEN_NEWLINE))
			take(p);
		else if (!read_stray(p, in))
			return;
	}
	take(p);
}

static void read_block(struct conf_parser *p, const struct conf_block *block)
{
	struct conf_place at = p->token.at;
	struct conf_instance *in;
	struct text name;

	take(p);
	name = read_block_name(p, block);
	if (!take_open(p, block))
		return;
	in = open_instance(p, block, name, at);
	if (!in) {
		skip_block(p);
		return;
	}
	read_block_body(p, in);
	check_needed(p, in);
}

void conf_grammar_read(struct conf_parser *p)
{
	struct conf_instance *top = p->first;
	const struct conf_block *block;
	const struct conf_row *row;

	take(p);
	while (!is_at(p, CONF_TOKEN_END)) {
		row = is_at(p, CONF_TOKEN_WORD) ? conf_row_by_name(top->block, p->token.text) : NULL;
		block = is_at(p, CONF_TOKEN_WORD) ? conf_block_by_name(p->token.text) : NULL;
		if (row)
			read_setting(p, top, row);
		else if (block)
			read_block(p, block);
		else if (is_at(p, CONF_TOKEN_NEWLINE))
			take(p);
		else
			read_stray(p, top);
	}
	check_needed(p, top);
}
