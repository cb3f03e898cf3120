/* SPDX-License-Identifier: Apache-2.0
 *
 * Key records. Held to: a key that is good verifies without harm, is within its limit, and no other is kept.
 */
#include "base/ensure.h"
#include "proto/dkim_key.h"

#define BITS_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char digest[32], signature[512];
	struct dkim_key key;
	enum dkim_reason reason = dkim_key_parse(text_from_bytes(data, size), BITS_MAX, &key);

	ASSERT(!key.public_key || key.bits <= BITS_MAX);
	if (reason == DKIM_REASON_NONE)
		ASSERT(!dkim_key_verify(
			&key, text_from_bytes(digest, sizeof digest),
			text_from_bytes(signature, key.type == DKIM_KEY_ED25519 ? 64 : (key.bits + 7) / 8)));
	else
		ASSERT(key.public_key == NULL);
	dkim_key_done(&key);
	return 0;
}
