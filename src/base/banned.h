/* SPDX-License-Identifier: Apache-2.0
 *
 * banned - calls that this project does not make. Given to every compilation by -include, so that a
 * use is a compile error. Each has a replacement: struct text, struct buf, text_parse_u64.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef sprintf /* glibc makes some of them macros when it fortifies */
#undef vsprintf
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef gets
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok strtok_r atoi atol atoll
#pragma GCC poison system popen tmpnam mktemp ctime asctime localtime scanf sscanf

#endif
