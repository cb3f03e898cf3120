/* SPDX-License-Identifier: Apache-2.0
 *
 * Time. Works in every sandbox: clock_gettime is a vDSO call, and the calendar is computed here, since
 * the C library's would open time zone files.
 */
#include "base/clock.h"

#include <string.h>
#include <time.h>

static bool fake;
static int64_t fake_wall, fake_mono;

static int64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
	return fake ? fake_wall : read_clock(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
	return fake ? fake_mono : read_clock(CLOCK_MONOTONIC);
}

void clock_set_fake(int64_t wall_ms, int64_t mono_ms)
{
	fake = true;
	fake_wall = wall_ms;
	fake_mono = mono_ms;
}

void clock_set_real(void)
{
	fake = false;
}

struct civil {
	int year, month, day, weekday, hour, minute, second, ms;
};

/* Days to civil date, proleptic Gregorian, years 1970 to 9999; earlier times print as 1970. */
static struct civil civil_of(int64_t wall_ms)
{
	int64_t seconds = wall_ms < 0 ? 0 : wall_ms / 1000;
	int64_t days = seconds / 86400, rest = seconds % 86400;
	int64_t z = days + 719468, era = z / 146097, doe = z % 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	struct civil c;

	c.day = (int)(doy - (153 * mp + 2) / 5 + 1);
	c.month = (int)(mp < 10 ? mp + 3 : mp - 9);
	c.year = (int)((yoe + era * 400 + (c.month <= 2)) % 10000);
	c.weekday = (int)((days + 4) % 7);
	c.hour = (int)(rest / 3600);
	c.minute = (int)(rest / 60 % 60);
	c.second = (int)(rest % 60);
	c.ms = wall_ms < 0 ? 0 : (int)(wall_ms % 1000);
	return c;
}

static void put_digits(char *at, int n, int value)
{
	for (int i = n - 1; i >= 0; i--, value /= 10)
		at[i] = (char)('0' + value % 10);
}

void clock_print_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_SIZE])
{
	static const char shape[CLOCK_RFC3339_SIZE] = "0000-00-00T00:00:00.000Z";
	struct civil c = civil_of(wall_ms);

	for (int i = 0; i < CLOCK_RFC3339_SIZE; i++)
		out[i] = shape[i];
	put_digits(out, 4, c.year);
	put_digits(out + 5, 2, c.month);
	put_digits(out + 8, 2, c.day);
	put_digits(out + 11, 2, c.hour);
	put_digits(out + 14, 2, c.minute);
	put_digits(out + 17, 2, c.second);
	put_digits(out + 20, 3, c.ms);
}

void clock_print_rfc5322(int64_t wall_ms, char out[CLOCK_RFC5322_SIZE])
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static const char shape[CLOCK_RFC5322_SIZE] = "Thu, 01 Jan 1970 00:00:00 +0000";
	struct civil c = civil_of(wall_ms);

	for (int i = 0; i < CLOCK_RFC5322_SIZE; i++)
		out[i] = shape[i];
	memcpy(out, days + 3 * c.weekday, 3);
	put_digits(out + 5, 2, c.day);
	memcpy(out + 8, months + 3 * (c.month - 1), 3);
	put_digits(out + 12, 4, c.year);
	put_digits(out + 17, 2, c.hour);
	put_digits(out + 20, 2, c.minute);
	put_digits(out + 23, 2, c.second);
}
