/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes an audit record over from elsewhere: checks each record against the chain and writes it anew.
 * Called by whoever rebuilds a machine. Trusts nothing of what it is given. Invariant: what is on disk
 * is a chain that this code has printed and hashed itself.
 */
#include "store/audit_import.h"

#include "base/ensure.h"
#include "store/audit_segment.h"
#include "store/audit_write.h"

struct audit_import {
	struct audit_writer *writer;
	struct audit_hasher *hasher;
	struct audit_head head; /* of what was added */
	struct buf line;
};

enum error audit_import_open(int dir_fd, uint64_t segment_size, const struct audit_head *before,
			     struct audit_import **ret_import)
{
	struct audit_import *import;
	struct audit_writer *writer;
	uint64_t *segments = NULL;
	size_t n = 0;
	enum error e = audit_segment_list(dir_fd, &segments, &n);

	free(segments);
	if (!e && n)
		e = ERROR_EXISTS;
	if (!e)
		e = audit_writer_begin(dir_fd, segment_size, before, &writer);
	if (e)
		return e;
	import = mem_zalloc(1, sizeof *import);
	import->writer = writer;
	import->hasher = audit_hasher_new();
	import->head = *before;
	buf_init(&import->line, AUDIT_LINE_MAX);
	*ret_import = import;
	return ERROR_NONE;
}

enum error audit_import_add(struct audit_import *import, const struct audit_record *record,
			    const struct audit_hash *hash)
{
	struct audit_hash computed;
	enum error e;

	buf_reset(&import->line);
	if (!audit_record_print(record, &import->line))
		return ERROR_MALFORMED;
	audit_hasher_step(import->hasher, &import->head.hash, buf_text(&import->line), &computed);
	if (record->seq != import->head.seq + 1 || !audit_hash_is_equal(&computed, hash))
		return ERROR_CORRUPT;
	e = audit_writer_add(import->writer, record);
	if (e == ERROR_TOO_MANY) {
		e = audit_writer_flush(import->writer);
		if (!e)
			e = audit_writer_add(import->writer, record);
	}
	if (!e)
		import->head = (struct audit_head){ record->seq, computed };
	return e;
}

enum error audit_import_close(struct audit_import *import, struct audit_head *ret_head)
{
	enum error e = audit_writer_flush(import->writer);

	*ret_head = audit_writer_head(import->writer);
	audit_writer_close(import->writer);
	audit_hasher_free(import->hasher);
	buf_done(&import->line);
	free(import);
	return e;
}
