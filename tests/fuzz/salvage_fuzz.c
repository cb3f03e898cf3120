/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a damaged database and its WAL. The first byte is the number of pages in the database; a
 * page is two lengths (two bytes each), that many bytes of its begin and of its end, between them zeros.
 * The rest are frames: page, size at a commit (four bytes each), a byte that says what is wrong with it,
 * and a page. Checked beside memory safety: what is found lies within the files, in order, and is read
 * again as the same; nothing is found beyond the pages that the files have.
 */
#include "place.h"

#include "base/wire.h"
#include "store/salvage_find.h"
#include "store/spool_format.h"

enum { PAGES_MAX = 32, FRAME_HEADER = 24, WAL_HEADER = 32, WRONG_SUM = 1, WRONG_SALT = 2, NO_HEADER = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct sum {
	uint32_t a, b;
};

static void write_file(const char *name, const struct buf *bytes)
{
	int fd = openat(fuzz_place(), name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ASSERT(fd >= 0 && (bytes->n == 0 || write(fd, bytes->p, bytes->n) == (ssize_t)bytes->n));
	close(fd);
}

/* At most n bytes of what is left of the input. */
static struct text take(struct wire_reader *r, size_t n)
{
	return wire_get_bytes(r, n < wire_left(r) ? n : wire_left(r));
}

static void put_page(struct wire_reader *r, struct buf *out)
{
	char page[SALVAGE_PAGE] = { 0 };
	size_t n_first = wire_left(r) >= 4 ? wire_get_int(r, 2) % (SALVAGE_PAGE + 1) : 0;
	size_t n_last = wire_left(r) >= 2 ? wire_get_int(r, 2) % (SALVAGE_PAGE + 1) : 0;
	struct text first = take(r, n_first), last = take(r, n_last);

	for (size_t i = 0; i < first.n; i++)
		page[i] = first.p[i];
	for (size_t i = 0; i < last.n; i++)
		page[SALVAGE_PAGE - last.n + i] = last.p[i];
	ASSERT(buf_add(out, text_from_bytes(page, sizeof page)));
}

static void put_be(struct buf *out, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		ASSERT(buf_add_byte(out, (char)(v >> shift)));
}

static void add_sum(struct sum *sum, struct text bytes)
{
	struct wire_reader r = wire_reader_of(bytes);

	while (wire_left(&r) >= 8) {
		sum->a += (uint32_t)wire_get_be(&r, 4) + sum->b;
		sum->b += (uint32_t)wire_get_be(&r, 4) + sum->a;
	}
}

static void put_frame(struct wire_reader *r, struct sum *sum, struct buf *out)
{
	uint32_t page = (uint32_t)wire_get_int(r, 4), size = (uint32_t)wire_get_int(r, 4);
	unsigned wrong = (unsigned)wire_get_int(r, 1);
	struct buf bytes;

	buf_init(&bytes, SALVAGE_PAGE);
	put_page(r, &bytes);
	put_be(out, page);
	put_be(out, size);
	add_sum(sum, text_skip(buf_text(out), out->n - 8));
	add_sum(sum, buf_text(&bytes));
	put_be(out, wrong & WRONG_SALT);
	put_be(out, 0);
	put_be(out, sum->a ^ (wrong & WRONG_SUM));
	put_be(out, sum->b);
	ASSERT(buf_add(out, buf_text(&bytes)));
	buf_done(&bytes);
}

static void put_wal(struct wire_reader *r, bool has_header, struct buf *out)
{
	struct sum sum = { 0 };
	unsigned n_frames = 0;

	put_be(out, 0x377f0683); /* sums over big-endian words */
	for (int i = 0; i < 5; i++)
		put_be(out, 0);
	add_sum(&sum, buf_text(out));
	put_be(out, sum.a ^ !has_header);
	put_be(out, sum.b);
	while (wire_left(r) >= 9 && n_frames++ < PAGES_MAX)
		put_frame(r, &sum, out);
}

/* Returns how many pages there are at most. */
static unsigned make_files(struct text in)
{
	struct wire_reader r = wire_reader_of(in);
	unsigned first = (unsigned)wire_get_int(&r, 1), n_pages = first % PAGES_MAX, n;
	struct buf db, wal;

	buf_init(&db, PAGES_MAX * SALVAGE_PAGE);
	buf_init(&wal, WAL_HEADER + PAGES_MAX * (FRAME_HEADER + SALVAGE_PAGE));
	for (unsigned i = 0; i < n_pages; i++)
		put_page(&r, &db);
	put_wal(&r, !(first & NO_HEADER), &wal);
	write_file(SPOOL_DB_NAME, &db);
	write_file(SPOOL_DB_NAME "-wal", &wal);
	n = n_pages + (unsigned)(wal.n / (FRAME_HEADER + SALVAGE_PAGE));
	buf_done(&db);
	buf_done(&wal);
	return n;
}

static void check_place(struct salvage_pages *pages, const struct salvage_place *place)
{
	static struct salvage_tree tree;
	struct salvage_row row;
	struct buf payload;

	buf_init(&payload, SALVAGE_PAYLOAD_MAX);
	ASSERT(place->page > 0 && place->page <= pages->n_pages);
	ASSERT(salvage_tree_read(pages, place->page, &tree) && place->cell < tree.n_cells);
	ASSERT(salvage_row_read(pages, &tree, place->cell, &payload, &row));
	ASSERT(row.id == place->id && row.kind == place->kind && row.kind != SALVAGE_NOTHING);
	ASSERT(row.kind != SALVAGE_RCPT || row.rcpt.index == place->index);
	ASSERT(row.kind != SALVAGE_BODY || row.body.n <= SPOOL_INLINE_MAX);
	buf_done(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct salvage_places places;
	struct salvage_pages pages;
	unsigned n_pages;

	if (n == 0)
		return 0;
	n_pages = make_files(text_from_bytes(data, n));
	ASSERT(salvage_pages_open(&pages, fuzz_place()) == ERROR_NONE);
	ASSERT(pages.n_pages <= n_pages && pages.n_bad_frames <= pages.n_frames);
	ASSERT(salvage_find(&pages, &places) == ERROR_NONE);
	for (size_t i = 0; i < places.n; i++) {
		check_place(&pages, &places.v[i]);
		ASSERT(i == 0 || places.v[i - 1].id <= places.v[i].id);
	}
	salvage_places_free(&places);
	salvage_pages_close(&pages);
	return 0;
}
