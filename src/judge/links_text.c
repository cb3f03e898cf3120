/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds URLs in texts for people. Called by view.c in a room, on a stranger's text. A text is taken word by
 * word; a word is what blanks, angle brackets and double quotes divide. What mail programs make a link of is
 * found, and what a person can be asked to mend (hxxp, [.]). Invariants: each word is looked at a fixed
 * number of times; a word longer than WORD_MAX is looked at up to there; what is put together from several
 * lines or mended lies in one buffer of WORD_MAX bytes.
 */
#include "judge/links.h"

#include "base/buf.h"
#include "proto/public_suffix.h"

#define WORD_MAX   4096
#define SCHEME_MAX 8
#define LINE_LONG  60 /* bytes; shorter lines were not broken by a program */
#define HOST_MAX   255

struct scan {
	struct links *links;
	struct link_found like;
	struct buf mended;    /* a URL with its scheme mended */
	struct buf word;      /* put together or mended */
	struct arena scratch; /* for a look at one host */
};

static bool is_alphanumeric(char c)
{
	char lower = text_lower_byte(c);

	return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z');
}

static bool is_blank(char c)
{
	return (unsigned char)c <= ' ';
}

static bool ends_word(char c)
{
	return is_blank(c) || c == '<' || c == '>' || c == '"';
}

/* Quotes and stops of other scripts that end a sentence, not a URL. */
static size_t end_mark_length(struct text t)
{
	static const struct text marks[] = {
		TEXT("\xe2\x80\x9d"), TEXT("\xe2\x80\x99"), TEXT("\xc2\xbb"),     TEXT("\xe3\x80\x82"),
		TEXT("\xef\xbc\x8c"), TEXT("\xef\xbc\x89"), TEXT("\xe3\x80\x8d"), TEXT("\xe2\x80\xa6"),
	};

	if (t.n && strchr(".,;:!?'*\"", t.p[t.n - 1]) && t.p[t.n - 1])
		return 1;
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (text_has_suffix_nocase(t, marks[i]))
			return marks[i].n;
	return 0;
}

static size_t count(struct text t, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < t.n; i++)
		n += t.p[i] == c;
	return n;
}

/* A closing bracket belongs to a URL that has its opening one. The counts of each kind are kept, so that
 * taking many away is linear. */
static struct text without_end(struct text t)
{
	static const char open[] = "([{", close[] = ")]}";
	size_t surplus[3];

	for (size_t i = 0; i < 3; i++) {
		size_t opened = count(t, open[i]), closed = count(t, close[i]);
		surplus[i] = closed > opened ? closed - opened : 0;
	}
	while (t.n) {
		const char *at = strchr(close, t.p[t.n - 1]);
		size_t n = end_mark_length(t);
		if (!n && t.p[t.n - 1] && at && surplus[at - close]) {
			surplus[at - close]--;
			n = 1;
		}
		if (!n)
			break;
		t.n -= n;
	}
	return t;
}

static bool add(struct scan *s, struct text raw, unsigned facts)
{
	struct link_found found = s->like;

	found.raw = raw;
	found.facts |= facts;
	return links_add(s->links, &found) != NULL;
}

static bool add_bare(struct scan *s, struct text raw, unsigned facts)
{
	char bytes[WORD_MAX + 8];
	int n;

	if (raw.n > WORD_MAX)
		return false;
	n = snprintf(bytes, sizeof bytes, "http://%.*s", TEXT_ARGS(raw));
	return add(s, text_from_bytes(bytes, (size_t)n), facts | LINK_BARE);
}

static const struct {
	struct text written;
	const char *meant; /* NULL: as written */
} schemes[] = {
	{ TEXT("http"), NULL },     { TEXT("https"), NULL },    { TEXT("ftp"), NULL },
	{ TEXT("hxxp"), "http" },   { TEXT("hxxps"), "https" }, { TEXT("h**p"), "http" },
	{ TEXT("h**ps"), "https" }, { TEXT("fxp"), "ftp" },     { TEXT("hxp"), "http" },
	{ TEXT("htxp"), "http" },   { TEXT("h++p"), "http" },
};

