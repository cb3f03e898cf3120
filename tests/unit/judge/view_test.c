/* SPDX-License-Identifier: Apache-2.0
 *
 * The views of a message together, and what a hostile page can make them cost: memory is counted by the
 * arena and the process, time against a plain text of the same size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ensure.h"
#include "judge/view.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEGABYTE   ((size_t)1 << 20)
#define MEMORY_MAX 4096 /* KB */

static void a_message_has_views_and_links(void **state)
{
	struct view_limits limits = view_limits_default();
	struct lookalike *tool = lookalike_open();
	const struct part_view *plain, *html;
	struct message_view view;
	const struct message_link *link;
	struct arena arena;
	const struct view_source sources[] = {
		{ .kind = VIEW_PLAIN, .text = text_from_cstr("See http://a.example/x\r\n"), .part = 1 },
		{ .kind = VIEW_HTML,
		  .text = text_from_cstr(
			  "<p>See <a href='http://paypa1.com/'>here</a><b hidden>http://b.example/"),
		  .part = 2 },
	};

	(void)state;
	arena_init(&arena, 8 * MEGABYTE);
	message_view_init(&view, &limits, tool, &arena);
	message_view_add_field(&view, text_from_cstr("List-Unsubscribe"),
			       text_from_cstr(" <https://l.example/u>,\r\n <mailto:u@l.example>"));
	message_view_add_field(&view, text_from_cstr("Message-ID"), text_from_cstr("<x@www.example.com>"));
	plain = message_view_add_text(&view, &sources[0]);
	html = message_view_add_text(&view, &sources[1]);
	assert_int_equal(view.n_parts, 2);
	assert_string_equal(buf_cstr((struct buf *)&plain->text.normal), "see http://a.example/x");
	assert_string_equal(buf_cstr((struct buf *)&html->text.normal), "see here");
	assert_string_equal(buf_cstr((struct buf *)&html->normal_hidden), "http://b.example/");
	link = view.links.first;
	assert_true(text_is_cstr(link->url.normal, "https://l.example/u") && link->kind == LINK_FIELD);
	link = link->next;
	assert_true(text_is_cstr(link->domain, "l.example"));
	link = link->next;
	assert_true(text_is_cstr(link->url.normal, "http://a.example/x") && link->part == 1);
	link = link->next;
	assert_true(text_is_cstr(link->domain, "paypa1.com") && link->part == 2 && link->kind == LINK_A);
	assert_true(text_is_cstr(link->skeleton, "paypal.com"));
	link = link->next;
	assert_true(link->kind == LINK_TEXT && link->facts & LINK_HIDDEN);
	assert_null(link->next);
	assert_int_equal(view.limits, 0);
	message_view_done(&view);
	arena_reset(&arena);
	lookalike_close(tool);
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
}

struct page {
	char *p;
	size_t n;
};

static struct page page_of(const char *head, const char *unit, const char *tail, size_t size)
{
	struct page page = { .p = mem_alloc(size + strlen(head) + strlen(unit) + strlen(tail)) };

	memcpy(page.p, head, strlen(head));
	page.n = strlen(head);
	for (; page.n < size; page.n += strlen(unit))
		memcpy(page.p + page.n, unit, strlen(unit));
	memcpy(page.p + page.n, tail, strlen(tail));
	page.n += strlen(tail);
	return page;
}

struct cost {
	double seconds;
	size_t arena;
	unsigned limits;
};

static struct cost cost_of(const struct page *page, enum view_kind kind)
{
	struct view_source source = { .kind = kind, .text = text_from_bytes(page->p, page->n) };
	struct view_limits limits = view_limits_default();
	struct message_view view;
	struct arena arena;
	struct cost cost;

	arena_init(&arena, 64 * MEGABYTE);
	message_view_init(&view, &limits, NULL, &arena);
	cost.seconds = cpu_seconds();
	message_view_add_text(&view, &source);
	cost.seconds = cpu_seconds() - cost.seconds;
	cost.arena = arena.used;
	cost.limits = view.limits;
	message_view_done(&view);
	arena_reset(&arena);
	return cost;
}

