/* SPDX-License-Identifier: Apache-2.0
 *
 * Dates of messages: those of rfc5322 A, the obsolete forms, what mail programs send against it, and
 * what is none.
 */
#include "proto/mail_date.h"

#include "unit.h"

#define SYNTAX  MAIL_DATE_DEFECT_SYNTAX
#define YEAR    MAIL_DATE_DEFECT_YEAR
#define ZONE    MAIL_DATE_DEFECT_ZONE
#define NO_ZONE MAIL_DATE_DEFECT_NO_ZONE
#define WEEKDAY MAIL_DATE_DEFECT_WEEKDAY
#define RANGE   MAIL_DATE_DEFECT_RANGE

static const struct {
	const char *in;
	int64_t utc;
	int zone;
	unsigned defects;
} dates[] = {
	{ " Fri, 21 Nov 1997 09:55:06 -0600\r\n", 880127706, -360, 0 },
	{ "Tue, 1 Jul 2003 10:52:37 +0200", 1057049557, 120, 0 },
	{ "1 Jul 2003 10:52 +0200", 1057049520, 120, 0 },
	{ "Thu, 13\r\n Feb\r\n  1969\r\n 23:32\r\n -0330 (Newfoundland Time)", -27723480, -210, 0 },
	{ "21 Nov 97 09:55:06 GMT", 880106106, 0, YEAR | ZONE },
	{ "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360, 0 },
	{ "1 Jan 100 00:00 +0000", 946684800, 0, YEAR },
	{ "1 Jan 49 00:00 +0000", 2493072000, 0, YEAR },
	{ "1 Jan 50 00:00 +0000", -631152000, 0, YEAR },
	{ "Sun, 27 Oct 2002 23:57:07 EST", 1035781027, -300, ZONE },
	{ "Thu, 10 Jul 1997 14:53:31 EST5EDT", 868564411, -300, ZONE | SYNTAX },
	{ "Thu, 10 Jul 1997 14:53:31 A", 868546411, 0, ZONE | NO_ZONE },
	{ "Thu, 10 Jul 1997 14:53:31 ZZZZ", 868546411, 0, ZONE | NO_ZONE },
	{ "Thu, 10 Jul 1997 14:53:31 -0000", 868546411, 0, NO_ZONE },
	{ "Thu, 10 Jul 1997 14:53:31", 868546411, 0, NO_ZONE },
	{ "17 May 2026 22:15:15 +1345", 1779006615, 825, 0 },
	{ "Mon, 1 Jul 2003 10:52:37 +0200", 1057049557, 120, WEEKDAY },
	{ "29 Feb 2000 00:00:00 +0000", 951782400, 0, 0 },
	{ "30 Jun 2015 23:59:60 +0000", 1435708800, 0, 0 },
	{ "Fri Nov 21 09:55:06 1997", 880106106, 0, NO_ZONE },
	{ "Fri Nov 21 09:55:06 PST 1997", 880134906, -480, ZONE },
	{ "20 11 1979 05:34:27 -0300", 311934867, -180, SYNTAX },
	{ "1997-11-21T09:55:06.123-06:00", 880127706, -360, SYNTAX },
	{ "21-Nov-1997 09:55:06 -0600", 880127706, -360, 0 },
	{ "Friday, 21 November 1997 09:55:06 -0600", 880127706, -360, 0 },
	{ "by x with SMTP id y; Mon, 10 Oct 2022 10:31:15 -0700 (PDT)", 1665423075, -420, 0 },
	{ "1 Jan 1900 00:00:00 +0000", -2208988800, 0, 0 },
};

static void dates_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(dates); i++) {
		struct mail_date d;

		if (!mail_date_parse(text_from_cstr(dates[i].in), &d) || d.utc != dates[i].utc ||
		    d.zone != dates[i].zone || d.defects != dates[i].defects)
			fail_msg("%s: %lld %d, defects %#x", dates[i].in, (long long)d.utc, d.zone,
				 d.defects);
	}
}

static void what_is_no_date_is_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"yesterday",
		"13 zzz 2021 09:55:06 +0200",
		"Tue, 7 00 2026 19:14:51 +0000",
		"1 Jan 2021",
		"09:55:06 +0200",
		"Jan 2021 09:55",
		"31 Apr 2021 00:00 +0000",
		"29 Feb 1900 00:00 +0000",
		"0 Jan 2021 00:00 +0000",
		"1 Jan 2021 24:00 +0000",
		"1 Jan 2021 00:60 +0000",
		"1 Jan 2021 00:00:61 +0000",
		"1 Jan 2021 00:00 +0060",
		"1 Jan 12345678901234567890 00:00 +0000",
		"1 Jan 1899 00:00 +0000",
		"1 Jan 2021 10: +0000",
		"some numbers 0 1 2 but invalid",
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct mail_date d;

		if (mail_date_parse(text_from_cstr(rows[i]), &d))
			fail_msg("%s: %lld", rows[i], (long long)d.utc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_read),
		cmocka_unit_test(what_is_no_date_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
