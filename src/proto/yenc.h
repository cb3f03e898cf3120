/* SPDX-License-Identifier: Apache-2.0
 *
 * yenc - files in the text of a body by yEnc (version 1.3): "=ybegin ... name=file", encoded lines, "=yend".
 *
 *	=ybegin [part=1] [total=2] line=128 size=500000 name=file.bin
 *	[=ypart begin=1 end=100000]
 *	...
 *	=yend size=100000 [part=1] [pcrc32=aabbccdd] [crc32=aabbccdd]
 *
 * As with uuencode, programs show such files whatever the MIME headers say. There is no RFC.
 */
#ifndef PROTO_YENC_H
#define PROTO_YENC_H

#include "base/buf.h"

struct yenc_file {
	struct text name;      /* as written, may be anything */
	struct text lines;     /* the encoded lines, without those that begin with "=y" around them */
	uint64_t size;         /* of the whole file, as said; 0: not said */
	uint64_t part, total;  /* of several messages; 0: not said */
	uint64_t begin, end;   /* the bytes of the file in this part, from 1; 0: not said */
	uint64_t end_size;     /* of this part, as said at its end; 0: not said */
	bool has_crc, is_open; /* is_open: no end line was there */
	uint32_t crc;          /* of this part, as said */
};

enum yenc_defect {
	YENC_DEFECT_OPEN = 1 << 0, /* no end line */
	YENC_DEFECT_SIZE = 1 << 1, /* another size than said */
	YENC_DEFECT_CRC = 1 << 2,  /* another CRC-32 than said */
};

/* The next block at or behind *at, which is moved to its end. False when there is none. A block ends at
 * its end line, at the next begin line or with the text. */
bool yenc_find(struct text body, size_t *at, struct yenc_file *ret_file);
/* Adds the decoded bytes to out, at most as many as the lines have; false when out is full. Sets
 * defects. */
bool yenc_decode(const struct yenc_file *file, struct buf *out, unsigned *ret_defects);

#endif
