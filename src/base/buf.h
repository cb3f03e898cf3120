/* SPDX-License-Identifier: Apache-2.0
 *
 * buf - bytes that grow, up to a maximum that is fixed at birth.
 *
 * What does not fit is not added at all and sets `overflow`, which stays set: a writer may add many
 * pieces and ask once at the end. One owner; buf_done frees. Views taken by buf_text end with the
 * next change of the buffer.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/text.h"

struct buf {
	char *p;
	size_t n;
	size_t cap;
	size_t max;
	bool overflow;
};

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);
void buf_reset(struct buf *b); /* empty again, memory and maximum kept, overflow cleared */

bool buf_add(struct buf *b, struct text t);
bool buf_add_cstr(struct buf *b, const char *s);
bool buf_add_byte(struct buf *b, char c);
bool buf_add_number(struct buf *b, uint64_t n); /* decimal; touches less of the C library than printf */
bool buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A stranger's text for people: printable ASCII and UTF-8 stay, all else becomes \xNN. */
bool buf_add_escaped(struct buf *b, struct text t);
/* The inside of a JSON string. */
bool buf_add_json(struct buf *b, struct text t);
bool buf_add_hex(struct buf *b, struct text bytes);

/* Drops the first n bytes (n <= b->n). */
void buf_consume(struct buf *b, size_t n);
/* Room for n more bytes to be written at b->p + b->n by the caller, who then adds to b->n;
 * NULL (and overflow) when that is above the maximum. */
char *buf_reserve(struct buf *b, size_t n);

struct text buf_text(const struct buf *b);
/* NUL-terminated, valid until the next change. */
const char *buf_cstr(struct buf *b);

#endif
