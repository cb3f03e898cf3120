/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads dates. Called for the fields of a stranger's header. The grammar is
 *	date-time = [ day-name "," ] day month year hour ":" minute [ ":" second ] zone    rfc5322 3.3
 *	zone = ("+" / "-") 4DIGIT / names of rfc5322 4.3
 * but the items are known by their form rather than by their place, except that numbers fill day, month
 * and year in this order, or in the reverse one when the first has four digits. The field is first
 * copied without comments, cut at TEXT_MAX; a date needs a third of that.
 */
#include "proto/mail_date.h"

#include "proto/header_lex.h"

#define TEXT_MAX   96
#define YEAR_MIN   1900
#define YEAR_MAX   9999
#define WEEKS_BACK 10000 /* more than from YEAR_MIN to 1970 */
#define UNSET      (-1)

static const char *const months[] = { "january", "february", "march",     "april",   "may",      "june",
				      "july",    "august",   "september", "october", "november", "december" };
static const char *const weekdays[] = { "sunday",   "monday", "tuesday", "wednesday",
					"thursday", "friday", "saturday" };

/* rfc5322 4.3: letters alone were defined backwards and mean nothing, but Z. */
static const struct {
	struct text name;
	int minutes;
} zones[] = {
	{ TEXT("UT"), 0 },        { TEXT("GMT"), 0 },       { TEXT("UTC"), 0 },
	{ TEXT("Z"), 0 },         { TEXT("EST"), -5 * 60 }, { TEXT("EDT"), -4 * 60 },
	{ TEXT("CST"), -6 * 60 }, { TEXT("CDT"), -5 * 60 }, { TEXT("MST"), -7 * 60 },
	{ TEXT("MDT"), -6 * 60 }, { TEXT("PST"), -8 * 60 }, { TEXT("PDT"), -7 * 60 },
};

struct reader {
	struct text t;
	size_t at;
	struct mail_date *date;
	int weekday;
	bool has_time, has_zone, is_year_first;
};

/* The field without comments, behind its last ";", with one blank for several. */
static struct text copy_plain(struct text body, char *at, unsigned *defects)
{
	struct header_lexer lexer = { .in = body };
	struct header_token token;
	size_t n = 0;

	while ((token = header_lex_next(&lexer)).kind != HEADER_TOKEN_END) {
		if (token.special == ';')
			n = 0;
		if (token.special == ';' || token.kind == HEADER_TOKEN_COMMENT)
			continue;
		if (n + 1 + token.text.n > TEXT_MAX) {
			*defects |= MAIL_DATE_DEFECT_SYNTAX;
			continue;
		}
		if (token.is_apart && n)
			at[n++] = ' ';
		memcpy(at + n, token.text.p, token.text.n);
		n += token.text.n;
	}
	return text_from_bytes(at, n);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	c = text_lower_byte(c);
	return c >= 'a' && c <= 'z';
}

static char peek(const struct reader *r)
{
	return r->at < r->t.n ? r->t.p[r->at] : 0;
}

/* At most six digits count. */
static int take_number(struct reader *r, size_t *ret_digits)
{
	int value = 0;

	for (*ret_digits = 0; is_digit(peek(r)); r->at++, ++*ret_digits)
		if (*ret_digits < 6)
			value = value * 10 + (peek(r) - '0');
	return value;
}

static struct text take_word(struct reader *r)
{
	size_t from = r->at;

	while (is_letter(peek(r)))
		r->at++;
	return text_slice(r->t, from, r->at);
}

/* The index of the name that begins with the word, of three letters at least; UNSET: none. */
static int find_name(struct text word, const char *const *names, int n_names)
{
	for (int i = 0; word.n >= 3 && i < n_names; i++)
		if (text_has_prefix_nocase(text_from_cstr(names[i]), word))
			return i;
	return UNSET;
}

static void set_named_zone(struct reader *r, struct text word)
{
	r->has_zone = true;
	r->date->defects |= MAIL_DATE_DEFECT_ZONE;
	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
		if (!text_is_equal_nocase(word, zones[i].name))
			continue;
		r->date->zone = zones[i].minutes;
		return;
	}
	r->date->defects |= MAIL_DATE_DEFECT_NO_ZONE;
}

static void read_word(struct reader *r)
{
	struct text word = take_word(r);
	int month = find_name(word, months, 12), weekday = find_name(word, weekdays, 7);

	if (month != UNSET && r->date->month == UNSET)
		r->date->month = month + 1;
	else if (weekday != UNSET && r->weekday == UNSET)
		r->weekday = weekday;
	else if (r->has_time && !r->has_zone)
		set_named_zone(r, word);
	else
		r->date->defects |= MAIL_DATE_DEFECT_SYNTAX;
}

/* "+0200", and "+02:00" as in ISO 8601. */
static void read_zone(struct reader *r)
{
	int sign = peek(r) == '-' ? -1 : 1, hours, minutes;
	size_t n_digits, n_more;

	r->at++;
	hours = take_number(r, &n_digits);
	minutes = hours % 100;
	if (n_digits == 2 && peek(r) == ':') {
		r->at++;
		minutes = take_number(r, &n_more);
		r->date->defects |= MAIL_DATE_DEFECT_SYNTAX;
	} else {
		hours /= 100;
		r->date->defects |= n_digits == 4 ? 0 : MAIL_DATE_DEFECT_SYNTAX;
	}
	r->has_zone = true;
	r->date->zone = sign * (hours * 60 + minutes);
	if (minutes > 59 || hours > 99)
		r->date->defects |= MAIL_DATE_DEFECT_RANGE;
	if (sign < 0 && r->date->zone == 0)
		r->date->defects |= MAIL_DATE_DEFECT_NO_ZONE;
}

