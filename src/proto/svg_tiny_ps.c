/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks a picture against SVG Tiny PS. Called by `postern bimi check`, and on the picture within a mark
 * certificate. Expat finds elements and attributes; which are allowed is a table. The profile is an
 * allowlist: an element that is in no row is a problem, whatever it would do. Invariant: at the first
 * document type parsing ends, so that no entity is ever known.
 */
#include "proto/svg_tiny_ps.h"

#include "base/ensure.h"

#include <expat.h>
#include <stdlib.h>

#define SIGN             '\x1f' /* between a namespace and a name */
#define SVG              "http://www.w3.org/2000/svg\x1f"
#define XLINK            "http://www.w3.org/1999/xlink\x1f"
#define SQUARE_TOLERANCE 0.01

struct checker {
	XML_Parser parser;
	struct svg_report *report;
	unsigned depth;
	bool is_in_title; /* of the root */
	bool has_title;
	size_t n_title; /* characters */
};

static const char *const elements[] = {
	"circle",         "defs",       "desc",  "ellipse", "g",        "line",
	"linearGradient", "metadata",   "path",  "polygon", "polyline", "radialGradient",
	"rect",           "solidColor", "stop",  "svg",     "text",     "textArea",
	"tbreak",         "title",      "tspan", "use",
};

static const char *const animations[] = { "animate", "animateColor", "animateMotion", "animateTransform",
					  "set",     "discard",      "animation",     "mpath" };

static bool is_among(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void add_problem(struct checker *c, unsigned problem)
{
	if (c->report->line == 0)
		c->report->line = XML_GetCurrentLineNumber(c->parser);
	c->report->problems |= problem;
}

static void copy_cut(char *out, size_t size, struct text t)
{
	size_t n = t.n < size - 1 ? t.n : size - 1;

	while (n > 0 && n < t.n && ((unsigned char)t.p[n] & 0xc0) == 0x80)
		n--;
	memcpy(out, t.p, n);
	out[n] = '\0';
}

/* --- elements --- */

static void check_element(struct checker *c, const char *name)
{
	if (strcmp(name, "script") == 0 || strcmp(name, "handler") == 0 || strcmp(name, "listener") == 0)
		add_problem(c, SVG_PROBLEM_SCRIPT);
	else if (is_among(name, animations, sizeof animations / sizeof *animations))
		add_problem(c, SVG_PROBLEM_ANIMATION);
	else if (!is_among(name, elements, sizeof elements / sizeof *elements)) {
		if (!(c->report->problems & SVG_PROBLEM_ELEMENT))
			copy_cut(c->report->element, sizeof c->report->element, text_from_cstr(name));
		add_problem(c, SVG_PROBLEM_ELEMENT);
	}
}

/* Metadata may hold elements of other vocabularies, which nobody draws; they may not refer or act either. */
static const char *svg_name(const char *name)
{
	return strncmp(name, SVG, sizeof SVG - 1) == 0 ? name + sizeof SVG - 1 : NULL;
}

/* --- attributes --- */

/* "url(#a)" is within; "url(http:...)", "URL( 'x' )" is not. */
static bool refers_outside(const char *value)
{
	struct text rest = text_from_cstr(value);
	size_t at;

	while ((at = text_find_nocase(rest, (struct text)TEXT("url("))) != SIZE_MAX) {
		rest = text_skip(rest, at + 4);
		while (rest.n > 0 && (rest.p[0] == ' ' || rest.p[0] == '\'' || rest.p[0] == '"'))
			rest = text_skip(rest, 1);
		if (rest.n == 0 || rest.p[0] != '#')
			return true;
	}
	return text_find_nocase(rest, (struct text)TEXT("javascript:")) != SIZE_MAX;
}

static void check_attribute(struct checker *c, const char *name, const char *value)
{
	if (strncmp(name, XLINK, sizeof XLINK - 1) == 0)
		name += sizeof XLINK - 1;
	if ((strcmp(name, "href") == 0 || strcmp(name, "src") == 0) && value[0] != '#')
		add_problem(c, SVG_PROBLEM_EXTERNAL);
	if (refers_outside(value))
		add_problem(c, SVG_PROBLEM_EXTERNAL);
	if (name[0] == 'o' && name[1] == 'n' && strchr(name, SIGN) == NULL)
		add_problem(c, SVG_PROBLEM_SCRIPT);
}

static const char *find_attribute(const XML_Char **attributes, const char *name)
{
	for (; attributes[0]; attributes += 2)
		if (strcmp(attributes[0], name) == 0)
			return attributes[1];
	return NULL;
}

/* --- the root --- */

/* The next number of a list, without exponents. */
static bool take_number(const char **at, double *ret_number)
{
	double n = 0, unit = 1;
	const char *p = *at;

	while (*p == ' ' || *p == ',' || *p == '\t' || *p == '\n' || *p == '\r')
		p++;
	if (*p == '-' || *p == '+')
		p++;
	if (!((*p >= '0' && *p <= '9') || *p == '.'))
		return false;
	for (; *p >= '0' && *p <= '9'; p++)
		n = n * 10 + (*p - '0');
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++) {
			unit /= 10;
			n += unit * (*p - '0');
		}
	*at = p;
	*ret_number = n;
	return true;
}

