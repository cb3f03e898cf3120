/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages of a damaged database. Called by salvage_rows.c and salvage.c.
 *
 * Trusts nothing in the files: every offset is computed from a number that was compared with the size
 * of its file, and what cannot be read is a missing page. Invariant: frame_of points only to frames
 * that were checked and stand before or at the last commit.
 */
#include "store/salvage_pages.h"
#include "store/spool_format.h"

#include "base/ensure.h"
#include "base/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	WAL_HEADER = 32,
	FRAME_HEADER = 24,
	FRAME = FRAME_HEADER + SALVAGE_PAGE,
	MAP_ENTRIES = SALVAGE_PAGE / 5,
	PENDING_PAGE = 0x40000000 / SALVAGE_PAGE + 1, /* SQLite locks bytes there and stores nothing */
	FRAMES_MAX = 1 << 22,
	PAGES_MAX = 1 << 27,
};

#define WAL_MAGIC 0x377f0682u /* the lowest bit: sums over big-endian words */

static bool read_at(int fd, void *out, size_t n, uint64_t offset)
{
	uint8_t *p = out;

	while (n > 0) {
		ssize_t got = pread(fd, p, n, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		offset += (uint64_t)got;
		n -= (size_t)got;
	}
	return true;
}

static uint64_t size_of(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* ---- the WAL ---- */

struct sum {
	uint32_t a, b;
};

struct frame {
	uint32_t page, commit_size, salt[2];
	struct sum sum;
};

/* What is known while the frames are read. */
struct wal {
	bool is_big_endian, has_sum;
	uint32_t salt[2];
	struct sum sum;    /* of the frame before, when has_sum */
	uint32_t *page_of; /* by frame; 0: bad */
	uint32_t n, n_committed, commit_size;
};

static void add_sum(struct sum *sum, const uint8_t *p, size_t n, bool is_big_endian)
{
	struct wire_reader r = wire_reader_of(text_from_bytes(p, n));

	while (wire_left(&r) >= 8) {
		uint32_t x = (uint32_t)(is_big_endian ? wire_get_be(&r, 4) : wire_get_int(&r, 4));
		uint32_t y = (uint32_t)(is_big_endian ? wire_get_be(&r, 4) : wire_get_int(&r, 4));
		sum->a += x + sum->b;
		sum->b += y + sum->a;
	}
}

static struct sum get_sum(struct wire_reader *r)
{
	uint32_t a = (uint32_t)wire_get_be(r, 4);

	return (struct sum){ a, (uint32_t)wire_get_be(r, 4) };
}

static void read_wal_header(struct wal *wal, int fd)
{
	uint8_t bytes[WAL_HEADER] = { 0 };
	struct wire_reader r = wire_reader_of(text_from_bytes(bytes, sizeof bytes));
	struct sum sum = { 0 };
	uint32_t magic;

	if (!read_at(fd, bytes, sizeof bytes, 0))
		return;
	magic = (uint32_t)wire_get_be(&r, 4);
	wire_get_be(&r, 8); /* version, page size: the sum stands for them */
	wire_get_be(&r, 4);
	wal->salt[0] = (uint32_t)wire_get_be(&r, 4);
	wal->salt[1] = (uint32_t)wire_get_be(&r, 4);
	wal->sum = get_sum(&r);
	wal->is_big_endian = magic & 1;
	add_sum(&sum, bytes, 24, wal->is_big_endian);
	wal->has_sum = (magic & ~1u) == WAL_MAGIC && sum.a == wal->sum.a && sum.b == wal->sum.b;
}

static bool read_frame(int fd, uint32_t index, uint8_t bytes[FRAME], struct frame *ret_frame)
{
	struct wire_reader r;

	if (!read_at(fd, bytes, FRAME, WAL_HEADER + (uint64_t)index * FRAME))
		return false;
	r = wire_reader_of(text_from_bytes(bytes, FRAME_HEADER));
	ret_frame->page = (uint32_t)wire_get_be(&r, 4);
	ret_frame->commit_size = (uint32_t)wire_get_be(&r, 4);
	ret_frame->salt[0] = (uint32_t)wire_get_be(&r, 4);
	ret_frame->salt[1] = (uint32_t)wire_get_be(&r, 4);
	ret_frame->sum = get_sum(&r);
	return true;
}

/* The header of the WAL is damaged: the salts are those of its first frame. */
static void guess_salts(struct wal *wal, int fd)
{
	uint8_t bytes[FRAME];
	struct frame frame;

	if (wal->has_sum || !read_frame(fd, 0, bytes, &frame))
		return;
	memcpy(wal->salt, frame.salt, sizeof wal->salt);
}

static void take_frame(struct wal *wal, int fd, uint32_t index)
{
	uint8_t bytes[FRAME];
	struct frame f;
	struct sum sum = wal->sum;
	bool is_ours, is_right;

	wal->page_of[index] = 0;
	is_ours = read_frame(fd, index, bytes, &f) && f.salt[0] == wal->salt[0] &&
		  f.salt[1] == wal->salt[1] && f.page > 0 && f.page <= PAGES_MAX &&
		  f.commit_size <= PAGES_MAX;
	if (!is_ours) {
		wal->has_sum = false;
		return;
	}
	add_sum(&sum, bytes, 8, wal->is_big_endian);
	add_sum(&sum, bytes + FRAME_HEADER, SALVAGE_PAGE, wal->is_big_endian);
	/* Behind a damaged frame the sum cannot be counted; the salts must do. */
	is_right = !wal->has_sum || (sum.a == f.sum.a && sum.b == f.sum.b);
	wal->sum = f.sum;
	wal->has_sum = true;
	if (is_right)
		wal->page_of[index] = f.page;
	if (is_right && f.commit_size > 0) {
		wal->n_committed = index + 1;
		wal->commit_size = f.commit_size;
	}
}

static void read_wal(struct wal *wal, int fd)
{
	uint64_t size = size_of(fd);

	if (size <= WAL_HEADER)
		return;
	wal->n = (size - WAL_HEADER) / FRAME > FRAMES_MAX ? FRAMES_MAX
							  : (uint32_t)((size - WAL_HEADER) / FRAME);
	wal->page_of = mem_zalloc(wal->n + 1, sizeof *wal->page_of);
	read_wal_header(wal, fd);
	guess_salts(wal, fd);
	for (uint32_t i = 0; i < wal->n; i++)
		take_frame(wal, fd, i);
}

static void lay_over(struct salvage_pages *pages, const struct wal *wal)
{
	pages->n_frames = wal->n_committed;
	for (uint32_t i = 0; i < wal->n_committed; i++) {
		uint32_t page = wal->page_of[i];
		pages->n_bad_frames += page == 0;
		if (page > 0 && page <= pages->n_pages)
			pages->frame_of[page] = i + 1;
	}
}

/* ---- pages ---- */

enum error salvage_pages_open(struct salvage_pages *pages, int dir_fd)
{
	struct wal wal = { 0 };
	uint64_t n;

	*pages = (struct salvage_pages){ .wal_fd = -1 };
	pages->db_fd = openat(dir_fd, SPOOL_DB_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (pages->db_fd < 0)
		return error_of_errno(errno);
	pages->wal_fd = openat(dir_fd, SPOOL_DB_NAME "-wal", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	read_wal(&wal, pages->wal_fd);
	n = size_of(pages->db_fd) / SALVAGE_PAGE;
	if (wal.n_committed > 0) /* a page is in the database or in a frame */
		n = wal.commit_size < n + wal.n_committed ? wal.commit_size : n + wal.n_committed;
	pages->n_pages = n > PAGES_MAX ? PAGES_MAX : (uint32_t)n;
	pages->frame_of = mem_zalloc((size_t)pages->n_pages + 1, sizeof *pages->frame_of);
	lay_over(pages, &wal);
	free(wal.page_of);
	return ERROR_NONE;
}

void salvage_pages_close(struct salvage_pages *pages)
{
	if (pages->db_fd >= 0)
		close(pages->db_fd);
	if (pages->wal_fd >= 0)
		close(pages->wal_fd);
	free(pages->frame_of);
}

bool salvage_pages_read(struct salvage_pages *pages, uint32_t number, uint8_t out[SALVAGE_PAGE])
{
	uint32_t frame;

	if (number == 0 || number > pages->n_pages)
		return false;
	frame = pages->frame_of[number];
	if (frame > 0)
		return read_at(pages->wal_fd, out, SALVAGE_PAGE,
			       WAL_HEADER + (uint64_t)(frame - 1) * FRAME + FRAME_HEADER);
	return read_at(pages->db_fd, out, SALVAGE_PAGE, (uint64_t)(number - 1) * SALVAGE_PAGE);
}

/* No entry may contradict the format: a damaged map still has bytes that look like entries, and to
 * believe one of them costs a message. */
static bool is_sound(const struct salvage_pages *pages, uint32_t map)
{
	for (uint32_t i = 0; i < MAP_ENTRIES && map + 1 + i <= pages->n_pages; i++) {
		const uint8_t *entry = pages->map + 5 * (size_t)i;
		uint32_t parent = (uint32_t)entry[1] << 24 | (uint32_t)entry[2] << 16 |
				  (uint32_t)entry[3] << 8 | entry[4];
		if (map + 1 + i == PENDING_PAGE)
			continue;
		if (entry[0] < SALVAGE_USE_ROOT || entry[0] > SALVAGE_USE_TREE || parent > pages->n_pages ||
		    (entry[0] <= SALVAGE_USE_FREE) != (parent == 0))
			return false;
	}
	return true;
}

/* The first pointer map is page 2; each describes the MAP_ENTRIES pages behind it. */
enum salvage_use salvage_pages_use(struct salvage_pages *pages, uint32_t number)
{
	uint32_t map;
	uint8_t use;

	if (number < 3 || number == PENDING_PAGE)
		return number == 1 ? SALVAGE_USE_ROOT : SALVAGE_USE_NONE;
	map = (number - 2) / (MAP_ENTRIES + 1) * (MAP_ENTRIES + 1) + 2;
	map += map == PENDING_PAGE;
	if (number <= map)
		return SALVAGE_USE_NONE;
	if (pages->map_number != map) {
		if (!salvage_pages_read(pages, map, pages->map) || !is_sound(pages, map))
			memset(pages->map, SALVAGE_USE_UNKNOWN, sizeof pages->map);
		pages->map_number = map;
	}
	use = pages->map[5 * (number - map - 1)];
	return use <= SALVAGE_USE_TREE ? (enum salvage_use)use : SALVAGE_USE_UNKNOWN;
}
