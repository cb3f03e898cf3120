/* SPDX-License-Identifier: Apache-2.0
 *
 * Dates as people and mail want them, the fake clock, and errors of the system as ours.
 */
#include "../unit.h"
#include "base/clock.h"
#include "base/error.h"

#include <errno.h>

static void dates_are_printed_in_utc(void **state)
{
	static const struct {
		int64_t ms;
		const char *rfc3339, *rfc5322;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 +0000" },
		{ -5, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 +0000" },
		{ 951782399999, "2000-02-28T23:59:59.999Z", "Mon, 28 Feb 2000 23:59:59 +0000" },
		{ 951782400000, "2000-02-29T00:00:00.000Z", "Tue, 29 Feb 2000 00:00:00 +0000" },
		{ 1795491667123, "2026-11-24T03:41:07.123Z", "Tue, 24 Nov 2026 03:41:07 +0000" },
		{ 4107542400000, "2100-03-01T00:00:00.000Z", "Mon, 01 Mar 2100 00:00:00 +0000" },
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		char a[CLOCK_RFC3339_SIZE], b[CLOCK_RFC5322_SIZE];
		clock_print_rfc3339(rows[i].ms, a);
		assert_string_equal(a, rows[i].rfc3339);
		clock_print_rfc5322(rows[i].ms, b);
		assert_string_equal(b, rows[i].rfc5322);
	}
}

static void a_fake_clock_stands_still(void **state)
{
	(void)state;
	clock_set_fake(5, 7);
	assert_int_equal(clock_wall_ms(), 5);
	assert_int_equal(clock_mono_ms(), 7);
	clock_set_real();
	assert_true(clock_wall_ms() > 1700000000000);
}

static void every_error_has_a_text(void **state)
{
	(void)state;
	for (int e = 0; e < ERROR_COUNT; e++)
		assert_true(strlen(error_text((enum error)e)) > 3);
	assert_string_equal(error_text((enum error)9999), "unknown error");
	assert_int_equal(error_of_errno(ENOSPC), ERROR_DISK_FULL);
	assert_int_equal(error_of_errno(EROFS), ERROR_READ_ONLY);
	assert_int_equal(error_of_errno(EBADMSG), ERROR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_printed_in_utc),
		cmocka_unit_test(a_fake_clock_stands_still),
		cmocka_unit_test(every_error_has_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
