/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers and their units. Called by value.c with words of an administrator's file. A size without a unit
 * is refused: 50 was meant as 50M by most who wrote it. Bounds come from the row, in the notation of the
 * file, and go through the same parser; a test shows that all of them do.
 *
 * Invariants: no overflow is silent; what is printed has the largest unit that divides the value and
 * parses to it.
 */
#include "conf/number.h"

#include "base/ensure.h"
#include "conf/report.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* The smallest first. */
static const struct unit size_units[] = {
	{ "B", 1 },
	{ "K", 1024 },
	{ "M", 1024 * 1024 },
	{ "G", 1024 * 1024 * 1024 },
};
static const struct unit time_units[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
};

struct scale {
	const struct unit *units;
	size_t n;
	const char *noun, *list, *example;
};

static const struct scale size_scale = { size_units, sizeof size_units / sizeof *size_units, "a size",
					 "B, K, M or G", "50M" };
static const struct scale time_scale = { time_units, sizeof time_units / sizeof *time_units, "a time",
					 "ms, s, m, h or d", "30s" };

static size_t count_digits(struct text word)
{
	size_t n = 0;

	while (n < word.n && word.p[n] >= '0' && word.p[n] <= '9')
		n++;
	return n;
}

/* The digits before a unit. */
static bool parse_digits(struct text word, struct text digits, uint64_t *ret_value, struct buf *why)
{
	if (digits.n > 1 && digits.p[0] == '0') {
		size_t zeros = 0;
		while (zeros + 1 < digits.n && digits.p[zeros] == '0')
			zeros++;
		buf_printf(why, "%s has a leading zero (write %.*s; numbers are decimal)", conf_quote(word).s,
			   TEXT_ARGS(text_slice(text_skip(word, zeros), 0, 40)));
		return false;
	}
	if (!text_parse_u64(digits, UINT64_MAX, ret_value)) {
		buf_printf(why, "%s is too large a number", conf_quote(word).s);
		return false;
	}
	return true;
}

static bool is_within(const struct conf_row *row, bool ok, struct text word, struct buf *why)
{
	if (!ok)
		buf_printf(why, "%.*s is out of range %s-%s", TEXT_ARGS(text_slice(word, 0, 40)), row->min,
			   row->max);
	return ok;
}

static bool read_count(struct text word, uint64_t *ret_value, struct buf *why)
{
	size_t n = count_digits(word);

	if (n == 0 || (n < word.n && word.p[0] == '0')) {
		buf_printf(why, "expected a number, found %s", conf_quote(word).s);
		return false;
	}
	if (n < word.n) {
		buf_printf(why, "expected a plain number, found %s (leave out %s)", conf_quote(word).s,
			   conf_quote(text_skip(word, n)).s);
		return false;
	}
	return parse_digits(word, word, ret_value, why);
}

static const struct unit *find_unit(const struct scale *scale, struct text name)
{
	for (size_t i = 0; i < scale->n; i++)
		if (text_is_cstr(name, scale->units[i].name))
			return &scale->units[i];
	return NULL;
}

/* A unit that was probably meant: other case, or more letters as in MB, Kb, sec, min. */
static const struct unit *guess_unit(const struct scale *scale, struct text name)
{
	for (size_t i = 0; i < scale->n; i++)
		if (text_has_prefix_nocase(name, text_from_cstr(scale->units[i].name)))
			return &scale->units[i];
	return NULL;
}

static bool complain_unit(const struct scale *scale, struct text word, size_t digits, struct buf *why)
{
	struct text name = text_skip(word, digits);
	const struct unit *guess = guess_unit(scale, name);

	if (name.n == 0) {
		buf_printf(why, "%s has no unit (%s has %s, for example %s)", conf_quote(word).s, scale->noun,
			   scale->list, scale->example);
		return false;
	}
	if (name.p[0] == '.' || name.p[0] == ',') {
		buf_printf(why, "%s is not a whole number (write it in a smaller unit)", conf_quote(word).s);
		return false;
	}
	buf_printf(why, "unknown unit %s in %s (%s has %s", conf_quote(name).s, conf_quote(word).s,
		   scale->noun, scale->list);
	if (guess)
		buf_printf(why, "; did you mean %.*s%s?", TEXT_ARGS(text_slice(word, 0, digits)),
			   guess->name);
	buf_add_cstr(why, ")");
	return false;
}

