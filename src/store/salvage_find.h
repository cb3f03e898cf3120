/* SPDX-License-Identifier: Apache-2.0
 *
 * salvage_find - where the rows of a damaged spool are. For salvage only.
 *
 * First the tables are walked from their roots (fixed pages, see spool_format.h). A subtree whose top
 * is damaged is left out there; its pages are found afterwards, by going through all pages that were
 * not reached and that the pointer map does not call free. Where the pointer map itself is damaged, a
 * row may be one that was removed long ago: it is marked `is_doubtful`.
 */
#ifndef STORE_SALVAGE_FIND_H
#define STORE_SALVAGE_FIND_H

#include "store/salvage_rows.h"

struct salvage_place {
	uint64_t id;
	uint32_t index; /* of a recipient */
	uint32_t page;
	uint16_t cell;
	uint8_t kind; /* enum salvage_kind */
	bool is_doubtful;
};

struct salvage_places {
	struct salvage_place *v; /* by id, kind, index, the undoubtful first */
	size_t n, cap;
	uint64_t n_bad_pages; /* that should hold rows and cannot be read as such */
};

#define SALVAGE_PLACES_MAX ((size_t)1 << 27)

/* ERROR_TOO_MANY: more rows than SALVAGE_PLACES_MAX. */
enum error salvage_find(struct salvage_pages *pages, struct salvage_places *ret_places);
void salvage_places_free(struct salvage_places *places);

#endif
