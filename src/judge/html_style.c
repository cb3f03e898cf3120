/* SPDX-License-Identifier: Apache-2.0
 *
 * Computes styles. Called by html_stack.c for each element of a stranger's page. The thresholds stand here,
 * each with its reason. Invariants: a style that hides stays hidden within, but for visibility, size,
 * colour and indent, which elements inside may set anew; a background is opaque.
 */
#include "judge/html_style.h"

#define WHITE 0xffffffffu
#define BLACK 0xff000000u
#define LINK  0xff0000eeu

#define FONT_SIZE_MEDIUM 1600
#define FONT_SIZE_SEEN   100   /* one pixel is no letter */
#define OPACITY_SEEN     6     /* of 100: fainter is not read */
#define ALPHA_SEEN       16    /* of 255 */
#define COLOR_SEEN       60    /* of 765: #eaeaea on white is the faintest that is read */
#define FAR_OUT          30000 /* 300 pixels left of the page or above it */
#define FAR_RIGHT        500000
#define BOX_SEEN         100
#define WINDOW_WIDE      80000

const char *html_hidden_word(enum html_hidden how)
{
	static const char *const words[] = {
		[HTML_VISIBLE] = "visible",
		[HTML_HIDDEN_COMMENT] = "comment",
		[HTML_HIDDEN_CONDITIONAL] = "conditional",
		[HTML_HIDDEN_UNCLOSED] = "unclosed",
		[HTML_HIDDEN_ELEMENT] = "element",
		[HTML_HIDDEN_NOSCRIPT] = "noscript",
		[HTML_HIDDEN_ATTRIBUTE] = "attribute",
		[HTML_HIDDEN_INPUT] = "input",
		[HTML_HIDDEN_DISPLAY] = "display",
		[HTML_HIDDEN_VISIBILITY] = "visibility",
		[HTML_HIDDEN_OPACITY] = "opacity",
		[HTML_HIDDEN_FONT_SIZE] = "font-size",
		[HTML_HIDDEN_COLOR] = "color",
		[HTML_HIDDEN_OFF_SCREEN] = "off-screen",
		[HTML_HIDDEN_CLIP] = "clip",
		[HTML_HIDDEN_BOX] = "box",
		[HTML_HIDDEN_MSO] = "mso-hide",
	};

	return words[how];
}

struct html_style html_style_root(void)
{
	return (struct html_style){
		.opacity = 100, .font_size = FONT_SIZE_MEDIUM, .color = BLACK, .background = WHITE
	};
}

static bool is_keyword(struct html_value value, enum html_keyword keyword)
{
	return value.kind == HTML_VALUE_KEYWORD && value.number == (int32_t)keyword;
}

static int32_t pixels_of(struct html_value value, const struct html_style *style)
{
	struct css_length length = { value.number, value.unit };

	return css_length_pixels(length, style->font_size, WINDOW_WIDE);
}

/* Letters: what is set for them is for the element itself and all inside. */
static void set_letters(const struct html_style *around, const struct html_value *values,
			struct html_style *style)
{
	struct html_value size = values[HTML_FONT_SIZE], visibility = values[HTML_VISIBILITY];

	if (size.kind == HTML_VALUE_LENGTH)
		style->font_size = css_length_pixels((struct css_length){ size.number, size.unit },
						     around->font_size, around->font_size);
	if (values[HTML_TEXT_INDENT].kind == HTML_VALUE_LENGTH)
		style->text_indent = pixels_of(values[HTML_TEXT_INDENT], style);
	if (visibility.kind == HTML_VALUE_KEYWORD && !is_keyword(visibility, HTML_KEYWORD_INHERIT))
		style->is_invisible = is_keyword(visibility, HTML_KEYWORD_NONE);
	if (values[HTML_COLOR].kind == HTML_VALUE_COLOR)
		style->color = (uint32_t)values[HTML_COLOR].number;
	else if (is_keyword(values[HTML_COLOR], HTML_KEYWORD_NORMAL))
		style->color = BLACK;
}

