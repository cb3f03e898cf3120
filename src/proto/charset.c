/* SPDX-License-Identifier: Apache-2.0
 *
 * Character sets to UTF-8. Called by everything that shows text of a message, on a stranger's bytes
 * under a stranger's label. A label is looked up in our own table (charset_labels.def), never given to
 * ICU: so only converters that we chose run, and ICU looks for no file. UTF-8 is decoded here, a text of
 * ASCII only is copied, the rest goes through ICU in pieces. Where ICU would put its own substitute, our
 * callback puts U+FFFD. Invariant: a converter of the cache is reset before each use.
 */
#include "proto/charset.h"

#include "base/ensure.h"

#include <unicode/ucnv.h>
#include <unicode/ucnv_cb.h>
#include <unicode/udata.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#define LABEL_MAX   40  /* of a normal label; none in the table is longer */
#define PIECE_UNITS 256 /* of UTF-16 that ICU gives at once */

enum converter_kind { KIND_ASCII, KIND_UTF8, KIND_UTF16, KIND_GUESS, KIND_OTHER };

enum converter_id {
#define CONVERTER(name, kind, icu) CONVERTER_##name,
#include "proto/charset_converters.def"
#undef CONVERTER
	CONVERTER_COUNT
};

static const struct {
	enum converter_kind kind;
	const char *icu_name;
} converters[] = {
#define CONVERTER(name, kind, icu) { KIND_##kind, icu },
#include "proto/charset_converters.def"
#undef CONVERTER
};

static const struct {
	struct text label;
	enum converter_id id;
} labels[] = {
#define LABEL(label, name) { TEXT(label), CONVERTER_##name },
#include "proto/charset_labels.def"
#undef LABEL
};

#define LABEL_COUNT (sizeof labels / sizeof *labels)

struct charset_cache {
	UConverter *open[CONVERTER_COUNT];
};

struct charset_cache *charset_cache_new(void)
{
	UErrorCode status = U_ZERO_ERROR;

	udata_setFileAccess(UDATA_NO_FILES, &status);
	return mem_zalloc(1, sizeof(struct charset_cache));
}

void charset_cache_free(struct charset_cache *cache)
{
	for (size_t i = 0; cache && i < CONVERTER_COUNT; i++)
		if (cache->open[i])
			ucnv_close(cache->open[i]);
	free(cache);
}

/* Letters in lower case and digits, without "x-" in front; empty when too long for the table. */
static struct text normal_label(struct text label, char *at)
{
	static const struct text private_use = TEXT("x-");
	size_t n = 0;

	label = text_trim(label);
	if (text_has_prefix_nocase(label, private_use))
		label = text_skip(label, private_use.n);
	for (size_t i = 0; i < label.n; i++) {
		char c = text_lower_byte(label.p[i]);
		bool counts = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (counts && n == LABEL_MAX)
			return (struct text){ at, 0 };
		if (counts)
			at[n++] = c;
	}
	return (struct text){ at, n };
}

static int compare_texts(struct text a, struct text b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	if (order)
		return order;
	return (a.n > b.n) - (a.n < b.n);
}

