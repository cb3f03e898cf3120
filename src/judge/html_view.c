/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a page: drives the tokenizer, keeps the open elements, and writes what is visible and what is not.
 * Called by view.c in a room, on a stranger's page. Blanks are one each but within <pre>; line ends and tabs
 * are due until a letter follows, so that no text ends in them. Invariants: each token is handled once; the
 * texts are at most limits->text long; a page within a page (srcdoc, Outlook's comments) is read to depth
 * one; all that is needed only while reading lies in the scratch arena of SCRATCH bytes.
 */
#include "judge/html_view.h"

#include "judge/html_reader.h"

#define SCRATCH   ((size_t)3 << 20)
#define RUNS_CAP  16
#define VALUE_MAX 65536 /* bytes of an attribute, of which three are undone at one time */
#define UNDONE    3     /* times as long: a NUL becomes U+FFFD */
#define PIECE_MAX 32768 /* bytes of a text that are undone at one time */
#define NAME_FAR  64    /* bytes: no reference is longer, but for zeros before a number */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static bool is_letter(char c)
{
	char lower = text_lower_byte(c);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c & '\x80';
}

enum html_hidden html_reader_hides(const struct html_reader *r)
{
	if (r->around != HTML_VISIBLE)
		return r->around;
	if (r->stack.n_open[HTML_TEMPLATE] || r->stack.n_open[HTML_DATALIST])
		return HTML_HIDDEN_ELEMENT;
	if (r->source->is_page && r->stack.n_open[HTML_NOSCRIPT])
		return HTML_HIDDEN_NOSCRIPT;
	return html_stack_style(&r->stack)->how;
}

/* Writes what is due before a letter. */
static void settle(struct html_line *line)
{
	if (line->out->n == 0)
		line->breaks = 0;
	for (unsigned i = 0; i < line->breaks; i++)
		buf_add_byte(line->out, '\n');
	if (!line->breaks && line->out->n && line->has_tab)
		buf_add_byte(line->out, '\t');
	else if (!line->breaks && line->out->n && line->has_space)
		buf_add_byte(line->out, ' ');
	line->breaks = 0;
	line->has_space = line->has_tab = false;
}

/* Bytes of a word, no more than fit. */
static void add_word(struct html_reader *r, struct html_line *line, struct text word)
{
	size_t room;

	settle(line);
	room = line->out->max - line->out->n;
	if (word.n > room) {
		r->view->limits |= VIEW_LIMIT_TEXT;
		word = text_slice(word, 0, room);
	}
	if (line->out->overflow)
		r->view->limits |= VIEW_LIMIT_TEXT;
	buf_add(line->out, word);
}

static size_t word_length(struct text t)
{
	size_t n = 0;

	while (n < t.n && !is_space(t.p[n]))
		n++;
	return n;
}

/* Every word, with one blank where there were some. */
static void add_words(struct html_reader *r, struct html_line *line, struct text t)
{
	while (t.n) {
		size_t n = word_length(t);
		if (n)
			add_word(r, line, text_slice(t, 0, n));
		else
			line->has_space = true;
		t = text_skip(t, n ? n : 1);
	}
}

/* In <pre> and its kind lines are what they are. */
static void add_lines(struct html_reader *r, struct html_line *line, struct text t)
{
	struct text one;

	while (t.n) {
		bool has_end = text_cut(t, '\n', &one, &t);
		if (one.n)
			add_word(r, line, one);
		line->breaks += has_end && line->breaks < 3;
	}
}

static bool is_preformatted(const struct html_reader *r)
{
	return r->stack.n_open[HTML_PRE] || r->stack.n_open[HTML_TEXTAREA] || r->stack.n_open[HTML_LISTING] ||
	       r->stack.n_open[HTML_XMP] || r->stack.n_open[HTML_PLAINTEXT];
}

static size_t letters_of(struct text t)
{
	size_t n = 0;

	for (size_t i = 0; i < t.n; i++)
		n += !is_space(t.p[i]);
	return n;
}

/* A place for one more run; NULL: there are enough, and the last one goes on. */
static struct html_run *next_run(struct html_reader *r)
{
	struct html_view *view = r->view;
	size_t cap = r->runs_cap ? 2 * r->runs_cap : RUNS_CAP;
	struct html_run *runs;

	if (view->n_runs < r->runs_cap)
		return &view->runs[view->n_runs++];
	if (view->n_runs >= r->limits->items)
		return NULL;
	runs = arena_alloc(r->arena, cap * sizeof *runs);
	if (!runs) {
		view->limits |= VIEW_LIMIT_MEMORY;
		return NULL;
	}
	if (view->n_runs)
		memcpy(runs, view->runs, view->n_runs * sizeof *runs);
	view->runs = runs;
	r->runs_cap = cap;
	return &runs[view->n_runs++];
}

/* A text that nobody sees: a run of its own unless the last one was hidden in the same way. */
static void add_hidden(struct html_reader *r, struct text t, enum html_hidden how)
{
	struct html_view *view = r->view;
	struct html_run *run = view->n_runs ? &view->runs[view->n_runs - 1] : NULL;
	size_t from = view->hidden.n;

	if (!run || run->how != how) {
		if (run)
			r->hidden.breaks = r->hidden.breaks ? r->hidden.breaks : 1;
		settle(&r->hidden);
		from = view->hidden.n;
		run = next_run(r);
		if (run)
			*run = (struct html_run){ .from = from, .how = how };
	}
	add_words(r, &r->hidden, t);
	view->hidden_bytes[how] += letters_of(text_skip(buf_text(&view->hidden), from));
	if (view->n_runs)
		view->runs[view->n_runs - 1].to = view->hidden.n;
}

/* Do two letters meet here that something stood between? */
static void count_in_word(struct html_reader *r, struct text t)
{
	if (r->has_letter_before && is_letter(t.p[0])) {
		r->view->facts.n_comments_in_words += r->comments_between;
		r->view->facts.n_tags_in_words += r->tags_between;
	}
	r->tags_between = r->comments_between = 0;
	r->has_letter_before = is_letter(t.p[t.n - 1]);
}

static void add_shown(struct html_reader *r, struct text t)
{
	struct buf *shown = &r->anchor.shown;
	struct html_line line = { .out = shown, .has_space = shown->n && is_space(t.p[0]) };

	if (!r->anchor.is_open || shown->n + 1 >= shown->max)
		return;
	t = text_slice(t, 0, shown->max - shown->n - 1);
	while (t.n) {
		size_t n = word_length(t);
		if (n) {
			settle(&line);
			buf_add(shown, text_slice(t, 0, n));
		}
		line.has_space |= !n;
		t = text_skip(t, n ? n : 1);
	}
	if (line.has_space && shown->n)
		buf_add_byte(shown, ' ');
}

void html_reader_add(struct html_reader *r, struct text t, enum html_hidden how)
{
	if (!t.n)
		return;
	if (how == HTML_VISIBLE) {
		count_in_word(r, t);
		add_shown(r, t);
		if (is_preformatted(r))
			add_lines(r, &r->visible, t);
		else
			add_words(r, &r->visible, t);
	} else if (letters_of(t)) {
		add_hidden(r, t, how);
	}
}

void html_reader_break(struct html_reader *r, unsigned n)
{
	if (r->visible.breaks < n)
		r->visible.breaks = n;
	if (r->view->hidden.n && r->hidden.breaks == 0)
		r->hidden.breaks = 1;
	r->has_letter_before = false;
}

static void read_title(struct html_reader *r)
{
	struct html_line line = { .out = &r->values };

	if (r->view->title.n)
		return;
	buf_reset(&r->values);
	add_words(r, &line, buf_text(&r->text));
	if (!arena_copy(r->arena, buf_text(&r->values), &r->view->title))
		r->view->limits |= VIEW_LIMIT_MEMORY;
}

/* How the text of an element is hidden that is no text of the page. */
static enum html_hidden hides_content(const struct html_reader *r, enum html_element element)
{
	if (element == HTML_IFRAME || element == HTML_NOEMBED || element == HTML_NOFRAMES)
		return r->around != HTML_VISIBLE ? r->around : HTML_HIDDEN_ELEMENT;
	return html_reader_hides(r);
}

/* The next piece of a text: no reference and no character is cut in two. */
static struct text take_piece(struct text *t)
{
	struct text piece = text_slice(*t, 0, PIECE_MAX);
	size_t far = 0;

	if (piece.n < t->n) {
		while (far < NAME_FAR && piece.p[piece.n - 1 - far] != '&')
			far++;
		if (far < NAME_FAR)
			piece.n -= far + 1;
		else
			while (piece.n > PIECE_MAX - 4 && piece.p[piece.n] & '\x80' &&
			       !(piece.p[piece.n] & '\x40'))
				piece.n--;
	}
	*t = text_skip(*t, piece.n);
	return piece;
}

static void read_text(struct html_reader *r, const struct html_token *token)
{
	enum html_element element = token->element;
	struct text rest = token->text;

	if (element == HTML_STYLE || r->stack.n_open[HTML_STYLE]) {
		html_tags_css(r, token->text);
		return;
	}
	if (element == HTML_SCRIPT || r->stack.n_open[HTML_SCRIPT]) {
		html_script_read(token->text, &r->view->facts);
		return;
	}
	if (letters_of(rest))
		html_stack_settle(&r->stack);
	while (rest.n) {
		buf_reset(&r->text);
		html_decode_add(take_piece(&rest), token->decode, &r->text);
		if (element == HTML_TITLE && !r->stack.n_open[HTML_SVG])
			read_title(r);
		else
			html_reader_add(r, buf_text(&r->text), hides_content(r, element));
	}
}

/* "[if mso]>...<![endif]": what Outlook takes for a part of the page. */
static bool read_conditional(struct html_reader *r, struct text comment)
{
	static const struct text begin = TEXT("[if"), end = TEXT("<![endif]");
	struct text t = text_trim(comment);
	size_t from = text_find_byte(t, '>');

	if (!text_has_prefix_nocase(t, begin) || !text_has_suffix_nocase(t, end) || from + 1 > t.n - end.n)
		return false;
	r->view->facts.n_conditional++;
	html_reader_nested(r, text_slice(t, from + 1, t.n - end.n), HTML_HIDDEN_CONDITIONAL);
	return true;
}

static void read_comment(struct html_reader *r, struct text comment)
{
	static const struct text mark = TEXT("[");

	r->view->facts.n_comments++;
	r->comments_between++;
	if (r->depth == 0 && read_conditional(r, comment))
		return;
	if (!text_has_prefix(comment, mark)) /* of "[if ...]" and "[endif]" nothing is text */
		html_reader_add(r, comment, r->around != HTML_VISIBLE ? r->around : HTML_HIDDEN_COMMENT);
}

/* The value of an attribute with its references undone, behind those that r->values has. */
static struct text add_value(struct html_reader *r, const struct html_attributes *attributes,
			     enum html_attribute_id id)
{
	size_t from = r->values.n;
	struct text raw = text_slice(attributes->values[id], 0, VALUE_MAX);

	if (!html_attributes_has(attributes, id))
		return (struct text){ 0 };
	if (text_find_byte(raw, '&') == raw.n)
		return raw;
	if (!r->values.n) /* all of it, so that views stay while it fills */
		buf_reserve(&r->values, r->values.max);
	html_decode_add(raw, HTML_DECODE_ATTRIBUTE, &r->values);
	return text_skip(buf_text(&r->values), from);
}

static void read_start(struct html_reader *r, const struct html_token *token)
{
	struct html_attributes *attributes = &r->attributes;
	struct html_opening opening = { .token = token, .attributes = attributes };
	struct html_tag tag = { .token = token, .attributes = attributes };
	struct html_facts *facts = &r->view->facts;
	struct html_style style;

	html_attributes_read(token, attributes);
	buf_reset(&r->values);
	opening.style = add_value(r, attributes, HTML_ATTRIBUTE_STYLE);
	opening.classes = add_value(r, attributes, HTML_ATTRIBUTE_CLASS);
	opening.id = add_value(r, attributes, HTML_ATTRIBUTE_ID);
	html_stack_open(&r->stack, &opening, &style);
	if (opening.style.n)
		html_tags_css(r, opening.style);
	tag.style = &style;
	facts->n_tags++;
	facts->n_unknown_tags += token->element == HTML_OTHER;
	facts->n_event_handlers += attributes->n_handlers;
	r->tags_between++;
	r->opened = token->element;
	if (facts->deepest < r->stack.n)
		facts->deepest = r->stack.n;
	if (facts->deepest_table < r->stack.n_open[HTML_TABLE])
		facts->deepest_table = r->stack.n_open[HTML_TABLE];
	html_tags_start(r, &tag);
}

static bool is_inline(enum html_element element)
{
	return html_element_flags(element) & HTML_FLAG_FORMATTING || element == HTML_SPAN ||
	       element == HTML_OTHER;
}

static void read_end(struct html_reader *r, const struct html_token *token, enum html_element opened)
{
	if (opened == token->element && is_inline(token->element))
		r->view->facts.n_empty_elements++;
	r->tags_between++;
	html_tags_end(r, token->element);
	html_stack_close(&r->stack, token);
}

static void read_token(struct html_reader *r, const struct html_token *token)
{
	enum html_element opened = r->opened;

	r->opened = HTML_OTHER;
	switch (token->kind) {
	case HTML_TEXT:
		read_text(r, token);
		break;
	case HTML_START:
		read_start(r, token);
		break;
	case HTML_END:
		read_end(r, token, opened);
		break;
	case HTML_COMMENT:
		read_comment(r, token->text);
		break;
	case HTML_UNCLOSED:
		r->view->facts.n_unclosed++;
		html_reader_add(r, token->text, r->around != HTML_VISIBLE ? r->around : HTML_HIDDEN_UNCLOSED);
		break;
	case HTML_DOCTYPE:
		r->stack.is_quirky &= r->stack.n > 0;
		break;
	}
}

static void read_page(struct html_reader *r, struct text page)
{
	struct html_tokenizer tokenizer = html_tokenizer_of(page);
	struct html_token token;

	while (html_token_next(&tokenizer, &token)) {
		read_token(r, &token);
		tokenizer.is_foreign = html_stack_is_foreign(&r->stack);
	}
}

void html_reader_nested(struct html_reader *r, struct text page, enum html_hidden how)
{
	enum html_hidden around = r->around;
	size_t n_open = r->stack.n;

	if (r->depth > 0)
		return;
	if (around == HTML_VISIBLE)
		r->around = how;
	r->depth++;
	read_page(r, page);
	r->depth--;
	r->around = around;
	html_stack_cut(&r->stack, n_open);
}

/* The sheets of the whole page, first: a rule counts for what stands before it too. */
static void read_sheets(struct html_reader *r)
{
	static const struct text mark = TEXT("<style");
	struct html_tokenizer tokenizer = html_tokenizer_of(r->source->text);
	struct html_token token;

	if (text_find_nocase(r->source->text, mark) == SIZE_MAX)
		return;
	while (html_token_next(&tokenizer, &token))
		if (token.kind == HTML_TEXT && token.element == HTML_STYLE)
			html_sheet_add(&r->sheet, token.text);
}

static void begin(struct html_reader *r)
{
	struct html_view *view = r->view;

	*view = (struct html_view){ .title = { NULL, 0 } };
	buf_init(&view->visible, r->limits->text);
	buf_init(&view->hidden, r->limits->text);
	r->visible.out = &view->visible;
	r->hidden.out = &view->hidden;
	arena_init(&r->scratch, SCRATCH);
	buf_init(&r->text, UNDONE * PIECE_MAX);
	buf_init(&r->values, 3 * UNDONE * VALUE_MAX);
	buf_init(&r->anchor.href, VALUE_MAX);
	buf_init(&r->anchor.shown, HTML_SHOWN_MAX);
	html_sheet_init(&r->sheet, r->limits->rules, &r->scratch);
	html_stack_init(&r->stack, r->limits->depth, &r->sheet, &r->scratch);
	r->stack.is_quirky = true;
}

static void finish(struct html_reader *r)
{
	html_tags_finish(r);
	if (r->sheet.is_full)
		r->view->limits |= VIEW_LIMIT_RULES;
	if (r->stack.was_full)
		r->view->limits |= VIEW_LIMIT_DEPTH;
	if (r->links->is_full)
		r->view->limits |= VIEW_LIMIT_LINKS;
	buf_done(&r->text);
	buf_done(&r->values);
	buf_done(&r->anchor.href);
	buf_done(&r->anchor.shown);
	arena_reset(&r->scratch);
}

void html_view_read(const struct html_source *source, const struct view_limits *limits, struct arena *arena,
		    struct links *links, struct html_view *ret_view)
{
	struct html_reader r = {
		.source = source, .limits = limits, .arena = arena, .links = links, .view = ret_view
	};

	begin(&r);
	read_sheets(&r);
	read_page(&r, source->text);
	finish(&r);
}

void html_view_done(struct html_view *view)
{
	buf_done(&view->visible);
	buf_done(&view->hidden);
}
