/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads declarations. Called by html_style.c for style attributes and by html_sheet.c for rules, with what
 * strangers wrote. The table is the dispatcher: a name, the property it sets, and how its value is read. A
 * value that cannot be read sets nothing, as in browsers, so that the one before stays. Invariant: one
 * declaration makes at most HTML_SETTINGS_MAX settings.
 */
#include "judge/html_property.h"

#define FAR_PIXELS 30000 /* hundredths: moved so far, nothing is seen of it */

struct row {
	struct text name;
	enum html_property property;
	void (*read)(const struct row *row, struct text value, struct html_settings *settings);
};

struct html_value html_value_keyword(enum html_keyword keyword)
{
	return (struct html_value){ .kind = HTML_VALUE_KEYWORD, .number = (int32_t)keyword };
}

struct html_value html_value_color(uint32_t argb)
{
	return (struct html_value){ .kind = HTML_VALUE_COLOR, .number = (int32_t)argb };
}

struct html_value html_value_pixels(int32_t hundredths)
{
	return (struct html_value){ .kind = HTML_VALUE_LENGTH, .unit = CSS_UNIT_PX, .number = hundredths };
}

static void add(struct html_settings *settings, enum html_property property, struct html_value value)
{
	if (settings->n < HTML_SETTINGS_MAX)
		settings->list[settings->n++] = (struct html_setting){ .property = property, .value = value };
}

static void add_keyword(struct html_settings *settings, const struct row *row, bool hides)
{
	add(settings, row->property, html_value_keyword(hides ? HTML_KEYWORD_NONE : HTML_KEYWORD_NORMAL));
}

static bool is_one_of(struct text t, const char *const *words)
{
	for (; *words; words++)
		if (text_is_cstr(t, *words))
			return true;
	return false;
}

static bool add_inherit(struct html_settings *settings, const struct row *row, struct text value)
{
	static const char *const inherit[] = { "inherit", "unset", NULL }, *const initial[] = { "initial",
												NULL };

	if (is_one_of(value, inherit))
		add(settings, row->property, html_value_keyword(HTML_KEYWORD_INHERIT));
	else if (is_one_of(value, initial))
		add(settings, row->property, html_value_keyword(HTML_KEYWORD_NORMAL));
	else
		return false;
	return true;
}

static bool value_of_length(struct text t, struct html_value *ret_value)
{
	struct css_length length;

	if (!css_length_parse(t, &length))
		return false;
	*ret_value = (struct html_value){ HTML_VALUE_LENGTH, length.unit, length.hundredths };
	return true;
}

static void read_length(const struct row *row, struct text value, struct html_settings *settings)
{
	struct html_value length;

	if (value_of_length(value, &length))
		add(settings, row->property, length);
	else if (!add_inherit(settings, row, value) && text_is_cstr(value, "auto"))
		add_keyword(settings, row, false);
}

static void read_display(const struct row *row, struct text value, struct html_settings *settings)
{
	if (!add_inherit(settings, row, value))
		add_keyword(settings, row, text_is_cstr(value, "none"));
}

static void read_visibility(const struct row *row, struct text value, struct html_settings *settings)
{
	static const char *const hides[] = { "hidden", "collapse", NULL };

	if (!add_inherit(settings, row, value))
		add_keyword(settings, row, is_one_of(value, hides));
}

static void read_overflow(const struct row *row, struct text value, struct html_settings *settings)
{
	static const struct text hidden = TEXT("hidden"), clip = TEXT("clip");

	add_keyword(settings, row, text_has_prefix(value, hidden) || text_has_prefix(value, clip));
}

static void read_position(const struct row *row, struct text value, struct html_settings *settings)
{
	static const char *const moves[] = { "absolute", "fixed", "relative", "sticky", NULL };

	add_keyword(settings, row, is_one_of(value, moves));
}

static void read_mso_hide(const struct row *row, struct text value, struct html_settings *settings)
{
	add_keyword(settings, row, text_is_cstr(value, "all"));
}

/* A number from 0 to 1, or percent. */
static void read_opacity(const struct row *row, struct text value, struct html_settings *settings)
{
	struct css_length length;

	if (add_inherit(settings, row, value) || !css_length_parse(value, &length))
		return;
	if (length.unit == CSS_UNIT_PERCENT)
		length.hundredths /= 100;
	add(settings, row->property,
	    (struct html_value){ HTML_VALUE_LENGTH, CSS_UNIT_NONE, length.hundredths });
}

/* "opacity(0)", "alpha(opacity=0)" */
static void read_filter(const struct row *row, struct text value, struct html_settings *settings)
{
	static const struct text modern = TEXT("opacity("), old = TEXT("opacity=");
	size_t at = text_find(value, modern);
	struct css_length length;
	struct text inside;

	if (at != SIZE_MAX) {
		text_cut(text_skip(value, at + modern.n), ')', &inside, &value);
		read_opacity(row, inside, settings);
		return;
	}
	at = text_find(value, old);
	if (at == SIZE_MAX)
		return;
	text_cut(text_skip(value, at + old.n), ')', &inside, &value);
	if (css_length_parse(inside, &length))
		add(settings, row->property,
		    (struct html_value){ HTML_VALUE_LENGTH, CSS_UNIT_NONE, length.hundredths / 100 });
}

