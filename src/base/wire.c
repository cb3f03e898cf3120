/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and writing bounded bytes. Called with packets of rooms, that is: with hostile bytes.
 * Invariant: start <= p <= end, always; nothing is read or written outside.
 */
#include "base/wire.h"

#include "base/ensure.h"

struct wire_reader wire_reader_of(struct text bytes)
{
	const uint8_t *p = (const uint8_t *)bytes.p;

	return (struct wire_reader){ p, p ? p + bytes.n : p, false };
}

size_t wire_left(const struct wire_reader *r)
{
	return (size_t)(r->end - r->p);
}

bool wire_is_done(const struct wire_reader *r)
{
	return !r->bad && r->p == r->end;
}

struct text wire_get_bytes(struct wire_reader *r, size_t n)
{
	struct text t = { NULL, 0 };

	if (r->bad || n > wire_left(r)) {
		r->bad = true;
		return t;
	}
	t = (struct text){ (const char *)r->p, n };
	r->p += n;
	return t;
}

uint64_t wire_get_int(struct wire_reader *r, unsigned n_bytes)
{
	struct text t = wire_get_bytes(r, n_bytes);
	uint64_t v = 0;

	for (size_t i = t.n; i > 0; i--)
		v = v << 8 | (uint8_t)t.p[i - 1];
	return v;
}

uint64_t wire_get_be(struct wire_reader *r, unsigned n_bytes)
{
	struct text t = wire_get_bytes(r, n_bytes);
	uint64_t v = 0;

	for (size_t i = 0; i < t.n; i++)
		v = v << 8 | (uint8_t)t.p[i];
	return v;
}

struct text wire_get_counted(struct wire_reader *r, size_t max)
{
	uint64_t n = wire_get_int(r, 4);

	if (n > max)
		r->bad = true;
	return wire_get_bytes(r, n);
}

struct wire_writer wire_writer_of(void *p, size_t n)
{
	return (struct wire_writer){ p, p, (uint8_t *)p + n, false };
}

size_t wire_written(const struct wire_writer *w)
{
	return (size_t)(w->p - w->start);
}

void wire_put_bytes(struct wire_writer *w, struct text bytes)
{
	if (w->bad || bytes.n > (size_t)(w->end - w->p)) {
		w->bad = true;
		return;
	}
	if (bytes.n)
		memcpy(w->p, bytes.p, bytes.n);
	w->p += bytes.n;
}

void wire_put_int(struct wire_writer *w, uint64_t value, unsigned n_bytes)
{
	char le[8];

	ASSERT(n_bytes >= 1 && n_bytes <= 8);
	for (unsigned i = 0; i < n_bytes; i++)
		le[i] = (char)(value >> (8 * i));
	wire_put_bytes(w, (struct text){ le, n_bytes });
}

void wire_put_be(struct wire_writer *w, uint64_t value, unsigned n_bytes)
{
	char be[8];

	ASSERT(n_bytes >= 1 && n_bytes <= 8);
	for (unsigned i = 0; i < n_bytes; i++)
		be[i] = (char)(value >> (8 * (n_bytes - 1 - i)));
	wire_put_bytes(w, (struct text){ be, n_bytes });
}

void wire_put_counted(struct wire_writer *w, struct text bytes)
{
	if (bytes.n > UINT32_MAX)
		w->bad = true;
	wire_put_int(w, bytes.n, 4);
	wire_put_bytes(w, bytes);
}
