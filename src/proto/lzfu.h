/* SPDX-License-Identifier: Apache-2.0
 *
 * lzfu - compressed RTF, as Outlook's winmail.dat holds it ([MS-OXRTFCP]).
 */
#ifndef PROTO_LZFU_H
#define PROTO_LZFU_H

#include "base/buf.h"

/* The size that the text says it has when it is decompressed; 0 when it is no compressed RTF. */
uint32_t lzfu_size(struct text in);
/* Adds the RTF to out, at most as much as it says it has. False when it is no compressed RTF, is cut
 * short, or out is full: what was there until then has been added. */
bool lzfu_decompress(struct text in, struct buf *out);

#endif
