/* SPDX-License-Identifier: Apache-2.0
 *
 * codec - every message between roles, encoded, decoded and printed from one table per edge.
 *
 * The tables are made from the .def files. On the wire a message is one SEQPACKET packet: a type
 * byte, then its fields: integers little-endian, an addr as 16 bytes, text and bytes as a u32 length
 * and the bytes. Decoding accepts exactly what the .def says: a known type, from this side, allowed
 * in this state, every field within its bound, no byte left over. Text may hold any byte except NUL
 * and is handed out in place, as a view into the packet.
 */
#ifndef IPC_CODEC_H
#define IPC_CODEC_H

#include "base/buf.h"
#include "base/error.h"
#include "base/wire.h"

enum ipc_kind {
	IPC_U8,
	IPC_U16,
	IPC_U32,
	IPC_U64,
	IPC_I64,
	IPC_BOOL,
	IPC_ADDR,
	IPC_ENUM,
	IPC_TEXT,
	IPC_BYTES
};

struct ipc_field {
	const char *name;
	enum ipc_kind kind;
	size_t offset;
	uint64_t max;             /* largest integer, or most bytes of text */
	const char *const *names; /* of an enum's values */
};

struct ipc_message {
	const char *name;
	uint8_t from;       /* which side sends it: 0 or 1 */
	uint32_t in_states; /* bit per state */
	int8_t to_state;    /* -1: stays */
	uint8_t n_fds;      /* exactly so many descriptors ride along */
	size_t size;        /* of its struct */
	const struct ipc_field *fields;
	size_t n_fields;
};

struct ipc_edge {
	const char *name;
	const char *sides[2];
	const struct ipc_message *messages; /* type t is messages[t - 1] */
	size_t n_messages;
	const char *const *states;
	size_t n_states;
	size_t packet_max;
};

#define IPC_BODY_SIZE 512 /* no message struct is larger; checked by a test */
#define IPC_MAX_FDS   4

/* NULL when there is no such type. */
const struct ipc_message *ipc_find_message(const struct ipc_edge *edge, unsigned type);

/* Bytes that this message takes on the wire. */
size_t ipc_size(const struct ipc_edge *edge, unsigned type, const void *body);

/* Encodes body (the message's struct) into w. A text above its bound or with a NUL, an integer above
 * its bound: an ASSERT, since the sender is our own code. */
void ipc_encode(const struct ipc_edge *edge, unsigned type, const void *body, struct wire_writer *w);

/* Decodes one packet sent by side `from` in `state`. ERROR_MALFORMED or ERROR_UNEXPECTED (unknown or
 * untimely). ret_body must be aligned and IPC_BODY_SIZE large. */
enum error ipc_decode(const struct ipc_edge *edge, struct text packet, unsigned from, unsigned state,
		      unsigned *ret_type, void *ret_body);

/* "name field=value ..." for logs and tests; strangers' bytes escaped, long ones cut. */
void ipc_print(const struct ipc_edge *edge, unsigned type, const void *body, struct buf *out);

#endif
