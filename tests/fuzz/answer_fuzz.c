/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the first byte is a type of record, the rest a DNS message. Checked beside memory
 * safety: as many records as are told were visited, their names and texts are within bounds and names
 * are printable; only an answer that is OK has any.
 */
#include "base/ensure.h"
#include "roles/resolver/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct seen {
	uint32_t n;
};

static void visit(void *arg, const struct dns_record *record)
{
	struct seen *seen = arg;

	seen->n++;
	ASSERT(record->name.n <= ANSWER_MAX_NAME && record->data.n <= ANSWER_MAX_TEXT);
	for (size_t i = 0; i < record->name.n; i++)
		ASSERT(record->name.p[i] > ' ' && record->name.p[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct seen seen = { 0 };
	enum client_resolver_status status;
	uint32_t n_records = 0;

	if (n == 0)
		return 0;
	status = answer_read(text_from_bytes(data + 1, n - 1),
			     (enum client_resolver_type)(data[0] % (CLIENT_RESOLVER_TYPE_TXT + 1)), visit,
			     &seen, &n_records);
	ASSERT(seen.n <= ANSWER_MAX_RECORDS);
	ASSERT(status != CLIENT_RESOLVER_STATUS_OK || (n_records > 0 && n_records == seen.n));
	return 0;
}
