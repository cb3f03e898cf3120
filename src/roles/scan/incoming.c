/* SPDX-License-Identifier: Apache-2.0
 *
 * A message on its way into a room. Called by message_room.c and authentication_room.c. Trusts queue not to
 * cut a file that it has handed over: a mapped one that shrinks would be a SIGBUS. Invariant: `message` is
 * set only when it has all the bytes that were announced.
 */
#include "roles/scan/incoming.h"

#include <sys/mman.h>
#include <unistd.h>

void incoming_init(struct incoming *in, uint64_t size)
{
	*in = (struct incoming){ .size = size };
	buf_init(&in->bytes, size);
}

bool incoming_take_chunk(struct incoming *in, struct text data)
{
	return buf_add(&in->bytes, data);
}

bool incoming_take_file(struct incoming *in, int fd, uint64_t size)
{
	void *p;

	if (fd < 0 || size == 0 || size != in->size || lseek(fd, 0, SEEK_END) < (off_t)size)
		return false;
	p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return false;
	in->message = text_from_bytes(p, size);
	in->is_mapped = in->is_complete = true;
	return true;
}

bool incoming_end(struct incoming *in)
{
	in->message = buf_text(&in->bytes);
	in->is_complete = in->bytes.n == in->size;
	return in->is_complete;
}
