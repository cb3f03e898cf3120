/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers and colours of style sheets. Called by html_style.c, with what strangers wrote. No floating
 * point: a value is the same on every machine. Invariants: a number stays within LIMIT; a colour that is
 * given back has its alpha in the top byte.
 */
#include "judge/css_value.h"

#include "judge/css.h"

#define LIMIT       1000000000 /* hundredths */
#define OPAQUE      0xff000000u
#define WINDOW_WIDE 800
#define WINDOW_HIGH 600

struct named_color {
	char name[24];
	uint32_t rgb;
};

static const struct named_color named_colors[] = {
#define COLOR(name, rgb) { name, rgb },
#include "judge/css_color.def"
#undef COLOR
};

/* Hundredths of pixels in one hundred of the unit. */
static const struct {
	struct text name;
	enum css_unit unit;
	int32_t factor; /* hundredths */
} units[] = {
	{ TEXT("px"), CSS_UNIT_PX, 100 },
	{ TEXT("pt"), CSS_UNIT_PX, 133 },
	{ TEXT("em"), CSS_UNIT_EM, 100 },
	{ TEXT("%"), CSS_UNIT_PERCENT, 100 },
	{ TEXT("rem"), CSS_UNIT_REM, 100 },
	{ TEXT("ex"), CSS_UNIT_EM, 50 },
	{ TEXT("ch"), CSS_UNIT_EM, 50 },
	{ TEXT("pc"), CSS_UNIT_PX, 1600 },
	{ TEXT("in"), CSS_UNIT_PX, 9600 },
	{ TEXT("cm"), CSS_UNIT_PX, 3780 },
	{ TEXT("mm"), CSS_UNIT_PX, 378 },
	{ TEXT("q"), CSS_UNIT_PX, 94 },
	{ TEXT("vw"), CSS_UNIT_PX, WINDOW_WIDE },
	{ TEXT("vh"), CSS_UNIT_PX, WINDOW_HIGH },
	{ TEXT("vmin"), CSS_UNIT_PX, WINDOW_HIGH },
	{ TEXT("vmax"), CSS_UNIT_PX, WINDOW_WIDE },
};

static int32_t limited(int64_t n)
{
	return (int32_t)(n > LIMIT ? LIMIT : n < -LIMIT ? -LIMIT : n);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "e3", "e-3" behind a number: its size is all that matters. */
static int64_t apply_exponent(struct text *t, int64_t n)
{
	size_t at = 1;
	bool is_minus = t->n > 1 && t->p[1] == '-';
	unsigned exponent = 0;

	if (t->n > 1 && (t->p[1] == '-' || t->p[1] == '+'))
		at = 2;
	if (!t->n || t->p[0] != 'e' || at >= t->n || !is_digit(t->p[at]))
		return n;
	for (; at < t->n && is_digit(t->p[at]); at++)
		exponent = exponent < 100 ? exponent * 10 + (unsigned)(t->p[at] - '0') : exponent;
	for (; exponent; exponent--)
		n = is_minus ? n / 10 : limited(n * 10);
	*t = text_skip(*t, at);
	return n;
}

/* A number at the start, in hundredths. */
static bool take_number(struct text *t, int32_t *ret_hundredths)
{
	struct text rest = *t;
	bool is_negative = rest.n && rest.p[0] == '-', has_digit = false;
	int64_t n = 0, place = 10;

	if (rest.n && (rest.p[0] == '-' || rest.p[0] == '+'))
		rest = text_skip(rest, 1);
	for (; rest.n && is_digit(rest.p[0]); rest = text_skip(rest, 1), has_digit = true)
		n = limited(n * 10 + 100 * (rest.p[0] - '0'));
	if (rest.n > 1 && rest.p[0] == '.' && is_digit(rest.p[1]))
		for (rest = text_skip(rest, 1); rest.n && is_digit(rest.p[0]); rest = text_skip(rest, 1)) {
			n += place * (rest.p[0] - '0');
			place /= 10;
			has_digit = true;
		}
	if (!has_digit)
		return false;
	n = apply_exponent(&rest, limited(n));
	*ret_hundredths = (int32_t)(is_negative ? -n : n);
	*t = rest;
	return true;
}

bool css_length_parse(struct text t, struct css_length *ret_length)
{
	int32_t number;

	if (!take_number(&t, &number))
		return false;
	*ret_length = (struct css_length){ number, CSS_UNIT_NONE };
	if (!t.n)
		return true;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (!text_is_equal_nocase(t, units[i].name))
			continue;
		ret_length->hundredths = limited((int64_t)number * units[i].factor / 100);
		ret_length->unit = units[i].unit;
		return true;
	}
	return false;
}

