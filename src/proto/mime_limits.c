/* SPDX-License-Identifier: Apache-2.0
 *
 * The default limits of the MIME reader and the words of its troubles. Called by the engines of the
 * judge and by tests. The defaults let through what real mail needs, several times over: a mail of
 * more than ten levels or a hundred parts is rare.
 */
#include "proto/mime_limits.h"

#include "base/ensure.h"

struct mime_limits mime_limits_default(void)
{
	return (struct mime_limits){
		.header_bytes = 256 << 10,
		.header_fields = 1000,
		.params = 64,
		.boundaries = 4,
		.depth = 30,
		.parts = 2000,
		.decoded = 64 << 20,
	};
}

const char *mime_trouble_word(enum mime_trouble trouble)
{
	static const char *const words[] = {
#define TROUBLE(name, word) word,
#include "proto/mime_troubles.def"
#undef TROUBLE
	};

	ASSERT(trouble < MIME_TROUBLE_COUNT);
	return words[trouble];
}
