/* SPDX-License-Identifier: Apache-2.0
 *
 * mapi_property - the list of MAPI properties within an attribute of TNEF. [MS-OXTNEF] 2.1.3.5
 *
 *	struct mapi_reader r = mapi_reader_of(attribute);
 *	while (mapi_next(&r, &property))
 *		...
 *	if (r.is_cut) ...
 */
#ifndef PROTO_MAPI_PROPERTY_H
#define PROTO_MAPI_PROPERTY_H

#include "base/wire.h"

/* The types whose values are bytes. [MS-OXCDATA] 2.11.1 */
enum mapi_type {
	MAPI_INTEGER = 0x0003,
	MAPI_OBJECT = 0x000d,
	MAPI_STRING8 = 0x001e,
	MAPI_UNICODE = 0x001f,
	MAPI_BINARY = 0x0102,
};

struct mapi_property {
	unsigned id, type; /* type without the bit for several values */
	bool is_named;     /* its id is only of this list */
	struct text value; /* the first; strings without the NULs at their end */
	uint32_t number;   /* of MAPI_INTEGER */
};

struct mapi_reader {
	struct wire_reader wire;
	uint64_t n_left;
	bool is_cut, is_unknown; /* ends within a property; one of a type that is not known */
};

struct mapi_reader mapi_reader_of(struct text attribute);
/* False at the end, or where it can be read no further. */
bool mapi_next(struct mapi_reader *r, struct mapi_property *ret_property);

#endif
