/* SPDX-License-Identifier: Apache-2.0
 *
 * The schema itself: names, bounds, defaults and help of every row, and the texts that are made of them.
 */
#include "conf_fixture.h"

#include "conf/schema.h"
#include "conf/value.h"

#include <stdio.h>

/* Every row with the name of its field. */
static const char *const names[][2] = {
#define NAMES(field, name, ...) { #field, name },
#define TOP                     NAMES
#define LISTENER                NAMES
#define DOMAIN                  NAMES
#define AUTHENTICATION          NAMES
#define DKIM                    NAMES
#define POLICY                  NAMES
#define QUEUE                   NAMES
#define SCAN                    NAMES
#define DELIVER                 NAMES
#define RESOLVER                NAMES
#define JUDGE_RESOLVER          NAMES
#define DMARC_REPORT            NAMES
#define STUB_ZONE               NAMES
#define TLS                     NAMES
#define ROOMS                   NAMES
#define AUDIT                   NAMES
#include "conf/schema.def"
};

static void names_are_fields_with_dashes(void **state)
{
	struct conf_setting s;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		assert_int_equal(strlen(names[i][0]), strlen(names[i][1]));
		for (size_t j = 0; names[i][0][j]; j++)
			assert_int_equal(names[i][1][j], names[i][0][j] == '_' ? '-' : names[i][0][j]);
	}
	while (conf_get_setting(n, &s))
		n++;
	assert_int_equal(n, sizeof names / sizeof *names);
}

static void names_are_found_and_unique(void **state)
{
	struct conf_setting s, found;

	(void)state;
	for (size_t i = 0; conf_get_setting(i, &s); i++) {
		assert_true(conf_find_setting(text_from_cstr(s.block), text_from_cstr(s.name), &found));
		assert_ptr_equal(found.help, s.help);
		if (!*s.block)
			assert_null(conf_block_by_name(text_from_cstr(s.name)));
	}
	assert_false(conf_find_setting(text_from_cstr("listener"), text_from_cstr("hostname"), &found));
	assert_false(conf_find_setting(text_from_cstr("nothing"), text_from_cstr("port"), &found));
	assert_true(conf_find_setting(text_from_cstr(""), text_from_cstr("hostname"), &found));
}

static void check_row(const struct conf_row *row)
{
	struct text help = text_from_cstr(row->help);

	assert_true(text_is_printable(help));
	assert_true(help.n > 10 && help.p[help.n - 1] == '.');
	assert_true(row->readers != 0 && (row->readers & ~(unsigned)CONF_FOR_ALL) == 0);
	if ((row->use & CONF_USE_REPEAT) && !conf_kind_of(row)->is_list)
		fail_msg("%s is repeated, but no list", row->name);
	if ((row->use & CONF_USE_NEEDED) && *row->initial)
		fail_msg("%s is needed, but has a default", row->name);
}

/* Bounds of a value are values themselves: the row takes both, and nothing outside of them. */
static void check_bounds(const struct conf_row *row)
{
	struct arena arena;
	struct buf why;
	union conf_any low, high, start;

	if (row->type != CONF_TYPE_COUNT && row->type != CONF_TYPE_SIZE && row->type != CONF_TYPE_TIME)
		return;
	arena_init(&arena, 4096);
	buf_init(&why, 1024);
	assert_true(conf_value_parse(row, &arena, text_from_cstr(row->min), &low, &why));
	assert_true(conf_value_parse(row, &arena, text_from_cstr(row->max), &high, &why));
	assert_true(conf_value_parse(row, &arena, text_from_cstr(row->initial), &start, &why));
	assert_true(low.number < high.number);
	assert_true(low.number <= start.number && start.number <= high.number);
	arena_reset(&arena);
	buf_done(&why);
}

static void rows_are_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < CONF_N_BLOCKS; i++)
		for (size_t j = 0; j < conf_blocks[i].n_rows; j++) {
			check_row(&conf_blocks[i].rows[j]);
			check_bounds(&conf_blocks[i].rows[j]);
		}
}

/* A file that sets everything to its default. */
static void defaults_are_within_their_bounds(void **state)
{
	struct buf text;
	struct conf_setting s;
	const char *block = "";

	(void)state;
	buf_init(&text, CONF_MAX_FILE);
	buf_add_cstr(&text, GOOD);
	for (size_t i = 0; conf_get_setting(i, &s); i++) {
		bool is_listener = text_is_cstr(text_from_cstr(s.block), "listener");
		bool is_dkim = text_is_cstr(text_from_cstr(s.block), "dkim");
		bool has_name =
			is_listener || is_dkim || text_is_cstr(text_from_cstr(s.block), "authentication");
		if (s.is_needed || !*s.initial || text_is_cstr(text_from_cstr(s.block), "domain"))
			continue;
		if (strcmp(block, s.block) != 0)
			buf_printf(&text, "%s%s%s {\n", *block ? "}\n" : "", s.block, has_name ? " b" : "");
		if (strcmp(block, s.block) != 0 && is_listener)
			buf_add_cstr(&text, "address [::2]:2525\n");
		if (strcmp(block, s.block) != 0 && is_dkim)
			buf_add_cstr(&text, "domain example.com\n");
		block = s.block;
		buf_printf(&text, strcmp(s.name, "banner") ? "%s %s\n" : "%s \"%s\"\n", s.name, s.initial);
	}
	buf_add_cstr(&text, "}\n");
	check_mistakes(buf_cstr(&text), CONF_WHOLE, "");
	buf_done(&text);
}

static bool is_in_text(const struct buf *b, const char *format, const char *name)
{
	char needle[128];

	snprintf(needle, sizeof needle, "%s%s", format, name);
	return text_find(buf_text(b), text_from_cstr(needle)) != SIZE_MAX;
}

static void manual_and_defaults_name_every_setting(void **state)
{
	struct buf manual, defaults;
	struct conf_setting s;

	(void)state;
	buf_init(&manual, CONF_MAX_FILE);
	buf_init(&defaults, CONF_MAX_FILE);
	assert_true(conf_print_manual(&manual));
	assert_true(conf_print_defaults(&defaults));
	for (size_t i = 0; conf_get_setting(i, &s); i++) {
		assert_true(is_in_text(&manual, ".It Ic ", s.name));
		assert_true(is_in_text(&defaults, "#", s.name));
	}
	for (size_t i = 1; i < CONF_N_BLOCKS; i++) {
		assert_true(is_in_text(&manual, ".Ss ", conf_blocks[i].name));
		assert_true(is_in_text(&defaults, "\n#", conf_blocks[i].name));
	}
	check_mistakes(buf_cstr(&defaults), CONF_PART, "");
	buf_done(&manual);
	buf_done(&defaults);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_fields_with_dashes),
		cmocka_unit_test(names_are_found_and_unique),
		cmocka_unit_test(rows_are_whole),
		cmocka_unit_test(defaults_are_within_their_bounds),
		cmocka_unit_test(manual_and_defaults_name_every_setting),
	};

	return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
