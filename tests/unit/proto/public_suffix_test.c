/* SPDX-License-Identifier: Apache-2.0
 *
 * Registrable domains, by a table and by the public suffix list's own test file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/domain.h"
#include "proto/public_suffix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEST_FILE "net/psl/publicsuffix-20250328/tests/test_psl.txt"

static const struct {
	const char *host, *registrable; /* NULL: none */
	bool is_suffix, is_listed_below;
} cases[] = {
	{ "", NULL, false, false },
	{ ".", NULL, false, false },
	{ "com", NULL, true, false },
	{ "example.com", "example.com", false, true },
	{ "EXAMPLE.COM", "EXAMPLE.COM", false, true },
	{ "a.b.example.com.", "example.com", false, true },
	{ "co.uk", NULL, true, true },
	{ "mail.example.co.uk", "example.co.uk", false, true },
	{ "report.txt", "report.txt", false, false },
	{ "txt", NULL, true, false },
	{ "www.ck", "www.ck", false, true },
	{ "b.www.ck", "www.ck", false, true },
	{ "c.b.ck", "c.b.ck", false, true },
	{ "someone.github.io", "someone.github.io", false, true },
	{ ".example.com", NULL, false, true },
	{ "example..com", NULL, false, true },
	{ "www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn", false, true },
	{ "www.\xe9\xa3\x9f\xe7\x8b\xae.\xe5\x85\xac\xe5\x8f\xb8.cn",
	  "\xe9\xa3\x9f\xe7\x8b\xae.\xe5\x85\xac\xe5\x8f\xb8.cn", false, true },
};

static void domains_end_where_the_list_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct text host = text_from_cstr(cases[i].host);
		struct text found = public_suffix_registrable(host);

		if ((found.p != NULL) != (cases[i].registrable != NULL) ||
		    (found.p && !text_is_cstr(found, cases[i].registrable)))
			fail_msg("%s: %.*s", cases[i].host, TEXT_ARGS(found));
		if (public_suffix_is(host) != cases[i].is_suffix)
			fail_msg("%s is %sa suffix", cases[i].host, cases[i].is_suffix ? "not " : "");
		if (public_suffix_is_listed_below(host) != cases[i].is_listed_below)
			fail_msg("%s is %slisted", cases[i].host, cases[i].is_listed_below ? "not " : "");
	}
}

static void what_is_no_name_has_none(void **state)
{
	static char deep[4096];

	(void)state;
	assert_null(public_suffix_registrable(text_from_bytes("a\0b.com", 7)).p);
	memset(deep, 'a', sizeof deep);
	for (size_t i = 1; i < sizeof deep; i += 2)
		deep[i] = '.';
	assert_null(public_suffix_registrable(text_from_bytes(deep, sizeof deep)).p);
	assert_false(public_suffix_is_listed_below(text_from_bytes(deep, sizeof deep)));
	assert_ptr_equal(public_suffix_registrable(text_from_bytes(deep, 1023)).p, deep + 1020);
}

/* checkPublicSuffix('host', 'registrable') or null. False: another line. */
static bool take_row(char *line, char **ret_host, char **ret_registrable)
{
	char *at = strstr(line, "checkPublicSuffix('");

	if (at != line)
		return false;
	*ret_host = line + strlen("checkPublicSuffix('");
	at = strchr(*ret_host, '\'');
	*at = '\0';
	at += strlen("', ");
	*ret_registrable = *at == '\'' ? at + 1 : NULL;
	if (*ret_registrable)
		*strchr(*ret_registrable, '\'') = '\0';
	return true;
}

static bool is_row_right(const char *host, const char *want)
{
	struct text host_ascii, want_ascii = { 0 }, found, lower;
	struct arena arena;
	char *bytes;
	bool is_right;

	arena_init(&arena, 4096);
	bytes = arena_cstr(&arena, text_from_cstr(host));
	lower = text_from_cstr(bytes);
	if (!domain_to_ascii(lower, &arena, &host_ascii))
		host_ascii = lower;
	if (want && !domain_to_ascii(text_from_cstr(want), &arena, &want_ascii))
		want_ascii = text_from_cstr(want);
	found = public_suffix_registrable(host_ascii);
	is_right = (found.p != NULL) == (want != NULL) && text_is_equal_nocase(found, want_ascii);
	arena_reset(&arena);
	return is_right;
}

static void the_lists_own_cases_are_right(void **state)
{
	const char *cases_dir = getenv("POSTERN_CASES"), *source = getenv("POSTERN_SOURCE");
	char path[4096], line[1024], *host, *want;
	size_t n = 0, n_right = 0;
	FILE *file;

	(void)state;
	if (cases_dir)
		snprintf(path, sizeof path, "%s/" TEST_FILE, cases_dir);
	else
		snprintf(path, sizeof path, "%s/../shared/cases/" TEST_FILE, source ? source : ".");
	file = fopen(path, "re");
	if (!file) {
		print_message("# SKIP %s is absent\n", path);
		skip();
	}
	while (fgets(line, sizeof line, file)) {
		if (!take_row(line, &host, &want))
			continue;
		n++;
		if (is_row_right(host, want))
			n_right++;
		else
			print_message("# %s: not %s\n", host, want ? want : "(none)");
	}
	fclose(file);
	print_message("# psl: %zu/%zu\n", n_right, n);
	assert_true(n > 50);
	assert_int_equal(n_right, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains_end_where_the_list_says),
		cmocka_unit_test(what_is_no_name_has_none),
		cmocka_unit_test(the_lists_own_cases_are_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