static bool value_of_color(struct text t, struct html_value *ret_value)
{
	uint32_t argb;

	if (!css_color_parse(t, &argb))
		return false;
	*ret_value = html_value_color(argb);
	return true;
}

static void read_color(const struct row *row, struct text value, struct html_settings *settings)
{
	struct html_value color;

	if (value_of_color(value, &color))
		add(settings, row->property, color);
	else if (text_is_cstr(value, "currentcolor"))
		add(settings, row->property, html_value_keyword(HTML_KEYWORD_INHERIT));
	else
		add_inherit(settings, row, value);
}

/* The shorthand, in any order: an image is drawn over the colour. */
static void read_background(const struct row *row, struct text value, struct html_settings *settings)
{
	static const struct text url = TEXT("url("), gradient = TEXT("gradient(");
	struct html_value color = html_value_color(0);
	struct text word;

	if (text_find(value, url) != SIZE_MAX || text_find(value, gradient) != SIZE_MAX)
		color = html_value_keyword(HTML_KEYWORD_IMAGE);
	while (color.kind == HTML_VALUE_COLOR && css_word_next(&value, &word))
		if (value_of_color(word, &color) && (uint32_t)color.number >> 24)
			break;
	add(settings, row->property, color);
}

static void read_background_image(const struct row *row, struct text value, struct html_settings *settings)
{
	if (!text_is_cstr(value, "none") && !text_is_cstr(value, "initial"))
		add(settings, row->property, html_value_keyword(HTML_KEYWORD_IMAGE));
}

static const struct {
	const char *name;
	enum css_unit unit;
	int32_t hundredths;
} font_sizes[] = {
	{ "medium", CSS_UNIT_PX, 1600 },    { "small", CSS_UNIT_PX, 1300 },
	{ "x-small", CSS_UNIT_PX, 1000 },   { "xx-small", CSS_UNIT_PX, 900 },
	{ "large", CSS_UNIT_PX, 1800 },     { "x-large", CSS_UNIT_PX, 2400 },
	{ "xx-large", CSS_UNIT_PX, 3200 },  { "smaller", CSS_UNIT_EM, 83 },
	{ "larger", CSS_UNIT_EM, 120 },     { "initial", CSS_UNIT_PX, 1600 },
	{ "xxx-large", CSS_UNIT_PX, 4800 },
};

static bool value_of_font_size(struct text t, struct html_value *ret_value)
{
	for (size_t i = 0; i < sizeof font_sizes / sizeof *font_sizes; i++)
		if (text_is_cstr(t, font_sizes[i].name)) {
			*ret_value = (struct html_value){ HTML_VALUE_LENGTH, font_sizes[i].unit,
							  font_sizes[i].hundredths };
			return true;
		}
	return value_of_length(t, ret_value);
}

static void read_font_size(const struct row *row, struct text value, struct html_settings *settings)
{
	struct html_value size;

	if (value_of_font_size(value, &size))
		add(settings, row->property, size);
	else
		add_inherit(settings, row, value);
}

/* "italic bold 12px/30px Georgia, serif": a bare number is the weight, unless it is 0. */
static void read_font(const struct row *row, struct text value, struct html_settings *settings)
{
	struct text word, size, height;
	struct html_value found;

	while (css_word_next(&value, &word)) {
		text_cut(word, '/', &size, &height);
		if (!value_of_font_size(size, &found) || (found.unit == CSS_UNIT_NONE && found.number != 0))
			continue;
		add(settings, row->property, found);
		return;
	}
}

/* One to four lengths: top, right, bottom, left. */
static void read_margin(const struct row *row, struct text value, struct html_settings *settings)
{
	struct html_value sides[4];
	struct text word;
	unsigned n = 0;

	(void)row;
	for (; n < 4 && css_word_next(&value, &word); n++)
		if (!value_of_length(word, &sides[n]))
			sides[n] = html_value_keyword(HTML_KEYWORD_NORMAL);
	if (n == 0)
		return;
	add(settings, HTML_MARGIN_TOP, sides[0]);
	add(settings, HTML_MARGIN_LEFT, sides[n == 4 ? 3 : n > 1 ? 1 : 0]);
}

/* The numbers in "name(...)", with which the value begins, in hundredths of pixels. */
static unsigned take_function(struct text value, const char *name, int32_t numbers[4])
{
	struct text prefix = text_from_cstr(name), word;
	struct css_length length;
	unsigned n = 0;
	size_t at = text_find(value, prefix);

	if (at == SIZE_MAX)
		return 0;
	text_cut(text_skip(value, at + prefix.n), ')', &value, &word);
	while (n < 4 && css_word_next(&value, &word))
		if (css_length_parse(word, &length))
			numbers[n++] = length.unit == CSS_UNIT_PERCENT ? length.hundredths * 100
								       : css_length_pixels(length, 1600, 0);
	return n;
}

