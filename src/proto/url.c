/* SPDX-License-Identifier: Apache-2.0
 *
 * Parses URLs. Called by judge/links.c in a room, with what strangers wrote. WHATWG URL 4.4; rfc3986 5.2.
 * The normal form is written from left to right into one buffer, and the parts are places in it, which
 * become views when it has been copied into the arena. Invariants: a URL of a web scheme has a host; a path
 * has no dot segments left; nothing is longer than URL_MAX_BYTES times three (each byte percent-coded).
 */
#include "proto/url.h"

#include "base/buf.h"

struct place {
	size_t at, n;
};

struct builder {
	struct buf out;
	struct arena *arena;
	struct place scheme, user, host, path, query, fragment;
	struct url url; /* kinds, port, oddities */
	bool is_web;
};

static const struct {
	struct text name;
	unsigned port;
} web_schemes[] = {
	{ TEXT("http"), 80 }, { TEXT("https"), 443 }, { TEXT("ftp"), 21 },
	{ TEXT("ws"), 80 },   { TEXT("wss"), 443 },
};

/* 0: not a web scheme. */
static unsigned port_of(struct text scheme)
{
	for (size_t i = 0; i < sizeof web_schemes / sizeof *web_schemes; i++)
		if (text_is_equal_nocase(scheme, web_schemes[i].name))
			return web_schemes[i].port;
	return 0;
}

bool url_is_web(const struct url *url)
{
	return port_of(url->scheme) != 0;
}

static bool is_letter(char c)
{
	c = text_lower_byte(c);
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Without controls and blanks at the ends, and tabs and line ends inside. */
static struct text clean(struct text t, struct buf *out, unsigned *oddities)
{
	while (t.n && (unsigned char)t.p[0] <= ' ')
		t = text_skip(t, 1);
	while (t.n && (unsigned char)t.p[t.n - 1] <= ' ')
		t.n--;
	if (text_find_byte(t, '\t') == t.n && text_find_byte(t, '\n') == t.n &&
	    text_find_byte(t, '\r') == t.n)
		return t;
	*oddities |= URL_ODD_CONTROL;
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] != '\t' && t.p[i] != '\n' && t.p[i] != '\r')
			buf_add_byte(out, t.p[i]);
	return buf_text(out);
}

/* scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) ":". rfc3986 3.1 */
static size_t scheme_length(struct text t)
{
	size_t n = 0;

	if (!t.n || !is_letter(t.p[0]))
		return 0;
	while (n < t.n &&
	       (is_letter(t.p[n]) || is_digit(t.p[n]) || t.p[n] == '+' || t.p[n] == '-' || t.p[n] == '.'))
		n++;
	return n < t.n && t.p[n] == ':' ? n : 0;
}

static bool is_slash(const struct builder *b, char c)
{
	return c == '/' || (b->is_web && c == '\\');
}

static size_t count_slashes(struct builder *b, struct text t)
{
	size_t n = 0;

	for (; n < t.n && is_slash(b, t.p[n]); n++)
		if (t.p[n] == '\\')
			b->url.oddities |= URL_ODD_BACKSLASH;
	return n;
}

static struct place begin(const struct builder *b)
{
	return (struct place){ .at = b->out.n };
}

static void end(const struct builder *b, struct place *place)
{
	place->n = b->out.n - place->at;
}

static void add_lower(struct builder *b, struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		buf_add_byte(&b->out, text_lower_byte(t.p[i]));
}

/* Bytes that a URL may not have as they are become %XX. */
static void add_coded(struct builder *b, struct text t, const char *coded)
{
	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.p[i];
		if (c <= ' ' || c >= 0x7f || strchr(coded, c))
			buf_printf(&b->out, "%%%02X", c);
		else
			buf_add_byte(&b->out, (char)c);
	}
}

static bool add_port(struct builder *b, struct text port)
{
	uint64_t number;

	if (!port.n)
		return true;
	if (!text_parse_u64(port, 65535, &number))
		return false;
	if (b->is_web && number == port_of(text_from_bytes(b->out.p + b->scheme.at, b->scheme.n)))
		return true;
	b->url.port = (unsigned)number;
	b->url.oddities |= URL_ODD_PORT;
	buf_add_byte(&b->out, ':');
	buf_add_number(&b->out, number);
	return true;
}

/* The host of a scheme that browsers do not know stays as it is, but may not hold what ends it elsewhere. */
static bool is_opaque_host(struct text host)
{
	if (host.n && host.p[0] == '[')
		return text_find_byte(host, ']') == host.n - 1;
	for (size_t i = 0; i < host.n; i++)
		if ((unsigned char)host.p[i] <= ' ' || strchr("#/:<>?@[\\]^|", host.p[i]))
			return false;
	return true;
}