static void skip_fraction(struct reader *r)
{
	size_t n_digits;

	if (peek(r) != '.')
		return;
	r->at++;
	take_number(r, &n_digits);
	r->date->defects |= MAIL_DATE_DEFECT_SYNTAX;
}

static void skip_one_blank(struct reader *r, char behind)
{
	if (peek(r) == ' ' && r->at + 1 < r->t.n && r->t.p[r->at + 1] == behind)
		r->at++;
}

/* ":" minute [":" second], with blanks around the colons (rfc5322 4.3). */
static void read_time(struct reader *r, int hour)
{
	size_t n_digits;

	if (r->has_time) {
		r->date->defects |= MAIL_DATE_DEFECT_SYNTAX;
		r->at++;
		return;
	}
	r->has_time = true;
	r->date->hour = hour;
	r->at++;
	r->at += peek(r) == ' ';
	r->date->minute = take_number(r, &n_digits);
	if (n_digits == 0)
		r->date->defects |= MAIL_DATE_DEFECT_RANGE;
	skip_one_blank(r, ':');
	if (peek(r) == ':') {
		r->at++;
		r->at += peek(r) == ' ';
		r->date->second = take_number(r, &n_digits);
	}
	skip_fraction(r);
}

static void set_year(struct reader *r, int year, size_t n_digits)
{
	if (n_digits <= 3)
		r->date->defects |= MAIL_DATE_DEFECT_YEAR;
	if (n_digits <= 2)
		year += year < 50 ? 2000 : 1900;
	else if (n_digits == 3)
		year += 1900;
	r->date->year = year;
}

static void read_number(struct reader *r)
{
	struct mail_date *d = r->date;
	size_t n_digits;
	int value = take_number(r, &n_digits);

	skip_one_blank(r, ':');
	if (peek(r) == ':') {
		read_time(r, value);
		return;
	}
	if (n_digits >= 4 && d->day == UNSET && d->year == UNSET && d->month == UNSET)
		r->is_year_first = true;
	if (d->year == UNSET && r->is_year_first) {
		set_year(r, value, n_digits);
	} else if (d->day == UNSET && n_digits <= 2 && (!r->is_year_first || d->month != UNSET)) {
		d->day = value;
	} else if (d->month == UNSET && n_digits <= 2) {
		d->month = value;
		d->defects |= MAIL_DATE_DEFECT_SYNTAX;
	} else if (d->year == UNSET) {
		set_year(r, value, n_digits);
	} else {
		d->defects |= MAIL_DATE_DEFECT_SYNTAX;
	}
}

static void read_items(struct reader *r)
{
	while (r->at < r->t.n) {
		char c = peek(r);
		bool is_sign = (c == '+' || c == '-') && r->has_time && !r->has_zone;
		if (is_digit(c))
			read_number(r);
		else if (is_letter(c))
			read_word(r);
		else if (is_sign && r->at + 1 < r->t.n && is_digit(r->t.p[r->at + 1]))
			read_zone(r);
		else
			r->at++;
	}
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_of_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

static bool is_in_range(const struct mail_date *d)
{
	if (d->year < YEAR_MIN || d->year > YEAR_MAX || d->month < 1 || d->month > 12 || d->day < 1)
		return false;
	return d->day <= days_of_month(d->year, d->month) && d->hour < 24 && d->minute < 60 &&
	       d->second <= 60;
}

/* Of a day of the Gregorian calendar, from 1970-01-01. */
static int64_t days_since_1970(int year, int month, int day)
{
	int64_t y = year - 1, days = y * 365 + y / 4 - y / 100 + y / 400 - 719162;

	for (int m = 1; m < month; m++)
		days += days_of_month(year, m);
	return days + day - 1;
}

bool mail_date_parse(struct text body, struct mail_date *ret_date)
{
	char plain[TEXT_MAX];
	struct reader r = { .date = ret_date, .weekday = UNSET };
	int64_t days;

	*ret_date = (struct mail_date){ .day = UNSET, .month = UNSET, .year = UNSET };
	r.t = copy_plain(body, plain, &ret_date->defects);
	read_items(&r);
	if (r.is_year_first)
		ret_date->defects |= MAIL_DATE_DEFECT_SYNTAX;
	if (!r.has_zone)
		ret_date->defects |= MAIL_DATE_DEFECT_NO_ZONE;
	if (!r.has_time || ret_date->day == UNSET || ret_date->month == UNSET || ret_date->year == UNSET)
		return false;
	if (!is_in_range(ret_date))
		ret_date->defects |= MAIL_DATE_DEFECT_RANGE;
	if (ret_date->defects & MAIL_DATE_DEFECT_RANGE)
		return false;
	days = days_since_1970(ret_date->year, ret_date->month, ret_date->day);
	if (r.weekday != UNSET && (days + 4 + WEEKS_BACK * 7) % 7 != r.weekday)
		ret_date->defects |= MAIL_DATE_DEFECT_WEEKDAY;
	ret_date->utc = days * 86400 + ret_date->hour * 3600 + ret_date->minute * 60 + ret_date->second -
			ret_date->zone * 60;
	return true;
}
