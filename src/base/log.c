/* SPDX-License-Identifier: Apache-2.0
 *
 * One write(2) a line, at most 1,000 bytes, so that lines of several processes never mix. A full
 * pipe drops the line: logging never blocks mail.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

__attribute__((format(printf, 2, 0))) static void write_line(const char *level, const char *format,
							     va_list ap)
{
	char line[1000];
	int head = snprintf(line, sizeof line, "%s ", level);
	int n = vsnprintf(line + head, sizeof line - (size_t)head - 1, format, ap);
	size_t end = (size_t)head + (n < 0 ? 0 : (size_t)n);

	if (end > sizeof line - 2)
		end = sizeof line - 2;
	for (size_t i = 0; i < end; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[end] = '\n';
	if (write(2, line, end + 1) < 0)
		return;
}

void log_debug(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_line("debug", format, ap);
	va_end(ap);
}

void log_info(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_line("info", format, ap);
	va_end(ap);
}

void log_warning(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_line("warning", format, ap);
	va_end(ap);
}

void log_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_line("error", format, ap);
	va_end(ap);
}

_Noreturn void log_fatal(int status, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_line("error", format, ap);
	va_end(ap);
	_exit(status);
}
