/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of addresses: those of rfc5322 A.1 to A.6, those that mail programs send against it, and those
 * that are made to be read in two ways. The expected text is, for each address, "name <local|domain>"
 * with "(comment)" behind it where that is not the name, "?" in front where another reader would take
 * it, and "group: ...;" around the members of a group.
 */
#include "proto/address_list.h"
#include "proto/encoded_word.h"

#include "unit.h"

#include <sys/resource.h>

#define SYNTAX      ADDRESS_DEFECT_SYNTAX
#define NO_DOMAIN   ADDRESS_DEFECT_NO_DOMAIN
#define ROUTE       ADDRESS_DEFECT_ROUTE
#define NAME        ADDRESS_DEFECT_NAME
#define QUOTED_WORD ADDRESS_DEFECT_QUOTED_WORD
#define OPEN        ADDRESS_DEFECT_OPEN
#define TWO_AT      ADDRESS_DEFECT_TWO_AT
#define NO_COMMA    ADDRESS_DEFECT_NO_COMMA
#define BARE_NAME   ADDRESS_DEFECT_BARE_NAME
#define ENCODED     ADDRESS_DEFECT_ENCODED
#define GLUED       ENCODED_WORD_DEFECT_GLUED

static const struct {
	const char *in, *out;
	unsigned defects;
} rows[] = {
	{ "", "", 0 },
	{ " , ,\r\n ", "", 0 },
	{ "John Doe <jdoe@machine.example>\r\n", "John Doe <jdoe|machine.example>", 0 },
	{ "jdoe@example.org", "<jdoe|example.org>", 0 },
	{ "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sys@example.net>",
	  "<boss|nil.test> Giant; \"Big\" Box <sys|example.net>", 0 },
	{ "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
	  "Mary Smith <mary|x.test> <jdoe|example.org> Who? <one|y.test>", 0 },
	{ "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
	  "A Group: Ed Jones <c|a.test> <joe|where.test> John <jdoe|one.test>;", 0 },
	{ "Undisclosed recipients:;", "Undisclosed recipients:;", 0 },
	{ "List 1: a@b; \"List 2\": c@d; e@f", "List 1: <a|b>; List 2: <c|d>; <e|f>", 0 },
	{ "\"Mary Smith: Personal Account\" <smith@home.example >",
	  "Mary Smith: Personal Account <smith|home.example>", 0 },
	{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
	  "Pete <pete|silly.test>(A nice ) chap his account his host)", 0 },
	{ "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n "
	  "joe@example.org,\r\n"
	  " John <jdoe@one.test> (my dear friend); (the end of the group)\r\n",
	  "A Group: Chris Jones <c|public.example>(Chris's host.) <joe|example.org> "
	  "John <jdoe|one.test>(my dear friend);",
	  0 },
	{ "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", "Hidden recipients:;", 0 },
	{ "Joe Q. Public <john.q.public@example.com>", "Joe Q. Public <john.q.public|example.com>", 0 },
	{ "Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
	  "Mary Smith <mary|example.net> <jdoe|test.example>", ROUTE },
	{ "<@a,@b:c@d>", "<c|d>", ROUTE },
	{ "John Doe <jdoe@machine(comment).  example>", "John Doe <jdoe|machine.example>(comment)", 0 },
	{ "john . doe @ example . org", "<john.doe|example.org>", 0 },
	{ "Mary Smith\r\n    \r\n\t<mary@example.net>", "Mary Smith <mary|example.net>", 0 },
	{ "jdoe@example.org (John (Jack) Doe)", "John (Jack) Doe <jdoe|example.org>", 0 },
	{ "\"a b\"@example.org, a@[192.0.2.1], b@[IPv6:2001:db8::1]",
	  "<\"a b\"|example.org> <a|[192.0.2.1]> <b|[IPv6:2001:db8::1]>", 0 },
	{ "=?ISO-8859-1?Q?Andr=E9?= Pirard <P@vm1.ulg.ac.be>", "Andr\xc3\xa9 Pirard <P|vm1.ulg.ac.be>", 0 },
	{ "=?utf-8?Q?a?=\r\n =?utf-8?Q?b?= <a@b.com>", "ab <a|b.com>", 0 },
	{ "a@b (=?iso-8859-1?q?=e4?=)", "\xc3\xa4 <a|b>", 0 },
	{ "\xe3\x83\x8f\xe3\x83\xad\xe3\x83\xbc <\xe3\x83\x8f@example.org>",
	  "\xe3\x83\x8f\xe3\x83\xad\xe3\x83\xbc <\xe3\x83\x8f|example.org>", 0 },
	{ "=? <name@domain.com>", "=? <name|domain.com>", 0 },
	{ "\"John\r\n Doe\" <a@b.com>", "John Doe <a|b.com>", 0 },
	{ "\"  James\" <j@e.com>", "  James <j|e.com>", 0 },
	{ "<a@b.com> =?utf-8?q?Doe?=", "Doe <a|b.com>", 0 },
	{ "Name (comment) =?utf-8?q?Doe?= <a@b.com>", "Name Doe <a|b.com>(comment)", 0 },
	{ "\"=?utf-8?q?b?= c\" <a@b.com>", "b c <a|b.com>", QUOTED_WORD },
	{ "\"phil@example.com\" <Phil@example.com>", "phil@example.com <Phil|example.com>", 0 },
	{ "phil@example.com <phil@example.com>", "phil@example.com <phil|example.com>", 0 },
	/* what readers disagree about */
	{ "\"a@x.com\" <b@y.com>", "a@x.com <b|y.com>", NAME },
	{ "\"<a@x.com>\" <b@y.com>", "<a@x.com> <b|y.com>", NAME },
	{ "=?utf-8?q?a=40x.com?= <b@y.com>", "a@x.com <b|y.com>", NAME },
	{ "a@x.com <b@y.com>", "a@x.com <b|y.com> ?<a|x.com>", NAME | BARE_NAME },
	{ "<a@x.com> <b@y.com>", "<a|x.com> <b|y.com>", NO_COMMA },
	{ "A <a@x.com> B <b@y.com>", "A <a|x.com> B <b|y.com>", NO_COMMA },
	{ "a@x.com b@y.com", "b@y.com <a|x.com> <b|y.com>", NO_COMMA | NAME },
	{ "<a@x.com> b@y.com", "b@y.com <a|x.com> <b|y.com>", NO_COMMA | NAME },
	{ "<a@x.com, b@y.com>", "<a|x.com> <b|y.com>", NO_COMMA },
	{ "a@b@c", "<a@b|c>", TWO_AT },
	{ "<a@b@c>", "<a@b|c>", TWO_AT },
	{ "\"open <a@b>", "\"open <a|b>", OPEN },
	{ "open ( <a@b>", "open ( <a|b>", OPEN },
	{ "open ) <a@b>", "open ) <a|b>", OPEN },
	{ "x <a@b", "x <a|b>", OPEN },
	{ "x <a@b, y <c@d>", "x <a|b> y <c|d>", OPEN },
	{ "a@b>", "<a|b>", OPEN },
	{ "a@[1.2.3.4", "<a|[1.2.3.4>", OPEN },
	{ "a@[ <b@c> ]", "a@[ ] <b|c> ?<a|[>", OPEN | BARE_NAME | NAME },
	{ "=?utf-8?q?a=40b.com?=", "<a@b.com|>", NO_DOMAIN | ENCODED },
	{ "<=?utf-8?q?a?=@b.com>", "<=?utf-8?q?a?=|b.com>", ENCODED },
	{ "Friends of a@x.com: b@y.com;", "Friends of a@x.com: ?<a|x.com> <b|y.com>;", BARE_NAME },
	/* and what they agree about */
	{ "Joe joe@x.com", "Joe <joe|x.com>", SYNTAX },
	{ "a@b; c@d", "<a|b> <c|d>", SYNTAX },
	{ "A: a@b, B: c@d", "A: <a|b>; B: <c|d>;", SYNTAX },
	{ "postmaster", "<postmaster|>", NO_DOMAIN },
	{ "<>", "<|>", NO_DOMAIN },
	{ "Who <>", "Who <|>", NO_DOMAIN },
	{ "not an address", "<not an address|>", NO_DOMAIN },
};