static void set_background(const struct html_value *values, struct html_style *style)
{
	struct html_value value = values[HTML_BACKGROUND];
	uint32_t color = (uint32_t)value.number;

	if (is_keyword(value, HTML_KEYWORD_IMAGE))
		style->has_image_behind = true;
	if (value.kind != HTML_VALUE_COLOR || color >> 24 == 0)
		return;
	style->has_image_behind = style->has_image_behind && color >> 24 != 255;
	style->background = css_color_blend(color, style->background);
}

static bool is_length_below(struct html_value value, const struct html_style *style, int32_t below)
{
	return value.kind == HTML_VALUE_LENGTH && pixels_of(value, style) < below;
}

static bool is_far(const struct html_value *values, const struct html_style *style)
{
	bool is_moved = is_keyword(values[HTML_POSITION], HTML_KEYWORD_NONE);

	if (is_length_below(values[HTML_MARGIN_LEFT], style, -FAR_OUT) ||
	    is_length_below(values[HTML_MARGIN_TOP], style, -FAR_OUT))
		return true;
	if (!is_moved)
		return false;
	for (unsigned side = HTML_LEFT; side <= HTML_BOTTOM; side++)
		if (is_length_below(values[side], style, -FAR_OUT))
			return true;
	return values[HTML_LEFT].kind == HTML_VALUE_LENGTH &&
	       pixels_of(values[HTML_LEFT], style) >= FAR_RIGHT;
}

/* Without a height of its own a box in percent of one is as high as its text. */
static bool is_empty_side(struct html_value value, const struct html_style *style)
{
	return value.kind == HTML_VALUE_LENGTH && (value.unit != CSS_UNIT_PERCENT || value.number == 0) &&
	       pixels_of(value, style) <= BOX_SEEN;
}

static bool is_empty_box(const struct html_value *values, const struct html_style *style)
{
	if (!is_keyword(values[HTML_OVERFLOW], HTML_KEYWORD_NONE))
		return false;
	for (unsigned side = HTML_WIDTH; side <= HTML_MAX_HEIGHT; side++)
		if (is_empty_side(values[side], style))
			return true;
	return false;
}

static enum html_hidden hides_inside(const struct html_value *values, const struct html_style *style)
{
	if (is_keyword(values[HTML_DISPLAY], HTML_KEYWORD_NONE))
		return HTML_HIDDEN_DISPLAY;
	if (is_keyword(values[HTML_DISPLAY], HTML_KEYWORD_ATTRIBUTE))
		return HTML_HIDDEN_ATTRIBUTE;
	if (style->opacity < OPACITY_SEEN)
		return HTML_HIDDEN_OPACITY;
	if (is_far(values, style))
		return HTML_HIDDEN_OFF_SCREEN;
	if (is_keyword(values[HTML_CLIPPING], HTML_KEYWORD_NONE))
		return HTML_HIDDEN_CLIP;
	if (is_empty_box(values, style))
		return HTML_HIDDEN_BOX;
	if (is_keyword(values[HTML_MSO_HIDE], HTML_KEYWORD_NONE))
		return HTML_HIDDEN_MSO;
	return HTML_VISIBLE;
}

static bool is_seen_color(const struct html_style *style)
{
	if (style->color >> 24 < ALPHA_SEEN)
		return false;
	return style->has_image_behind || css_color_distance(css_color_blend(style->color, style->background),
							     style->background) >= COLOR_SEEN;
}

static enum html_hidden hides(const struct html_style *style)
{
	if (style->hidden != HTML_VISIBLE)
		return style->hidden;
	if (style->is_invisible)
		return HTML_HIDDEN_VISIBILITY;
	if (style->font_size <= FONT_SIZE_SEEN)
		return HTML_HIDDEN_FONT_SIZE;
	if (style->text_indent <= -FAR_OUT)
		return HTML_HIDDEN_OFF_SCREEN;
	if (!is_seen_color(style))
		return HTML_HIDDEN_COLOR;
	return HTML_VISIBLE;
}

