/* SPDX-License-Identifier: Apache-2.0
 *
 * The schema as tables. Called by the parser, the printers and the manual; everything here is constant.
 * Suggestions ("did you mean") compare letters without case, with _ as -, by the distance of
 * Damerau and Levenshtein, and only over short words.
 *
 * Invariants: every default lies within its own bounds, every name is its field with - for _ (both are
 * tested), no block's name is the name of a setting of the file itself.
 */
#include "conf/schema.h"

#define CHOICE(id, word)     word,
#define CHOICES(set, choice) static const char *const words_##set[] = { choice NULL };
#include "conf/choices.def"
#undef CHOICES
#undef CHOICE

enum {
	PLAIN = CONF_USE_PLAIN,
	NEEDED = CONF_USE_NEEDED,
	REPEAT = CONF_USE_REPEAT,
	RESTART = CONF_USE_RESTART,
	R_POSTERND = CONF_FOR_POSTERND,
	R_RECEIVE = CONF_FOR_RECEIVE,
	R_POLICY = CONF_FOR_POLICY,
	R_QUEUE = CONF_FOR_QUEUE,
	R_SCAN = CONF_FOR_SCAN,
	R_DELIVER = CONF_FOR_DELIVER,
	R_RESOLVER = CONF_FOR_RESOLVER,
	R_JUDGE_RESOLVER = CONF_FOR_JUDGE_RESOLVER,
	R_REPORT = CONF_FOR_REPORT,
	R_KEYRING = CONF_FOR_KEYRING,
	R_AUDIT = CONF_FOR_AUDIT,
	R_ALL = CONF_FOR_ALL,
};

/* The types CHOICE(set) and WORDS(set) name their words as well; every other type is its enumerator alone. */
#define CONF_TYPE_CHOICE(set) CONF_TYPE_CHOICE, .words = words_##set
#define CONF_TYPE_WORDS(set)  CONF_TYPE_WORDS, .words = words_##set
#define ROW(owner, field, label, kind, how, low, high, start, who, text)                                     \
	{ .name = label,                                                                                     \
	  .type = CONF_TYPE_##kind,                                                                          \
	  .use = how,                                                                                        \
	  .min = low,                                                                                        \
	  .max = high,                                                                                       \
	  .initial = start,                                                                                  \
	  .readers = who,                                                                                    \
	  .help = text,                                                                                      \
	  .offset = offsetof(struct owner, field) },

static const struct conf_row rows_top[] = {
#define TOP(...) ROW(conf_top, __VA_ARGS__)
#include "conf/schema.def"
};
static const struct conf_row rows_listener[] = {
#define LISTENER(...) ROW(conf_listener, __VA_ARGS__)
#include "conf/schema.def"
};
static const struct conf_row rows_domain[] = {
#define DOMAIN(...) ROW(conf_domain, __VA_ARGS__)
#include "conf/schema.def"
};
static const struct conf_row rows_authentication[] = {
#define AUTHENTICATION(...) ROW(conf_authentication, __VA_ARGS__)
#include "conf/schema.def"
};
static const struct conf_row rows_dkim[] = {
#define DKIM(...) ROW(conf_dkim, __VA_ARGS__)
#include "conf/schema.def"
};
static const struct conf_row rows_policy[] = {
#define POLICY(...) ROW(conf_policy, __VA_ARGS__)
#include "conf/schema.def"
};
static const struct conf_row rows_queue[] = {
#define QUEUE(...) ROW(conf_queue, __VA_ARGS__)
#include "conf/schema.def"
};
static const struct conf_row rows_scan[] = {
#define SCAN(...) ROW(conf_scan, __VA_ARGS__)
#include "conf/schema.def"
};
static const struct conf_row rows_deliver[] = {
#define DELIVER(...) ROW(conf_deliver, __VA_ARGS__)
#include "conf/schema.def"
};
static const struct conf_row rows_resolver[] = {
#define RESOLVER(...) ROW(conf_resolver, __VA_ARGS__)
#include "conf/schema.def"
};
static const struct conf_row rows_judge_resolver[] = {
#define JUDGE_RESOLVER(...) ROW(conf_judge_resolver, __VA_ARGS__)
#include "conf/schema.def"
};
static const struct conf_row rows_stub_zone[] = {
#define STUB_ZONE(...) ROW(conf_stub_zone, __VA_ARGS__)
#include "conf/schema.def"
};
static const struct conf_row rows_dmarc_report[] = {
#define DMARC_REPORT(...) ROW(conf_dmarc_report, __VA_ARGS__)
#include "conf/schema.def"
};
static const struct conf_row rows_tls[] = {
#define TLS(...) ROW(conf_tls, __VA_ARGS__)
#include "conf/schema.def"
};
static const struct conf_row rows_rooms[] = {
#define ROOMS(...) ROW(conf_rooms, __VA_ARGS__)
#include "conf/schema.def"
};
static const struct conf_row rows_audit[] = {
#define AUDIT(...) ROW(conf_audit, __VA_ARGS__)
#include "conf/schema.def"
};

