/* SPDX-License-Identifier: Apache-2.0
 *
 * The texts of errors.def, and errno's place among them.
 */
#include "base/error.h"

#include <errno.h>

static const char *const texts[] = {
#define ERROR(name, text) text,
#include "base/errors.def"
#undef ERROR
};

const char *error_text(enum error e)
{
	return (unsigned)e < ERROR_COUNT ? texts[e] : "unknown error";
}

enum error error_of_errno(int number)
{
	switch (number) {
	case 0:
		return ERROR_NONE;
	case ENOSPC:
	case EDQUOT:
		return ERROR_DISK_FULL;
	case EROFS:
		return ERROR_READ_ONLY;
	case ENOENT:
		return ERROR_NOT_FOUND;
	case EEXIST:
		return ERROR_EXISTS;
	case EACCES:
	case EPERM:
		return ERROR_DENIED;
	case EPIPE:
	case ECONNRESET:
		return ERROR_CLOSED;
	case ETIMEDOUT:
		return ERROR_TIMEOUT;
	default:
		return ERROR_IO;
	}
}