static bool find_converter(struct text label, enum converter_id *ret_id)
{
	char bytes[LABEL_MAX];
	struct text normal = normal_label(label, bytes);
	size_t from = 0, to = LABEL_COUNT;

	while (normal.n && from < to) {
		size_t middle = from + (to - from) / 2;
		int order = compare_texts(normal, labels[middle].label);
		*ret_id = labels[middle].id;
		if (order == 0)
			return true;
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return false;
}

bool charset_is_known(struct text label)
{
	enum converter_id id;

	return find_converter(label, &id);
}

bool charset_is_same(struct text a, struct text b)
{
	enum converter_id of_a, of_b;
	bool has_a, has_b;

	if (text_is_equal_nocase(a, b))
		return true;
	has_a = find_converter(a, &of_a);
	has_b = find_converter(b, &of_b);
	return has_a && has_b && of_a == of_b;
}

/* Instead of ICU's substitute, which is U+001A in some sets. */
static void replace_broken(const void *context, UConverterToUnicodeArgs *args, const char *bytes, int32_t n,
			   UConverterCallbackReason reason, UErrorCode *status)
{
	static const UChar replacement = 0xfffd;
	unsigned *defects = (unsigned *)context;

	(void)bytes;
	(void)n;
	if (reason > UCNV_IRREGULAR)
		return;
	*defects |= CHARSET_DEFECT_BROKEN;
	*status = U_ZERO_ERROR;
	ucnv_cbToUWriteUChars(args, &replacement, 1, 0, status);
}

static UConverter *open_converter(struct charset_cache *cache, enum converter_id id, unsigned *defects)
{
	UErrorCode status = U_ZERO_ERROR;

	if (!cache->open[id])
		cache->open[id] = ucnv_open(converters[id].icu_name, &status);
	ASSERT(cache->open[id] && U_SUCCESS(status)); /* each row was tried by its test */
	ucnv_resetToUnicode(cache->open[id]);
	ucnv_setToUCallBack(cache->open[id], replace_broken, defects, NULL, NULL, &status);
	return cache->open[id];
}

/* Surrogates that stand alone become U+FFFD. */
static bool add_utf16(const UChar *units, size_t n, struct buf *out)
{
	char bytes[PIECE_UNITS * 3];
	size_t at = 0;

	for (size_t i = 0; i < n;) {
		UChar32 c;
		U16_NEXT_OR_FFFD(units, i, n, c);
		U8_APPEND_UNSAFE(bytes, at, c);
	}
	return buf_add(out, text_from_bytes(bytes, at));
}

static bool decode_by_icu(UConverter *converter, struct text bytes, struct buf *out)
{
	const char *source = bytes.p, *end = bytes.p + bytes.n;
	UChar piece[PIECE_UNITS];
	size_t n = 0;
	UErrorCode status = U_BUFFER_OVERFLOW_ERROR;

	while (status == U_BUFFER_OVERFLOW_ERROR) {
		UChar *target = piece + n;
		size_t kept;
		status = U_ZERO_ERROR;
		ucnv_toUnicode(converter, &target, piece + PIECE_UNITS, &source, end, NULL, true, &status);
		n = (size_t)(target - piece);
		kept = status == U_BUFFER_OVERFLOW_ERROR && n && U16_IS_LEAD(piece[n - 1]);
		if (!add_utf16(piece, n - kept, out))
			return false;
		piece[0] = kept ? piece[n - 1] : 0;
		n = kept;
	}
	ASSERT(U_SUCCESS(status));
	return true;
}

/* Length of the ASCII at the start. */
static size_t ascii_run(struct text t)
{
	size_t i = 0;
	uint64_t eight;

	for (; i + sizeof eight <= t.n; i += sizeof eight) {
		memcpy(&eight, t.p + i, sizeof eight);
		if (eight & 0x8080808080808080u)
			break;
	}
	while (i < t.n && (unsigned char)t.p[i] < 0x80)
		i++;
	return i;
}

/* Length of the well-formed UTF-8 at the start. */
static size_t utf8_run(struct text t)
{
	const uint8_t *p = (const uint8_t *)t.p;
	size_t i = 0;

	for (;;) {
		size_t next;
		UChar32 c;
		i += ascii_run(text_skip(t, i));
		if (i == t.n)
			return i;
		next = i;
		U8_NEXT(p, next, t.n, c);
		if (c < 0)
			return i;
		i = next;
	}
}

bool charset_decode_utf8(struct text bytes, struct buf *out, unsigned *defects)
{
	static const struct text replacement = TEXT("\xef\xbf\xbd"), byte_order_mark = TEXT("\xef\xbb\xbf");

	if (text_has_prefix(bytes, byte_order_mark))
		bytes = text_skip(bytes, byte_order_mark.n);
	for (;;) {
		size_t run = utf8_run(bytes), broken = 0;
		UChar32 c;
		if (!buf_add(out, text_slice(bytes, 0, run)))
			return false;
		bytes = text_skip(bytes, run);
		if (bytes.n == 0)
			return true;
		U8_NEXT((const uint8_t *)bytes.p, broken, bytes.n, c);
		ASSERT(c < 0 && broken > 0);
		*defects |= CHARSET_DEFECT_BROKEN;
		bytes = text_skip(bytes, broken);
		if (!buf_add(out, replacement))
			return false;
	}
}

/* By the mark at the start, which is cut off, or by where the zero bytes are. */
static enum converter_id find_byte_order(struct text *bytes)
{
	static const struct text big = TEXT("\xfe\xff"), little = TEXT("\xff\xfe");
	size_t zeros[2] = { 0 };
	bool is_big = text_has_prefix(*bytes, big);

	if (is_big || text_has_prefix(*bytes, little)) {
		*bytes = text_skip(*bytes, big.n);
		return is_big ? CONVERTER_UTF_16BE : CONVERTER_UTF_16LE;
	}
	for (size_t i = 0; i < bytes->n; i++)
		zeros[i & 1] += bytes->p[i] == 0;
	return zeros[1] > zeros[0] ? CONVERTER_UTF_16LE : CONVERTER_UTF_16BE;
}

bool charset_decode(struct charset_cache *cache, struct text label, struct text bytes, struct buf *out,
		    unsigned *defects)
{
	enum converter_id id = CONVERTER_GUESS;
	enum converter_kind kind;

	if (label.n && !find_converter(label, &id)) {
		id = CONVERTER_GUESS;
		*defects |= CHARSET_DEFECT_UNKNOWN;
	}
	kind = converters[id].kind;
	if (kind == KIND_UTF8 || (kind == KIND_GUESS && utf8_run(bytes) == bytes.n))
		return charset_decode_utf8(bytes, out, defects);
	if (kind == KIND_ASCII && ascii_run(bytes) == bytes.n)
		return buf_add(out, bytes);
	if (kind == KIND_UTF16)
		id = find_byte_order(&bytes);
	return bytes.n == 0 || decode_by_icu(open_converter(cache, id, defects), bytes, out);
}