/* The scheme that ends before t[colon]: its row, or SIZE_MAX. */
static size_t find_scheme(struct text t, size_t colon, size_t *ret_at)
{
	size_t found = SIZE_MAX, longest = 0;

	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		struct text written = schemes[i].written;
		if (written.n <= longest || written.n > colon ||
		    !text_is_equal_nocase(text_slice(t, colon - written.n, colon), written))
			continue;
		found = i;
		longest = written.n;
	}
	*ret_at = colon - longest;
	return found;
}

/* Host of a URL with a scheme, for a look at what follows it. */
static struct text host_behind(struct text t)
{
	size_t n = 0;

	while (n < t.n && (t.p[n] == '/' || t.p[n] == '\\'))
		n++;
	t = text_skip(t, n);
	for (n = 0; n < t.n && !strchr("/?#\\:", t.p[n] ? t.p[n] : 'x');)
		n++;
	return text_slice(t, 0, n);
}

static struct text ascii_start(struct text t)
{
	size_t n = 0;

	while (n < t.n && !(t.p[n] & '\x80'))
		n++;
	return text_slice(t, 0, n);
}

/* A host that runs on into a text of another script ends where its ASCII does. */
static struct text without_text_behind(struct text url, struct text host)
{
	struct text ascii = ascii_start(host);

	if (ascii.n == host.n || !host.n || !public_suffix_is_listed_below(ascii))
		return url;
	return text_slice(url, 0, (size_t)(ascii.p - url.p) + ascii.n);
}

/* "scheme:" with a slash behind it, anywhere in the word. */
static bool take_with_scheme(struct scan *s, struct text word, unsigned facts)
{
	for (size_t colon = text_find_byte(word, ':'); colon + 1 < word.n;
	     colon += 1 + text_find_byte(text_skip(word, colon + 1), ':')) {
		char next = word.p[colon + 1];
		size_t at, row = next == '/' || next == '\\' ? find_scheme(word, colon, &at) : SIZE_MAX;
		struct text url;

		if (row == SIZE_MAX)
			continue;
		url = without_end(text_skip(word, at));
		url = without_text_behind(url, host_behind(text_skip(url, colon + 1 - at)));
		if (!schemes[row].meant)
			return add(s, url, facts);
		url = text_skip(url, colon - at);
		buf_reset(&s->mended);
		buf_add_cstr(&s->mended, schemes[row].meant);
		return buf_add(&s->mended, url) && add(s, buf_text(&s->mended), facts | LINK_DEFANGED);
	}
	return false;
}

static bool take_mailto(struct scan *s, struct text word)
{
	static const struct text mailto = TEXT("mailto:");
	size_t at = text_find_nocase(word, mailto);

	if (at == SIZE_MAX)
		return false;
	return add(s, without_end(text_skip(word, at)), 0);
}

/* Where a name of a host may begin: behind what people put before it. */
static struct text skip_opening(struct text t)
{
	while (t.n && !is_alphanumeric(t.p[0]) && !(t.p[0] & '\x80'))
		t = text_skip(t, 1);
	return t;
}

/* A stop that ends a label: that of ASCII, or an ideographic one. Its length, 0: none. */
static size_t stop_length(struct text t)
{
	static const struct text stops[] = { TEXT("."), TEXT("\xe3\x80\x82"), TEXT("\xef\xbc\x8e"),
					     TEXT("\xef\xbd\xa1") };

	for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
		if (text_has_prefix(t, stops[i]))
			return stops[i].n;
	return 0;
}

/* Has it two labels, of which the last is a listed one? Asked before anything costly is. */
static bool may_be_host(struct scan *s, struct text host)
{
	buf_reset(&s->mended);
	while (host.n) {
		size_t stop = stop_length(host);
		buf_add_byte(&s->mended, stop ? '.' : host.p[0]);
		host = text_skip(host, stop ? stop : 1);
	}
	return public_suffix_is_listed_below(buf_text(&s->mended));
}

