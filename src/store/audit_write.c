/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer of the audit record. Called by the role audit and by import; one per store. Trusts the
 * directory only as far as its last segment verifies.
 *
 * Invariants: `safe`, `size` and `segment` describe what is on disk and synced; `head` and `pending` run
 * ahead of them and fall back to them when a write fails, so that the chain on disk never has a gap.
 * Room for the next megabyte is reserved before it is written, so that a full disk shows as a failed
 * reservation or write, never as a failed sync, which ends the process.
 */
#include "store/audit_write.h"

#include "base/ensure.h"
#include "base/log.h"
#include "store/audit_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define PENDING_MAX ((size_t)8 << 20)
#define RESERVE     ((uint64_t)1 << 20)

struct audit_writer {
	int dir_fd, fd;
	uint64_t segment_size;
	struct audit_hasher *hasher;
	struct buf line, pending;
	struct audit_head head, safe; /* the last record added, and on disk */
	uint64_t segment, size, reserved;
	bool is_empty; /* the segment has no record yet */
};

static void sync_or_die(int fd, const char *what)
{
	if (fsync(fd) < 0)
		log_fatal(EX_IOERR, "cannot sync the audit record (%s): %s", what,
			  error_text(error_of_errno(errno)));
}

static enum error write_all(int fd, struct text bytes, uint64_t offset)
{
	while (bytes.n) {
		ssize_t n = pwrite(fd, bytes.p, bytes.n, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? error_of_errno(errno) : ERROR_IO;
		bytes = text_skip(bytes, (size_t)n);
		offset += (uint64_t)n;
	}
	return ERROR_NONE;
}

/* Room on the disk for n more bytes. A file system that cannot reserve is written to all the same. */
static enum error reserve(struct audit_writer *w, uint64_t n)
{
	uint64_t more = n > RESERVE ? n : RESERVE;

	if (w->size + n <= w->reserved)
		return ERROR_NONE;
	if (fallocate(w->fd, FALLOC_FL_KEEP_SIZE, (off_t)w->size, (off_t)more) == 0) {
		w->reserved = w->size + more;
		return ERROR_NONE;
	}
	return errno == ENOSPC || errno == EDQUOT ? ERROR_DISK_FULL : ERROR_NONE;
}

/* A new last segment, complete and synced before anything of the old one is let go (A4). */
static enum error begin_segment(struct audit_writer *w, uint64_t segment)
{
	struct audit_header header = { segment, w->safe.seq + 1, w->safe.hash };
	char name[AUDIT_NAME_SIZE];
	struct buf text;
	enum error e;
	int fd;

	audit_segment_name(segment, name);
	fd = openat(w->dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_of_errno(errno);
	buf_init(&text, AUDIT_LINE_MAX);
	audit_header_print(&header, &text);
	e = write_all(fd, buf_text(&text), 0);
	if (e) {
		close(fd);
		unlinkat(w->dir_fd, name, 0);
		buf_done(&text);
		return e;
	}
	sync_or_die(fd, name);
	sync_or_die(w->dir_fd, "directory");
	if (w->fd >= 0) {
		/* Gives back what was reserved and not used. */
		if (ftruncate(w->fd, (off_t)w->size) < 0)
			log_warning("audit segment keeps its reserve");
		close(w->fd);
	}
	w->fd = fd;
	w->segment = segment;
	w->size = w->reserved = text.n;
	w->is_empty = true;
	buf_done(&text);
	return ERROR_NONE;
}

static struct audit_writer *writer_new(int dir_fd, uint64_t segment_size, const struct audit_head *safe)
{
	struct audit_writer *w = mem_zalloc(1, sizeof *w);

	w->dir_fd = dir_fd;
	w->fd = -1;
	w->segment_size = segment_size;
	w->hasher = audit_hasher_new();
	buf_init(&w->line, AUDIT_LINE_MAX);
	buf_init(&w->pending, PENDING_MAX);
	w->head = w->safe = *safe;
	return w;
}

enum error audit_writer_begin(int dir_fd, uint64_t segment_size, const struct audit_head *before,
			      struct audit_writer **ret_writer)
{
	struct audit_writer *w = writer_new(dir_fd, segment_size, before);
	enum error e = begin_segment(w, 1);

