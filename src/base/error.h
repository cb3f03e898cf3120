/* SPDX-License-Identifier: Apache-2.0
 *
 * error - errors as values. A function that can fail returns enum error; 0 is success.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum error {
#define ERROR(name, text) ERROR_##name,
#include "base/errors.def"
#undef ERROR
	ERROR_COUNT
};

const char *error_text(enum error e);
/* The nearest error value of an errno. */
enum error error_of_errno(int number);

#endif
