/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of reasons, three times. Called by whoever prints or decides. The order of the table matters to
 * dkim_verify: of two keys that both fail, the reason that was found out later counts.
 */
#include "proto/dkim_reason.h"

const char *dkim_reason_word(enum dkim_reason reason)
{
	static const char *const list[DKIM_REASON_COUNT] = {
#define REASON(name, result, word, text) word,
#include "proto/dkim_reasons.def"
#undef REASON
	};

	return list[reason];
}

const char *dkim_reason_text(enum dkim_reason reason)
{
	static const char *const list[DKIM_REASON_COUNT] = {
#define REASON(name, result, word, text) text,
#include "proto/dkim_reasons.def"
#undef REASON
	};

	return list[reason];
}

enum auth_result dkim_reason_result(enum dkim_reason reason)
{
	static const enum auth_result list[DKIM_REASON_COUNT] = {
#define REASON(name, result, word, text) AUTH_##result,
#include "proto/dkim_reasons.def"
#undef REASON
	};

	return list[reason];
}
