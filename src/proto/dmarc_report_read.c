/* SPDX-License-Identifier: Apache-2.0
 *
 * Unpacks an aggregate report on its way into the reader of XML: gzip, zip, or none. Called with files that
 * strangers sent, where a hundred kilobytes can unpack to gigabytes: what is unpacked goes through one small
 * piece of memory, is counted, and unpacking ends with the first byte above a limit.
 *
 * Of a zip only the first file is read, from its local header (APPNOTE 4.3.7): name and sizes there are
 * passed over, the data says itself where it ends. Invariant: no more than PIECE_BYTES of XML are in memory
 * at once.
 */
#include "proto/dmarc_report.h"

#include "base/wire.h"

#define ZLIB_CONST
#include <zlib.h>

#define PIECE_BYTES      65536
#define RATIO_FREE_BYTES (1 << 20)
#define ZIP_STORED       0
#define ZIP_DEFLATED     8
#define ZIP_ENCRYPTED    1
#define GZIP_WINDOW      (15 + 16) /* zlib's way to ask for gzip */
#define RAW_WINDOW       (-15)

struct dmarc_report_limits dmarc_report_limits_default(void)
{
	return (struct dmarc_report_limits){
		.packed_bytes = 20U << 20,
		.xml_bytes = 64U << 20,
		.ratio = 100,
		.records = 100000,
		.elements = 4000000,
		.text_bytes = 8192,
		.depth = 32,
	};
}

const char *dmarc_report_trouble_text(enum dmarc_report_trouble trouble)
{
	static const char *const texts[DMARC_REPORT_TROUBLE_COUNT] = {
		[DMARC_REPORT_FINE] = "no trouble",
		[DMARC_REPORT_NOT_A_REPORT] = "is neither XML, nor gzip, nor zip",
		[DMARC_REPORT_XML] = "is no well-formed XML",
		[DMARC_REPORT_DOCTYPE] = "declares a document type, which no report needs",
		[DMARC_REPORT_ROOT] = "is XML, but not of a DMARC report",
		[DMARC_REPORT_PACKING] = "is damaged, or packed in a way that is not read",
		[DMARC_REPORT_PACKED_BYTES] = "is larger than the limit of files",
		[DMARC_REPORT_XML_BYTES] = "unpacks to more than the limit of XML",
		[DMARC_REPORT_RATIO] = "unpacks to more times its size than the limit of the ratio",
		[DMARC_REPORT_RECORDS] = "has more records than their limit",
		[DMARC_REPORT_ELEMENTS] = "has more elements than their limit",
		[DMARC_REPORT_TEXT_BYTES] = "has an element with more text than its limit",
		[DMARC_REPORT_DEPTH] = "has elements deeper within each other than the limit",
		[DMARC_REPORT_MEMORY] = "needs more memory than its limit",
	};

	return texts[trouble];
}

/* --- what is it? --- */

static bool is_gzip(struct text t)
{
	return text_has_prefix(t, (struct text)TEXT("\x1f\x8b"));
}

static bool is_zip(struct text t)
{
	return text_has_prefix(t, (struct text)TEXT("PK\x03\x04"));
}

static bool is_xml(struct text t)
{
	static const struct text marks[] = { TEXT("\xef\xbb\xbf"), TEXT("\xff\xfe"), TEXT("\xfe\xff") };

	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (text_has_prefix(t, marks[i]))
			return true;
	t = text_trim(t);
	return t.n > 0 && t.p[0] == '<';
}

bool dmarc_report_is_file(struct text file)
{
	return is_gzip(file) || is_zip(file) || is_xml(file);
}

/* --- unpacking --- */

struct unpacker {
	struct dmarc_report_reader *reader;
	const struct dmarc_report_limits *limits;
	size_t packed, unpacked; /* bytes so far */
	z_stream zlib;
};

static enum dmarc_report_trouble pass_on(struct unpacker *u, struct text piece, bool is_last)
{
	u->unpacked += piece.n;
	if (u->unpacked > RATIO_FREE_BYTES && u->unpacked / u->limits->ratio > u->packed)
		return DMARC_REPORT_RATIO;
	return dmarc_report_reader_feed(u->reader, piece, is_last);
}

