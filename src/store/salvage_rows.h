/* SPDX-License-Identifier: Apache-2.0
 *
 * salvage_rows - rows of the spool's tables in pages that may be damaged. For salvage only; b-tree
 * pages, cells and records as in sqlite.org/fileformat2.html, sections 1.6 and 2.1.
 *
 * A row is given only when its cell lies inside its page, its overflow chain is complete and ends
 * where it should, it has the columns of its table with their types, and every field is within the
 * bounds of spool.h.
 */
#ifndef STORE_SALVAGE_ROWS_H
#define STORE_SALVAGE_ROWS_H

#include "store/salvage_pages.h"
#include "store/spool.h"

/* Kinds of b-tree pages. */
enum {
	SALVAGE_INNER_INDEX = 2,
	SALVAGE_INNER_TABLE = 5,
	SALVAGE_LEAF_INDEX = 10,
	SALVAGE_LEAF_TABLE = 13,
};

enum salvage_kind { SALVAGE_NOTHING, SALVAGE_MESSAGE, SALVAGE_RCPT, SALVAGE_BODY };

/* A page that looks like part of a b-tree. */
struct salvage_tree {
	uint32_t number;
	uint8_t kind;
	unsigned n_cells;
	uint8_t page[SALVAGE_PAGE];
};

struct salvage_row {
	enum salvage_kind kind;
	uint64_t id;                  /* of the message */
	struct spool_message message; /* by kind; the texts are in the payload */
	struct spool_rcpt rcpt;
	struct text body;
};

#define SALVAGE_PAYLOAD_MAX (SPOOL_INLINE_MAX + 65536) /* bytes of one row */

/* False: it cannot be read, or is no b-tree page. */
bool salvage_tree_read(struct salvage_pages *pages, uint32_t number, struct salvage_tree *ret_tree);
/* Of an inner page: child 0..n_cells, the last being the right-most. 0: damaged. */
uint32_t salvage_tree_child(const struct salvage_tree *tree, unsigned index);
/* Cell 0..n_cells-1, its payload in `payload` (its maximum is SALVAGE_PAYLOAD_MAX). False: no row of
 * ours, or damaged. */
bool salvage_row_read(struct salvage_pages *pages, const struct salvage_tree *tree, unsigned cell,
		      struct buf *payload, struct salvage_row *ret_row);

#endif
