/* SPDX-License-Identifier: Apache-2.0
 *
 * links - every URL of a message, wherever it stands.
 *
 * One list for the URLs of texts, of HTML and of header fields. Each has what was written, what a browser
 * would open, whose domain that is, and what the reader was shown in its place. The same link written
 * twice is there twice: how often is a fact too. At most limits->links are kept; n_seen counts on for those
 * of HTML, in texts none is looked for when the list is full.
 */
#ifndef JUDGE_LINKS_H
#define JUDGE_LINKS_H

#include "judge/view_limits.h"
#include "proto/lookalike.h"
#include "proto/url.h"

/* Where a link stands, and what opens it. The words are those of links.c. */
enum link_kind {
	LINK_TEXT,       /* in a text, made a link by the mail program */
	LINK_FIELD,      /* in a field of the header */
	LINK_A,          /* <a href> */
	LINK_AREA,       /* part of an image map */
	LINK_FORM,       /* <form action>, <button formaction>: where the fields are sent */
	LINK_FRAME,      /* <iframe>, <frame> */
	LINK_REFRESH,    /* <meta http-equiv=refresh> */
	LINK_OBJECT,     /* <object>, <embed>, <applet> */
	LINK_SCRIPT,     /* <script src> */
	LINK_STYLESHEET, /* <link>, @import */
	LINK_IMAGE,      /* <img src>, srcset, poster, <input type=image>, <image> of SVG */
	LINK_BACKGROUND, /* background=, url() in a style */
	LINK_BASE,       /* <base href> */
	LINK_KIND_COUNT
};

/* Facts that compare, and ways of writing that no honest sender needs; beside url.oddities. */
enum link_fact {
	LINK_MISMATCH = 1 << 0, /* the text shown names another registrable domain than the link's */
	LINK_AROUND_IMAGE = 1 << 1,
	LINK_HIDDEN = 1 << 2,       /* nobody sees it */
	LINK_DEFANGED = 1 << 3,     /* hxxp, [.], (dot): a person has to mend it */
	LINK_WRAPPED = 1 << 4,      /* put together from several lines */
	LINK_BARE = 1 << 5,         /* no scheme was written */
	LINK_SCRIPTED = 1 << 6,     /* javascript:, vbscript: */
	LINK_DATA = 1 << 7,         /* data:, blob: */
	LINK_MIXED_SCRIPT = 1 << 8, /* letters of several scripts in one label of the host */
	LINK_BROKEN = 1 << 9,       /* no browser would open it; url is empty but raw is not */
};

struct message_link {
	struct message_link *next;
	enum link_kind kind;
	unsigned facts;       /* LINK_MISMATCH ... */
	struct text raw;      /* as written, references and line ends undone; a long one is cut */
	struct text shown;    /* the visible text of <a>; empty: none */
	struct url url;       /* with normal form, scheme, host, port, path, oddities */
	struct text domain;   /* registrable domain, or the host itself when it is an address; empty: none */
	struct text skeleton; /* of the domain (proto/lookalike.h); empty: no tool was given */
	struct text shown_domain; /* the registrable domain that the text shown names; empty: none */
	unsigned part;            /* number that the caller gave the part */
};

struct links {
	struct message_link *first, *last;
	size_t n, n_seen;
	unsigned kinds; /* bit per link_kind */
	unsigned facts; /* of all together */
	const struct view_limits *limits;
	const struct lookalike *lookalike; /* may be NULL */
	struct arena *arena;
	size_t n_refused; /* what looked like a host in a text, and is none */
	bool is_full;     /* a limit was met: some links are not in the list */
};

void links_init(struct links *links, const struct view_limits *limits, const struct lookalike *lookalike,
		struct arena *arena);

/* What is known of a link where it is found. */
struct link_found {
	enum link_kind kind;
	unsigned facts;
	struct text raw, shown;
	const struct url *base; /* NULL: none */
	unsigned part;
};

/* Adds one. NULL when the list or the arena is full, or raw is only a place in the page ("#top"). */
struct message_link *links_add(struct links *links, const struct link_found *found);

/* Finds the URLs of a text for people (UTF-8): with a scheme, "www.", bare domains below a listed public
 * suffix, in angle brackets over several lines (rfc3986 C), defanged ones. Each is added as `like` says: its
 * kind, facts and part. Where it cannot be known whether a URL goes on in the next line, both are added.
 * Linear in the text. */
void links_add_text(struct links *links, struct text text, const struct link_found *like);

/* The host that a text shown to people claims to be: the text is one URL or one domain, whatever blanks
 * are around. False: it names none. */
bool link_shown_host(struct text shown, struct arena *a, struct text *ret_host);

const char *link_kind_word(enum link_kind kind);
/* "mismatch", ...; for bits of link.facts, NULL for none. */
const char *link_fact_word(enum link_fact fact);
const char *url_oddity_word(enum url_oddity oddity);

#endif
