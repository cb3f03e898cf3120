/* SPDX-License-Identifier: Apache-2.0
 *
 * audit_fixture - a store of audit records in a directory of its own for each test, and its lines, to be
 * changed and written back.
 */
#ifndef TEST_AUDIT_FIXTURE_H
#define TEST_AUDIT_FIXTURE_H

#include "unit.h"

#include "store/audit_read.h"
#include "store/audit_segment.h"
#include "store/audit_write.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define START      1795492800000 /* ms */
#define BIG        ((uint64_t)1 << 30)
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

struct store {
	char path[64];
	int dir_fd;
	struct audit_writer *writer;
	struct audit_opened opened;
};

static inline void open_writer(struct store *s, uint64_t segment_size)
{
	assert_int_equal(audit_writer_open(s->dir_fd, segment_size, &s->writer, &s->opened), ERROR_NONE);
}

static inline void close_writer(struct store *s)
{
	audit_writer_close(s->writer);
	s->writer = NULL;
}

static inline int set_up(void **state)
{
	struct store *s = calloc(1, sizeof *s);

	snprintf(s->path, sizeof s->path, "/tmp/audit_test.XXXXXX");
	assert_non_null(mkdtemp(s->path));
	s->dir_fd = open(s->path, O_RDONLY | O_DIRECTORY);
	*state = s;
	return 0;
}

static inline int tear_down(void **state)
{
	struct store *s = *state;
	DIR *dir = opendir(s->path);
	struct dirent *entry;

	audit_writer_close(s->writer);
	while ((entry = readdir(dir)))
		unlinkat(s->dir_fd, entry->d_name, 0);
	closedir(dir);
	close(s->dir_fd);
	assert_int_equal(rmdir(s->path), 0);
	free(s);
	return 0;
}

static inline struct audit_record record_of(unsigned n)
{
	static const struct text subject = TEXT("subject"), detail = TEXT("detail=1 of many");

	return (struct audit_record){ .time = START + n * 10,
				      .role = text_from_cstr("queue"),
				      .kind = text_from_cstr(n % 3 ? "message_accepted" : "message_refused"),
				      .subject = subject,
				      .detail = detail };
}

static inline void write_records(struct store *s, unsigned n, unsigned per_flush)
{
	for (unsigned i = 1; i <= n; i++) {
		struct audit_record r = record_of(i);
		assert_int_equal(audit_writer_add(s->writer, &r), ERROR_NONE);
		if (i % per_flush == 0)
			assert_int_equal(audit_writer_flush(s->writer), ERROR_NONE);
	}
	assert_int_equal(audit_writer_flush(s->writer), ERROR_NONE);
}

/* A store of 20 records in one segment, closed. Gives its head. */
static inline struct audit_head make_store(struct store *s)
{
	struct audit_head head;

	open_writer(s, BIG);
	write_records(s, 20, 7);
	head = audit_writer_head(s->writer);
	close_writer(s);
	return head;
}

static struct audit_check last_check; /* of verify */

static inline enum audit_verdict verify(struct store *s, const struct audit_head *kept)
{
	enum audit_verdict verdict;

	assert_int_equal(audit_verify(s->dir_fd, kept, &verdict, &last_check), ERROR_NONE);
	return verdict;
}

/* The lines of a segment, to be changed and written back. */
struct lines {
	char *line[200];
	size_t n[200];
	size_t count;
};

__attribute__((noinline, unused)) static void read_lines(struct store *s, unsigned segment, struct lines *l)
{
	static char bytes[1 << 20];
	char name[AUDIT_NAME_SIZE];
	int fd;
	ssize_t n;

	audit_segment_name(segment, name);
	fd = openat(s->dir_fd, name, O_RDONLY);
	n = read(fd, bytes, sizeof bytes);
	assert_true(n > 0);
	close(fd);
	*l = (struct lines){ 0 };
	for (ssize_t at = 0; at < n;) {
		char *end = memchr(bytes + at, '\n', (size_t)(n - at));
		size_t size = end ? (size_t)(end - (bytes + at)) + 1 : (size_t)(n - at);
		l->line[l->count] = bytes + at;
		l->n[l->count++] = size;
		at += (ssize_t)size;
	}
}

static inline void write_lines(struct store *s, unsigned segment, const struct lines *l)
{
	char name[AUDIT_NAME_SIZE];
	int fd;

	audit_segment_name(segment, name);
	fd = openat(s->dir_fd, name, O_WRONLY | O_TRUNC);
	for (size_t i = 0; i < l->count; i++)
		assert_int_equal(write(fd, l->line[i], l->n[i]), l->n[i]);
	close(fd);
}

static inline void drop_line(struct lines *l, size_t at)
{
	for (size_t i = at; i + 1 < l->count; i++) {
		l->line[i] = l->line[i + 1];
		l->n[i] = l->n[i + 1];
	}
	l->count--;
}

static inline void insert_line(struct lines *l, size_t at, char *line, size_t n)
{
	for (size_t i = l->count; i > at; i--) {
		l->line[i] = l->line[i - 1];
		l->n[i] = l->n[i - 1];
	}
	l->count++;
	l->line[at] = line;
	l->n[at] = n;
}

static inline void assert_one_fault(enum audit_verdict what, uint64_t from, uint64_t to)
{
	assert_int_equal(last_check.n_faults, 1);
	assert_int_equal(last_check.faults[0].what, what);
	assert_int_equal(last_check.faults[0].from, from);
	assert_int_equal(last_check.faults[0].to, to);
}

#endif
