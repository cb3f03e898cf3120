/* SPDX-License-Identifier: Apache-2.0
 *
 * audit_import - an audit record taken over from another machine, record by record. The way out is
 * audit_read; files are never copied.
 *
 * Each record is checked, printed anew and must have the hash that it had: what comes in is what was
 * written, or is refused. The store must be empty before.
 */
#ifndef STORE_AUDIT_IMPORT_H
#define STORE_AUDIT_IMPORT_H

#include "store/audit_chain.h"

struct audit_import;

/* `before`: the end of the chain before the first record that will come; seq 0 and zeros for a whole
 * store. ERROR_EXISTS when the directory holds a segment. */
enum error audit_import_open(int dir_fd, uint64_t segment_size, const struct audit_head *before,
			     struct audit_import **ret_import);
/* ERROR_MALFORMED: not a record; ERROR_CORRUPT: it does not continue the chain. Neither is written. */
enum error audit_import_add(struct audit_import *import, const struct audit_record *record,
			    const struct audit_hash *hash);
/* Everything on disk; frees. */
enum error audit_import_close(struct audit_import *import, struct audit_head *ret_head);

#endif
