/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a stream of records on its way into a spool, in two pieces, the first byte says where
 * they part. Checked beside memory safety: what was stored comes out again as records, and the spool
 * is sound. The spool is one for all runs.
 */
#include "place.h"

#include "store/spool_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct spool *open_spool(void)
{
	static struct spool *s;
	struct spool_options o;

	if (s)
		return s;
	ASSERT(fchdir(fuzz_place()) == 0);
	spool_options_init(&o);
	o.reserve_bytes = 0;
	ASSERT(spool_open(&o, &s) == ERROR_NONE);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct spool *s = open_spool();
	struct spool_import *import = spool_import_new(s);
	struct spool_import_count count;
	struct text in = text_from_bytes(data, n);
	size_t cut = n ? data[0] : 0;
	struct buf out;
	enum error e;

	in = text_skip(in, 1);
	e = spool_import_add(import, text_slice(in, 0, cut));
	if (!e)
		e = spool_import_add(import, text_skip(in, cut));
	ASSERT(e == ERROR_NONE || e == ERROR_MALFORMED || e == ERROR_TOO_LARGE || e == ERROR_CORRUPT);
	if (e)
		ASSERT(spool_import_add(import, in) == e);
	(void)!spool_import_close(import, &count);
	if (count.n_stored == 0)
		return 0;
	buf_init(&out, 4096);
	ASSERT(spool_check(s, &out) == ERROR_NONE);
	buf_done(&out);
	return 0;
}
