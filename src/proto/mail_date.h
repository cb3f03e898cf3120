/* SPDX-License-Identifier: Apache-2.0
 *
 * mail_date - the date and time of a message: Date, Resent-Date, and what stands behind the last ";" of
 * Received. rfc5322 3.3 and 4.3
 *
 * Reads what strangers wrote as mail readers would: comments, missing seconds and days of the week,
 * years of two digits, zones by name, numbers for months, the order of asctime and of ISO 8601 are
 * taken. No clock: whether a date is late or in the future is for the caller.
 */
#ifndef PROTO_MAIL_DATE_H
#define PROTO_MAIL_DATE_H

#include "base/text.h"

enum mail_date_defect {
	MAIL_DATE_DEFECT_SYNTAX = 1 << 0,  /* another order, words too many */
	MAIL_DATE_DEFECT_YEAR = 1 << 1,    /* of two or three digits */
	MAIL_DATE_DEFECT_ZONE = 1 << 2,    /* a zone by name; UTC when the name is not known */
	MAIL_DATE_DEFECT_NO_ZONE = 1 << 3, /* none, or "-0000": taken as UTC */
	MAIL_DATE_DEFECT_WEEKDAY = 1 << 4, /* not the day of the week of that date */
	MAIL_DATE_DEFECT_RANGE = 1 << 5,   /* no such day, time or zone */
};

struct mail_date {
	int64_t utc;                                /* seconds since 1970-01-01T00:00Z, also before it */
	int zone;                                   /* minutes east of UTC */
	int year, month, day, hour, minute, second; /* as written, in that zone; month and day from 1 */
	unsigned defects;
};

/* False when it names no day, month, year and time that exist; defects tell then, too. */
bool mail_date_parse(struct text body, struct mail_date *ret_date);

#endif
