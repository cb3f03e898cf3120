/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of a message's links. Called by the views in a room, with what strangers wrote. Each link is
 * parsed once, when it is added, and compared with the text that was shown for it. Invariants: at most
 * limits->links are kept; of what was written at most RAW_MAX bytes, of what was shown SHOWN_MAX; links of
 * one domain behind one another share its skeleton.
 */
#include "judge/links.h"

#include "proto/public_suffix.h"

#define RAW_MAX   4096
#define SHOWN_MAX 1024
#define HOST_MAX  1024

void links_init(struct links *links, const struct view_limits *limits, const struct lookalike *lookalike,
		struct arena *arena)
{
	*links = (struct links){ .limits = limits, .lookalike = lookalike, .arena = arena };
}

const char *link_kind_word(enum link_kind kind)
{
	static const char *const words[LINK_KIND_COUNT] = {
		[LINK_TEXT] = "text",
		[LINK_FIELD] = "field",
		[LINK_A] = "a",
		[LINK_AREA] = "area",
		[LINK_FORM] = "form",
		[LINK_FRAME] = "frame",
		[LINK_REFRESH] = "refresh",
		[LINK_OBJECT] = "object",
		[LINK_SCRIPT] = "script",
		[LINK_STYLESHEET] = "stylesheet",
		[LINK_IMAGE] = "image",
		[LINK_BACKGROUND] = "background",
		[LINK_BASE] = "base",
	};

	return words[kind];
}

/* The word of the lowest bit. */
static const char *word_of_bit(unsigned bit, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bit == 1u << i)
			return words[i];
	return NULL;
}

const char *link_fact_word(enum link_fact fact)
{
	static const char *const words[] = {
		"mismatch", "around-image", "hidden", "defanged",     "wrapped",
		"bare",     "scripted",     "data",   "mixed-script", "broken",
	};

	return word_of_bit(fact, words, sizeof words / sizeof *words);
}

const char *url_oddity_word(enum url_oddity oddity)
{
	static const char *const words[] = {
		"control", "backslash",    "slashes",     "userinfo",
		"ip-form", "encoded-host", "mapped-host", "port",
	};

	return word_of_bit(oddity, words, sizeof words / sizeof *words);
}

static bool has_scheme(struct text raw, const char *scheme)
{
	struct text name = text_from_cstr(scheme);

	return text_has_prefix_nocase(raw, name) && raw.n > name.n && raw.p[name.n] == ':';
}

static unsigned facts_of_scheme(struct text scheme)
{
	if (text_is_cstr(scheme, "javascript") || text_is_cstr(scheme, "vbscript"))
		return LINK_SCRIPTED;
	if (text_is_cstr(scheme, "data") || text_is_cstr(scheme, "blob"))
		return LINK_DATA;
	return 0;
}

/* "mailto:a@example.com?subject=x" belongs to example.com. rfc6068 2 */
static struct text mailto_domain(const struct url *url)
{
	size_t at = text_find_byte(url->path, '@');
	struct text host, rest;

	if (!text_is_cstr(url->scheme, "mailto") || at >= url->path.n)
		return (struct text){ 0 };
	text_cut(text_skip(url->path, at + 1), ',', &host, &rest);
	return host;
}

static struct text domain_of_host(struct text host, enum url_host_kind kind)
{
	struct text domain = { 0 };

	if (kind == URL_HOST_DOMAIN)
		domain = public_suffix_registrable(host);
	return domain.n ? domain : host;
}

static void set_domain(struct message_link *link)
{
	struct text host = mailto_domain(&link->url);

	if (host.n)
		link->domain = domain_of_host(host, URL_HOST_DOMAIN);
	else if (link->url.host.n)
		link->domain = domain_of_host(link->url.host, link->url.host_kind);
}

static void set_skeleton(struct links *links, struct message_link *link)
{
	const struct message_link *last = links->last;

	if (!links->lookalike || !link->domain.n)
		return;
	if (last && text_is_equal(last->domain, link->domain) &&
	    text_is_equal(last->url.host, link->url.host)) {
		link->skeleton = last->skeleton;
		link->facts |= last->facts & LINK_MIXED_SCRIPT;
		return;
	}
	if (!lookalike_skeleton(links->lookalike, link->domain, links->arena, &link->skeleton))
		link->skeleton = (struct text){ 0 };
	if (lookalike_is_mixed(links->lookalike, link->url.host))
		link->facts |= LINK_MIXED_SCRIPT;
}