int32_t css_length_pixels(struct css_length length, int32_t em, int32_t percent)
{
	switch (length.unit) {
	case CSS_UNIT_EM:
		return limited((int64_t)length.hundredths * em / 100);
	case CSS_UNIT_REM:
		return limited((int64_t)length.hundredths * 16);
	case CSS_UNIT_PERCENT:
		return limited((int64_t)length.hundredths * percent / 10000);
	case CSS_UNIT_NONE:
	case CSS_UNIT_PX:
		break;
	}
	return length.hundredths;
}

static unsigned hex_of(char c)
{
	c = text_lower_byte(c);
	if (is_digit(c))
		return (unsigned)(c - '0');
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

static bool parse_hex(struct text t, uint32_t *ret_argb)
{
	bool is_short = t.n <= 4;
	uint32_t parts[4] = { 0, 0, 0, 255 };

	if (t.n != 3 && t.n != 4 && t.n != 6 && t.n != 8)
		return false;
	for (size_t i = 0; i < t.n; i++)
		if (hex_of(t.p[i]) > 15)
			return false;
	for (size_t i = 0; i < (is_short ? t.n : t.n / 2); i++)
		parts[i] = is_short ? hex_of(t.p[i]) * 17 : hex_of(t.p[2 * i]) * 16 + hex_of(t.p[2 * i + 1]);
	*ret_argb = parts[3] << 24 | parts[0] << 16 | parts[1] << 8 | parts[2];
	return true;
}

static bool find_name(struct text t, uint32_t *ret_argb)
{
	size_t low = 0, high = sizeof named_colors / sizeof *named_colors;
	char lower[24] = { 0 };

	if (t.n == 0 || t.n >= sizeof lower)
		return false;
	for (size_t i = 0; i < t.n; i++)
		lower[i] = text_lower_byte(t.p[i]);
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(lower, named_colors[middle].name);
		if (order == 0) {
			*ret_argb = OPAQUE | named_colors[middle].rgb;
			return true;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

static uint32_t byte_of(int64_t n)
{
	return (uint32_t)(n < 0 ? 0 : n > 255 ? 255 : n);
}

/* The arguments of rgb() and hsl(): up to four numbers, in hundredths; a percentage has its bit. */
static unsigned take_arguments(struct text t, int32_t numbers[4], unsigned *ret_percent)
{
	struct text word;
	unsigned n = 0;

	*ret_percent = 0;
	while (n < 4 && css_word_next(&t, &word)) {
		if (text_is_cstr(word, "/"))
			continue;
		if (!take_number(&word, &numbers[n]))
			return 0;
		if (word.n && word.p[0] == '%')
			*ret_percent |= 1u << n;
		n++;
	}
	return n;
}

static uint32_t alpha_of(unsigned n, const int32_t numbers[4], unsigned percent)
{
	if (n < 4)
		return 255;
	return byte_of((int64_t)numbers[3] * 255 / (percent & 8 ? 10000 : 100));
}

static uint32_t rgb_of(const int32_t numbers[4], unsigned percent)
{
	uint32_t rgb = 0;

	for (unsigned i = 0; i < 3; i++)
		rgb = rgb << 8 |
		      byte_of(percent & 1u << i ? (int64_t)numbers[i] * 255 / 10000 : numbers[i] / 100);
	return rgb;
}

/* One of the three of a colour given by hue (degrees), saturation and lightness (0..100). */
static uint32_t hsl_part(int64_t hue, int64_t saturation, int64_t lightness, int64_t offset)
{
	int64_t k = (offset * 100 + hue * 100 / 30) % 1200;
	int64_t a = saturation * (lightness < 50 ? lightness : 100 - lightness) / 100;
	int64_t m = k - 300 < 900 - k ? k - 300 : 900 - k;

	if (m > 100)
		m = 100;
	if (m < -100)
		m = -100;
	return byte_of((lightness * 100 - a * m) * 255 / 10000);
}

static uint32_t hsl_of(const int32_t numbers[4])
{
	int64_t hue = (numbers[0] / 100 % 360 + 360) % 360;
	int64_t saturation = byte_of(numbers[1] / 100), lightness = byte_of(numbers[2] / 100);

	if (saturation > 100)
		saturation = 100;
	if (lightness > 100)
		lightness = 100;
	return hsl_part(hue, saturation, lightness, 0) << 16 | hsl_part(hue, saturation, lightness, 8) << 8 |
	       hsl_part(hue, saturation, lightness, 4);
}

static bool parse_function(struct text t, uint32_t *ret_argb)
{
	static const struct text rgb = TEXT("rgb"), hsl = TEXT("hsl");
	bool is_hsl = text_has_prefix_nocase(t, hsl);
	unsigned n, percent;
	int32_t numbers[4] = { 0 };
	size_t open = text_find_byte(t, '('), close = text_find_last_byte(t, ')');

	if (!(is_hsl || text_has_prefix_nocase(t, rgb)) || open > 4 || open >= t.n)
		return false;
	n = take_arguments(text_slice(t, open + 1, close), numbers, &percent);
	if (n < 3)
		return false;
	*ret_argb =
		alpha_of(n, numbers, percent) << 24 | (is_hsl ? hsl_of(numbers) : rgb_of(numbers, percent));
	return true;
}

bool css_color_parse(struct text t, uint32_t *ret_argb)
{
	if (t.n && t.p[0] == '#')
		return parse_hex(text_skip(t, 1), ret_argb);
	if (text_is_cstr_nocase(t, "transparent")) {
		*ret_argb = 0;
		return true;
	}
	return find_name(t, ret_argb) || parse_function(t, ret_argb);
}

/* A third of the digits: at most the last eight of them, without zeros that all three have, the first two.
 * Missing ones and what is no digit are zero. */
static uint32_t legacy_part(struct text t, size_t third, size_t which, size_t skip)
{
	uint32_t value = 0;

	for (size_t i = 0; i < 2; i++) {
		size_t at = which * third + skip + i;
		unsigned digit = skip + i < third && at < t.n ? hex_of(t.p[at]) : 0;
		if (skip + i < third)
			value = value * 16 + (digit < 16 ? digit : 0);
	}
	return value;
}

static bool all_begin_with_zero(struct text t, size_t third, size_t skip)
{
	for (size_t which = 0; which < 3; which++) {
		size_t at = which * third + skip;
		unsigned digit = at < t.n ? hex_of(t.p[at]) : 0;
		if (digit != 0 && digit < 16)
			return false;
	}
	return true;
}

bool css_legacy_color_parse(struct text t, uint32_t *ret_argb)
{
	size_t third, skip;

	t = text_trim(t);
	if (!t.n || text_is_cstr_nocase(t, "transparent"))
		return false;
	if (find_name(t, ret_argb))
		return true;
	if (t.n == 4 && t.p[0] == '#' && parse_hex(text_skip(t, 1), ret_argb))
		return true;
	t = text_slice(t, 0, 128);
	if (t.p[0] == '#')
		t = text_skip(t, 1);
	third = t.n ? (t.n + 2) / 3 : 1;
	skip = third > 8 ? third - 8 : 0;
	while (third - skip > 2 && all_begin_with_zero(t, third, skip))
		skip++;
	*ret_argb = OPAQUE | legacy_part(t, third, 0, skip) << 16 | legacy_part(t, third, 1, skip) << 8 |
		    legacy_part(t, third, 2, skip);
	return true;
}

uint32_t css_color_blend(uint32_t over, uint32_t under)
{
	uint32_t alpha = over >> 24, result = OPAQUE;

	for (unsigned shift = 0; shift < 24; shift += 8) {
		uint32_t a = over >> shift & 255, b = under >> shift & 255;
		result |= ((a * alpha + b * (255 - alpha) + 127) / 255) << shift;
	}
	return result;
}

static unsigned square_root(unsigned n)
{
	unsigned root = 0;

	for (unsigned bit = 1u << 15; bit; bit >>= 1)
		if ((root | bit) * (root | bit) <= n)
			root |= bit;
	return root;
}

/* Weighted by how red the two are: the eye sees blue less, and green more. */
unsigned css_color_distance(uint32_t a, uint32_t b)
{
	int red_a = (int)(a >> 16 & 255), red_b = (int)(b >> 16 & 255);
	int red = red_a - red_b, green = (int)(a >> 8 & 255) - (int)(b >> 8 & 255);
	int blue = (int)(a & 255) - (int)(b & 255), mean = (red_a + red_b) / 2;

	return square_root((unsigned)(((512 + mean) * red * red >> 8) + 4 * green * green +
				      ((767 - mean) * blue * blue >> 8)));
}
