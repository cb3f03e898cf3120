/* SPDX-License-Identifier: Apache-2.0
 *
 * Message ids, and the URLs of mailing lists. The expected text is each item in brackets.
 */
#include "base/buf.h"
#include "proto/angle_list.h"

#include "unit.h"

static const struct {
	const char *in;
	enum angle_kind kind;
	const char *out;
} rows[] = {
	{ "<1234@local.machine.example>\r\n", ANGLE_IDS, "<1234@local.machine.example>" },
	{ "<a@b>\r\n <c@d> <e@f>,<g@h>", ANGLE_IDS, "<a@b><c@d><e@f><g@h>" },
	{ "<a@b><c@d>", ANGLE_IDS, "<a@b><c@d>" },
	{ "<1234   @   local(blah)  .machine .example>", ANGLE_IDS, "<1234@local.machine.example>" },
	{ "<\"a b\"@c(d)>", ANGLE_IDS, "<\"a b\"@c>" },
	{ "Your message of \"today <x>\" (<y@z>) <a@b>", ANGLE_IDS, "<a@b>" },
	{ "malformed@id.example", ANGLE_IDS, "<malformed@id.example>" },
	{ "   m \r\n", ANGLE_IDS, "<m>" },
	{ "a@b c@d, e@f (g@h)", ANGLE_IDS, "<a@b><c@d><e@f>" },
	{ "<>", ANGLE_IDS, "" },
	{ "", ANGLE_IDS, "" },
	{ "<a@b", ANGLE_IDS, "<a@b>" },
	{ "<a@b <c@d>", ANGLE_IDS, "<a@b><c@d>" },
	{ "<http://h/a?b=c(d)\"e>, (comment <x>) <mailto:l@h?subject=un%20sub>", ANGLE_URLS,
	  "<http://h/a?b=c(d)\"e><mailto:l@h?subject=un%20sub>" },
	{ "<http://h/very/\r\n long>", ANGLE_URLS, "<http://h/very/long>" },
	{ "NO (posting not allowed)", ANGLE_URLS, "<NO>" },
	{ "http://h/x", ANGLE_URLS, "<http://h/x>" },
};

static void items_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct angle_list list;
		struct arena arena;
		struct buf out;

		arena_init(&arena, 10000);
		buf_init(&out, 1000);
		assert_true(angle_list_parse(text_from_cstr(rows[i].in), rows[i].kind, 100, &arena, &list));
		for (const struct angle_item *item = list.first; item; item = item->next)
			buf_printf(&out, "<%.*s>", TEXT_ARGS(item->text));
		if (!text_is_cstr(buf_text(&out), rows[i].out))
			fail_msg("%s: %s", rows[i].in, buf_cstr(&out));
		buf_done(&out);
		arena_reset(&arena);
	}
}

static void limits_are_told(void **state)
{
	struct angle_list list;
	struct arena arena;

	(void)state;
	arena_init(&arena, 10000);
	assert_false(angle_list_parse(text_from_cstr("<a> <b> <c>"), ANGLE_IDS, 2, &arena, &list));
	assert_int_equal(list.n_items, 2);
	assert_false(angle_list_parse(text_from_cstr("a b c"), ANGLE_IDS, 2, &arena, &list));
	assert_true(list.has_words && !list.is_open);
	arena_reset(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_found),
		cmocka_unit_test(limits_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
