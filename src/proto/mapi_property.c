/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads lists of MAPI properties. Called by tnef.c on a stranger's bytes. A list is a count and then, for
 * each property, type and id of 16 bits, a name if the id is 0x8000 or more, and the value: fixed types
 * padded to four bytes, the others with a count of values and a length for each. Every property takes at
 * least four bytes, and every value of several one: no count makes a loop that the bytes do not pay for.
 */
#include "proto/mapi_property.h"

#define FLAG_SEVERAL 0x1000u
#define FIRST_NAMED  0x8000u
#define GUID_BYTES   16

/* Bytes of a fixed type, padded; 0: the value says its length, or the type is unknown. */
static size_t fixed_size(unsigned type)
{
	switch (type) {
	case 0x0002: /* 16 bits */
	case MAPI_INTEGER:
	case 0x0004: /* float */
	case 0x000a: /* error */
	case 0x000b: /* boolean */
		return 4;
	case 0x0005: /* double */
	case 0x0006: /* currency */
	case 0x0007: /* time as a double */
	case 0x0014: /* 64 bits */
	case 0x0040: /* time */
		return 8;
	case 0x0048: /* GUID */
		return GUID_BYTES;
	default:
		return 0;
	}
}

static bool has_length(unsigned type)
{
	return type == MAPI_OBJECT || type == MAPI_STRING8 || type == MAPI_UNICODE || type == MAPI_BINARY;
}

/* Length, bytes, padding to four. What is cut short is given as far as it goes. */
static struct text take_counted(struct mapi_reader *r)
{
	uint64_t n = wire_get_int(&r->wire, 4);
	size_t left = wire_left(&r->wire), padding = -n & 3;

	if (n > left) {
		struct text rest = wire_get_bytes(&r->wire, left);
		r->wire.bad = true;
		return rest;
	}
	struct text value = wire_get_bytes(&r->wire, n);
	wire_get_bytes(&r->wire, padding < wire_left(&r->wire) ? padding : wire_left(&r->wire));
	return value;
}

static void skip_name(struct mapi_reader *r)
{
	wire_get_bytes(&r->wire, GUID_BYTES);
	if (wire_get_int(&r->wire, 4) == 0)
		wire_get_int(&r->wire, 4);
	else
		take_counted(r);
}

static void take_fixed(struct mapi_reader *r, size_t size, uint64_t n_values, struct mapi_property *property)
{
	struct text all;

	if (n_values > wire_left(&r->wire) / size)
		r->wire.bad = true;
	all = wire_get_bytes(&r->wire, n_values * size);
	property->value = text_slice(all, 0, size);
	if (property->type == MAPI_INTEGER) {
		struct wire_reader number = wire_reader_of(property->value);
		property->number = (uint32_t)wire_get_int(&number, 4);
	}
}

static struct text without_nuls(struct text t, size_t unit)
{
	while (t.n >= unit && t.p[t.n - 1] == 0 && t.p[t.n - unit] == 0)
		t.n -= unit;
	return t;
}

static void take_lengths(struct mapi_reader *r, struct mapi_property *property)
{
	uint64_t n_values = wire_get_int(&r->wire, 4);

	for (uint64_t i = 0; i < n_values && !r->wire.bad; i++) {
		struct text value = take_counted(r);
		if (i == 0)
			property->value = value;
	}
	if (property->type == MAPI_STRING8)
		property->value = without_nuls(property->value, 1);
	if (property->type == MAPI_UNICODE)
		property->value = without_nuls(property->value, 2);
}

struct mapi_reader mapi_reader_of(struct text attribute)
{
	struct mapi_reader r = { .wire = wire_reader_of(attribute) };

	r.n_left = wire_get_int(&r.wire, 4);
	r.is_cut = r.wire.bad;
	return r;
}

bool mapi_next(struct mapi_reader *r, struct mapi_property *ret_property)
{
	unsigned type;
	size_t size;

	*ret_property = (struct mapi_property){ 0 };
	if (r->n_left == 0 || r->is_cut || r->is_unknown)
		return false;
	r->n_left--;
	type = (unsigned)wire_get_int(&r->wire, 2);
	ret_property->type = type & ~FLAG_SEVERAL;
	ret_property->id = (unsigned)wire_get_int(&r->wire, 2);
	ret_property->is_named = ret_property->id >= FIRST_NAMED;
	if (ret_property->is_named)
		skip_name(r);
	size = fixed_size(ret_property->type);
	if (size)
		take_fixed(r, size, type & FLAG_SEVERAL ? wire_get_int(&r->wire, 4) : 1, ret_property);
	else if (has_length(ret_property->type))
		take_lengths(r, ret_property);
	else
		r->is_unknown = !r->wire.bad;
	r->is_cut = r->wire.bad;
	return !r->is_unknown && (!r->is_cut || ret_property->value.n);
}
