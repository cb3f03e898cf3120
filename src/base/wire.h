/* SPDX-License-Identifier: Apache-2.0
 *
 * wire - the four bounds-checked primitives under every wire format of ours, and the cursor that
 * reads anybody's.
 *
 * Both directions have a sticky error: after `bad` is set, reads give 0 or the empty text and writes
 * do nothing, so that a decoder is straight-line code that asks once at its end. Integers are
 * little-endian in our own formats (wire_get_int) and big-endian where a standard says so
 * (wire_get_be).
 */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include "base/text.h"

struct wire_reader {
	const uint8_t *p, *end;
	bool bad;
};

struct wire_writer {
	uint8_t *start, *p, *end;
	bool bad;
};

struct wire_reader wire_reader_of(struct text bytes);
uint64_t wire_get_int(struct wire_reader *r, unsigned n_bytes); /* n_bytes 1..8 */
uint64_t wire_get_be(struct wire_reader *r, unsigned n_bytes);
struct text wire_get_bytes(struct wire_reader *r, size_t n);     /* a view, in place */
struct text wire_get_counted(struct wire_reader *r, size_t max); /* u32 length, then bytes */
size_t wire_left(const struct wire_reader *r);
bool wire_is_done(const struct wire_reader *r); /* nothing left and nothing bad */

struct wire_writer wire_writer_of(void *p, size_t n);
void wire_put_int(struct wire_writer *w, uint64_t value, unsigned n_bytes);
void wire_put_be(struct wire_writer *w, uint64_t value, unsigned n_bytes);
void wire_put_bytes(struct wire_writer *w, struct text bytes);
void wire_put_counted(struct wire_writer *w, struct text bytes);
size_t wire_written(const struct wire_writer *w);

#endif
