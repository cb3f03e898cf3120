/* SPDX-License-Identifier: Apache-2.0
 *
 * conf_parse and the look-ups in what it gives. Called by posternd with the administrator's file, by every
 * role with the text that posternd made for it, and by `postern check`. The file is trusted to mean well, not
 * to be right: it may hold any bytes, and every mistake is an error line.
 *
 * The steps: tokens and grammar fill instances (defaults, then settings with their places); what follows
 * from other settings is derived; for a whole file everything is checked across settings; only then,
 * without a single mistake, the instances become a struct conf. Invariant: struct conf is the first member
 * of its owner, and all memory is the owner's.
 */
#include "conf/conf.h"

#include "base/ensure.h"
#include "conf/host.h"
#include "conf/parser.h"

#include <stdlib.h>

/* More than values and their growing arrays take at CONF_MAX_FILE. */
#define ARENA_MAX ((size_t)2 << 30)

static struct conf_owner *owner_new(void)
{
	struct conf_owner *o = mem_zalloc(1, sizeof *o);

	arena_init(&o->arena, ARENA_MAX);
	table_init(&o->domains);
	return o;
}

static struct conf_owner *owner_of(const struct conf *c)
{
	return (struct conf_owner *)(uintptr_t)c;
}

void conf_free(struct conf *c)
{
	struct conf_owner *o = owner_of(c);

	if (!c)
		return;
	table_done(&o->domains);
	arena_reset(&o->arena);
	free(o);
}

static void parser_init(struct conf_parser *p, struct text bytes, enum conf_mode mode)
{
	*p = (struct conf_parser){ .owner = owner_new(), .mode = mode };
	buf_init(&p->why, 1024);
	for (size_t i = 0; i < CONF_N_BLOCKS; i++)
		if (conf_blocks[i].shape != CONF_SHAPE_MANY)
			conf_instance_add(p, &conf_blocks[i], (struct text){ NULL, 0 },
					  (struct conf_place){ i == 0, i == 0 });
	conf_lexer_init(&p->lexer, bytes, &p->owner->arena, &p->report);
}

/* Where others refer to it without its being written. */
static void add_default_blocks(struct conf_parser *p)
{
	const struct conf_block *block = conf_block_by_name(text_from_cstr("authentication"));
	struct text name = text_from_cstr("default");

	if (!conf_instance_find(p, block, name))
		conf_instance_add(p, block, name, (struct conf_place){ 0, 0 });
}

struct conf *conf_parse(struct text bytes, const char *file_name, enum conf_mode mode, struct buf *errors)
{
	struct conf_parser *p = mem_zalloc(1, sizeof *p);
	struct conf *c;

	parser_init(p, bytes, mode);
	conf_grammar_read(p);
	add_default_blocks(p);
	conf_instances_close(p);
	conf_check_derive(p);
	if (mode == CONF_WHOLE)
		conf_check_all(p);
	c = &p->owner->conf;
	if (conf_report_is_empty(&p->report)) {
		conf_instances_finish(p);
	} else {
		conf_report_print(&p->report, file_name, errors);
		conf_free(c);
		c = NULL;
	}
	conf_instances_done(p);
	conf_report_done(&p->report);
	buf_done(&p->why);
	free(p);
	return c;
}

bool conf_set_hostname(struct conf *c, struct text hostname)
{
	const struct conf_row *row = conf_row_by_name(&conf_blocks[0], text_from_cstr("hostname"));
	struct buf why;
	union conf_any value;
	bool ok;

	if (c->top.hostname.n)
		return true;
	buf_init(&why, 256);
	ok = text_find_byte(hostname, '.') < hostname.n &&
	     conf_value_parse(row, &owner_of(c)->arena, hostname, &value, &why);
	if (ok)
		c->top.hostname = value.text;
	buf_done(&why);
	return ok;
}

const struct conf_authentication *conf_authentication_by_id(const struct conf *c, uint64_t id)
{
	const struct conf_authentication *found = NULL;

	for (size_t i = 0; i < c->authentication.n; i++) {
		const struct conf_authentication *a = &c->authentication.v[i];
		if (a->id == id || (!found && text_is_cstr(a->name, "default")))
			found = a;
		if (a->id == id)
			break;
	}
	return found;
}

