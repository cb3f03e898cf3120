/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the decoder of every edge. The first three bytes choose edge, side and state; the rest
 * is the packet. Checked beside memory safety: what is accepted is printed within its bound and
 * encodes to the very same packet.
 */
#include "base/ensure.h"
#include "ipc_edges.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct ipc_edge *const edges[] = {
#define EDGE(name) &name##_edge,
	EVERY_EDGE
#undef EDGE
};

static void check_again(const struct ipc_edge *e, struct text packet, unsigned type, const void *body)
{
	char *again = mem_alloc(packet.n);
	struct wire_writer w = wire_writer_of(again, packet.n);
	struct buf out;

	ipc_encode(e, type, body, &w);
	ASSERT(wire_written(&w) == packet.n && memcmp(again, packet.p, packet.n) == 0);
	ASSERT(ipc_size(e, type, body) == packet.n && packet.n <= e->packet_max);
	buf_init(&out, 1 << 16);
	ipc_print(e, type, body, &out);
	ASSERT(!out.overflow && text_is_utf8(buf_text(&out)));
	buf_done(&out);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	_Alignas(16) char body[IPC_BODY_SIZE];
	const struct ipc_edge *e;
	unsigned type = 0;

	if (n < 3)
		return 0;
	e = edges[data[0] % (sizeof edges / sizeof *edges)];
	if (ipc_decode(e, text_from_bytes(data + 3, n - 3), data[1] & 1, data[2] % (unsigned)e->n_states,
		       &type, body) == ERROR_NONE)
		check_again(e, text_from_bytes(data + 3, n - 3), type, body);
	return 0;
}