/* What looked like a host too often and was none ends the search: it is made to cost. */
static bool is_host(struct scan *s, struct text t)
{
	struct text host;
	bool ok = link_shown_host(t, &s->scratch, &host);

	arena_reset(&s->scratch);
	if (!ok && ++s->links->n_refused > s->links->limits->links)
		s->links->is_full = true;
	return ok;
}

static size_t host_length(struct text t)
{
	size_t n = 0;

	while (n < t.n && (is_alphanumeric(t.p[n]) || t.p[n] == '.' || t.p[n] == '-' || t.p[n] == '_' ||
			   t.p[n] == '%' || t.p[n] & '\x80'))
		n++;
	return n;
}

/* "example.com", "example.com/x", "www.example.com:81/x"; no address of a mailbox. */
static bool take_bare(struct scan *s, struct text word, unsigned facts)
{
	struct text t = without_end(skip_opening(word)), url;
	size_t n = host_length(t);

	if (n < 4 || n > HOST_MAX)
		return false;
	if (n < t.n && !strchr("/?#:\\", t.p[n] ? t.p[n] : 'x'))
		return false;
	url = without_text_behind(t, text_slice(t, 0, n));
	if (!may_be_host(s, text_slice(url, 0, n)) || !is_host(s, url))
		return false;
	return add_bare(s, url, facts);
}

/* "www." in a text without blanks, behind a letter of another script. */
static bool take_www(struct scan *s, struct text word, unsigned facts)
{
	static const struct text www = TEXT("www.");
	size_t at = text_find_nocase(word, www);

	if (at == SIZE_MAX || (at > 0 && is_alphanumeric(word.p[at - 1])))
		return false;
	return take_bare(s, text_skip(word, at), facts);
}

static bool take_word(struct scan *s, struct text word, unsigned facts)
{
	word = text_slice(word, 0, WORD_MAX);
	if (word.n < 4)
		return false;
	return take_with_scheme(s, word, facts) || take_mailto(s, word) || take_www(s, word, facts) ||
	       take_bare(s, word, facts);
}

/* Ways to write a stop or a colon so that no program makes a link of it. */
static const struct {
	struct text written, meant;
} defanged[] = {
	{ TEXT("[.]"), TEXT(".") },   { TEXT("(.)"), TEXT(".") },     { TEXT("{.}"), TEXT(".") },
	{ TEXT("[dot]"), TEXT(".") }, { TEXT("(dot)"), TEXT(".") },   { TEXT("{dot}"), TEXT(".") },
	{ TEXT("[:]"), TEXT(":") },   { TEXT("[://]"), TEXT("://") },
};

/* Adds what stands at the start of t, mended; gives its length. */
static size_t mend(struct text t, struct buf *out, bool *is_mended)
{
	for (size_t i = 0; i < sizeof defanged / sizeof *defanged; i++)
		if (text_has_prefix_nocase(t, defanged[i].written)) {
			buf_add(out, defanged[i].meant);
			*is_mended = true;
			return defanged[i].written.n;
		}
	buf_add_byte(out, t.p[0]);
	return 1;
}

/* Is anything of the word mended? Then a link may be in what it becomes. */
static bool take_mended(struct scan *s, struct text word)
{
	struct text rest = text_slice(word, 0, WORD_MAX);
	bool is_mended = false;

	if (text_find_byte(rest, '[') == rest.n && text_find_byte(rest, '(') == rest.n &&
	    text_find_byte(rest, '{') == rest.n)
		return false;
	buf_reset(&s->word);
	while (rest.n)
		rest = text_skip(rest, mend(rest, &s->word, &is_mended));
	return is_mended && take_word(s, buf_text(&s->word), LINK_DEFANGED);
}

/* The inside of "<URL:http://...>" without line ends and the blanks around them. False: no URL. */
static bool join_bracketed(struct scan *s, struct text inside, bool *ret_is_wrapped)
{
	static const struct text label = TEXT("URL:");
	size_t n;

	buf_reset(&s->word);
	*ret_is_wrapped = false;
	inside = text_trim(inside);
	if (text_has_prefix_nocase(inside, label))
		inside = text_trim(text_skip(inside, label.n));
	while (inside.n) {
		for (n = 0; n < inside.n && !is_blank(inside.p[n]);)
			n++;
		buf_add(&s->word, text_slice(inside, 0, n));
		inside = text_skip(inside, n);
		for (n = 0; n < inside.n && is_blank(inside.p[n]);)
			n++;
		if (n && text_find_byte(text_slice(inside, 0, n), '\n') == n)
			return false;
		*ret_is_wrapped |= n > 0;
		inside = text_skip(inside, n);
	}
	return true;
}

