/* SPDX-License-Identifier: Apache-2.0
 *
 * base64_avx2 - runs of base64 digits, 32 at a time, where the processor has AVX2. For base64.c, which
 * does the same by tables; nothing is decided here.
 */
#ifndef PROTO_BASE64_AVX2_H
#define PROTO_BASE64_AVX2_H

#include "base/text.h"

bool base64_avx2_is_there(void);
/* As many times 32 digits as stand at the start of in, to out, which has room for three quarters of in
 * and 8 bytes. The number of bytes written; ret_read: of those read. */
size_t base64_avx2_decode(struct text in, char *out, size_t *ret_read);
/* A number of bytes at the start of in that are all digits, CR or LF. */
size_t base64_avx2_span(struct text in);

#endif