void html_style_within(const struct html_style *around, const struct html_value values[HTML_PROPERTY_COUNT],
		       struct html_style *ret_style)
{
	struct html_style style = *around;
	struct html_value opacity = values[HTML_OPACITY];

	set_letters(around, values, &style);
	set_background(values, &style);
	if (opacity.kind == HTML_VALUE_LENGTH && opacity.number < 100)
		style.opacity = style.opacity * (opacity.number < 0 ? 0 : opacity.number) / 100;
	if (style.hidden == HTML_VISIBLE)
		style.hidden = hides_inside(values, &style);
	style.how = hides(&style);
	*ret_style = style;
}

static void set(struct html_cascade *cascade, enum html_property property, struct html_value value,
		uint64_t rank)
{
	struct html_setting setting = { .property = property, .value = value };

	html_cascade_set(cascade, &setting, rank);
}

static void set_color(const struct html_attributes *attributes, enum html_attribute_id id,
		      enum html_property property, struct html_cascade *cascade)
{
	uint32_t argb;

	if (html_attributes_has(attributes, id) && css_legacy_color_parse(attributes->values[id], &argb))
		set(cascade, property, html_value_color(argb), HTML_RANK_ATTRIBUTE);
}

/* <font size>: 1 to 7, or +1 and -1 from 3. WHATWG HTML 15.3.4 */
static void set_font_size(struct text value, struct html_cascade *cascade)
{
	static const int32_t sizes[] = { 1000, 1000, 1300, 1600, 1800, 2400, 3200, 4800 };
	struct css_length length;
	int32_t size;

	value = text_trim(value);
	if (!css_length_parse(value, &length))
		return;
	size = length.hundredths / 100;
	if (value.p[0] == '+' || value.p[0] == '-')
		size += 3;
	size = size < 1 ? 1 : size > 7 ? 7 : size;
	set(cascade, HTML_FONT_SIZE, html_value_pixels(sizes[size]), HTML_RANK_ATTRIBUTE);
}

void html_style_set_element(enum html_element element, const struct html_attributes *attributes,
			    struct html_cascade *cascade)
{
	if (!attributes->has)
		return;
	if (html_attributes_has(attributes, HTML_ATTRIBUTE_HIDDEN))
		set(cascade, HTML_DISPLAY, html_value_keyword(HTML_KEYWORD_ATTRIBUTE), HTML_RANK_ATTRIBUTE);
	if (element == HTML_A && html_attributes_has(attributes, HTML_ATTRIBUTE_HREF))
		set(cascade, HTML_COLOR, html_value_color(LINK), HTML_RANK_BROWSER);
	set_color(attributes, HTML_ATTRIBUTE_BGCOLOR, HTML_BACKGROUND, cascade);
	if (html_attributes_has(attributes, HTML_ATTRIBUTE_BACKGROUND))
		set(cascade, HTML_BACKGROUND, html_value_keyword(HTML_KEYWORD_IMAGE), HTML_RANK_ATTRIBUTE);
	if (element == HTML_BODY)
		set_color(attributes, HTML_ATTRIBUTE_TEXT, HTML_COLOR, cascade);
	if (element != HTML_FONT && element != HTML_BASEFONT)
		return;
	set_color(attributes, HTML_ATTRIBUTE_COLOR, HTML_COLOR, cascade);
	if (html_attributes_has(attributes, HTML_ATTRIBUTE_SIZE))
		set_font_size(attributes->values[HTML_ATTRIBUTE_SIZE], cascade);
}

void html_style_set_inline(struct text style, struct html_cascade *cascade)
{
	struct css_declaration declaration;
	struct html_settings settings;

	while (css_declaration_next(&style, &declaration)) {
		html_settings_of(&declaration, &settings);
		for (size_t i = 0; i < settings.n; i++)
			html_cascade_set(cascade, &settings.list[i], HTML_RANK_INLINE);
	}
}
