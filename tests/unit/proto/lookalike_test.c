/* SPDX-License-Identifier: Apache-2.0
 *
 * Names that look alike have one skeleton, others have not, and no file is needed for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/lookalike.h"

#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	const char *a, *b;
	bool is_alike;
} pairs[] = {
	{ "paypal.com", "paypal.com", true },
	{ "paypal.com", "PayPal.com", true },
	{ "paypal.com", "paypa1.com", true },
	{ "paypal.com", "paypaI.com", true },
	{ "paypal.com", "\xd1\x80\xd0\xb0\xd1\x83\xd1\x80\xd0\xb0l.com", true }, /* Cyrillic */
	{ "paypal.com", "xn--yl-8cdid4fq.com", false },
	{ "apple.com", "xn--80ak6aa92e.com", true }, /* all Cyrillic */
	{ "microsoft.com", "rnicrosoft.com", true },
	{ "microsoft.com", "micros0ft.com", true },
	{ "wells.example", "vvells.example", true },
	{ "google.com", "g00gle.com", true },
	{ "google.com", "g\xce\xbf\xce\xbfgle.com", true }, /* Greek omicron */
	{ "amazon.com", "arnazon.com", true },
	{ "netflix.com", "netf1ix.com", true },
	{ "example.com", "example.org", false },
	{ "paypal.com", "paypel.com", false },
	{ "b\xc3\xbc"
	  "cher.example",
	  "xn--bcher-kva.example", true },
	{ "b\xc3\xbc"
	  "cher.example",
	  "bucher.example", false },
};

static void names_that_look_alike_have_one_skeleton(void **state)
{
	struct lookalike *tool = lookalike_open();
	struct text a, b;
	struct arena arena;

	(void)state;
	assert_non_null(tool);
	arena_init(&arena, 1 << 16);
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		assert_true(lookalike_skeleton(tool, text_from_cstr(pairs[i].a), &arena, &a));
		assert_true(lookalike_skeleton(tool, text_from_cstr(pairs[i].b), &arena, &b));
		if (text_is_equal(a, b) != pairs[i].is_alike)
			fail_msg("%s: %.*s, %s: %.*s", pairs[i].a, TEXT_ARGS(a), pairs[i].b, TEXT_ARGS(b));
	}
	arena_reset(&arena);
	lookalike_close(tool);
}

static void scripts_mixed_in_one_label_are_seen(void **state)
{
	static const struct {
		const char *name;
		bool is_mixed;
	} names[] = {
		{ "paypal.com", false },
		{ "\xd1\x80\xd0\xb0ypal.com", true },
		{ "xn--80ak6aa92e.com", false },
		{ "b\xc3\xbc"
		  "cher.example",
		  false },
		{ "\xe4\xbe\x8b\xe3\x81\x88.example", false }, /* Han and kana */
		{ "\xe4\xbe\x8b"
		  "abc.example",
		  false }, /* Han and Latin */
		{ "g\xce\xbf"
		  "ogle.com",
		  true }, /* Greek and Latin */
		{ "\xd1\x80\xd1\x84.example", false },
	};
	struct lookalike *tool = lookalike_open();

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (lookalike_is_mixed(tool, text_from_cstr(names[i].name)) != names[i].is_mixed)
			fail_msg("%s", names[i].name);
	lookalike_close(tool);
}

static void what_is_no_name_has_none(void **state)
{
	struct lookalike *tool = lookalike_open();
	static char much[LOOKALIKE_MAX + 1];
	struct text skeleton;
	struct arena arena;

	(void)state;
	memset(much, 'a', sizeof much);
	arena_init(&arena, 1 << 16);
	assert_false(lookalike_skeleton(tool, text_from_bytes(much, sizeof much), &arena, &skeleton));
	assert_true(lookalike_skeleton(tool, text_from_bytes(much, sizeof much - 1), &arena, &skeleton));
	assert_false(lookalike_skeleton(tool, text_from_bytes("a\0b", 3), &arena, &skeleton));
	assert_false(lookalike_skeleton(tool, text_from_cstr("\xff.example"), &arena, &skeleton));
	assert_true(lookalike_skeleton(tool, text_from_cstr(""), &arena, &skeleton));
	assert_int_equal(skeleton.n, 0);
	arena_reset(&arena);
	lookalike_close(tool);
}

/* 0: all worked with files denied. */
static int work_without_files(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	struct text a, b;
	struct arena arena;
	struct lookalike *tool;

	if (!filter || seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(open), 0) ||
	    seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(openat), 0) ||
	    seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(stat), 0) || seccomp_load(filter))
		return 2;
	seccomp_release(filter);
	tool = lookalike_open();
	if (!tool)
		return 3;
	arena_init(&arena, 4096);
	if (!lookalike_skeleton(tool, text_from_cstr("xn--80ak6aa92e.com"), &arena, &a) ||
	    !lookalike_skeleton(tool, text_from_cstr("apple.com"), &arena, &b) || !text_is_equal(a, b))
		return 4;
	if (!lookalike_is_mixed(tool, text_from_cstr("g\xce\xbf"
						     "ogle.com")))
		return 5;
	arena_reset(&arena);
	lookalike_close(tool);
	return 0;
}

static void no_file_is_opened(void **state)
{
	pid_t child = fork();
	int status = 0;

	(void)state;
	if (child == 0)
		_exit(work_without_files());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_file_is_opened),
		cmocka_unit_test(names_that_look_alike_have_one_skeleton),
		cmocka_unit_test(scripts_mixed_in_one_label_are_seen),
		cmocka_unit_test(what_is_no_name_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