const struct conf_authentication *conf_authentication_of(const struct conf *c, uint32_t listener)
{
	struct text name = text_from_cstr("default");

	if (listener < c->listener.n)
		name = c->listener.v[listener].authentication;
	return conf_authentication_by_id(c, text_hash(name));
}

const struct conf_dkim *conf_dkim_by_id(const struct conf *c, uint64_t id)
{
	for (size_t i = 0; i < c->dkim.n; i++)
		if (c->dkim.v[i].id == id)
			return &c->dkim.v[i];
	return NULL;
}

/* How well a sender of the list fits: an address best, then the longest domain; 0: not at all. */
static size_t match_sender(struct text sender, struct text address, struct text domain)
{
	if (text_find_byte(sender, '@') < sender.n)
		return text_is_equal_nocase(sender, address) ? SIZE_MAX : 0;
	if (!text_has_suffix_nocase(domain, sender) ||
	    (domain.n > sender.n && domain.p[domain.n - sender.n - 1] != '.'))
		return 0;
	return sender.n;
}

const struct conf_dkim *conf_find_dkim(const struct conf *c, struct text address)
{
	size_t at = text_find_last_byte(address, '@'), best = 0;
	const struct conf_dkim *found = NULL;
	struct text domain = text_skip(address, at == SIZE_MAX ? address.n : at + 1);

	for (size_t i = 0; i < c->dkim.n; i++) {
		const struct conf_dkim *d = &c->dkim.v[i];
		size_t fit = d->sender.n ? 0 : match_sender(d->domain, address, domain);
		for (size_t j = 0; j < d->sender.n; j++) {
			size_t other = match_sender(d->sender.v[j], address, domain);
			fit = other > fit ? other : fit;
		}
		if (fit > best) {
			best = fit;
			found = d;
		}
	}
	return found;
}

const struct conf_domain *conf_find_domain(const struct conf *c, struct text domain)
{
	char lower[256];
	struct text name = { lower, domain.n };
	const struct conf_domain *d;

	if (domain.n == 0 || domain.n > sizeof lower || text_is_cstr(domain, "*"))
		return NULL;
	for (size_t i = 0; i < domain.n; i++)
		lower[i] = text_lower_byte(domain.p[i]);
	d = conf_domain_by_id(c, text_hash(name));
	return d && text_is_equal(d->name, name) ? d : NULL;
}

const struct conf_domain *conf_domain_by_id(const struct conf *c, uint64_t id)
{
	return table_get(&owner_of(c)->domains, id);
}

const struct conf_domain *conf_default_domain(const struct conf *c)
{
	return conf_domain_by_id(c, text_hash(text_from_cstr("*")));
}

const struct conf_listener *conf_find_listener(const struct conf *c, struct text name)
{
	for (size_t i = 0; i < c->listener.n; i++)
		if (text_is_equal(c->listener.v[i].name, name))
			return &c->listener.v[i];
	return NULL;
}

bool conf_is_in(const struct conf_prefixes *prefixes, const struct addr *a)
{
	for (size_t i = 0; i < prefixes->n; i++)
		if (addr_is_in(a, &prefixes->v[i]))
			return true;
	return false;
}

static bool copy_row(const struct conf_block *block, const struct conf_row *row,
		     struct conf_setting *ret_setting)
{
	*ret_setting = (struct conf_setting){
		.block = block->name,
		.name = row->name,
		.type = conf_kind_of(row)->name,
		.min = row->min,
		.max = row->max,
		.initial = row->initial,
		.help = row->help,
		.readers = row->readers,
		.is_needed = row->use & CONF_USE_NEEDED,
		.is_repeatable = row->use & CONF_USE_REPEAT,
		.needs_restart = row->use & CONF_USE_RESTART,
	};
	return true;
}

bool conf_get_setting(size_t number, struct conf_setting *ret_setting)
{
	for (size_t i = 0; i < CONF_N_BLOCKS; i++) {
		if (number < conf_blocks[i].n_rows)
			return copy_row(&conf_blocks[i], &conf_blocks[i].rows[number], ret_setting);
		number -= conf_blocks[i].n_rows;
	}
	return false;
}

bool conf_find_setting(struct text block, struct text name, struct conf_setting *ret_setting)
{
	const struct conf_block *b = block.n ? conf_block_by_name(block) : &conf_blocks[0];
	const struct conf_row *row = b ? conf_row_by_name(b, name) : NULL;

	return row && copy_row(b, row, ret_setting);
}