static void add_blank(struct buf *out)
{
	if (out->n && out->p[out->n - 1] != ' ')
		buf_add_byte(out, ' ');
}

static void print_address(const struct address *a, struct buf *out)
{
	add_blank(out);
	if (a->is_other)
		buf_add_byte(out, '?');
	buf_add(out, a->name);
	if (a->name.n)
		buf_add_byte(out, ' ');
	buf_printf(out, "<%.*s|%.*s>", TEXT_ARGS(a->domain.p ? a->local : a->address), TEXT_ARGS(a->domain));
	if (a->comment.n && !text_is_equal(a->comment, a->name))
		buf_printf(out, "(%.*s)", TEXT_ARGS(a->comment));
}

static void print_group(const struct address_group *group, struct buf *out)
{
	add_blank(out);
	buf_add(out, group->name);
	buf_add_byte(out, ':');
}

static void print_list(const struct address_list *list, struct buf *out)
{
	const struct address_group *group = list->first_group, *open = NULL;

	for (const struct address *a = list->first; a; a = a->next) {
		if (open && a->group != open) {
			buf_add_byte(out, ';');
			open = NULL;
		}
		if (a->group && !open) {
			print_group(group, out);
			open = group;
			group = group->next;
		}
		print_address(a, out);
	}
	if (open)
		buf_add_byte(out, ';');
	for (; group; group = group->next) {
		print_group(group, out);
		buf_add_byte(out, ';');
	}
}

