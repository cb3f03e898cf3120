/* SPDX-License-Identifier: Apache-2.0
 *
 * The Maildir room: writes the messages of one domain into Maildirs, one per recipient, below the
 * directory that it was handed. Forked by the maildir zygote for one connection of queue. The local
 * parts of recipients are strangers' texts and become names of directories here: only after
 * make_name, and opened step by step without following links.
 *
 * Invariants: a message is complete and synced before its name appears in new/; the name is made of the
 * message's id and the recipient's index, so that a message that is delivered again after a crash is
 * found to be there already, in new/ or, with any flags behind its name, in cur/. What its reader has
 * deleted or moved to another folder meanwhile comes a second time. cur/ can be large, so it is searched
 * for messages that queue marks as possible repeats only, and no further than CUR_ENTRIES.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "roles/deliver/deliver.h"
#include "roles/deliver/room.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define NAME_SIZE   320
#define HEAD_MAX    1024
#define CUR_ENTRIES 200000 /* some 80 ms of CPU; rooms have 60 s for up to 100 messages or so */

struct maildir {
	struct delivery delivery;
	struct arena arena;
	struct deliver_room_begin begin;
	int root;
	char piece[DELIVERY_PIECE];
};

/* As a directory of ours: nothing that leads elsewhere or hides, in lower case, as policy compares. */
static bool make_name(struct text address, char out[NAME_SIZE])
{
	size_t at = text_find_last_byte(address, '@');
	struct text local = at == SIZE_MAX ? address : text_slice(address, 0, at);

	/* text_is_utf8 refuses control characters too. */
	if (local.n == 0 || local.n > 200 || local.p[0] == '.' || !text_is_utf8(local))
		return false;
	for (size_t i = 0; i < local.n; i++) {
		if (local.p[i] == '/' || local.p[i] == '"' || local.p[i] == '\\')
			return false;
		out[i] = text_lower_byte(local.p[i]);
	}
	out[local.n] = 0;
	return true;
}

