/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of rfc8601 2.7. Called by whoever prints a result.
 */
#include "proto/auth_result.h"

const char *auth_result_word(enum auth_result result)
{
	static const char *const words[AUTH_RESULT_COUNT] = {
		"none", "pass", "fail", "softfail", "neutral", "policy", "temperror", "permerror",
	};

	return words[result];
}