/* Files have such names more often than hosts. */
static bool is_file_name(struct text host)
{
	static const char *const endings[] = { "zip", "mov", "md", "sh" };
	size_t dot = text_find_last_byte(host, '.');
	struct text ending = text_skip(host, dot + 1);

	if (text_find_byte(host, '.') != dot)
		return false;
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
		if (text_is_cstr_nocase(ending, endings[i]))
			return true;
	return false;
}

/* Cut at the first of these bytes. */
static struct text cut_at(struct text t, const char *bytes)
{
	size_t n = 0;

	while (n < t.n && (t.p[n] == '\0' || !strchr(bytes, t.p[n])))
		n++;
	return text_slice(t, 0, n);
}

/* Without what people put around a name: blanks, quotes, brackets, an end of sentence. */
static struct text bare_of(struct text t)
{
	while (t.n && ((unsigned char)t.p[0] <= ' ' || strchr("<([{\"'", t.p[0])))
		t = text_skip(t, 1);
	while (t.n && ((unsigned char)t.p[t.n - 1] <= ' ' || strchr(">)]}\"'.,;:!", t.p[t.n - 1])))
		t.n--;
	return t;
}

bool link_shown_host(struct text shown, struct arena *a, struct text *ret_host)
{
	struct text t = bare_of(shown), host;
	enum url_host_kind kind;
	unsigned oddities;
	bool has_scheme_shown = false;
	struct url url;

	if (!t.n || t.n > HOST_MAX || cut_at(t, " \t\r\n").n != t.n)
		return false;
	if (has_scheme(t, "http") || has_scheme(t, "https") || has_scheme(t, "ftp"))
		has_scheme_shown = true;
	if (has_scheme_shown) {
		if (!url_parse(t, NULL, a, &url))
			return false;
		*ret_host = url.host;
		return true;
	}
	host = cut_at(t, "/?#:\\");
	if (text_find_byte(t, '@') != t.n || !url_host_parse(host, a, &host, &kind, &oddities))
		return false;
	if (kind == URL_HOST_DOMAIN && (!public_suffix_is_listed_below(host) || is_file_name(host)))
		return false;
	if (kind != URL_HOST_DOMAIN && (oddities & URL_ODD_IP_FORM)) /* a number is no name */
		return false;
	*ret_host = host;
	return true;
}

static void compare_with_shown(struct links *links, struct message_link *link)
{
	enum url_host_kind kind = URL_HOST_DOMAIN;
	struct text host, plain;
	unsigned oddities;

	if (!link->shown.n || !link->domain.n || !url_is_web(&link->url) ||
	    !link_shown_host(link->shown, links->arena, &host))
		return;
	if (!url_host_parse(host, links->arena, &plain, &kind, &oddities))
		return;
	link->shown_domain = domain_of_host(plain, kind);
	if (!text_is_equal_nocase(link->shown_domain, link->domain))
		link->facts |= LINK_MISMATCH;
}

static bool keep_texts(struct links *links, const struct link_found *found, struct message_link *link)
{
	return arena_copy(links->arena, text_slice(text_trim(found->raw), 0, RAW_MAX), &link->raw) &&
	       arena_copy(links->arena, text_slice(text_trim(found->shown), 0, SHOWN_MAX), &link->shown);
}

static void read_url(struct links *links, const struct link_found *found, struct message_link *link)
{
	bool is_data = has_scheme(link->raw, "data");

	if (!url_parse(is_data ? cut_at(link->raw, ",") : text_trim(found->raw), found->base, links->arena,
		       &link->url)) {
		link->facts |= LINK_BROKEN;
		return;
	}
	link->facts |= facts_of_scheme(link->url.scheme);
	set_domain(link);
	set_skeleton(links, link);
	compare_with_shown(links, link);
}

struct message_link *links_add(struct links *links, const struct link_found *found)
{
	struct text raw = text_trim(found->raw);
	struct message_link *link;

	if (!raw.n || raw.p[0] == '#')
		return NULL;
	links->n_seen++;
	link = links->n < links->limits->links ? arena_alloc(links->arena, sizeof *link) : NULL;
	if (!link || !keep_texts(links, found, link)) {
		links->is_full = true;
		return NULL;
	}
	link->kind = found->kind;
	link->facts = found->facts;
	link->part = found->part;
	read_url(links, found, link);
	if (links->last)
		links->last->next = link;
	else
		links->first = link;
	links->last = link;
	links->n++;
	links->kinds |= 1u << link->kind;
	links->facts |= link->facts;
	return link;
}
