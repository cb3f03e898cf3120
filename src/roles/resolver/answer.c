/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the DNS messages that libunbound hands out. Called by main.c. The library has checked and
 * composed them anew, but what is in them was said by strangers, so every length is checked again.
 *
 * Invariants: nothing is read outside of the message; a name takes at most 255 bytes and each of its
 * pointers leads to a smaller offset than the one before; the work is bounded by the message's size
 * times ANSWER_MAX_ALIASES.
 */
#include "roles/resolver/answer.h"

#include "base/wire.h"

#include <stdio.h>

enum {
	HEADER_SIZE = 12,
	TYPE_CNAME = 5,
	CLASS_IN = 1,
	RCODE_NXDOMAIN = 3,
	NAME_MAX_WIRE = 255, /* rfc1035 2.3.4 */
	LABEL_MAX = 63,
};

/* In wire form, lower case, without pointers. */
struct name {
	uint8_t b[NAME_MAX_WIRE];
	size_t n;
};

struct record {
	struct name owner;
	uint16_t type, class;
	uint32_t ttl;
	size_t rdata, rdata_n; /* offset in the message */
};

uint16_t answer_type_number(enum client_resolver_type type)
{
	static const uint16_t numbers[] = {
		[CLIENT_RESOLVER_TYPE_A] = DNS_A,     [CLIENT_RESOLVER_TYPE_AAAA] = DNS_AAAA,
		[CLIENT_RESOLVER_TYPE_MX] = DNS_MX,   [CLIENT_RESOLVER_TYPE_PTR] = DNS_PTR,
		[CLIENT_RESOLVER_TYPE_TXT] = DNS_TXT,
	};

	return numbers[type];
}

/* ---- names ---- */

static uint8_t byte_at(struct text message, size_t at)
{
	return (uint8_t)message.p[at];
}

static bool add_label(struct name *name, struct text label)
{
	if (name->n + 1 + label.n > NAME_MAX_WIRE)
		return false;
	name->b[name->n++] = (uint8_t)label.n;
	for (size_t i = 0; i < label.n; i++)
		name->b[name->n++] = (uint8_t)text_lower_byte(label.p[i]);
	return true;
}

/* The name at `at`. *ret_end: behind it in the message. */
static bool read_name(struct text message, size_t at, struct name *ret_name, size_t *ret_end)
{
	size_t limit = at; /* the next pointer must lead before it */
	bool jumped = false;

	ret_name->n = 0;
	while (at < message.n) {
		uint8_t length = byte_at(message, at);
		if (!jumped)
			*ret_end = at + (length > LABEL_MAX ? 2 : 1);
		if (length == 0)
			return add_label(ret_name, (struct text){ NULL, 0 });
		if (length <= LABEL_MAX) {
			if (at + 1 + length > message.n ||
			    !add_label(ret_name, text_slice(message, at + 1, at + 1 + length)))
				return false;
			at += 1u + length;
			continue;
		}
		if ((length & 0xc0) != 0xc0 || at + 2 > message.n)
			return false;
		at = (size_t)(length & 0x3f) << 8 | byte_at(message, at + 1);
		if (at >= limit)
			return false;
		limit = at;
		jumped = true;
	}
	return false;
}

static bool is_equal_name(const struct name *a, const struct name *b)
{
	return a->n == b->n && memcmp(a->b, b->b, a->n) == 0;
}

static bool is_plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* For presentation, NUL-terminated; false when it is longer than ANSWER_MAX_NAME. */
static bool print_name(const struct name *name, char out[ANSWER_MAX_NAME + 1], size_t *ret_n)
{
	size_t n = 0;

	for (size_t at = 0; name->b[at]; at += 1u + name->b[at]) {
		for (size_t i = at + 1; i <= at + name->b[at]; i++) {
			size_t left = ANSWER_MAX_NAME + 1 - n;
			uint8_t c = name->b[i];
			int size = is_plain(c) ? snprintf(out + n, left, "%c", c)
				   : c == '.'  ? snprintf(out + n, left, "\\.")
					       : snprintf(out + n, left, "\\%03u", c);
			n += (size_t)size;
			if (n > ANSWER_MAX_NAME)
				return false;
		}
		if (n == ANSWER_MAX_NAME)
			return false;
		out[n++] = '.';
	}
	if (n == 0)
		out[n++] = '.';
	else if (n > 1)
		n--; /* the last dot */
	*ret_n = n;
	return true;
}

/* ---- records ---- */

/* The record at *at, which moves behind it. */
static bool read_record(struct text message, size_t *at, struct record *ret_record)
{
	struct wire_reader r;
	size_t end;

	if (!read_name(message, *at, &ret_record->owner, &end))
		return false;
	r = wire_reader_of(text_skip(message, end));
	ret_record->type = (uint16_t)wire_get_be(&r, 2);
	ret_record->class = (uint16_t)wire_get_be(&r, 2);
	ret_record->ttl = (uint32_t)wire_get_be(&r, 4);
	ret_record->rdata_n = (size_t)wire_get_be(&r, 2);
	ret_record->rdata = end + 10;
	wire_get_bytes(&r, ret_record->rdata_n);
	*at = ret_record->rdata + ret_record->rdata_n;
	return !r.bad;
}

/* A name that fills the record's data from `skip` on. */
static bool read_rdata_name(struct text message, const struct record *record, size_t skip,
			    struct name *ret_name)
{
	size_t end;

	return record->rdata_n > skip && read_name(message, record->rdata + skip, ret_name, &end) &&
	       end == record->rdata + record->rdata_n;
}