static void lists_are_read_as_mail_readers_do(void **state)
{
	struct charset_cache *cache = charset_cache_new();

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct address_list list;
		struct arena arena;
		struct buf out;

		arena_init(&arena, 100000);
		buf_init(&out, 10000);
		assert_true(address_list_parse(text_from_cstr(rows[i].in), 100, cache, &arena, &list));
		print_list(&list, &out);
		if (!text_is_cstr(buf_text(&out), rows[i].out) || list.defects != rows[i].defects)
			fail_msg("%s: \"%s\", wanted \"%s\", defects %#x", rows[i].in, buf_cstr(&out),
				 rows[i].out, list.defects);
		buf_done(&out);
		arena_reset(&arena);
	}
	charset_cache_free(cache);
}

static void limits_are_told(void **state)
{
	struct charset_cache *cache = charset_cache_new();
	struct address_list list;
	struct arena arena;

	(void)state;
	arena_init(&arena, 100000);
	assert_true(address_list_parse(text_from_cstr("a@b, c@d"), 2, cache, &arena, &list));
	assert_false(address_list_parse(text_from_cstr("a@b, c@d, e@f"), 2, cache, &arena, &list));
	assert_int_equal(list.n_addresses, 2);
	assert_false(address_list_parse(text_from_cstr("a:;b:;c:;"), 2, cache, &arena, &list));
	assert_int_equal(list.n_groups, 2);
	arena_reset(&arena);
	arena_init(&arena, 250);
	assert_false(address_list_parse(text_from_cstr("a@b, c@d"), 9, cache, &arena, &list));
	arena_reset(&arena);
	charset_cache_free(cache);
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
}

static double cost_of(const char *front, const char *piece, size_t n_bytes)
{
	struct charset_cache *cache = charset_cache_new();
	struct address_list list;
	struct arena arena;
	struct buf in;
	double start;

	buf_init(&in, n_bytes + 200);
	buf_add_cstr(&in, front);
	while (in.n < n_bytes)
		buf_add_cstr(&in, piece);
	arena_init(&arena, 4 << 20);
	start = cpu_seconds();
	(void)!address_list_parse(buf_text(&in), 5000, cache, &arena, &list);
	start = cpu_seconds() - start;
	buf_done(&in);
	arena_reset(&arena);
	charset_cache_free(cache);
	return start;
}

static void a_megabyte_of_anything_costs_milliseconds(void **state)
{
	static const char *const pieces[] = { "(",     "()", "((",      ")",      "\"",     "\\\"",
					      "<",     "<(", "<\"",     "a@",     ".",      "@[",
					      "a ",    ":",  ";",       "a@b, ",  "<>",     "a@b ",
					      "<a@b>", "<,", "a@b,c (", "\"a\" ", "@,",     "=?utf-8?q?a?= ",
					      "\r\n ", ",",  "(a@b) ",  "<@a",    "a: b@c;" };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(pieces); i++) {
		double alone = cost_of("", pieces[i], 1 << 20), named = cost_of("a@b (", pieces[i], 1 << 20);
		print_message("# pieces %zu: %.1f and %.1f ms per MB\n", i, alone * 1e3, named * 1e3);
		assert_true(alone < 5 && named < 5); /* quadratic cost would be minutes */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_read_as_mail_readers_do),
		cmocka_unit_test(limits_are_told),
		cmocka_unit_test(a_megabyte_of_anything_costs_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