static bool add_host(struct builder *b, struct text raw)
{
	unsigned oddities = 0;
	struct text host = raw;

	b->url.host_kind = raw.n ? URL_HOST_OPAQUE : URL_HOST_NONE;
	if (b->is_web ? !url_host_parse(raw, b->arena, &host, &b->url.host_kind, &oddities)
		      : !is_opaque_host(raw))
		return false;
	b->url.oddities |= oddities;
	b->host = begin(b);
	if (b->is_web)
		buf_add(&b->out, host);
	else
		add_coded(b, host, "");
	end(b, &b->host);
	return true;
}

/* [ userinfo "@" ] host [ ":" port ]. rfc3986 3.2 */
static bool add_authority(struct builder *b, struct text t)
{
	size_t at = text_find_last_byte(t, '@'), colon, bracket;
	struct text host = at == SIZE_MAX ? t : text_skip(t, at + 1), port = { 0 };

	if (at != SIZE_MAX) {
		b->url.oddities |= URL_ODD_USERINFO;
		b->user = begin(b);
		add_coded(b, text_slice(t, 0, at), "\"#<>?`{}/;=@[\\]^|");
		end(b, &b->user);
		buf_add_byte(&b->out, '@');
	}
	colon = text_find_last_byte(host, ':');
	bracket = text_find_last_byte(host, ']');
	if (colon != SIZE_MAX && (bracket == SIZE_MAX || colon > bracket)) {
		port = text_skip(host, colon + 1);
		host = text_slice(host, 0, colon);
	}
	return add_host(b, host) && add_port(b, port);
}

static bool is_dot(struct text segment)
{
	return text_is_cstr(segment, ".") || text_is_cstr_nocase(segment, "%2e");
}

static bool is_two_dots(struct text segment)
{
	return text_is_cstr(segment, "..") || text_is_cstr_nocase(segment, ".%2e") ||
	       text_is_cstr_nocase(segment, "%2e.") || text_is_cstr_nocase(segment, "%2e%2e");
}

/* Takes back the last segment of the path. */
static void drop_segment(struct builder *b)
{
	while (b->out.n > b->path.at && b->out.p[--b->out.n] != '/')
		continue;
}

/* Segments behind what the path has already, without those of dots. rfc3986 5.2.4 */
static void add_path(struct builder *b, struct text t)
{
	for (;;) {
		size_t n = 0;
		struct text segment;
		while (n < t.n && !is_slash(b, t.p[n]))
			n++;
		segment = text_slice(t, 0, n);
		if (n < t.n && t.p[n] == '\\')
			b->url.oddities |= URL_ODD_BACKSLASH;
		if (is_two_dots(segment))
			drop_segment(b);
		if (!is_dot(segment) && !is_two_dots(segment)) {
			buf_add_byte(&b->out, '/');
			add_coded(b, segment, "\"#<>?^`{}");
		} else if (n == t.n) {
			buf_add_byte(&b->out, '/');
		}
		if (n == t.n)
			return;
		t = text_skip(t, n + 1);
	}
}

/* Cuts "path?query#fragment"; the marks tell an empty query from none. */
struct tail {
	struct text path, query, fragment;
	bool has_query, has_fragment;
};

static struct tail tail_of(struct text t)
{
	struct tail tail = { 0 };

	tail.has_fragment = text_cut(t, '#', &t, &tail.fragment);
	tail.has_query = text_cut(t, '?', &tail.path, &tail.query);
	return tail;
}

static void add_tail(struct builder *b, const struct tail *tail)
{
	if (tail->has_query) {
		buf_add_byte(&b->out, '?');
		b->query = begin(b);
		add_coded(b, tail->query, b->is_web ? "\"#<>'" : "\"#<>");
		end(b, &b->query);
	}
	if (tail->has_fragment) {
		buf_add_byte(&b->out, '#');
		b->fragment = begin(b);
		add_coded(b, tail->fragment, "\"<>`");
		end(b, &b->fragment);
	}
}

static void add_scheme(struct builder *b, struct text scheme)
{
	b->scheme = begin(b);
	add_lower(b, scheme);
	end(b, &b->scheme);
	buf_add_byte(&b->out, ':');
	b->is_web = port_of(scheme) != 0;
}

