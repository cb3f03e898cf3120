/* SPDX-License-Identifier: Apache-2.0
 *
 * spool_record - messages leave a spool and enter another one as typed, bounded records. A spool's
 * files are never copied or restored: what comes in is checked field by field and written anew.
 *
 *	stream  = *message
 *	message = MESSAGE n_rcpts*RCPT *BODY END
 *	record  = length type fields       length: u32 of all that follows; type: u8
 *
 * Integers are little-endian, texts are counted (u32). Fields stand in the order of the structs of
 * spool.h; a message's id, state and counters are kept. BODY holds 1..SPOOL_CHUNK_MAX bytes; all of
 * a message are body_size bytes. END holds the SHA-256 of the message's records before it, against
 * damage on the way (not against an enemy, who can count it too).
 *
 * Everything here is called from the thread of the spool; for tools on a stopped gateway.
 */
#ifndef STORE_SPOOL_RECORD_H
#define STORE_SPOOL_RECORD_H

#include "store/spool.h"

#define SPOOL_RECORD_MAX (SPOOL_CHUNK_MAX + 256) /* bytes of one record */

enum spool_record { SPOOL_RECORD_MESSAGE = 1, SPOOL_RECORD_RCPT, SPOOL_RECORD_BODY, SPOOL_RECORD_END };

/* Gives the message to `put`, record by record. What `put` returns ends it. ERROR_CORRUPT: the message
 * is damaged; what was put has no END and is worth nothing. */
enum error spool_export(struct spool *s, uint64_t id, enum error (*put)(void *owner, struct text record),
			void *owner);

/* ---- the way in ---- */

struct spool_import;

struct spool_import_count {
	uint64_t n_stored;
	uint64_t n_existing; /* their id is in the spool already: left out, so that an import may be repeated
			      */
};

struct spool_import *spool_import_new(struct spool *s);
/* Bytes of a stream, cut anywhere. ERROR_MALFORMED, ERROR_TOO_LARGE, ERROR_CORRUPT (the sum differs),
 * or an error of the spool; every later call gives it too. Messages complete before it are stored. */
enum error spool_import_add(struct spool_import *import, struct text bytes);

/* The same without a stream, in the order of the grammar. message->has_file is not looked at. */
enum error spool_import_message(struct spool_import *import, const struct spool_message *message);
enum error spool_import_rcpt(struct spool_import *import, const struct spool_rcpt *rcpt);
enum error spool_import_body(struct spool_import *import, struct text chunk);
enum error spool_import_end(struct spool_import *import);
/* Forgets the message that was begun, and its error. */
void spool_import_cancel(struct spool_import *import);

/* Commits the rest and frees. ERROR_MALFORMED: the stream ends inside a message. */
enum error spool_import_close(struct spool_import *import, struct spool_import_count *ret_count);

#endif
