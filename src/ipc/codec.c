/* SPDX-License-Identifier: Apache-2.0
 *
 * The one encoder, decoder and printer of all edges. Called by link.c on both ends of every channel:
 * the decoder therefore reads what a taken-over room may have sent. It allocates nothing, loops over
 * a constant table, and every read goes through the sticky cursor of base/wire.h. Invariant: after
 * ERROR_NONE every field of the body is within the bounds of the .def file.
 */
#include "ipc/codec.h"

#include "base/addr.h"
#include "base/ensure.h"

static const uint8_t int_bytes[] = { [IPC_U8] = 1,  [IPC_U16] = 2,  [IPC_U32] = 4, [IPC_U64] = 8,
				     [IPC_I64] = 8, [IPC_BOOL] = 1, [IPC_ENUM] = 1 };

const struct ipc_message *ipc_find_message(const struct ipc_edge *edge, unsigned type)
{
	return type >= 1 && type <= edge->n_messages ? &edge->messages[type - 1] : NULL;
}

static uint64_t load_int(enum ipc_kind kind, const void *at)
{
	switch (kind) {
	case IPC_U8:
		return *(const uint8_t *)at;
	case IPC_U16:
		return *(const uint16_t *)at;
	case IPC_U32:
		return *(const uint32_t *)at;
	case IPC_BOOL:
		return *(const bool *)at;
	case IPC_ENUM:
		return *(const unsigned *)at;
	default:
		return *(const uint64_t *)at;
	}
}

static void store_int(enum ipc_kind kind, void *at, uint64_t v)
{
	switch (kind) {
	case IPC_U8:
		*(uint8_t *)at = (uint8_t)v;
		return;
	case IPC_U16:
		*(uint16_t *)at = (uint16_t)v;
		return;
	case IPC_U32:
		*(uint32_t *)at = (uint32_t)v;
		return;
	case IPC_BOOL:
		*(bool *)at = v != 0;
		return;
	case IPC_ENUM:
		*(unsigned *)at = (unsigned)v;
		return;
	default:
		*(uint64_t *)at = v;
	}
}

static void encode_field(const struct ipc_field *f, const char *at, struct wire_writer *w)
{
	const struct text *t = (const struct text *)(const void *)at;

	if (f->kind == IPC_ADDR) {
		wire_put_bytes(w, text_from_bytes(at, 16));
		return;
	}
	if (f->kind == IPC_TEXT || f->kind == IPC_BYTES) {
		ASSERT(t->n <= f->max);
		ASSERT(f->kind == IPC_BYTES || text_find_byte(*t, 0) == t->n);
		wire_put_counted(w, *t);
		return;
	}
	ASSERT(load_int(f->kind, at) <= f->max || f->kind == IPC_BOOL);
	wire_put_int(w, load_int(f->kind, at), int_bytes[f->kind]);
}

size_t ipc_size(const struct ipc_edge *edge, unsigned type, const void *body)
{
	const struct ipc_message *m = ipc_find_message(edge, type);
	size_t n = 1;

	ASSERT(m != NULL);
	for (size_t i = 0; i < m->n_fields; i++) {
		const struct ipc_field *f = &m->fields[i];
		if (f->kind == IPC_TEXT || f->kind == IPC_BYTES)
			n += 4 + ((const struct text *)(const void *)((const char *)body + f->offset))->n;
		else
			n += f->kind == IPC_ADDR ? 16 : int_bytes[f->kind];
	}
	return n;
}

void ipc_encode(const struct ipc_edge *edge, unsigned type, const void *body, struct wire_writer *w)
{
	const struct ipc_message *m = ipc_find_message(edge, type);

	ASSERT(m != NULL);
	wire_put_int(w, type, 1);
	for (size_t i = 0; i < m->n_fields; i++)
		encode_field(&m->fields[i], (const char *)body + m->fields[i].offset, w);
	ASSERT(!w->bad);
}

static void decode_field(const struct ipc_field *f, char *at, struct wire_reader *r)
{
	struct text t;
	uint64_t v;

	if (f->kind == IPC_ADDR) {
		t = wire_get_bytes(r, 16);
		if (t.n == 16)
			memcpy(at, t.p, 16);
		return;
	}
	if (f->kind == IPC_TEXT || f->kind == IPC_BYTES) {
		t = wire_get_counted(r, f->max);
		if (f->kind == IPC_TEXT && text_find_byte(t, 0) != t.n)
			r->bad = true;
		*(struct text *)(void *)at = t;
		return;
	}
	v = wire_get_int(r, int_bytes[f->kind]);
	if (v > (f->kind == IPC_BOOL ? 1 : f->max))
		r->bad = true;
	store_int(f->kind, at, v);
}

enum error ipc_decode(const struct ipc_edge *edge, struct text packet, unsigned from, unsigned state,
		      unsigned *ret_type, void *ret_body)
{
	struct wire_reader r = wire_reader_of(packet);
	const struct ipc_message *m = ipc_find_message(edge, (unsigned)wire_get_int(&r, 1));

	if (r.bad || !m || m->from != from)
		return ERROR_MALFORMED;
	if (!(m->in_states >> state & 1))
		return ERROR_UNEXPECTED;
	memset(ret_body, 0, m->size);
	for (size_t i = 0; i < m->n_fields; i++)
		decode_field(&m->fields[i], (char *)ret_body + m->fields[i].offset, &r);
	if (!wire_is_done(&r))
		return ERROR_MALFORMED;
	*ret_type = (unsigned)(m - edge->messages) + 1;
	return ERROR_NONE;
}

static void print_field(const struct ipc_field *f, const char *at, struct buf *out)
{
	const struct text *t = (const struct text *)(const void *)at;
	char address[ADDR_TEXT_SIZE];

	buf_printf(out, " %s=", f->name);
	if (f->kind == IPC_ADDR) {
		addr_print((const struct addr *)(const void *)at, address);
		buf_add_cstr(out, address);
	} else if (f->kind == IPC_TEXT) {
		buf_add_escaped(out, text_slice(*t, 0, 200));
	} else if (f->kind == IPC_BYTES) {
		buf_printf(out, "(%zu bytes)", t->n);
	} else if (f->kind == IPC_ENUM) {
		buf_add_cstr(out, f->names[load_int(f->kind, at)]);
	} else if (f->kind == IPC_I64) {
		buf_printf(out, "%lld", (long long)load_int(f->kind, at));
	} else {
		buf_printf(out, "%llu", (unsigned long long)load_int(f->kind, at));
	}
}

void ipc_print(const struct ipc_edge *edge, unsigned type, const void *body, struct buf *out)
{
	const struct ipc_message *m = ipc_find_message(edge, type);

	ASSERT(m != NULL);
	buf_add_cstr(out, m->name);
	for (size_t i = 0; i < m->n_fields; i++)
		print_field(&m->fields[i], (const char *)body + m->fields[i].offset, out);
}
