/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines of the audit record and their hashes: printed, parsed, chained. Called by the writer, the reader
 * and import. What is parsed may have been written by anybody who could write the file: every field is
 * checked for form and bounds, and nothing is read past the line.
 *
 * Invariant: parse takes exactly what print makes (A7), so that a line has one reading.
 */
#include "store/audit_chain.h"

#include "base/ensure.h"

#include <openssl/evp.h>
#include <stdlib.h>

#define FORMAT "postern-audit 1"

enum { N_FIELDS = 7, TIME_SIZE = CLOCK_RFC3339_SIZE - 1 };

struct audit_hasher {
	EVP_MD *sha256;
	EVP_MD_CTX *ctx;
};

static bool is_word(struct text t)
{
	if (t.n == 0 || t.n > AUDIT_WORD_MAX)
		return false;
	for (size_t i = 0; i < t.n; i++)
		if ((t.p[i] < 'a' || t.p[i] > 'z') && t.p[i] != '_')
			return false;
	return true;
}

bool audit_record_print(const struct audit_record *record, struct buf *out)
{
	char time[CLOCK_RFC3339_SIZE];

	if (!is_word(record->role) || !is_word(record->kind) || record->subject.n > AUDIT_SUBJECT_MAX ||
	    record->detail.n > AUDIT_DETAIL_MAX)
		return false;
	clock_print_rfc3339(record->time, time);
	buf_printf(out, "%llu\t%s\t", (unsigned long long)record->seq, time);
	buf_add(out, record->role);
	buf_add_byte(out, '\t');
	buf_add(out, record->kind);
	buf_add_byte(out, '\t');
	buf_add_escaped(out, record->subject);
	buf_add_byte(out, '\t');
	buf_add_escaped(out, record->detail);
	return !out->overflow;
}

/* Days since 1970 of a date in the Gregorian calendar, years 1970 to 9999. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

/* "2026-11-24T03:41:07.123Z" and nothing else; checked by printing it again. */
static bool parse_time(struct text t, int64_t *ret_time)
{
	static const struct {
		uint8_t at, n;
	} fields[] = { { 0, 4 }, { 5, 2 }, { 8, 2 }, { 11, 2 }, { 14, 2 }, { 17, 2 }, { 20, 3 } };
	uint64_t v[7];
	char again[CLOCK_RFC3339_SIZE];

	if (t.n != TIME_SIZE)
		return false;
	for (size_t i = 0; i < 7; i++)
		if (!text_parse_u64(text_slice(t, fields[i].at, fields[i].at + fields[i].n), 9999, &v[i]))
			return false;
	if (v[0] < 1970 || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31)
		return false;
	*ret_time = days_of((int64_t)v[0], (int64_t)v[1], (int64_t)v[2]) * 86400000 +
		    (int64_t)(v[3] * 3600000 + v[4] * 60000 + v[5] * 1000 + v[6]);
	clock_print_rfc3339(*ret_time, again);
	return text_is_cstr(t, again);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes buf_add_escaped. */
static bool unescape(struct text t, size_t max, struct arena *a, struct text *ret_text)
{
	char *p = arena_alloc(a, t.n + 1);
	size_t n = 0;

	if (!p)
		return false;
	for (size_t i = 0; i < t.n; i++) {
		int high, low;
		if (t.p[i] != '\\') {
			p[n++] = t.p[i];
			continue;
		}
		if (t.n - i < 4 || t.p[i + 1] != 'x')
			return false;
		high = hex_value(t.p[i + 2]);
		low = hex_value(t.p[i + 3]);
		if (high < 0 || low < 0)
			return false;
		p[n++] = (char)(high << 4 | low);
		i += 3;
	}
	*ret_text = (struct text){ p, n };
	return n <= max;
}

/* The parsed record must print as it stood there: no second spelling of anything. */
static bool is_canonical(const struct audit_record *record, struct text line)
{
	struct buf again;
	bool equal;

	buf_init(&again, AUDIT_LINE_MAX);
	equal = audit_record_print(record, &again) && text_is_equal(buf_text(&again), line);
	buf_done(&again);
	return equal;
}

enum error audit_record_parse(struct text line, struct arena *a, struct audit_record *ret_record,
			      struct text *ret_text, struct audit_hash *ret_hash)
{
	struct text field[N_FIELDS], rest = line;
	struct audit_record *r = ret_record;
	size_t at = text_find_last_byte(line, '\t');

	if (at == SIZE_MAX)
		return ERROR_MALFORMED;
	for (size_t i = 0; i < N_FIELDS; i++)
		if (text_cut(rest, '\t', &field[i], &rest) != (i + 1 < N_FIELDS))
			return ERROR_MALFORMED;
	*r = (struct audit_record){ .role = field[2], .kind = field[3] };
	if (!text_parse_u64(field[0], INT64_MAX, &r->seq) || r->seq == 0 || !parse_time(field[1], &r->time) ||
	    !unescape(field[4], AUDIT_SUBJECT_MAX, a, &r->subject) ||
	    !unescape(field[5], AUDIT_DETAIL_MAX, a, &r->detail) || !audit_hash_parse(field[6], ret_hash))
		return ERROR_MALFORMED;
	*ret_text = text_slice(line, 0, at);
	if (!is_canonical(r, *ret_text) || !arena_copy(a, r->role, &r->role) ||
	    !arena_copy(a, r->kind, &r->kind))
		return ERROR_MALFORMED;
	return ERROR_NONE;
}

void audit_header_print(const struct audit_header *header, struct buf *out)
{
	buf_printf(out, FORMAT " %llu %llu ", (unsigned long long)header->segment,
		   (unsigned long long)header->first);
	buf_add_hex(out, text_from_bytes(header->previous.b, AUDIT_HASH_SIZE));
	buf_add_byte(out, '\n');
}

/* Printed it is the same line (A7): one spelling only, so that no byte can be changed unseen. */
static bool is_header(const struct audit_header *header, struct text line)
{
	struct buf out;
	bool is_same;

	buf_init(&out, AUDIT_LINE_MAX);
	audit_header_print(header, &out);
	is_same = out.n == line.n + 1 && text_has_prefix(buf_text(&out), line);
	buf_done(&out);
	return is_same;
}

bool audit_header_parse(struct text line, struct audit_header *ret_header)
{
	static const struct text format = TEXT(FORMAT " ");
	struct text segment, first, rest;

	if (!text_has_prefix(line, format))
		return false;
	text_cut(text_skip(line, format.n), ' ', &segment, &rest);
	text_cut(rest, ' ', &first, &rest);
	return text_parse_u64(segment, INT64_MAX, &ret_header->segment) &&
	       text_parse_u64(first, INT64_MAX, &ret_header->first) && ret_header->first > 0 &&
	       audit_hash_parse(rest, &ret_header->previous) && is_header(ret_header, line);
}

struct audit_hasher *audit_hasher_new(void)
{
	struct audit_hasher *h = mem_zalloc(1, sizeof *h);

	h->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	h->ctx = EVP_MD_CTX_new();
	ASSERT(h->sha256 && h->ctx);
	return h;
}

void audit_hasher_free(struct audit_hasher *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->sha256);
	free(h);
}