/* Behind "scheme://": authority and the rest. */
static bool add_hierarchy(struct builder *b, struct text t)
{
	struct tail tail;
	size_t n = 0;

	buf_add_cstr(&b->out, "//");
	while (n < t.n && !is_slash(b, t.p[n]) && t.p[n] != '?' && t.p[n] != '#')
		n++;
	if (!add_authority(b, text_slice(t, 0, n)))
		return false;
	if (n < t.n && t.p[n] == '\\')
		b->url.oddities |= URL_ODD_BACKSLASH;
	tail = tail_of(text_skip(t, n));
	b->path = begin(b);
	if (tail.path.n || b->is_web)
		add_path(b, text_skip(tail.path, 1));
	end(b, &b->path);
	add_tail(b, &tail);
	return true;
}

/* "mailto:", "data:" and their kind: the path is what it is. */
static void add_opaque(struct builder *b, struct text t)
{
	struct tail tail = tail_of(t);

	b->path = begin(b);
	add_coded(b, tail.path, "");
	end(b, &b->path);
	add_tail(b, &tail);
}

static bool add_absolute(struct builder *b, struct text t, size_t scheme_n)
{
	size_t slashes;

	add_scheme(b, text_slice(t, 0, scheme_n));
	t = text_skip(t, scheme_n + 1);
	slashes = count_slashes(b, t);
	if (b->is_web) {
		if (slashes != 2)
			b->url.oddities |= URL_ODD_SLASHES;
		return add_hierarchy(b, text_skip(t, slashes));
	}
	if (slashes >= 2)
		return add_hierarchy(b, text_skip(t, 2));
	add_opaque(b, t);
	return true;
}

/* The parts of base up to its path, as they are. */
static void add_base_authority(struct builder *b, const struct url *base)
{
	size_t n = (size_t)(base->path.p - base->normal.p);

	buf_add(&b->out, text_slice(base->normal, b->out.n, n));
	b->host = (struct place){ (size_t)(base->host.p - base->normal.p), base->host.n };
	if (base->user.n)
		b->user = (struct place){ (size_t)(base->user.p - base->normal.p), base->user.n };
	b->url.host_kind = base->host_kind;
	b->url.port = base->port;
	b->url.oddities |=
		base->oddities & ~(unsigned)(URL_ODD_CONTROL | URL_ODD_BACKSLASH | URL_ODD_SLASHES);
}

/* A reference: relative to the base's host, path or page. rfc3986 5.2.2 */
static bool add_relative(struct builder *b, struct text t, const struct url *base)
{
	struct tail tail;
	size_t slashes;

	add_scheme(b, base->scheme);
	slashes = count_slashes(b, t);
	if (slashes >= 2) {
		if (slashes > 2)
			b->url.oddities |= URL_ODD_SLASHES;
		return add_hierarchy(b, text_skip(t, b->is_web ? slashes : 2));
	}
	add_base_authority(b, base);
	tail = tail_of(t);
	b->path = begin(b);
	if (slashes == 0 && !tail.path.n) {
		buf_add(&b->out, base->path);
		if (!tail.has_query && base->query.p) {
			tail.query = base->query;
			tail.has_query = true;
		}
	} else if (slashes == 0) {
		buf_add(&b->out, base->path);
		drop_segment(b);
		add_path(b, tail.path);
	} else {
		add_path(b, text_skip(tail.path, 1));
	}
	end(b, &b->path);
	add_tail(b, &tail);
	return true;
}

static struct text view_of(struct text normal, struct place place)
{
	return place.at ? text_from_bytes(normal.p + place.at, place.n) : (struct text){ 0 };
}

static bool finish(struct builder *b, struct url *ret_url)
{
	struct url *url = &b->url;

	if (b->out.overflow || !arena_copy(b->arena, buf_text(&b->out), &url->normal))
		return false;
	url->scheme = text_slice(url->normal, 0, b->scheme.n);
	url->user = view_of(url->normal, b->user);
	url->host = view_of(url->normal, b->host);
	url->path = view_of(url->normal, b->path);
	url->query = view_of(url->normal, b->query);
	url->fragment = view_of(url->normal, b->fragment);
	*ret_url = *url;
	return true;
}

bool url_parse(struct text raw, const struct url *base, struct arena *a, struct url *ret_url)
{
	struct builder b = { .arena = a };
	struct buf cleaned;
	struct text t;
	size_t scheme_n;
	bool ok = false;

	if (raw.n > URL_MAX_BYTES)
		return false;
	buf_init(&b.out, 3 * URL_MAX_BYTES);
	buf_init(&cleaned, raw.n);
	t = clean(raw, &cleaned, &b.url.oddities);
	scheme_n = scheme_length(t);
	if (scheme_n)
		ok = add_absolute(&b, t, scheme_n);
	else if (base && base->host_kind != URL_HOST_NONE && t.n)
		ok = add_relative(&b, t, base);
	ok = ok && finish(&b, ret_url);
	buf_done(&b.out);
	buf_done(&cleaned);
	return ok;
}