static bool read_address(struct text rdata, struct addr *ret_addr)
{
	static const uint8_t v4[12] = { [10] = 0xff, [11] = 0xff };

	if (rdata.n == 4)
		memcpy(ret_addr->b, v4, sizeof v4);
	memcpy(ret_addr->b + 16 - rdata.n, rdata.p, rdata.n);
	return true;
}

/* The strings of a TXT record without their lengths. False: malformed. *ret_n is above the maximum when
 * they are longer. */
static bool read_strings(struct text rdata, char out[ANSWER_MAX_TEXT], size_t *ret_n)
{
	struct wire_reader r = wire_reader_of(rdata);
	size_t n = 0;

	while (wire_left(&r) && !r.bad) {
		struct text string = wire_get_bytes(&r, (size_t)wire_get_be(&r, 1));
		if (!r.bad && string.n && n + string.n <= ANSWER_MAX_TEXT)
			memcpy(out + n, string.p, string.n);
		n += string.n;
	}
	*ret_n = n;
	return !r.bad && rdata.n > 0;
}

struct reading {
	struct text message;
	uint16_t type;
	answer_visit_function *visit;
	void *arg;
	uint32_t n;
};

static bool visit_name(struct reading *reading, const struct record *record, size_t skip)
{
	struct dns_record r = { .ttl = record->ttl };
	char text[ANSWER_MAX_NAME + 1];
	struct name name;

	if (!read_rdata_name(reading->message, record, skip, &name) || !print_name(&name, text, &r.name.n))
		return false;
	r.name.p = text;
	if (skip)
		r.preference = (uint16_t)(byte_at(reading->message, record->rdata) << 8 |
					  byte_at(reading->message, record->rdata + 1));
	reading->visit(reading->arg, &r);
	reading->n++;
	return true;
}

static bool visit_address(struct reading *reading, const struct record *record, struct text rdata)
{
	struct dns_record r = { .ttl = record->ttl };

	if (rdata.n != (reading->type == DNS_A ? 4 : 16) || !read_address(rdata, &r.address))
		return false;
	reading->visit(reading->arg, &r);
	reading->n++;
	return true;
}

static bool visit_strings(struct reading *reading, const struct record *record, struct text rdata)
{
	struct dns_record r = { .ttl = record->ttl };
	char data[ANSWER_MAX_TEXT];

	if (!read_strings(rdata, data, &r.data.n))
		return false;
	if (r.data.n > ANSWER_MAX_TEXT)
		return true;
	r.data.p = data;
	reading->visit(reading->arg, &r);
	reading->n++;
	return true;
}

static bool visit_record(struct reading *reading, const struct record *record)
{
	struct text rdata = text_slice(reading->message, record->rdata, record->rdata + record->rdata_n);

	switch (reading->type) {
	case DNS_A:
	case DNS_AAAA:
		return visit_address(reading, record, rdata);
	case DNS_MX:
		return visit_name(reading, record, 2);
	case DNS_PTR:
		return visit_name(reading, record, 0);
	default:
		return visit_strings(reading, record, rdata);
	}
}

/* Where the chain of aliases that begins at *name ends; each round follows one alias. */
static bool follow_aliases(struct text message, size_t answers, unsigned n_answers, struct name *name)
{
	struct record record;
	bool moved = true;

	for (unsigned round = 0; moved; round++) {
		size_t at = answers;
		moved = false;
		if (round > ANSWER_MAX_ALIASES)
			return false;
		for (unsigned i = 0; i < n_answers && !moved; i++) {
			if (!read_record(message, &at, &record))
				return false;
			moved = record.type == TYPE_CNAME && record.class == CLASS_IN &&
				is_equal_name(&record.owner, name);
		}
		if (moved && !read_rdata_name(message, &record, 0, name))
			return false;
	}
	return true;
}

static bool visit_answers(struct reading *reading, size_t answers, unsigned n_answers,
			  const struct name *owner)
{
	struct record record;
	size_t at = answers;

	for (unsigned i = 0; i < n_answers && reading->n < ANSWER_MAX_RECORDS; i++) {
		if (!read_record(reading->message, &at, &record))
			return false;
		if (record.type == reading->type && record.class == CLASS_IN &&
		    is_equal_name(&record.owner, owner) && !visit_record(reading, &record))
			return false;
	}
	return true;
}

enum client_resolver_status answer_read(struct text message, enum client_resolver_type type,
					answer_visit_function *visit, void *arg, uint32_t *ret_n)
{
	struct reading reading = { message, answer_type_number(type), visit, arg, 0 };
	unsigned rcode, n_answers;
	struct name name;
	size_t end;

	*ret_n = 0;
	if (message.n < HEADER_SIZE)
		return CLIENT_RESOLVER_STATUS_FAILED;
	rcode = byte_at(message, 3) & 0xf;
	n_answers = (unsigned)byte_at(message, 6) << 8 | byte_at(message, 7);
	if (rcode == RCODE_NXDOMAIN)
		return CLIENT_RESOLVER_STATUS_NO_NAME;
	if (rcode || byte_at(message, 4) || byte_at(message, 5) != 1 ||
	    !read_name(message, HEADER_SIZE, &name, &end) ||
	    !follow_aliases(message, end + 4, n_answers, &name) ||
	    !visit_answers(&reading, end + 4, n_answers, &name))
		return CLIENT_RESOLVER_STATUS_FAILED;
	*ret_n = reading.n;
	return reading.n ? CLIENT_RESOLVER_STATUS_OK : CLIENT_RESOLVER_STATUS_NO_DATA;
}
