/* SPDX-License-Identifier: Apache-2.0
 *
 * Segments as files: their names, and their lines one after another. Called by reader and writer. Trusts
 * nothing in the directory: names that are not a segment's are not looked at, nothing but a regular file
 * is opened, and no line is longer than AUDIT_LINE_MAX.
 */
#include "store/audit_segment.h"

#include "base/ensure.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS 10

void audit_segment_name(uint64_t segment, char out[AUDIT_NAME_SIZE])
{
	ASSERT(segment > 0 && segment <= 9999999999);
	snprintf(out, AUDIT_NAME_SIZE, "%010llu.log", (unsigned long long)segment);
}

static bool parse_name(const char *name, uint64_t *ret_segment)
{
	struct text t = text_from_cstr(name);

	return t.n == AUDIT_NAME_SIZE - 1 && text_is_cstr(text_skip(t, DIGITS), ".log") &&
	       text_parse_u64(text_slice(t, 0, DIGITS), UINT64_MAX, ret_segment) && *ret_segment > 0;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

enum error audit_segment_list(int dir_fd, uint64_t **ret_segments, size_t *ret_n)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	uint64_t *segments = NULL, segment;
	size_t n = 0, cap = 0;

	if (!dir) {
		enum error e = error_of_errno(errno);
		if (fd >= 0)
			close(fd);
		return e;
	}
	while ((entry = readdir(dir))) {
		if (!parse_name(entry->d_name, &segment))
			continue;
		if (n == cap) {
			cap = cap ? cap * 2 : 64;
			segments = mem_realloc(segments, cap * sizeof *segments);
		}
		segments[n++] = segment;
	}
	closedir(dir);
	if (n)
		qsort(segments, n, sizeof *segments, compare_numbers);
	*ret_segments = segments;
	*ret_n = n;
	return ERROR_NONE;
}

enum error audit_lines_open(struct audit_lines *l, int dir_fd, uint64_t segment)
{
	char name[AUDIT_NAME_SIZE];
	struct stat st;

	l->offset = l->number = l->from = l->n = 0;
	l->is_end = false;
	l->error = ERROR_NONE;
	audit_segment_name(segment, name);
	l->fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (l->fd < 0)
		return errno == ELOOP ? ERROR_CORRUPT : error_of_errno(errno);
	if (fstat(l->fd, &st) == 0 && S_ISREG(st.st_mode))
		return ERROR_NONE;
	audit_lines_close(l);
	return ERROR_CORRUPT;
}

void audit_lines_close(struct audit_lines *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

/* Moves what is left to the front and reads behind it. */
static bool fill(struct audit_lines *l)
{
	ssize_t n;

	memmove(l->bytes, l->bytes + l->from, l->n);
	l->from = 0;
	do
		n = read(l->fd, l->bytes + l->n, sizeof l->bytes - l->n);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		l->error = error_of_errno(errno);
	if (n == 0)
		l->is_end = true;
	if (n > 0)
		l->n += (size_t)n;
	return !l->error;
}

static struct text take(struct audit_lines *l, size_t n)
{
	struct text t = { l->bytes + l->from, n };

	l->from += n;
	l->n -= n;
	l->offset += n;
	return t;
}

/* Drops the rest of a line that is too long; its beginning is still there for *ret_line. */
static enum audit_line skip_line(struct audit_lines *l, struct text *ret_line)
{
	static _Thread_local char first[AUDIT_LINE_MAX];

	memcpy(first, l->bytes + l->from, sizeof first);
	*ret_line = text_from_bytes(first, sizeof first);
	for (;;) {
		size_t at = text_find_byte(text_from_bytes(l->bytes + l->from, l->n), '\n');
		bool found = at < l->n;
		take(l, found ? at + 1 : l->n);
		if (found || l->is_end)
			return AUDIT_LINE_LONG;
		if (!fill(l))
			return AUDIT_LINE_ERROR;
	}
}

enum audit_line audit_lines_next(struct audit_lines *l, struct text *ret_line)
{
	*ret_line = (struct text){ NULL, 0 };
	for (;;) {
		struct text left = text_from_bytes(l->bytes + l->from, l->n);
		size_t at = text_find_byte(left, '\n');
		if (at < left.n && at < AUDIT_LINE_MAX) {
			l->number++;
			*ret_line = text_slice(take(l, at + 1), 0, at);
			return AUDIT_LINE_GOOD;
		}
		if (left.n >= AUDIT_LINE_MAX) {
			l->number++;
			return skip_line(l, ret_line);
		}
		if (l->is_end && left.n == 0)
			return AUDIT_LINE_END;
		if (l->is_end) {
			l->number++;
			*ret_line = take(l, left.n);
			return AUDIT_LINE_TAIL;
		}
		if (!fill(l))
			return AUDIT_LINE_ERROR;
	}
}
