/* SPDX-License-Identifier: Apache-2.0
 *
 * unit - what every unit test includes: cmocka with the headers it wants, and comparison of texts.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define UNIT_COUNT(array) (sizeof(array) / sizeof *(array))

/* Fails with both texts shown when they differ. */
static inline void unit_text_is(struct text got, const char *wanted)
{
	if (!text_is_cstr(got, wanted))
		fail_msg("got \"%.*s\", wanted \"%s\"", TEXT_ARGS(got), wanted);
}

#endif
