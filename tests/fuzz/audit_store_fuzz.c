/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the audit record as a directory. The first byte says where the input is cut into two
 * segments (0: nowhere). Checked beside memory safety: verifying and reading agree on the records;
 * faults are told when and only when the verdict is one; a record that verifies goes through an import
 * and has the same head there.
 */
#include "place.h"

#include "store/audit_import.h"
#include "store/audit_read.h"
#include "store/audit_segment.h"

#define SEGMENT_SIZE (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct copy {
	struct audit_import *import;
	uint64_t n;
	bool is_refused;
};

static int into_directory(void)
{
	static int fd = -1;

	if (fd >= 0)
		return fd;
	ASSERT(mkdirat(fuzz_place(), "into", 0700) == 0);
	fd = openat(fuzz_place(), "into", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT(fd >= 0);
	return fd;
}

static void empty(int fd)
{
	char name[AUDIT_NAME_SIZE];
	uint64_t *segments = NULL;
	size_t n = 0;

	ASSERT(audit_segment_list(fd, &segments, &n) == ERROR_NONE);
	for (size_t i = 0; i < n; i++) {
		audit_segment_name(segments[i], name);
		unlinkat(fd, name, 0);
	}
	free(segments);
}

static void write_segment(uint64_t number, struct text bytes)
{
	char name[AUDIT_NAME_SIZE];
	int fd;

	audit_segment_name(number, name);
	fd = openat(fuzz_place(), name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ASSERT(fd >= 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n);
	close(fd);
}

static bool visit(void *arg, const struct audit_record *record, const struct audit_hash *hash)
{
	struct copy *copy = arg;

	copy->n++;
	if (copy->import && audit_import_add(copy->import, record, hash))
		copy->is_refused = true;
	return true;
}

static void check_import(const struct audit_check *check)
{
	static const struct audit_head nothing;
	struct copy copy = { 0 };
	struct audit_head head;

	empty(into_directory());
	ASSERT(!audit_import_open(into_directory(), SEGMENT_SIZE, &nothing, &copy.import));
	ASSERT(audit_read(fuzz_place(), 1, visit, &copy) == ERROR_NONE && !copy.is_refused);
	ASSERT(audit_import_close(copy.import, &head) == ERROR_NONE);
	ASSERT(head.seq == check->head.seq && audit_hash_is_equal(&head.hash, &check->head.hash));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text in = text_skip(text_from_bytes(data, n), 1);
	size_t cut = n && data[0] ? in.n * data[0] / 256 : in.n;
	struct audit_check check;
	enum audit_verdict verdict;
	struct copy copy = { 0 };

	if (n == 0)
		return 0;
	empty(fuzz_place());
	write_segment(1, text_slice(in, 0, cut));
	if (data[0])
		write_segment(2, text_skip(in, cut));
	ASSERT(audit_verify(fuzz_place(), NULL, &verdict, &check) == ERROR_NONE);
	ASSERT(verdict < AUDIT_VERDICT_COUNT && (verdict <= AUDIT_TORN) == (check.n_faults == 0));
	ASSERT(audit_read(fuzz_place(), 1, visit, &copy) == ERROR_NONE);
	ASSERT(copy.n == check.n_records || verdict > AUDIT_TORN);
	if (verdict <= AUDIT_TORN && check.first_seq == 1)
		check_import(&check);
	return 0;
}
