/* SPDX-License-Identifier: Apache-2.0
 *
 * schema - the tables made of schema.def, blocks.def and choices.def, and look-ups in them.
 *
 * Inside src/conf only; the others see struct conf_setting of conf.h.
 */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include "conf/conf.h"

enum conf_type {
	CONF_TYPE_TEXT,
	CONF_TYPE_LABEL,
	CONF_TYPE_HOSTNAME,
	CONF_TYPE_ROUTE_NAME,
	CONF_TYPE_ZONE,
	CONF_TYPE_MAILBOX,
	CONF_TYPE_FILE,
	CONF_TYPE_YES_NO,
	CONF_TYPE_COUNT,
	CONF_TYPE_SIZE,
	CONF_TYPE_TIME,
	CONF_TYPE_RATE,
	CONF_TYPE_CHOICE,
	CONF_TYPE_WORDS,
	CONF_TYPE_USERS,
	CONF_TYPE_RECIPIENTS,
	CONF_TYPE_DOMAINS,
	CONF_TYPE_FIELDS,
	CONF_TYPE_SENDERS,
	CONF_TYPE_ADDRS,
	CONF_TYPE_PREFIXES,
	CONF_TYPE_ENDPOINTS,
	CONF_TYPE_HOSTS,
	CONF_TYPE_TIMES,
	CONF_TYPE_COUNT_OF,
};

enum conf_use {
	CONF_USE_PLAIN = 0,
	CONF_USE_NEEDED = 1,
	CONF_USE_REPEAT = 2,
	CONF_USE_RESTART = 4,
};

struct conf_row {
	const char *name;
	enum conf_type type;
	const char *const *words; /* of a CHOICE or of WORDS, ends with NULL */
	unsigned use;
	const char *min, *max, *initial;
	unsigned readers;
	const char *help;
	size_t offset; /* of the value in its block's struct */
};

enum conf_shape {
	CONF_SHAPE_TOP,
	CONF_SHAPE_ONE,
	CONF_SHAPE_MANY,
};

struct conf_block {
	const char *name;
	enum conf_shape shape;
	struct conf_row name_row; /* the type and bounds of a block's name */
	size_t max;               /* blocks of this kind */
	const char *help;
	size_t size;   /* of its struct */
	size_t offset; /* in struct conf: of its struct, or of the list of them */
	const struct conf_row *rows;
	size_t n_rows;
};

/* The head of every struct of shape MANY. */
struct conf_head {
	struct text name;
	struct conf_place at;
};

/* Any of the list structs. */
struct conf_list {
	const void *v;
	size_t n;
};

enum {
	CONF_N_BLOCKS = 0
#define BLOCK(...) +1
#include "conf/blocks.def"
#undef BLOCK
};

extern const struct conf_block conf_blocks[CONF_N_BLOCKS]; /* the first is the file itself */

const struct conf_block *conf_block_by_name(struct text name); /* never the file itself; NULL: none */
const struct conf_row *conf_row_by_name(const struct conf_block *block, struct text name);

/* The nearest setting of this block, or block where the file itself is meant; NULL: none is near. */
const char *conf_suggest_name(const struct conf_block *block, struct text name);
/* The nearest word of a list that ends with NULL; NULL: none is near. */
const char *conf_suggest_word(const char *const *words, struct text word);
/* A block that has such a setting, or NULL. */
const struct conf_block *conf_block_with_row(struct text name);

#endif