static bool begins_with_scheme(struct text t)
{
	size_t colon = text_find_byte(text_slice(t, 0, SCHEME_MAX), ':'), at;

	return colon < t.n && (text_has_prefix_nocase(t, (struct text)TEXT("mailto:")) ||
			       (find_scheme(t, colon, &at) != SIZE_MAX && at == 0));
}

/* "<http://...>" at text[at]; *close is where the next '>' is known to be. Gives its length, 0 for none. */
static size_t take_bracketed(struct scan *s, struct text text, size_t at, size_t *close)
{
	bool is_wrapped;

	if (*close <= at)
		*close = at + text_find_byte(text_skip(text, at), '>');
	if (*close >= text.n || *close - at > WORD_MAX ||
	    !join_bracketed(s, text_slice(text, at + 1, *close), &is_wrapped))
		return 0;
	if (!begins_with_scheme(buf_text(&s->word)))
		return 0;
	if (!take_word(s, buf_text(&s->word), is_wrapped ? LINK_WRAPPED : 0))
		return 0;
	return *close + 1 - at;
}

static struct text word_at(struct text text, size_t at)
{
	size_t n = at;

	while (n < text.n && !ends_word(text.p[n]))
		n++;
	return text_slice(text, at, n);
}

/* Does a line end stand at text[at]? Its length. */
static size_t line_end_length(struct text text, size_t at)
{
	if (at < text.n && text.p[at] == '\n')
		return 1;
	return at + 1 < text.n && text.p[at] == '\r' && text.p[at + 1] == '\n' ? 2 : 0;
}

static bool may_go_on(struct text word)
{
	bool has_mark = false;

	for (size_t i = 0; i < word.n; i++) {
		if (word.p[i] & '\x80')
			return false;
		has_mark |= !is_alphanumeric(word.p[i]) || (word.p[i] >= '0' && word.p[i] <= '9');
	}
	return has_mark && !begins_with_scheme(word);
}

/* A URL that ends with a long line may go on with the next one's first word. */
static void take_wrapped(struct scan *s, struct text text, size_t line_at, size_t at)
{
	struct text word = word_at(text, at);
	bool is_joined = false;

	buf_reset(&s->word);
	buf_add(&s->word, text_slice(word, 0, WORD_MAX));
	for (;;) {
		size_t end = (size_t)(word.p - text.p) + word.n, line_end = line_end_length(text, end);
		if (end - line_at < LINE_LONG || !line_end)
			break;
		line_at = end + line_end;
		word = word_at(text, line_at);
		if (!may_go_on(word) || s->word.n + word.n > WORD_MAX)
			break;
		buf_add(&s->word, word);
		is_joined = true;
	}
	if (is_joined)
		take_word(s, buf_text(&s->word), LINK_WRAPPED);
}

void links_add_text(struct links *links, struct text text, const struct link_found *like)
{
	struct scan s = { .links = links, .like = *like };
	size_t at = 0, line_at = 0, close = 0;

	buf_init(&s.mended, WORD_MAX + SCHEME_MAX);
	buf_init(&s.word, WORD_MAX + SCHEME_MAX);
	arena_init(&s.scratch, 65536);
	while (at < text.n && !links->is_full) {
		size_t n = text.p[at] == '<' ? take_bracketed(&s, text, at, &close) : 0;
		struct text word = word_at(text, at);
		if (text.p[at] == '\n')
			line_at = at + 1;
		if (n || !word.n) {
			at += n ? n : 1;
			continue;
		}
		if (take_mended(&s, word) || take_word(&s, word, 0))
			take_wrapped(&s, text, line_at, at);
		at += word.n;
	}
	buf_done(&s.mended);
	buf_done(&s.word);
}
