/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a date. Checked beside memory safety: a date that was read, written again in the form of
 * rfc5322 3.3, is read as the same date without a defect of form.
 */
#include "base/buf.h"
#include "base/ensure.h"
#include "proto/mail_date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct mail_date date, again;
	struct buf line;
	int zone;

	if (!mail_date_parse(text_from_bytes(data, n), &date))
		return 0;
	zone = date.zone < 0 ? -date.zone : date.zone;
	buf_init(&line, 200);
	ASSERT(buf_printf(&line, "%d %s %04d %02d:%02d:%02d %c%02d%02d", date.day, months[date.month - 1],
			  date.year, date.hour, date.minute, date.second, date.zone < 0 ? '-' : '+',
			  zone / 60, zone % 60));
	ASSERT(mail_date_parse(buf_text(&line), &again));
	ASSERT(again.utc == date.utc && again.zone == date.zone && again.defects == 0);
	buf_done(&line);
	return 0;
}