const struct conf_block conf_blocks[CONF_N_BLOCKS] = {
#define BLOCK(id, macro, label, form, kind, most, text)                                                      \
	{ .name = label,                                                                                     \
	  .shape = CONF_SHAPE_##form,                                                                        \
	  .name_row = { .name = "name", .type = CONF_TYPE_##kind, .min = "1", .max = "255" },                \
	  .max = most,                                                                                       \
	  .help = text,                                                                                      \
	  .size = sizeof(struct conf_##id),                                                                  \
	  .offset = offsetof(struct conf, id),                                                               \
	  .rows = rows_##id,                                                                                 \
	  .n_rows = sizeof rows_##id / sizeof *rows_##id },
#include "conf/blocks.def"
#undef BLOCK
};

const struct conf_block *conf_block_by_name(struct text name)
{
	for (size_t i = 1; i < CONF_N_BLOCKS; i++)
		if (text_is_cstr(name, conf_blocks[i].name))
			return &conf_blocks[i];
	return NULL;
}

const struct conf_row *conf_row_by_name(const struct conf_block *block, struct text name)
{
	for (size_t i = 0; i < block->n_rows; i++)
		if (text_is_cstr(name, block->rows[i].name))
			return &block->rows[i];
	return NULL;
}

const struct conf_block *conf_block_with_row(struct text name)
{
	for (size_t i = 0; i < CONF_N_BLOCKS; i++)
		if (conf_row_by_name(&conf_blocks[i], name))
			return &conf_blocks[i];
	return NULL;
}

#define WORD_MAX 40

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static bool is_same_letter(char a, char b)
{
	if (a == '_')
		a = '-';
	return text_lower_byte(a) == text_lower_byte(b);
}

/* Insertions, deletions, replacements and swaps of neighbours between two words of at most WORD_MAX. */
static unsigned distance(struct text a, struct text b)
{
	unsigned rows[3][WORD_MAX + 1], *before = rows[0], *last = rows[1], *now = rows[2], *oldest;

	for (size_t j = 0; j <= b.n; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a.n; i++) {
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b.n; j++) {
			bool same = is_same_letter(a.p[i - 1], b.p[j - 1]);
			now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + !same);
			if (i > 1 && j > 1 && is_same_letter(a.p[i - 1], b.p[j - 2]) &&
			    is_same_letter(a.p[i - 2], b.p[j - 1]))
				now[j] = least(now[j], before[j - 2] + 1);
		}
		oldest = before;
		before = last;
		last = now;
		now = oldest;
	}
	return last[b.n];
}

/* Takes the candidate when it is nearer than *best. */
static void consider(const char *candidate, struct text word, unsigned *best, const char **ret_name)
{
	struct text c = text_from_cstr(candidate);
	unsigned d;

	if (c.n == 0 || c.n > WORD_MAX || word.n > WORD_MAX)
		return;
	d = distance(word, c);
	if (d >= *best || d > 1 + c.n / 4 || d >= c.n)
		return;
	*best = d;
	*ret_name = candidate;
}

const char *conf_suggest_name(const struct conf_block *block, struct text name)
{
	unsigned best = WORD_MAX;
	const char *near = NULL;

	for (size_t i = 0; i < block->n_rows; i++)
		consider(block->rows[i].name, name, &best, &near);
	for (size_t i = 1; block->shape == CONF_SHAPE_TOP && i < CONF_N_BLOCKS; i++)
		consider(conf_blocks[i].name, name, &best, &near);
	return near;
}

const char *conf_suggest_word(const char *const *words, struct text word)
{
	unsigned best = WORD_MAX;
	const char *near = NULL;

	for (; *words; words++)
		consider(*words, word, &best, &near);
	return near;
}
