/* SPDX-License-Identifier: Apache-2.0
 *
 * json_writer - one JSON value, written piece by piece into a buffer. rfc8259
 *
 * The writer keeps commas, line ends and indentation; the caller says what comes next. Values inside of
 * an object each follow their key. Text may hold any byte: what is not UTF-8 becomes U+FFFD, control
 * characters become escapes, so that what is written is always valid and never moves a terminal.
 * Nothing fails here: a buffer that is full has `overflow`, asked once at the end.
 *
 *	struct json_writer w = json_writer_of(&out, true);
 *	json_open_object(&w);
 *	json_key(&w, "name");
 *	json_text(&w, name);
 *	json_close(&w);
 */
#ifndef BASE_JSON_WRITER_H
#define BASE_JSON_WRITER_H

#include "base/buf.h"

#define JSON_DEPTH_MAX 64 /* of open objects and arrays; more is a fault of ours */

struct json_writer {
	struct buf *out;
	bool is_pretty; /* a line for each value; otherwise all on one line */
	bool has_key;   /* a key waits for its value */
	unsigned depth;
	uint64_t is_object; /* bit per depth: closed by "}" */
	uint64_t has_items; /* bit per depth: a comma is due */
};

struct json_writer json_writer_of(struct buf *out, bool is_pretty);

void json_open_object(struct json_writer *w);
void json_open_array(struct json_writer *w);
void json_close(struct json_writer *w); /* the innermost that is open */

void json_key(struct json_writer *w, const char *key); /* ours: nothing in it needs an escape */

void json_text(struct json_writer *w, struct text value);
void json_cstr(struct json_writer *w, const char *value); /* NULL: null */
void json_number(struct json_writer *w, int64_t value);
void json_bool(struct json_writer *w, bool value);
void json_null(struct json_writer *w);

/* A key with its value. */
void json_key_text(struct json_writer *w, const char *key, struct text value);
void json_key_cstr(struct json_writer *w, const char *key, const char *value);
void json_key_number(struct json_writer *w, const char *key, int64_t value);
void json_key_bool(struct json_writer *w, const char *key, bool value);
void json_key_object(struct json_writer *w, const char *key); /* opens it */
void json_key_array(struct json_writer *w, const char *key);

#endif