	if (e)
		audit_writer_close(w);
	else
		*ret_writer = w;
	return e;
}

/* What reading the last segment told. */
struct last_segment {
	struct audit_head head; /* also of a segment without a record: from its header */
	uint64_t good_end;
	bool is_tampered, is_empty;
	uint64_t torn_bytes;
};

/* Cuts a torn end off and goes on behind it. */
static enum error continue_segment(struct audit_writer *w, uint64_t segment, const struct last_segment *last)
{
	char name[AUDIT_NAME_SIZE];

	audit_segment_name(segment, name);
	w->fd = openat(w->dir_fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (w->fd < 0 || ftruncate(w->fd, (off_t)last->good_end) < 0)
		return error_of_errno(errno);
	sync_or_die(w->fd, name);
	w->segment = segment;
	w->size = w->reserved = last->good_end;
	w->is_empty = last->is_empty;
	return ERROR_NONE;
}

static enum error read_last(int dir_fd, uint64_t segment, struct last_segment *ret_last)
{
	struct audit_check *check = mem_alloc(sizeof *check);
	struct audit_scan scan;
	enum error e;

	audit_scan_begin(&scan, check, NULL);
	e = audit_scan_segment(&scan, dir_fd, segment, true);
	*ret_last = (struct last_segment){ .good_end = scan.good_end,
					   .is_tampered = check->n_faults > 0,
					   .is_empty = check->n_records == 0,
					   .torn_bytes = check->torn_bytes };
	ret_last->head = check->n_records ? check->head : scan.oldest;
	audit_scan_end(&scan);
	free(check);
	return e;
}

/* The store's last segment may be one whose header a crash tore: nothing is in it, the one before it
 * is complete (A4). */
static enum error drop_headless(int dir_fd, uint64_t *segments, size_t *n, struct last_segment *last)
{
	char name[AUDIT_NAME_SIZE];
	enum error e = read_last(dir_fd, segments[*n - 1], last);

	if (e || last->good_end > 0 || last->is_tampered)
		return e;
	audit_segment_name(segments[*n - 1], name);
	if (unlinkat(dir_fd, name, 0) < 0)
		return error_of_errno(errno);
	sync_or_die(dir_fd, "directory");
	(*n)--;
	return *n ? read_last(dir_fd, segments[*n - 1], last) : ERROR_NONE;
}

enum error audit_writer_open(int dir_fd, uint64_t segment_size, struct audit_writer **ret_writer,
			     struct audit_opened *ret_opened)
{
	struct last_segment last = { 0 };
	struct audit_writer *w;
	uint64_t *segments = NULL;
	size_t n = 0;
	enum error e = audit_segment_list(dir_fd, &segments, &n);

	*ret_opened = (struct audit_opened){ .is_new = n == 0 };
	if (!e && n)
		e = drop_headless(dir_fd, segments, &n, &last);
	if (e) {
		free(segments);
		return e;
	}
	ret_opened->is_tampered = last.is_tampered;
	ret_opened->torn_bytes = last.torn_bytes;
	w = writer_new(dir_fd, segment_size, &last.head);
	if (n == 0)
		e = begin_segment(w, 1);
	else if (last.is_tampered)
		e = begin_segment(w, segments[n - 1] + 1);
	else
		e = continue_segment(w, segments[n - 1], &last);
	free(segments);
	if (e)
		audit_writer_close(w);
	else
		*ret_writer = w;
	return e;
}

void audit_writer_close(struct audit_writer *w)
{
	if (!w)
		return;
	if (w->fd >= 0) {
		if (ftruncate(w->fd, (off_t)w->size) < 0)
			log_warning("audit segment keeps its reserve");
		close(w->fd);
	}
	audit_hasher_free(w->hasher);
	buf_done(&w->line);
	buf_done(&w->pending);
	free(w);
}

enum error audit_writer_add(struct audit_writer *w, const struct audit_record *record)
{
	struct audit_record numbered = *record;
	struct audit_hash hash;

