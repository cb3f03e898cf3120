/* SPDX-License-Identifier: Apache-2.0
 *
 * Mark certificates: the one of tests/cases/bimi, which was made for this, and what is wrong with it when
 * something around it changes.
 */
#include "base/buf.h"
#include "proto/bimi_certificate.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW 1900000000

static struct buf logo, mark, root;

static void load(const char *name, struct buf *out)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof path, "%s/tests/cases/bimi/%s", getenv("POSTERN_SOURCE"), name);
	buf_init(out, 100000);
	f = fopen(path, "r");
	assert_non_null(f);
	out->n = fread(buf_reserve(out, 65536), 1, 65536, f);
	fclose(f);
}

static struct bimi_certificate_question good_question(void)
{
	return (struct bimi_certificate_question){
		.pem = buf_text(&mark),
		.roots = buf_text(&root),
		.domain = TEXT("example.com"),
		.selector = TEXT("default"),
		.svg = buf_text(&logo),
		.now = NOW,
	};
}

static unsigned problems_of(const struct bimi_certificate_question *q)
{
	struct bimi_certificate_report report;
	struct buf svg;

	buf_init(&svg, SVG_TINY_PS_BYTES_MAX);
	bimi_certificate_check(q, &svg, &report);
	buf_done(&svg);
	return report.problems;
}

static void a_good_certificate_has_no_problem(void **state)
{
	struct bimi_certificate_question q = good_question();

	(void)state;
	assert_int_equal(problems_of(&q), 0);
	q.svg.n = 0;
	assert_int_equal(problems_of(&q), 0);
}

static void each_promise_is_checked(void **state)
{
	struct bimi_certificate_question q = good_question();

	(void)state;
	q.domain = (struct text)TEXT("example.net");
	assert_int_equal(problems_of(&q), BIMI_CERTIFICATE_DOMAIN);
	q = good_question();
	q.roots.n = 0;
	assert_int_equal(problems_of(&q), BIMI_CERTIFICATE_CHAIN);
	q = good_question();
	q.now = 0;
	assert_int_equal(problems_of(&q), BIMI_CERTIFICATE_CHAIN);
	q = good_question();
	q.svg = (struct text)TEXT("<svg/>");
	assert_int_equal(problems_of(&q), BIMI_CERTIFICATE_OTHER_PICTURE);
	q = good_question();
	q.pem = q.roots;
	assert_int_equal(problems_of(&q),
			 BIMI_CERTIFICATE_USAGE | BIMI_CERTIFICATE_DOMAIN | BIMI_CERTIFICATE_NO_LOGOTYPE);
	q = good_question();
	q.pem = (struct text)TEXT("no certificate");
	assert_int_equal(problems_of(&q), BIMI_CERTIFICATE_NOT_PEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_certificate_has_no_problem),
		cmocka_unit_test(each_promise_is_checked),
	};

	load("logo.svg", &logo);
	load("mark.pem", &mark);
	load("root.pem", &root);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