static void read_size(struct checker *c, const XML_Char **attributes)
{
	const char *box = find_attribute(attributes, "viewBox");
	const char *width = find_attribute(attributes, "width");
	const char *height = find_attribute(attributes, "height");
	struct svg_report *r = c->report;
	double left, top, ratio;

	if (box) {
		if (!take_number(&box, &left) || !take_number(&box, &top) || !take_number(&box, &r->width) ||
		    !take_number(&box, &r->height))
			r->width = r->height = 0;
	} else if (width && height &&
		   (!take_number(&width, &r->width) || !take_number(&height, &r->height))) {
		r->width = r->height = 0;
	}
	if (r->width <= 0 || r->height <= 0)
		return;
	ratio = r->width / r->height;
	if (ratio > 1 + SQUARE_TOLERANCE || ratio < 1 - SQUARE_TOLERANCE)
		add_problem(c, SVG_PROBLEM_NOT_SQUARE);
}

static void check_root(struct checker *c, const char *name, const XML_Char **attributes)
{
	const char *version = find_attribute(attributes, "version");
	const char *profile = find_attribute(attributes, "baseProfile");

	if (name == NULL || strcmp(name, "svg") != 0) {
		add_problem(c, SVG_PROBLEM_ROOT);
		return;
	}
	if (version == NULL || strcmp(version, "1.2") != 0)
		add_problem(c, SVG_PROBLEM_VERSION);
	if (profile == NULL || strcmp(profile, "tiny-ps") != 0)
		add_problem(c, SVG_PROBLEM_PROFILE);
	if (find_attribute(attributes, "x") || find_attribute(attributes, "y"))
		add_problem(c, SVG_PROBLEM_POSITION);
	read_size(c, attributes);
}

/* --- Expat's events --- */

static void on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
	struct checker *c = user;
	const char *local = svg_name(name);

	if (c->depth == 0)
		check_root(c, local, attributes);
	if (local)
		check_element(c, local);
	for (const XML_Char **a = attributes; a[0]; a += 2)
		check_attribute(c, a[0], a[1]);
	c->depth++;
	if (c->depth == 2 && local && strcmp(local, "title") == 0) {
		c->is_in_title = !c->has_title;
		c->has_title = true;
	}
}

static void on_end(void *user, const XML_Char *name)
{
	struct checker *c = user;

	(void)name;
	c->depth--;
	if (c->depth == 1)
		c->is_in_title = false;
}

static void on_text(void *user, const XML_Char *bytes, int n)
{
	struct checker *c = user;
	size_t used = strlen(c->report->title);

	if (!c->is_in_title)
		return;
	for (int i = 0; i < n; i++)
		c->n_title += ((unsigned char)bytes[i] & 0xc0) != 0x80;
	copy_cut(c->report->title + used, sizeof c->report->title - used, text_from_bytes(bytes, (size_t)n));
}

static void on_doctype(void *user, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id,
		       int has_internal_subset)
{
	struct checker *c = user;

	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal_subset;
	add_problem(c, SVG_PROBLEM_DOCTYPE);
	XML_StopParser(c->parser, XML_FALSE);
}

static void on_instruction(void *user, const XML_Char *target, const XML_Char *data)
{
	(void)target;
	(void)data;
	add_problem(user, SVG_PROBLEM_STYLESHEET);
}

void svg_tiny_ps_check(struct text svg, struct svg_report *ret_report)
{
	struct checker c = { .report = ret_report };

	*ret_report = (struct svg_report){ 0 };
	if (svg.n > SVG_TINY_PS_BYTES_MAX) {
		ret_report->problems = SVG_PROBLEM_TOO_LARGE;
		return;
	}
	c.parser = XML_ParserCreateNS(NULL, SIGN);
	ASSERT(c.parser);
	XML_SetUserData(c.parser, &c);
	XML_SetElementHandler(c.parser, on_start, on_end);
	XML_SetCharacterDataHandler(c.parser, on_text);
	XML_SetStartDoctypeDeclHandler(c.parser, on_doctype);
	XML_SetProcessingInstructionHandler(c.parser, on_instruction);
	if (XML_Parse(c.parser, svg.p, (int)svg.n, 1) == XML_STATUS_ERROR &&
	    !(ret_report->problems & SVG_PROBLEM_DOCTYPE))
		add_problem(&c, SVG_PROBLEM_NOT_XML);
	else if (!(ret_report->problems & SVG_PROBLEM_DOCTYPE) && c.n_title == 0)
		ret_report->problems |= SVG_PROBLEM_NO_TITLE;
	if (c.n_title > SVG_TINY_PS_TITLE_MAX)
		ret_report->problems |= SVG_PROBLEM_LONG_TITLE;
	XML_ParserFree(c.parser);
}

const char *svg_problem_word(enum svg_problem_bit bit)
{
	static const char *const words[SVG_PROBLEM_COUNT] = {
#define PROBLEM(name, word, text) word,
#include "proto/svg_problems.def"
#undef PROBLEM
	};

	return words[bit];
}

const char *svg_problem_text(enum svg_problem_bit bit)
{
	static const char *const texts[SVG_PROBLEM_COUNT] = {
#define PROBLEM(name, word, text) text,
#include "proto/svg_problems.def"
#undef PROBLEM
	};

	return texts[bit];
}
