/* SPDX-License-Identifier: Apache-2.0
 *
 * salvage_pages - the pages of a damaged SQLite database with its WAL laid over them, read without
 * SQLite. For salvage only; the format is that of sqlite.org/fileformat2.html, sections 1.3, 1.8, 4.
 *
 * A frame of the WAL counts when its salts are those of the WAL, its checksum continues that of the
 * frame before it as that one states it (so a damaged frame costs one page, not all that follow), and
 * a commit stands at or behind it. Nothing is written; numbers from the files are believed only
 * within the size of the files.
 */
#ifndef STORE_SALVAGE_PAGES_H
#define STORE_SALVAGE_PAGES_H

#include "base/error.h"
#include "base/text.h"

#define SALVAGE_PAGE 4096

/* What the pointer map says about a page. */
enum salvage_use {
	SALVAGE_USE_UNKNOWN, /* it says nothing that can be: damaged */
	SALVAGE_USE_ROOT,
	SALVAGE_USE_FREE,
	SALVAGE_USE_OVERFLOW_FIRST,
	SALVAGE_USE_OVERFLOW,
	SALVAGE_USE_TREE,
	SALVAGE_USE_NONE, /* a pointer map itself, or a page that SQLite never uses */
};

struct salvage_pages {
	int db_fd, wal_fd;  /* wal_fd -1: there is none */
	uint32_t n_pages;   /* numbered from 1 */
	uint32_t *frame_of; /* by page: 1 + index of its last frame, 0: in the database */
	uint32_t n_frames, n_bad_frames;
	uint32_t map_number; /* which pointer map `map` holds, 0: none */
	uint8_t map[SALVAGE_PAGE];
};

/* ERROR_NOT_FOUND: no spool.db in the directory. */
enum error salvage_pages_open(struct salvage_pages *pages, int dir_fd);
void salvage_pages_close(struct salvage_pages *pages);

/* False: no such page, or the disk cannot read it. */
bool salvage_pages_read(struct salvage_pages *pages, uint32_t number, uint8_t out[SALVAGE_PAGE]);
enum salvage_use salvage_pages_use(struct salvage_pages *pages, uint32_t number);

#endif
