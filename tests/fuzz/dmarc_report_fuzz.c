/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: an aggregate report as a file, and the mail that may carry one. Checked beside memory safety:
 * what was read can be written, and what was written reads back as the same.
 */
#include "base/ensure.h"
#include "proto/dmarc_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct dmarc_report_limits small_limits(void)
{
	struct dmarc_report_limits limits = dmarc_report_limits_default();

	limits.xml_bytes = 1 << 20;
	limits.records = 100;
	limits.elements = 10000;
	return limits;
}

static void check_round_trip(const struct dmarc_report *report, struct arena *arena)
{
	struct dmarc_report_limits limits = dmarc_report_limits_default();
	struct dmarc_report again;
	struct buf first, second;

	limits.text_bytes *= 8; /* escapes */
	buf_init(&first, 16 << 20);
	buf_init(&second, 16 << 20);
	ASSERT(dmarc_report_write(report, &first));
	ASSERT(dmarc_report_read(buf_text(&first), &limits, arena, &again) == DMARC_REPORT_FINE);
	ASSERT(again.n_records == report->n_records && again.n_messages == report->n_messages);
	ASSERT(dmarc_report_write(&again, &second));
	ASSERT(text_is_equal(buf_text(&first), buf_text(&second)));
	buf_done(&first);
	buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct dmarc_report_limits limits = small_limits();
	struct mime_limits mime_limits = mime_limits_default();
	struct text file = text_from_bytes(data, n);
	struct dmarc_report report;
	struct arena arena;
	struct buf found;

	arena_init(&arena, 32 << 20);
	buf_init(&found, 1 << 20);
	if (!dmarc_report_is_file(file) && dmarc_report_find(file, &mime_limits, &arena, &found))
		file = buf_text(&found);
	if (dmarc_report_read(file, &limits, &arena, &report) == DMARC_REPORT_FINE)
		check_round_trip(&report, &arena);
	buf_done(&found);
	arena_reset(&arena);
	return 0;
}
