/* SPDX-License-Identifier: Apache-2.0
 *
 * Every message of every edge: what is encoded is decoded to the same; whatever is short, long, out of
 * bounds, from the wrong side or untimely is refused.
 */
#include "../unit.h"
#include "ipc_edges.h"

#define PACKET_MAX (1 << 20)

static const struct ipc_edge *const edges[] = {
#define EDGE(name) &name##_edge,
	EVERY_EDGE
#undef EDGE
};

static char packet[PACKET_MAX], again[PACKET_MAX], bytes[PACKET_MAX];
static _Alignas(16) char body[IPC_BODY_SIZE], decoded[IPC_BODY_SIZE];

/* Values at their upper bound, or small ones. */
static void fill_field(const struct ipc_field *f, bool at_bound)
{
	char *at = body + f->offset;
	uint64_t v = at_bound ? f->max : 1;

	if (f->kind == IPC_TEXT || f->kind == IPC_BYTES)
		*(struct text *)(void *)at = text_from_bytes(bytes, at_bound ? f->max : 0);
	else if (f->kind == IPC_ADDR)
		memset(at, at_bound ? 0xff : 0, 16);
	else if (f->kind == IPC_BOOL)
		*(bool *)at = at_bound;
	else if (f->kind == IPC_U8)
		*(uint8_t *)at = (uint8_t)v;
	else if (f->kind == IPC_U16)
		*(uint16_t *)at = (uint16_t)v;
	else if (f->kind == IPC_U32)
		*(uint32_t *)at = (uint32_t)v;
	else if (f->kind == IPC_ENUM)
		*(unsigned *)at = (unsigned)(at_bound ? f->max : 0);
	else
		*(uint64_t *)at = v;
}

static struct text make_packet(const struct ipc_edge *e, unsigned type, bool at_bound)
{
	const struct ipc_message *m = ipc_find_message(e, type);
	struct wire_writer w = wire_writer_of(packet, sizeof packet);

	memset(body, 0, sizeof body);
	for (size_t i = 0; i < m->n_fields; i++)
		fill_field(&m->fields[i], at_bound);
	ipc_encode(e, type, body, &w);
	assert_int_equal(wire_written(&w), ipc_size(e, type, body));
	return text_from_bytes(packet, wire_written(&w));
}

static unsigned some_state(const struct ipc_message *m)
{
	return (unsigned)__builtin_ctz(m->in_states);
}

static enum error decode(const struct ipc_edge *e, struct text t, unsigned from, unsigned state)
{
	unsigned type = 0;

	return ipc_decode(e, t, from, state, &type, decoded);
}

static void check_round_trip(const struct ipc_edge *e, unsigned type, bool at_bound)
{
	const struct ipc_message *m = ipc_find_message(e, type);
	struct text t = make_packet(e, type, at_bound);
	struct wire_writer w = wire_writer_of(again, sizeof again);
	unsigned got = 0;

	assert_true(t.n <= e->packet_max);
	assert_int_equal(ipc_decode(e, t, m->from, some_state(m), &got, decoded), ERROR_NONE);
	assert_int_equal(got, type);
	ipc_encode(e, type, decoded, &w);
	assert_int_equal(wire_written(&w), t.n);
	assert_memory_equal(again, packet, t.n);
}

static void what_is_encoded_is_decoded(void **state)
{
	(void)state;
	memset(bytes, 'x', sizeof bytes);
	for (size_t i = 0; i < UNIT_COUNT(edges); i++)
		for (unsigned type = 1; type <= edges[i]->n_messages; type++) {
			check_round_trip(edges[i], type, true);
			check_round_trip(edges[i], type, false);
		}
}

static void every_message_keeps_the_bounds_of_the_codec(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(edges); i++) {
		const struct ipc_edge *e = edges[i];
		assert_true(e->n_messages >= 1 && e->n_messages < 255);
		assert_true(e->n_states >= 1 && e->n_states <= 32);
		for (unsigned type = 1; type <= e->n_messages; type++) {
			const struct ipc_message *m = ipc_find_message(e, type);
			assert_true(m->size <= IPC_BODY_SIZE);
			assert_true(m->n_fds <= IPC_MAX_FDS);
			assert_true(m->in_states != 0 && m->from <= 1);
			assert_true(m->to_state < (int)e->n_states);
		}
		assert_null(ipc_find_message(e, 0));
		assert_null(ipc_find_message(e, (unsigned)e->n_messages + 1));
	}
}

