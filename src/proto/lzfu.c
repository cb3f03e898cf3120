/* SPDX-License-Identifier: Apache-2.0
 *
 * Decompresses RTF. Called by the engines of the judge on what tnef.c found in a stranger's file. A
 * header of 16 bytes (size of what follows, size when decompressed, kind, CRC) is followed by runs of a
 * control byte and eight tokens: a byte, or a reference (12 bits where in a ring of 4096 bytes, 4 bits how
 * long less 2). The ring begins with words that RTF often has. A reference to where the next byte would
 * be written is the end. Nobody checks the CRC strictly, so that it is not checked here. The output is
 * at most nine times the input, and never more than the header says.
 */
#include "proto/lzfu.h"

#include "base/wire.h"

#define RING       4096
#define COMPRESSED 0x75465a4cu /* "LZFu" */
#define PLAIN      0x414c454du /* "MELA" */
#define SIZE_REST  12          /* of the header behind the first size, which counts it */

/* [MS-OXRTFCP] 2.1.3.1.2 */
static const char beginning[] = "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}"
				"{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
				"MS Sans SerifSymbolArialTimes New RomanCourier"
				"{\\colortbl\\red0\\green0\\blue0\r\n\\par "
				"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

struct header {
	uint32_t n_follow, n_plain, kind;
};

struct inflater {
	char ring[RING];
	size_t write; /* the place of the next byte in the ring */
	size_t left;  /* bytes that may still come out */
	struct buf *out;
};

static struct wire_reader read_header(struct text in, struct header *ret_header)
{
	struct wire_reader r = wire_reader_of(in);

	ret_header->n_follow = (uint32_t)wire_get_int(&r, 4);
	ret_header->n_plain = (uint32_t)wire_get_int(&r, 4);
	ret_header->kind = (uint32_t)wire_get_int(&r, 4);
	wire_get_int(&r, 4);
	if (ret_header->kind != COMPRESSED && ret_header->kind != PLAIN)
		r.bad = true;
	return r;
}

uint32_t lzfu_size(struct text in)
{
	struct header header;
	struct wire_reader r = read_header(in, &header);

	return r.bad ? 0 : header.n_plain;
}

static bool put(struct inflater *f, char c)
{
	if (f->left == 0 || !buf_add_byte(f->out, c))
		return false;
	f->left--;
	f->ring[f->write] = c;
	f->write = (f->write + 1) % RING;
	return true;
}

enum step { STEP_ON, STEP_END, STEP_FULL };

static enum step copy_reference(struct inflater *f, unsigned reference)
{
	size_t from = reference >> 4, n = (reference & 15) + 2;

	if (from == f->write)
		return STEP_END;
	for (size_t i = 0; i < n; i++)
		if (!put(f, f->ring[(from + i) % RING]))
			return STEP_FULL;
	return STEP_ON;
}

static bool inflate_all(struct inflater *f, struct wire_reader *r)
{
	unsigned control = 0;

	for (unsigned i = 0;; i++) {
		enum step step;
		if (i % 8 == 0)
			control = (unsigned)wire_get_int(r, 1);
		if (control >> i % 8 & 1) {
			unsigned reference = (unsigned)wire_get_be(r, 2);
			step = r->bad ? STEP_FULL : copy_reference(f, reference);
		} else {
			char c = (char)wire_get_int(r, 1);
			step = r->bad || !put(f, c) ? STEP_FULL : STEP_ON;
		}
		if (step != STEP_ON)
			return step == STEP_END;
	}
}

bool lzfu_decompress(struct text in, struct buf *out)
{
	struct header header;
	struct wire_reader r = read_header(in, &header);
	struct inflater f = { .write = sizeof beginning - 1, .left = header.n_plain, .out = out };

	if (r.bad)
		return false;
	if (header.kind == PLAIN)
		return buf_add(out, wire_get_bytes(&r, header.n_plain)) && !r.bad;
	if (header.n_follow >= SIZE_REST && header.n_follow - SIZE_REST < wire_left(&r))
		r = wire_reader_of(wire_get_bytes(&r, header.n_follow - SIZE_REST));
	memcpy(f.ring, beginning, sizeof beginning - 1);
	return inflate_all(&f, &r) || f.left == 0;
}