static int open_directory(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return -1;
	if (fsync(parent) < 0)
		return -1;
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

struct box {
	int user, tmp, new, cur;
};

static void close_box(struct box *b)
{
	const int fds[] = { b->user, b->tmp, b->new, b->cur };

	for (size_t i = 0; i < 4; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static bool open_box(int root, const char *name, struct box *ret_box)
{
	*ret_box = (struct box){ open_directory(root, name), -1, -1, -1 };
	if (ret_box->user < 0)
		return false;
	ret_box->cur = open_directory(ret_box->user, "cur");
	ret_box->tmp = open_directory(ret_box->user, "tmp");
	ret_box->new = open_directory(ret_box->user, "new");
	return ret_box->cur >= 0 && ret_box->tmp >= 0 && ret_box->new >= 0;
}

static bool write_all(int fd, struct text t)
{
	while (t.n) {
		ssize_t n = write(fd, t.p, t.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		t = text_skip(t, (size_t)n);
	}
	return true;
}

/* Lines end with LF alone in a Maildir. A CR that stands alone stays. */
static bool write_lines(int fd, struct text t, bool *has_cr)
{
	struct buf out;
	bool is_written;

	buf_init(&out, t.n + 1);
	for (size_t i = 0; i < t.n; i++) {
		if (*has_cr && t.p[i] != '\n')
			buf_add_byte(&out, '\r');
		*has_cr = t.p[i] == '\r';
		if (!*has_cr)
			buf_add_byte(&out, t.p[i]);
	}
	is_written = write_all(fd, buf_text(&out));
	buf_done(&out);
	return is_written;
}

static bool write_message(struct maildir *m, const struct delivery_rcpt *r, int fd)
{
	struct delivery_reader reader = { 0, m->piece };
	bool has_cr = false, is_good;
	struct text piece;
	struct buf head;
	enum error e;

	buf_init(&head, HEAD_MAX);
	buf_printf(&head, "Return-Path: <%.*s>\nDelivered-To: %.*s\n", TEXT_ARGS(m->delivery.sender),
		   TEXT_ARGS(r->address));
	is_good = write_all(fd, buf_text(&head));
	buf_done(&head);
	while (is_good && (e = delivery_read(&m->delivery, &reader, &piece)) != ERROR_NOT_FOUND)
		is_good = !e && write_lines(fd, piece, &has_cr);
	return is_good && (!has_cr || write_all(fd, text_from_cstr("\r")));
}

/* A reader that has seen it moves it there, with ":2," and flags behind its name. */
static bool is_in_cur(int cur, struct text name)
{
	int fd = openat(cur, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;
	bool is_there = false;
	DIR *dir;

	if (fd < 0)
		return false;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return false;
	}
	for (size_t i = 0; i < CUR_ENTRIES && !is_there && (entry = readdir(dir)); i++) {
		struct text found = text_from_cstr(entry->d_name);
		is_there = text_has_prefix(found, name) && (found.n == name.n || found.p[name.n] == ':');
	}
	closedir(dir);
	return is_there;
}

/* Delivered before, by a room or a queue that died before the answer was on disk. */
static bool is_there(const struct maildir *m, const struct box *b, const char *name)
{
	int fd = openat(b->new, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return true;
	}
	return m->delivery.is_again && is_in_cur(b->cur, text_from_cstr(name));
}

/* 0, or the errno of what failed. */
static int store(struct maildir *m, const struct delivery_rcpt *r, const struct box *b)
{
	struct text host = text_slice(m->begin.ehlo_name, 0, 200);
	char name[NAME_SIZE];
	int fd, number = 0;

	snprintf(name, sizeof name, "%llu_R%u.%.*s", (unsigned long long)m->delivery.id, r->index,
		 TEXT_ARGS(host));
	if (is_there(m, b, name))
		return 0;
	unlinkat(b->tmp, name, 0);
	fd = openat(b->tmp, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	if (!write_message(m, r, fd) || fsync(fd) < 0)
		number = errno ? errno : EIO;
	close(fd);
	if (!number && renameat(b->tmp, name, b->new, name) < 0)
		number = errno;
	if (!number && fsync(b->new) < 0)
		number = errno;
	if (number)
		unlinkat(b->tmp, name, 0);
	return number;
}

static void deliver(struct maildir *m, struct delivery_rcpt *r)
{
	struct delivery *d = &m->delivery;
	char name[NAME_SIZE];
	struct box box;
	int number;

	if (!make_name(r->address, name)) {
		delivery_settle(d, r, QUEUE_DELIVERY_OUTCOME_FAILED, 0, text_from_cstr("5.1.3"),
				text_from_cstr("the local part cannot be the name of a Maildir"));
		return;
	}
	number = open_box(m->root, name, &box) ? store(m, r, &box) : errno;
	close_box(&box);
	if (number)
		delivery_settle(d, r, QUEUE_DELIVERY_OUTCOME_DEFERRED, 0,
				text_from_cstr(number == ENOSPC || number == EDQUOT ? "4.2.2" : "4.3.0"),
				text_from_cstr(error_text(error_of_errno(number))));
	else
		delivery_settle(d, r, QUEUE_DELIVERY_OUTCOME_DELIVERED, 0, text_from_cstr("2.0.0"),
				text_from_cstr("written to its Maildir"));
}

static int run(struct zygote *z)
{
	static struct maildir m;
	enum error e;

	(void)z;
	m.root = DELIVER_ROOM_DIR;
	arena_init(&m.arena, 4096);
	if (delivery_begin(DELIVER_ROOM_CONTROL, &m.arena, &m.begin))
		return EX_SOFTWARE;
	delivery_open(&m.delivery, DELIVER_ROOM_QUEUE);
	while (!(e = delivery_next(&m.delivery, NULL, NULL))) {
		for (uint32_t i = 0; i < m.delivery.n_rcpts; i++)
			deliver(&m, &m.delivery.rcpts[i]);
		e = delivery_report(&m.delivery, true);
		if (e)
			return EX_IOERR;
	}
	return e == ERROR_NOT_FOUND || e == ERROR_CLOSED ? EX_OK : EX_IOERR;
}

const struct zygote_definition maildir_zygote = {
	.kind = PROCESS_MAILDIR,
	.n_fds = 3,
	.room = run,
};
