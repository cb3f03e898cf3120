/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the configuration share: a file that is right, and a check of the mistakes that a text
 * makes. A row is one test; its name says what behaves how.
 */
#ifndef CONF_FIXTURE_H
#define CONF_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ensure.h"
#include "conf/conf.h"

/* Three lines; what follows begins at line 4. */
#define GOOD                                                                                                 \
	"hostname mx.example.com\n"                                                                          \
	"listener public { address 0.0.0.0 [::] }\n"                                                         \
	"domain example.com { next-hop mail.example.com }\n"

struct mistake {
	const char *name;
	const char *text;
	const char *errors; /* all lines; "" is a file without mistakes */
};

static inline void check_mistakes(const char *text, enum conf_mode mode, const char *expected)
{
	struct buf errors;
	struct conf *c;

	buf_init(&errors, CONF_MAX_ERROR_TEXT);
	c = conf_parse(text_from_cstr(text), "f", mode, &errors);
	assert_string_equal(buf_cstr(&errors), expected);
	assert_int_equal(c != NULL, *expected == 0);
	conf_free(c);
	buf_done(&errors);
}

static inline void test_part(void **state)
{
	const struct mistake *m = *state;

	check_mistakes(m->text, CONF_PART, m->errors);
}

static inline void test_whole(void **state)
{
	const struct mistake *m = *state;

	check_mistakes(m->text, CONF_WHOLE, m->errors);
}

/* One test for each row; n at most 256. */
static inline int run_rows(const char *group, const struct mistake *rows, size_t n,
			   void (*test)(void **state))
{
	static struct CMUnitTest tests[256];

	ASSERT(n <= sizeof tests / sizeof *tests);
	for (size_t i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test, NULL, NULL, (void *)(uintptr_t)&rows[i] };
	return _cmocka_run_group_tests(group, tests, n, NULL, NULL);
}

/* Parses what must be right. */
static inline struct conf *parse_good(const char *text, enum conf_mode mode)
{
	struct buf errors;
	struct conf *c;

	buf_init(&errors, CONF_MAX_ERROR_TEXT);
	c = conf_parse(text_from_cstr(text), "f", mode, &errors);
	assert_string_equal(buf_cstr(&errors), "");
	assert_non_null(c);
	buf_done(&errors);
	return c;
}

#endif
