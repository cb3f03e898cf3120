/* SPDX-License-Identifier: Apache-2.0
 *
 * log - one line for people, to descriptor 2.
 *
 * Libraries never log; roles log once, where the fact is known. Descriptor 2 of a role is a pipe to
 * posternd, which adds time and role name. The level is the first word of the line; control bytes
 * are escaped, so that a stranger's text cannot make a line of its own.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* As log_error, then ends the process with this sysexits.h status. */
_Noreturn void log_fatal(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
