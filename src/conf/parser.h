/* SPDX-License-Identifier: Apache-2.0
 *
 * parser - what conf_parse knows while it reads one file: every block with the places of its settings.
 *
 * Inside src/conf only.
 */
#ifndef CONF_PARSER_H
#define CONF_PARSER_H

#include "base/table.h"
#include "conf/token.h"
#include "conf/value.h"

/* A setting of one block, while reading. */
struct conf_slot {
	struct conf_place at; /* line 0: not set, the default stands */
	unsigned set_on_line; /* of the last setting: a list's values are on one line or more */
	bool is_bad;          /* set, but not understood: checks across settings keep quiet */
	/* Of a list: */
	char *values;
	struct conf_place *places; /* of each value */
	size_t n, cap;
	struct table seen; /* hash of the printed value -> its place + 1 */
};

/* One block of the file; the first is the file itself. */
struct conf_instance {
	struct conf_instance *next;
	const struct conf_block *block;
	void *data; /* its struct, in the arena */
	struct text name;
	struct conf_place at;
	struct conf_slot *slots; /* one per row */
	bool is_stray;           /* twice, or without a name: not part of the configuration */
};

/* The configuration and what it owns. */
struct conf_owner {
	struct conf conf; /* first: conf_free finds the owner by it */
	struct arena arena;
	struct table domains; /* hash of the name -> struct conf_domain */
};

struct conf_parser {
	struct conf_owner *owner;
	enum conf_mode mode;
	struct conf_report report;
	struct conf_lexer lexer;
	struct conf_token token; /* the next one */
	struct conf_instance *first, *last;
	size_t counts[CONF_N_BLOCKS]; /* blocks in the file, also strays */
	struct table by_name;         /* hash of block and name -> struct conf_instance */
	bool has_gap; /* something was skipped, perhaps a block: nothing is missing for sure */
	struct buf why;
};

/* Adds a block with its defaults. */
struct conf_instance *conf_instance_add(struct conf_parser *p, const struct conf_block *block,
					struct text name, struct conf_place at);
/* A block to be read for its mistakes only. */
struct conf_instance *conf_instance_add_stray(struct conf_parser *p, const struct conf_block *block,
					      struct conf_place at);
/* The block of that name, or for a block without names the only one; NULL: none yet. */
struct conf_instance *conf_instance_find(const struct conf_parser *p, const struct conf_block *block,
					 struct text name);
struct conf_slot *conf_slot_of(const struct conf_instance *in, const struct conf_row *row);
/* A row is set here: its default goes. */
void conf_slot_start(struct conf_slot *slot, struct conf_place at);
/* Adds one value to the slot of a list row, or sets the value of another row. False when it stands in
 * the list already; ret_earlier is its place then. */
bool conf_instance_set(struct conf_parser *p, struct conf_instance *in, const struct conf_row *row,
		       const union conf_any *value, struct conf_place at, struct conf_place *ret_earlier);
/* After the last line: puts the lists into the blocks. */
void conf_instances_close(struct conf_parser *p);
/* After the checks: puts all blocks into struct conf. */
void conf_instances_finish(struct conf_parser *p);
void conf_instances_done(struct conf_parser *p);

/* "listener 'public'", or "queue"; "" for the file itself. */
struct conf_label {
	char s[128];
};
struct conf_label conf_instance_label(const struct conf_instance *in);

/* Parses the whole file into instances, and reports. */
void conf_grammar_read(struct conf_parser *p);

/* Fills in what follows from other settings: ports, routes. Then, for CONF_WHOLE, reports what does not
 * fit together across settings. */
void conf_check_derive(struct conf_parser *p);
void conf_check_all(struct conf_parser *p);

#endif