static const struct {
	const char *name, *head, *unit, *tail;
	size_t megabytes;
	enum view_kind kind;
	unsigned limits; /* that must be said */
} hostile[] = {
	{ "a million tags", "", "<b>", "", 3, VIEW_HTML, VIEW_LIMIT_DEPTH },
	{ "a million end tags", "", "</b>", "", 4, VIEW_HTML, 0 },
	{ "deep nesting", "", "<div>", "", 2, VIEW_HTML, VIEW_LIMIT_DEPTH },
	{ "deep tables", "", "<table><tr><td>", "", 2, VIEW_HTML, VIEW_LIMIT_DEPTH },
	{ "misnesting", "", "<b><i><div></b><p></i></div>", "", 2, VIEW_HTML, 0 },
	{ "an attribute of 10 MB", "<a title=\"", "aaaaaaaa", "\">", 10, VIEW_HTML, 0 },
	{ "a style of 10 MB", "<a style=\"", "a:b;&amp;", "\">", 10, VIEW_HTML, 0 },
	{ "a link of 10 MB", "<a href=\"http://a.example/", "aaaaaaaa", "\">b</a>", 10, VIEW_HTML, 0 },
	{ "a million attributes", "<a ", "b=c ", ">", 4, VIEW_HTML, 0 },
	{ "a million references", "", "&amp;", "", 5, VIEW_HTML, 0 },
	{ "references that are none", "", "&notanentity", "", 2, VIEW_HTML, VIEW_LIMIT_TEXT },
	{ "unclosed tags", "", "<a b='", "", 2, VIEW_HTML, VIEW_LIMIT_TEXT },
	{ "unclosed comments", "", "<!--", "", 2, VIEW_HTML, VIEW_LIMIT_TEXT },
	{ "unclosed scripts", "", "<script><!--", "", 2, VIEW_HTML, 0 },
	{ "unclosed titles", "<title>", "x y ", "", 2, VIEW_HTML, 0 },
	{ "unclosed strings in a sheet", "<style>", ".a{b:'c", "</style><p class=a>x", 2, VIEW_HTML, 0 },
	{ "a hundred thousand rules", "<style>", ".a{display:none}", "</style><p class=a>x", 2, VIEW_HTML,
	  VIEW_LIMIT_RULES },
	{ "rules for each of many", "<style>i b{color:red}i p{color:red}p{color:red}</style>", "<p><b>", "",
	  1, VIEW_HTML, 0 },
	{ "links", "", "<a href=http://a.example/>b</a>", "", 2, VIEW_HTML, VIEW_LIMIT_LINKS },
	{ "forms", "", "<form><input></form>", "", 2, VIEW_HTML, VIEW_LIMIT_ITEMS },
	{ "comments", "", "<!--a--><b hidden>b</b>", "", 2, VIEW_HTML, 0 },
	{ "URLs", "", "http://a.example/ ", "", 2, VIEW_PLAIN, VIEW_LIMIT_LINKS | VIEW_LIMIT_TEXT },
	{ "hosts", "", "a.com ", "", 2, VIEW_PLAIN, VIEW_LIMIT_LINKS | VIEW_LIMIT_TEXT },
	{ "almost hosts", "", "\xcc\x88.com ", "", 2, VIEW_PLAIN, VIEW_LIMIT_LINKS | VIEW_LIMIT_TEXT },
	{ "stops", "", "a.", "", 2, VIEW_PLAIN, VIEW_LIMIT_TEXT },
	{ "brackets", "", "<http://", "", 2, VIEW_PLAIN, VIEW_LIMIT_LINKS | VIEW_LIMIT_TEXT },
	{ "marks", "", "\xcc\x88", "", 2, VIEW_PLAIN, VIEW_LIMIT_TEXT },
	{ "the longest character", "", "\xef\xb7\xba", "", 2, VIEW_PLAIN, VIEW_LIMIT_TEXT },
	{ "quotes", "", ">", "", 2, VIEW_PLAIN, VIEW_LIMIT_TEXT },
};