/* "rect(0 0 0 0)", "rect(1px, 1px, 1px, 1px)": no more than a pixel is left. */
static void read_clip(const struct row *row, struct text value, struct html_settings *settings)
{
	int32_t n[4] = { 0 };
	bool is_empty = take_function(value, "rect(", n) == 4 && (n[1] - n[3] <= 100 || n[2] - n[0] <= 100);

	add_keyword(settings, row, is_empty);
}

/* "inset(50%)", "inset(100%)", "circle(0)", "polygon(0 0, 0 0, 0 0)" */
static void read_clip_path(const struct row *row, struct text value, struct html_settings *settings)
{
	int32_t n[4] = { 0 };
	bool is_empty = take_function(value, "inset(", n) > 0 && n[0] >= 500000;

	if (take_function(value, "circle(", n) > 0)
		is_empty = n[0] <= 100;
	if (take_function(value, "polygon(", n) == 4)
		is_empty = !n[0] && !n[1] && !n[2] && !n[3];
	add_keyword(settings, row, is_empty);
}

static bool is_far(int32_t hundredths)
{
	return hundredths <= -FAR_PIXELS || hundredths >= 10 * FAR_PIXELS;
}

static void read_transform(const struct row *row, struct text value, struct html_settings *settings)
{
	static const char *const scales[] = { "scale(", "scalex(", "scaley(", "scale3d(", NULL };
	static const char *const moves[] = { "translate(", "translatex(", "translatey(", "translate3d(",
					     NULL };
	bool hides = false;
	int32_t n[4] = { 0 };

	for (size_t i = 0; scales[i]; i++)
		if (take_function(value, scales[i], n) > 0)
			hides |= n[0] >= 0 && n[0] <= 1;
	for (size_t i = 0; moves[i]; i++) {
		unsigned found = take_function(value, moves[i], n);
		hides |= (found > 0 && is_far(n[0])) || (found > 1 && is_far(n[1]));
	}
	add_keyword(settings, row, hides);
}

static const struct row rows[] = {
	{ TEXT("background"), HTML_BACKGROUND, read_background },
	{ TEXT("background-color"), HTML_BACKGROUND, read_color },
	{ TEXT("background-image"), HTML_BACKGROUND, read_background_image },
	{ TEXT("bottom"), HTML_BOTTOM, read_length },
	{ TEXT("clip"), HTML_CLIPPING, read_clip },
	{ TEXT("clip-path"), HTML_CLIPPING, read_clip_path },
	{ TEXT("color"), HTML_COLOR, read_color },
	{ TEXT("display"), HTML_DISPLAY, read_display },
	{ TEXT("filter"), HTML_OPACITY, read_filter },
	{ TEXT("-ms-filter"), HTML_OPACITY, read_filter },
	{ TEXT("font"), HTML_FONT_SIZE, read_font },
	{ TEXT("font-size"), HTML_FONT_SIZE, read_font_size },
	{ TEXT("height"), HTML_HEIGHT, read_length },
	{ TEXT("left"), HTML_LEFT, read_length },
	{ TEXT("margin"), HTML_MARGIN_LEFT, read_margin },
	{ TEXT("margin-left"), HTML_MARGIN_LEFT, read_length },
	{ TEXT("margin-top"), HTML_MARGIN_TOP, read_length },
	{ TEXT("max-height"), HTML_MAX_HEIGHT, read_length },
	{ TEXT("max-width"), HTML_MAX_WIDTH, read_length },
	{ TEXT("mso-hide"), HTML_MSO_HIDE, read_mso_hide },
	{ TEXT("opacity"), HTML_OPACITY, read_opacity },
	{ TEXT("overflow"), HTML_OVERFLOW, read_overflow },
	{ TEXT("overflow-x"), HTML_OVERFLOW, read_overflow },
	{ TEXT("overflow-y"), HTML_OVERFLOW, read_overflow },
	{ TEXT("position"), HTML_POSITION, read_position },
	{ TEXT("right"), HTML_RIGHT, read_length },
	{ TEXT("text-indent"), HTML_TEXT_INDENT, read_length },
	{ TEXT("top"), HTML_TOP, read_length },
	{ TEXT("transform"), HTML_CLIPPING, read_transform },
	{ TEXT("visibility"), HTML_VISIBILITY, read_visibility },
	{ TEXT("-webkit-text-fill-color"), HTML_COLOR, read_color },
	{ TEXT("width"), HTML_WIDTH, read_length },
};

void html_settings_of(const struct css_declaration *declaration, struct html_settings *ret_settings)
{
	ret_settings->n = 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!text_is_equal(declaration->name, rows[i].name))
			continue;
		rows[i].read(&rows[i], declaration->value, ret_settings);
		break;
	}
	for (size_t i = 0; i < ret_settings->n; i++)
		ret_settings->list[i].is_important = declaration->is_important;
}
