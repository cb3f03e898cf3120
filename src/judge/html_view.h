/* SPDX-License-Identifier: Apache-2.0
 *
 * html_view - a page of HTML as its reader sees it, and what is in it that he does not see.
 *
 * Visible text has a line for each block, a tab between cells, "* " before items of lists, alternative
 * texts where images are. What is hidden is there too, run by run, each with how it was hidden
 * (judge/html_style.h). Links go to the one list of the message. No page is malformed; reading is linear.
 */
#ifndef JUDGE_HTML_VIEW_H
#define JUDGE_HTML_VIEW_H

#include "base/buf.h"
#include "judge/html_style.h"
#include "judge/links.h"

/* A piece of view->hidden. */
struct html_run {
	size_t from, to;
	enum html_hidden how;
};

struct html_form {
	struct html_form *next;
	struct text action; /* as written */
	struct text method; /* "get" when none is written */
	size_t n_fields;    /* that a person fills in */
	size_t n_hidden;    /* type=hidden */
	bool has_password;  /* type=password, or a field named so */
	bool has_file;      /* type=file */
	bool has_email;     /* type=email, or a field named so */
};

struct html_data_uri {
	struct html_data_uri *next;
	struct text type; /* "text/html"; "text/plain" when none is written (rfc2397 3) */
	struct text data; /* still coded; lies in the page or the arena */
	bool is_base64;
	enum link_kind kind; /* what refers to it */
	size_t size;         /* room that decoding needs; no more bytes come out */
};

/* What programs in the page do, as far as their words tell. */
enum html_script_word {
	HTML_SCRIPT_ATOB = 1 << 0,
	HTML_SCRIPT_BLOB = 1 << 1,
	HTML_SCRIPT_OBJECT_URL = 1 << 2,
	HTML_SCRIPT_SAVE_BLOB = 1 << 3,
	HTML_SCRIPT_DOCUMENT_WRITE = 1 << 4,
	HTML_SCRIPT_UNESCAPE = 1 << 5,
	HTML_SCRIPT_FROM_CHAR_CODE = 1 << 6,
	HTML_SCRIPT_EVAL = 1 << 7,
	HTML_SCRIPT_LOCATION = 1 << 8,
	HTML_SCRIPT_DOWNLOAD = 1 << 9,
	HTML_SCRIPT_BYTES = 1 << 10, /* Uint8Array, charCodeAt */
	HTML_SCRIPT_FETCH = 1 << 11, /* XMLHttpRequest, fetch( */
	HTML_SCRIPT_CLICK = 1 << 12, /* .click() without a person */
	HTML_SCRIPT_CRYPT = 1 << 13, /* CryptoJS, crypto.subtle */
};

struct html_facts {
	size_t n_scripts, script_bytes;
	unsigned script_words;   /* HTML_SCRIPT_* */
	size_t longest_base64;   /* bytes of the longest run of base64 letters in a script */
	bool is_smuggling;       /* a file is put together by a script and given to the reader */
	size_t n_event_handlers; /* attributes on... */
	size_t n_remote_images, n_tracking_images; /* the latter at most 3 by 3, or hidden */
	size_t n_images;
	size_t n_tags, n_unknown_tags;
	size_t n_comments;
	size_t n_comments_in_words; /* between two letters: "vi<!-- x -->agra" */
	size_t n_tags_in_words;     /* tags that change nothing, between two letters */
	size_t n_empty_elements;    /* "<span></span>" */
	size_t deepest_table, deepest;
	size_t n_unclosed;    /* tags that the end of the page cut */
	size_t n_conditional; /* parts only Outlook shows */
	bool has_base;
};

struct html_view {
	struct buf visible, hidden;
	struct text title;     /* <title> */
	struct html_run *runs; /* of hidden, in order */
	size_t n_runs;
	size_t hidden_bytes[HTML_HIDDEN_COUNT]; /* text without blanks, by how it was hidden */
	struct html_form *forms;
	size_t n_forms;
	struct html_data_uri *data_uris;
	size_t n_data_uris;
	struct html_facts facts;
	unsigned limits; /* VIEW_LIMIT_* that were met */
};

struct html_source {
	struct text text; /* UTF-8 */
	/* As a browser reads it, programs run: text of <noscript> is hidden then. A mail program runs none.
	 */
	bool is_page;
	unsigned part; /* for the links */
};

/* Links are added to `links`. Lists of the view lie in the arena; html_view_done frees the texts. */
void html_view_read(const struct html_source *source, const struct view_limits *limits, struct arena *arena,
		    struct links *links, struct html_view *ret_view);
void html_view_done(struct html_view *view);

/* Adds the bytes of a data: URI to out; false when out is full. rfc2397 3 */
bool html_data_uri_decode(const struct html_data_uri *uri, struct buf *out);

const char *html_script_word_name(enum html_script_word word);

#endif