static void a_packet_cut_anywhere_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(edges); i++)
		for (unsigned type = 1; type <= edges[i]->n_messages; type++) {
			const struct ipc_message *m = ipc_find_message(edges[i], type);
			struct text t = make_packet(edges[i], type, false);
			for (size_t n = 0; n < t.n; n++)
				assert_int_equal(
					decode(edges[i], text_slice(t, 0, n), m->from, some_state(m)),
					ERROR_MALFORMED);
			packet[t.n] = 0;
			t.n++;
			assert_int_equal(decode(edges[i], t, m->from, some_state(m)), ERROR_MALFORMED);
		}
}

static void check_side_and_state(const struct ipc_edge *e, unsigned type)
{
	const struct ipc_message *m = ipc_find_message(e, type);
	struct text t = make_packet(e, type, false);

	assert_int_equal(decode(e, t, !m->from, some_state(m)), ERROR_MALFORMED);
	for (unsigned s = 0; s < e->n_states; s++)
		if (!(m->in_states >> s & 1))
			assert_int_equal(decode(e, t, m->from, s), ERROR_UNEXPECTED);
}

static void a_message_from_the_wrong_side_or_untimely_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(edges); i++)
		for (unsigned type = 1; type <= edges[i]->n_messages; type++)
			check_side_and_state(edges[i], type);
}

/* The first field's value made too large by hand, where its kind has a bound below its bytes'. */
static void check_bound(const struct ipc_edge *e, unsigned type)
{
	const struct ipc_message *m = ipc_find_message(e, type);
	struct text t = make_packet(e, type, true);
	const struct ipc_field *f = m->fields;

	if (m->n_fields == 0)
		return;
	if (f->kind == IPC_TEXT || f->kind == IPC_BYTES) {
		uint64_t n = f->max + 1;
		for (size_t i = 0; i < 4; i++)
			packet[1 + i] = (char)(n >> (8 * i));
	} else if (f->kind == IPC_BOOL || (f->kind == IPC_ENUM && f->max < 255)) {
		packet[1] = (char)(f->kind == IPC_BOOL ? 2 : f->max + 1);
	} else {
		return;
	}
	assert_int_equal(decode(e, t, m->from, some_state(m)), ERROR_MALFORMED);
}

static void a_value_above_its_bound_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(edges); i++)
		for (unsigned type = 1; type <= edges[i]->n_messages; type++)
			check_bound(edges[i], type);
}

static void check_nul(const struct ipc_edge *e, unsigned type)
{
	const struct ipc_message *m = ipc_find_message(e, type);
	struct text t;

	if (m->n_fields == 0 || m->fields[0].kind != IPC_TEXT)
		return;
	t = make_packet(e, type, true);
	packet[5] = 0;
	assert_int_equal(decode(e, t, m->from, some_state(m)), ERROR_MALFORMED);
}

static void text_with_a_nul_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(edges); i++)
		for (unsigned type = 1; type <= edges[i]->n_messages; type++)
			check_nul(edges[i], type);
}

static void a_printed_message_has_no_control_bytes(void **state)
{
	struct buf out;

	(void)state;
	memset(bytes, '\n', sizeof bytes);
	buf_init(&out, 1 << 16);
	for (size_t i = 0; i < UNIT_COUNT(edges); i++)
		for (unsigned type = 1; type <= edges[i]->n_messages; type++) {
			make_packet(edges[i], type, true);
			ipc_print(edges[i], type, body, &out);
			assert_true(text_is_printable(buf_text(&out)));
			buf_reset(&out);
		}
	buf_done(&out);
	memset(bytes, 'x', sizeof bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_encoded_is_decoded),
		cmocka_unit_test(every_message_keeps_the_bounds_of_the_codec),
		cmocka_unit_test(a_packet_cut_anywhere_is_refused),
		cmocka_unit_test(a_message_from_the_wrong_side_or_untimely_is_refused),
		cmocka_unit_test(a_value_above_its_bound_is_refused),
		cmocka_unit_test(text_with_a_nul_is_refused),
		cmocka_unit_test(a_printed_message_has_no_control_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