void audit_hasher_step(struct audit_hasher *h, const struct audit_hash *previous, struct text record,
		       struct audit_hash *ret_hash)
{
	uint8_t head[1 + AUDIT_HASH_SIZE + 4] = { 1 };
	unsigned n = AUDIT_HASH_SIZE;
	bool ok;

	ASSERT(record.n <= AUDIT_LINE_MAX);
	memcpy(head + 1, previous->b, AUDIT_HASH_SIZE);
	for (unsigned i = 0; i < 4; i++)
		head[1 + AUDIT_HASH_SIZE + i] = (uint8_t)(record.n >> (24 - 8 * i));
	ok = EVP_DigestInit_ex2(h->ctx, h->sha256, NULL) == 1 &&
	     EVP_DigestUpdate(h->ctx, head, sizeof head) == 1 &&
	     EVP_DigestUpdate(h->ctx, record.p, record.n) == 1 &&
	     EVP_DigestFinal_ex(h->ctx, ret_hash->b, &n) == 1;
	ASSERT(ok && n == AUDIT_HASH_SIZE);
}

bool audit_hash_is_equal(const struct audit_hash *a, const struct audit_hash *b)
{
	return memcmp(a->b, b->b, AUDIT_HASH_SIZE) == 0;
}

bool audit_hash_parse(struct text t, struct audit_hash *ret_hash)
{
	if (t.n != (size_t)2 * AUDIT_HASH_SIZE)
		return false;
	for (size_t i = 0; i < AUDIT_HASH_SIZE; i++) {
		int high = hex_value(t.p[2 * i]), low = hex_value(t.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		ret_hash->b[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void audit_head_print(const struct audit_head *head, char out[AUDIT_HEAD_SIZE])
{
	int n = snprintf(out, AUDIT_HEAD_SIZE, "%llu:", (unsigned long long)head->seq);

	ASSERT(n > 0 && n <= 21);
	for (size_t i = 0; i < AUDIT_HASH_SIZE; i++)
		snprintf(out + n + 2 * i, 3, "%02x", head->hash.b[i]);
}

bool audit_head_parse(struct text t, struct audit_head *ret_head)
{
	struct text seq, hash;

	ret_head->seq = 0;
	if (!text_cut(t, ':', &seq, &hash))
		return audit_hash_parse(t, &ret_head->hash);
	return text_parse_u64(seq, INT64_MAX, &ret_head->seq) && ret_head->seq > 0 &&
	       audit_hash_parse(hash, &ret_head->hash);
}