static bool read_scaled(const struct scale *scale, struct text word, uint64_t *ret_value, struct buf *why)
{
	size_t digits = count_digits(word);
	const struct unit *unit = find_unit(scale, text_skip(word, digits));
	uint64_t number;

	if (digits == 0) {
		buf_printf(why, "expected %s such as %s, found %s", scale->noun, scale->example,
			   conf_quote(word).s);
		return false;
	}
	if (text_is_cstr(word, "0")) {
		*ret_value = 0;
		return true;
	}
	if (!unit)
		return complain_unit(scale, word, digits, why);
	if (!parse_digits(word, text_slice(word, 0, digits), &number, why))
		return false;
	if (__builtin_mul_overflow(number, unit->factor, ret_value) || *ret_value > INT64_MAX) {
		buf_printf(why, "%s is too large a number", conf_quote(word).s);
		return false;
	}
	return true;
}

static uint64_t bound(const struct scale *scale, const char *text)
{
	struct buf why;
	uint64_t value;

	buf_init(&why, 256);
	ASSERT(scale ? read_scaled(scale, text_from_cstr(text), &value, &why)
		     : read_count(text_from_cstr(text), &value, &why));
	buf_done(&why);
	return value;
}

bool conf_count_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	uint64_t v;

	if (!read_count(word, &v, why) ||
	    !is_within(row, v >= bound(NULL, row->min) && v <= bound(NULL, row->max), word, why))
		return false;
	*(uint64_t *)ret_value = v;
	return true;
}

bool conf_size_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	uint64_t v;

	if (!read_scaled(&size_scale, word, &v, why) ||
	    !is_within(row, v >= bound(&size_scale, row->min) && v <= bound(&size_scale, row->max), word,
		       why))
		return false;
	*(uint64_t *)ret_value = v;
	return true;
}

bool conf_time_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	/* In a list the row's bounds count the values. */
	bool is_list = row->type == CONF_TYPE_TIMES;
	struct conf_row one = { .min = is_list ? "1s" : row->min, .max = is_list ? "30d" : row->max };
	uint64_t v;

	if (!read_scaled(&time_scale, word, &v, why) ||
	    !is_within(&one, v >= bound(&time_scale, one.min) && v <= bound(&time_scale, one.max), word, why))
		return false;
	*(int64_t *)ret_value = (int64_t)v;
	return true;
}

bool conf_rate_parse(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	const struct conf_row period = { .min = "1s", .max = "1d" };
	struct conf_rate rate;
	struct text count, time;

	if (!text_cut(word, '/', &count, &time)) {
		buf_printf(why, "expected a number in a time such as 60/1m, found %s", conf_quote(word).s);
		return false;
	}
	if (count_digits(count) == count.n && find_unit(&time_scale, time)) {
		buf_printf(why, "%s has no number before the unit (did you mean %.*s/1%.*s?)",
			   conf_quote(word).s, TEXT_ARGS(text_slice(count, 0, 40)), TEXT_ARGS(time));
		return false;
	}
	if (!conf_count_parse(row, count, &rate.count, why) ||
	    !conf_time_parse(&period, time, &rate.time, why))
		return false;
	*(struct conf_rate *)ret_value = rate;
	return true;
}

static void print_scaled(const struct scale *scale, uint64_t value, struct buf *out)
{
	size_t i = scale->n - 1;

	if (value == 0) {
		buf_add_cstr(out, "0");
		return;
	}
	while (value % scale->units[i].factor != 0)
		i--;
	buf_printf(out, "%ju%s", (uintmax_t)(value / scale->units[i].factor), scale->units[i].name);
}

void conf_count_print(const struct conf_row *row, const void *value, struct buf *out)
{
	(void)row;
	buf_printf(out, "%ju", (uintmax_t) * (const uint64_t *)value);
}

void conf_size_print(const struct conf_row *row, const void *value, struct buf *out)
{
	(void)row;
	print_scaled(&size_scale, *(const uint64_t *)value, out);
}

void conf_time_print(const struct conf_row *row, const void *value, struct buf *out)
{
	(void)row;
	print_scaled(&time_scale, (uint64_t) * (const int64_t *)value, out);
}

void conf_rate_print(const struct conf_row *row, const void *value, struct buf *out)
{
	const struct conf_rate *rate = value;

	(void)row;
	buf_printf(out, "%ju/", (uintmax_t)rate->count);
	print_scaled(&time_scale, (uint64_t)rate->time, out);
}
