/* SPDX-License-Identifier: Apache-2.0
 *
 * spool_fixture - a directory of its own for each test, and messages made from a number, so that a
 * test can tell from what it reads whether it is what was written.
 */
#ifndef TEST_SPOOL_FIXTURE_H
#define TEST_SPOOL_FIXTURE_H

#include "base/ensure.h"
#include "store/spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture_message {
	struct spool_op op;
	struct spool_message m;
	struct spool_rcpt rcpts[8];
	struct buf body;
	char addresses[8][32], sender[32];
	unsigned seed;
	bool is_done;
	enum error result;
};

static inline void fixture_enter_in(const char *base, char dir[64])
{
	snprintf(dir, 64, "%s/postern-test-XXXXXX", base);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
}

static inline void fixture_enter(char dir[64])
{
	fixture_enter_in("/tmp", dir);
}

/* In memory if there is such a place: for tests that sync thousands of times and do not mean it. */
static inline void fixture_enter_fast(char dir[64])
{
	fixture_enter_in(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", dir);
}

static inline void fixture_remove_in(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
}

static inline void fixture_leave(const char *dir)
{
	assert_int_equal(chdir(dir), 0);
	fixture_remove_in("bodies");
	rmdir("bodies");
	fixture_remove_in(".");
	assert_int_equal(chdir("/"), 0);
	rmdir(dir);
}

static inline void fixture_done(struct spool_op *op, enum error e)
{
	struct fixture_message *f = op->owner;

	f->is_done = true;
	f->result = e;
}

/* Bytes that depend on seed and position. */
static inline void fixture_fill(struct buf *b, unsigned seed, size_t n)
{
	uint32_t x = seed * 2654435761u + 1;

	buf_init(b, n);
	for (size_t i = 0; i < n; i++) {
		x = x * 1664525u + 1013904223u;
		buf_add_byte(b, (char)(x >> 24));
	}
}

/* A message with 1 + seed % 4 recipients and a body of `size` bytes; goes to a file above the cut. */
static inline void fixture_make(struct spool *s, struct fixture_message *f, unsigned seed, size_t size)
{
	*f = (struct fixture_message){ .seed = seed };
	fixture_fill(&f->body, seed, size);
	snprintf(f->sender, sizeof f->sender, "sender-%u@example.org", seed);
	f->m = (struct spool_message){
		.id = spool_next_id(s),
		.arrival = 1700000000000 + seed,
		.session = seed | UINT64_C(1) << 63,
		.port = 25,
		.helo = text_from_cstr("client.example.org"),
		.sender = text_from_cstr(f->sender),
		.envid = text_from_cstr("env+2Bid"),
		.body_type = seed % SPOOL_BODY_COUNT,
		.ret = seed % SPOOL_RET_COUNT,
		.body_size = size,
		.has_file = size > SPOOL_INLINE_MAX,
		.n_rcpts = 1 + seed % 4,
		.state = SPOOL_ACTIVE,
		.flags = seed & SPOOL_SMTPUTF8,
		.head = text_from_cstr("Received: from here\r\n"),
		.origin = text_from_bytes("\1\0\2\0\0\0\3x", 8),
	};
	for (uint32_t i = 0; i < f->m.n_rcpts; i++) {
		snprintf(f->addresses[i], sizeof f->addresses[i], "rcpt-%u-%u@example.com", seed, i);
		f->rcpts[i] = (struct spool_rcpt){ .index = i,
						   .address = text_from_cstr(f->addresses[i]),
						   .route = text_from_cstr("example.com"),
						   .next_attempt = seed };
	}
	f->op = (struct spool_op){ .verb = SPOOL_INSERT,
				   .id = f->m.id,
				   .message = &f->m,
				   .rcpts = f->rcpts,
				   .n_rcpts = f->m.n_rcpts,
				   .body_fd = -1,
				   .done = fixture_done,
				   .owner = f };
	if (!f->m.has_file)
		f->op.body = buf_text(&f->body);
}

/* Writes the body file if there is one, and submits. */
static inline enum error fixture_submit(struct spool *s, struct fixture_message *f)
{
	enum error e = ERROR_NONE;

	if (f->m.has_file)
		e = spool_body_create(s, f->m.id, &f->op.body_fd);
	if (!e && f->m.has_file)
		e = spool_body_append(f->op.body_fd, buf_text(&f->body));
	if (!e)
		spool_submit(s, &f->op);
	return e;
}

static inline enum error fixture_insert(struct spool *s, struct fixture_message *f, unsigned seed,
					size_t size)
{
	enum error e;

	fixture_make(s, f, seed, size);
	e = fixture_submit(s, f);
	if (e)
		return e;
	spool_flush(s);
	assert_true(f->is_done);
	if (f->op.body_fd >= 0)
		close(f->op.body_fd);
	return f->result;
}

static inline void fixture_free(struct fixture_message *f)
{
	buf_done(&f->body);
}

static inline bool fixture_has_same_body(struct spool *s, const struct spool_message *m, struct text want)
{
	struct buf have;
	bool is_same = false;
	int fd;

	buf_init(&have, want.n + 1);
	if (!m->has_file) {
		is_same = spool_read_body(s, m->id, &have) == ERROR_NONE;
	} else if (spool_open_body(s, m->id, m->body_size, &fd) == ERROR_NONE) {
		char *p = buf_reserve(&have, want.n);
		is_same = pread(fd, p, want.n, 0) == (ssize_t)want.n;
		have.n = want.n;
		close(fd);
	}
	is_same = is_same && text_is_equal(buf_text(&have), want);
	buf_done(&have);
	return is_same;
}

/* Is it in the spool, byte for byte? */
static inline bool fixture_is_stored(struct spool *s, const struct fixture_message *f)
{
	struct spool_message m;
	struct spool_rcpt *rcpts = NULL;
	struct arena arena;
	bool is_same;

	arena_init(&arena, SPOOL_ARENA_SIZE(8));
	is_same = spool_read(s, f->m.id, &arena, &m, &rcpts) == ERROR_NONE && m.arrival == f->m.arrival &&
		  m.session == f->m.session && text_is_equal(m.sender, f->m.sender) &&
		  text_is_equal(m.envid, f->m.envid) && text_is_equal(m.head, f->m.head) &&
		  text_is_equal(m.origin, f->m.origin) && m.body_size == f->m.body_size &&
		  m.n_rcpts == f->m.n_rcpts && m.flags == f->m.flags && m.has_file == f->m.has_file &&
		  m.body_type == f->m.body_type && m.ret == f->m.ret;
	for (uint32_t i = 0; is_same && i < m.n_rcpts; i++)
		is_same = text_is_equal(rcpts[i].address, f->rcpts[i].address) &&
			  text_is_equal(rcpts[i].route, f->rcpts[i].route);
	is_same = is_same && fixture_has_same_body(s, &m, buf_text(&f->body));
	arena_reset(&arena);
	return is_same;
}

#endif