/* A gzip file may have several members, one after the other. rfc1952 2.2 */
static bool begin_next_member(struct unpacker *u, bool is_gzipped)
{
	return is_gzipped && u->zlib.avail_in > 0 && u->zlib.next_in[0] == 0x1f &&
	       inflateReset(&u->zlib) == Z_OK;
}

static enum dmarc_report_trouble inflate_all(struct unpacker *u, bool is_gzipped)
{
	enum dmarc_report_trouble trouble = DMARC_REPORT_FINE;
	char piece[PIECE_BYTES];
	bool is_over = false;

	while (!is_over && trouble == DMARC_REPORT_FINE) {
		int status;
		u->zlib.next_out = (unsigned char *)piece;
		u->zlib.avail_out = sizeof piece;
		status = inflate(&u->zlib, Z_NO_FLUSH);
		if (status != Z_OK && status != Z_STREAM_END)
			return DMARC_REPORT_PACKING;
		is_over = status == Z_STREAM_END && !begin_next_member(u, is_gzipped);
		trouble = pass_on(u, text_from_bytes(piece, sizeof piece - u->zlib.avail_out), is_over);
	}
	return trouble;
}

static enum dmarc_report_trouble unpack(struct unpacker *u, struct text packed, int window)
{
	enum dmarc_report_trouble trouble;

	u->zlib.next_in = (const unsigned char *)packed.p;
	u->zlib.avail_in = (unsigned)packed.n;
	if (inflateInit2(&u->zlib, window) != Z_OK)
		return DMARC_REPORT_MEMORY;
	trouble = inflate_all(u, window == GZIP_WINDOW);
	inflateEnd(&u->zlib);
	return trouble;
}

static enum dmarc_report_trouble unpack_zip(struct unpacker *u, struct text file)
{
	struct wire_reader w = wire_reader_of(file);
	unsigned flags, method, name, extra;
	size_t stored;

	wire_get_bytes(&w, 6); /* signature, version */
	flags = (unsigned)wire_get_int(&w, 2);
	method = (unsigned)wire_get_int(&w, 2);
	wire_get_bytes(&w, 8); /* time, date, checksum */
	stored = (size_t)wire_get_int(&w, 4);
	wire_get_bytes(&w, 4); /* unpacked size */
	name = (unsigned)wire_get_int(&w, 2);
	extra = (unsigned)wire_get_int(&w, 2);
	wire_get_bytes(&w, name + extra);
	if (w.bad || (flags & ZIP_ENCRYPTED) || wire_left(&w) == 0)
		return DMARC_REPORT_PACKING;
	if (method == ZIP_DEFLATED)
		return unpack(u, wire_get_bytes(&w, wire_left(&w)), RAW_WINDOW);
	if (method != ZIP_STORED || stored > wire_left(&w))
		return DMARC_REPORT_PACKING;
	return pass_on(u, wire_get_bytes(&w, stored), true);
}

enum dmarc_report_trouble dmarc_report_read(struct text file, const struct dmarc_report_limits *limits,
					    struct arena *arena, struct dmarc_report *ret_report)
{
	struct unpacker u = { .limits = limits, .packed = file.n };
	enum dmarc_report_trouble trouble;

	*ret_report = (struct dmarc_report){ 0 };
	if (file.n > limits->packed_bytes)
		return DMARC_REPORT_PACKED_BYTES;
	u.reader = dmarc_report_reader_new(limits, arena, ret_report);
	if (is_gzip(file))
		trouble = unpack(&u, file, GZIP_WINDOW);
	else if (is_zip(file))
		trouble = unpack_zip(&u, file);
	else if (is_xml(file))
		trouble = pass_on(&u, file, true);
	else
		trouble = DMARC_REPORT_NOT_A_REPORT;
	dmarc_report_reader_free(u.reader);
	return trouble;
}