/* Noise of the machine is taken for a fault only when it is a hundredfold; a quadratic step in two megabytes
 * is much more. */
static void a_hostile_page_costs_little(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
		struct page page = page_of(hostile[i].head, hostile[i].unit, hostile[i].tail,
					   hostile[i].megabytes * MEGABYTE);
		struct cost cost = cost_of(&page, hostile[i].kind);
		double per_megabyte = cost.seconds * 1e3 / (double)hostile[i].megabytes;

		print_message("# %s: %.1f ms/MB, %zu KB\n", hostile[i].name, per_megabyte, cost.arena / 1024);
		if (cost.arena > 2 * MEGABYTE || per_megabyte > 3000 || cost.limits != hostile[i].limits)
			fail_msg("%s: %.1f ms/MB, %zu bytes, limits %x", hostile[i].name, per_megabyte,
				 cost.arena, cost.limits);
		free(page.p);
	}
}

/* Peak of the memory that reading takes beside the page, in KB: of a process of its own. */
static long memory_of(const struct page *page, enum view_kind kind)
{
	struct rusage before, after;
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		getrusage(RUSAGE_SELF, &before);
		cost_of(page, kind);
		getrusage(RUSAGE_SELF, &after);
		_exit((int)((after.ru_maxrss - before.ru_maxrss + 63) / 64));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return 64L * WEXITSTATUS(status);
}

static void a_hostile_page_takes_little_memory(void **state)
{
	long most = 0;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	return; /* what is measured would be the sanitizer's own */
#endif
	cost_of(&(struct page){ "\xc3\xa4", 2 }, VIEW_PLAIN); /* what ICU maps is there already */
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
		struct page page = page_of(hostile[i].head, hostile[i].unit, hostile[i].tail,
					   hostile[i].megabytes * MEGABYTE);
		long kilobytes = memory_of(&page, hostile[i].kind);
		if (kilobytes > most)
			most = kilobytes;
		if (kilobytes > MEMORY_MAX)
			fail_msg("%s: %ld KB", hostile[i].name, kilobytes);
		free(page.p);
	}
	print_message("# at most %ld KB beside the page\n", most);
}

static void what_is_above_a_limit_is_said(void **state)
{
	static const struct {
		struct view_limits limits;
		const char *page;
		unsigned said;
	} cases[] = {
		{ { 4, 9, 9, 9, 9 }, "abcdef", VIEW_LIMIT_TEXT },
		{ { 4, 9, 9, 9, 9 }, "<!--abcdef-->", VIEW_LIMIT_TEXT },
		{ { 99, 1, 9, 9, 9 },
		  "<img src=http://a.example><img src=http://a.example>",
		  VIEW_LIMIT_LINKS },
		{ { 99, 9, 2, 9, 9 }, "<b><i><u>x", VIEW_LIMIT_DEPTH },
		{ { 99, 9, 9, 1, 9 }, "<style>a{color:red}b{color:red}</style>", VIEW_LIMIT_RULES },
		{ { 99, 9, 9, 9, 1 }, "<form></form><form></form>", VIEW_LIMIT_ITEMS },
		{ { 99, 9, 9, 9, 9 }, "<b><i>x</i></b><img src=http://a.example><form></form>", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct view_source source = { .kind = VIEW_HTML, .text = text_from_cstr(cases[i].page) };
		struct message_view view;
		struct arena arena;

		arena_init(&arena, MEGABYTE);
		message_view_init(&view, &cases[i].limits, NULL, &arena);
		message_view_add_text(&view, &source);
		if (view.limits != cases[i].said)
			fail_msg("%s: %x", cases[i].page, view.limits);
		message_view_done(&view);
		arena_reset(&arena);
	}
	for (unsigned bit = VIEW_LIMIT_TEXT; bit <= VIEW_LIMIT_MEMORY; bit <<= 1)
		assert_string_not_equal(view_limit_word((enum view_limit)bit), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_has_views_and_links),
		cmocka_unit_test(what_is_above_a_limit_is_said),
		cmocka_unit_test(a_hostile_page_costs_little),
		cmocka_unit_test(a_hostile_page_takes_little_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