	numbered.seq = w->head.seq + 1;
	buf_reset(&w->line);
	if (!audit_record_print(&numbered, &w->line))
		return ERROR_MALFORMED;
	if (w->line.n + (size_t)2 * AUDIT_HASH_SIZE + 2 > w->pending.max - w->pending.n)
		return ERROR_TOO_MANY;
	audit_hasher_step(w->hasher, &w->head.hash, buf_text(&w->line), &hash);
	buf_add(&w->pending, buf_text(&w->line));
	buf_add_byte(&w->pending, '\t');
	buf_add_hex(&w->pending, text_from_bytes(hash.b, AUDIT_HASH_SIZE));
	buf_add_byte(&w->pending, '\n');
	ASSERT(!w->pending.overflow);
	w->head = (struct audit_head){ numbered.seq, hash };
	return ERROR_NONE;
}

size_t audit_writer_pending(const struct audit_writer *w)
{
	return w->pending.n;
}

/* The chain stands where it stood; what a failed write left is not part of it. */
static enum error fall_back(struct audit_writer *w, enum error e)
{
	buf_reset(&w->pending);
	w->head = w->safe;
	if (ftruncate(w->fd, (off_t)w->size) < 0)
		log_error("cannot take back a half written audit record");
	w->reserved = w->size;
	return e;
}

enum error audit_writer_flush(struct audit_writer *w)
{
	enum error e = ERROR_NONE;

	if (w->pending.n == 0)
		return ERROR_NONE;
	if (!w->is_empty && w->size + w->pending.n > w->segment_size)
		e = begin_segment(w, w->segment + 1);
	if (!e)
		e = reserve(w, w->pending.n);
	if (!e)
		e = write_all(w->fd, buf_text(&w->pending), w->size);
	if (e)
		return fall_back(w, e);
	if (fdatasync(w->fd) < 0)
		log_fatal(EX_IOERR, "cannot sync the audit record: %s", error_text(error_of_errno(errno)));
	w->size += w->pending.n;
	w->safe = w->head;
	w->is_empty = false;
	buf_reset(&w->pending);
	return ERROR_NONE;
}

struct audit_head audit_writer_head(const struct audit_writer *w)
{
	return w->safe;
}

uint64_t audit_writer_segment(const struct audit_writer *w)
{
	return w->segment;
}

void audit_writer_set_segment_size(struct audit_writer *w, uint64_t segment_size)
{
	w->segment_size = segment_size;
}

/* What ends a segment that is followed by another: the other's header, and the time of its first record. */
static bool read_successor(int dir_fd, uint64_t segment, struct audit_header *ret_header, int64_t *ret_time)
{
	struct audit_lines *l = mem_alloc(sizeof *l);
	struct audit_record record;
	struct audit_hash hash;
	struct text line, text;
	struct arena arena;
	bool ok = false;

	arena_init(&arena, AUDIT_RECORD_ARENA * 2);
	if (!audit_lines_open(l, dir_fd, segment)) {
		ok = audit_lines_next(l, &line) == AUDIT_LINE_GOOD && audit_header_parse(line, ret_header) &&
		     audit_lines_next(l, &line) == AUDIT_LINE_GOOD &&
		     !audit_record_parse(line, &arena, &record, &text, &hash);
		audit_lines_close(l);
	}
	if (ok)
		*ret_time = record.time;
	arena_reset(&arena);
	free(l);
	return ok;
}

static enum error record_deletion(struct audit_writer *w, int64_t now, uint64_t segment,
				  const struct audit_header *next)
{
	struct audit_record record = { .time = now,
				       .role = text_from_cstr("audit"),
				       .kind = text_from_cstr("segment_deleted") };
	struct buf detail;
	enum error e;

	buf_init(&detail, AUDIT_DETAIL_MAX);
	buf_printf(&detail, "segment=%llu last=%llu head=", (unsigned long long)segment,
		   (unsigned long long)next->first - 1);
	buf_add_hex(&detail, text_from_bytes(next->previous.b, AUDIT_HASH_SIZE));
	record.detail = buf_text(&detail);
	e = audit_writer_add(w, &record);
	if (!e)
		e = audit_writer_flush(w);
	buf_done(&detail);
	return e;
}

enum error audit_writer_expire(struct audit_writer *w, int64_t now, int64_t before, unsigned *ret_n_deleted)
{
	struct audit_header next;
	uint64_t *segments = NULL;
	size_t n = 0;
	int64_t end;
	enum error e = audit_segment_list(w->dir_fd, &segments, &n);

	*ret_n_deleted = 0;
	for (size_t i = 0; !e && i + 1 < n && segments[i] < w->segment; i++) {
		char name[AUDIT_NAME_SIZE];
		if (!read_successor(w->dir_fd, segments[i + 1], &next, &end) || end >= before)
			break;
		e = record_deletion(w, now, segments[i], &next);
		audit_segment_name(segments[i], name);
		if (!e && unlinkat(w->dir_fd, name, 0) < 0)
			e = error_of_errno(errno);
		*ret_n_deleted += !e;
	}
	free(segments);
	return e;
}
