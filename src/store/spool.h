/* SPDX-License-Identifier: Apache-2.0
 *
 * spool - messages on disk, from the moment they are promised until every recipient is answered for.
 *
 * The promise: when the callback of an insert is called with ERROR_NONE, the message with all its
 * recipients is synced to disk, and no crash, kill or power cut loses it. The same holds for updates
 * and removals. What is in one group (`with`) is there completely or not at all.
 *
 * The spool lives in the current directory: spool.db (SQLite, WAL), bodies/ (one file per message
 * above SPOOL_INLINE_MAX) and reserve (space for a full disk). The format, its invariants and the
 * states of a message stand in spool_format.h.
 *
 * Threads: everything here is called from one thread, the loop's. Two more belong to the spool and
 * are never seen: one syncs body files, one commits. An operation is handed over with spool_submit
 * and comes back by its callback, out of spool_reap, in the loop's thread.
 *
 *	op->verb = SPOOL_INSERT; op->message = &m; op->body = body; op->done = inserted;
 *	spool_submit(s, op);                      // op and all it points to stay put until `inserted`
 *	... spool_completed_fd(s) becomes readable ...
 *	spool_reap(s);                            // calls inserted(op, error)
 *
 * Errors: ERROR_DISK_FULL (nothing of the group is stored; updates and removals still work from the
 * reserve), ERROR_READ_ONLY, ERROR_CORRUPT (raise an alarm, take no new mail), ERROR_IO: a write or
 * sync failed and what is on disk is unknown; nothing works any more, report and end the process.
 */
#ifndef STORE_SPOOL_H
#define STORE_SPOOL_H

#include "base/addr.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#define SPOOL_INLINE_MAX 65536 /* bytes; a larger body is a file */
#define SPOOL_CHUNK_MAX  65536 /* bytes of one spool_body_append or export record */
#define SPOOL_RCPTS_MAX  50000 /* of one message */
#define SPOOL_HEAD_MAX   16384 /* prepended headers */
#define SPOOL_ORIGIN_MAX 32768 /* results of its authentication */
#define SPOOL_GROUP_MAX  16    /* operations in one group */
#define SPOOL_ID_SIZE    14    /* 13 characters and NUL */
/* An arena of this size holds any message with n recipients, without its body. */
#define SPOOL_ARENA_SIZE(n_rcpts) (131072 + (size_t)(n_rcpts)*4096)

struct spool;

enum spool_state {
	SPOOL_WAITING, /* promised, not yet judged: scan it from disk */
	SPOOL_ACTIVE,  /* judged, being delivered */
	SPOOL_HELD,    /* `reason` says why; waits for a person */
	SPOOL_STATE_COUNT
};

enum spool_rcpt_state {
	SPOOL_PENDING,   /* to be tried at next_attempt */
	SPOOL_DELIVERED, /* the next hop said 250 */
	SPOOL_RELAYED,   /* the same, and it took over the duty to notify */
	SPOOL_FAILED,    /* refused for good or expired; no notice made yet if one is due */
	SPOOL_DROPPED,   /* by disposition or by an administrator */
	SPOOL_RCPT_HELD, /* this recipient waits for a person */
	SPOOL_NOTIFIED,  /* failed, and the notice is in the spool (or none was due) */
	SPOOL_RCPT_STATE_COUNT
};

enum spool_body { SPOOL_BODY_7BIT, SPOOL_BODY_8BIT, SPOOL_BODY_BINARY, SPOOL_BODY_COUNT };
enum spool_ret { SPOOL_RET_UNSET, SPOOL_RET_FULL, SPOOL_RET_HEADERS, SPOOL_RET_COUNT };

/* Bits of spool_message.flags. */
#define SPOOL_SMTPUTF8      0x01u
#define SPOOL_AUTHENTICATED 0x02u
#define SPOOL_RELAY         0x04u /* may go to any domain */
#define SPOOL_NOTICE        0x08u /* made here: never answered by another notice, never refused for space first */
#define SPOOL_BAD           0x10u /* judged bad: notices carry its headers only */
#define SPOOL_TLS           0x20u
#define SPOOL_JUDGED        0x40u
#define SPOOL_SIGNED        0x80u /* DKIM: its signature is in `head`, or there could be none */
#define SPOOL_FLAGS_ALL     0xffu

struct spool_message {
	/* Fixed by the insert. */
	uint64_t id;
	int64_t arrival; /* wall clock, ms */
	uint64_t session;
	struct addr client;
	uint16_t port;
	uint32_t listener;
	struct text helo;   /* <= 255 */
	struct text sender; /* <= 320; empty: the null sender */
	struct text envid;  /* <= 100, as received (xtext). rfc3461 4.4 */
	enum spool_body body_type;
	enum spool_ret ret;
	uint64_t body_size;   /* bytes, without head */
	uint32_t header_size; /* of the body's own header */
	bool has_file;        /* the body is bodies/<id>, else it is inline */
	uint32_t n_rcpts;     /* 1..SPOOL_RCPTS_MAX */
	/* Changed by updates. */
	enum spool_state state;
	uint32_t flags;
	uint32_t scans;     /* attempts to judge it, counted before each */
	struct text reason; /* <= 500, for people */
	struct text head;   /* <= SPOOL_HEAD_MAX, whole CRLF lines that go before the body */
	struct text origin; /* <= SPOOL_ORIGIN_MAX; empty: not authenticated (yet). spool_origin.h */
};

struct spool_rcpt {
	/* Fixed by the insert. */
	uint32_t index;      /* 0..n_rcpts-1 */
	struct text address; /* 1..320 */
	struct text orcpt;   /* <= 500, as received. rfc3461 4.2 */
	uint8_t notify;      /* <= 15: bits never, success, failure, delay; 0: not given */
	/* Changed by updates. */
	struct text route; /* <= 255: name of the configuration's domain block, empty: by MX */
	enum spool_rcpt_state state;
	uint32_t attempts;
	int64_t next_attempt; /* wall clock, ms */
	int64_t last_attempt; /* 0: none yet */
	int64_t warned;       /* when the notice of delay was made; 0: not */
	uint16_t code;        /* of the last answer, 0: none */
	struct text enhanced; /* <= 12 */
	struct text answer;   /* <= 512 */
	struct text remote;   /* <= 255: who gave it */
};

/* ---- opening ---- */

struct spool_options {
	const char *vfs;           /* of SQLite; NULL: the one of the store. Tests put theirs under it. */
	uint64_t reserve_bytes;    /* 0: no reserve file */
	uint32_t lazy_ms;          /* how long a lazy operation may wait for company */
	uint32_t batch_max;        /* groups in one transaction */
	uint32_t checkpoint_pages; /* checkpoint between two commits above so many WAL pages; when idle, above
				      a quarter */
};

void spool_options_init(struct spool_options *ret_options); /* sensible values */

/* Creates what is missing, checks the schema byte for byte, sweeps orphaned body files, starts the
 * threads. ERROR_CORRUPT: not a spool, another version, or damaged; ERROR_BUSY: another process has
 * it. */
enum error spool_open(const struct spool_options *options, struct spool **ret_spool);
/* Commits what was submitted, calls the callbacks, ends the threads. NULL is allowed. */
void spool_close(struct spool *s);

/* ---- ids ---- */

/* Never given twice, rising, also over restarts and when the clock goes back. */
uint64_t spool_next_id(struct spool *s);
/* 13 characters that sort as the numbers do: 0-9 and a-z without i, l, o, u. */
void spool_print_id(uint64_t id, char out[SPOOL_ID_SIZE]);
bool spool_parse_id(struct text t, uint64_t *ret_id);

/* ---- changing ---- */

enum spool_verb {
	SPOOL_INSERT, /* message, rcpts (all), body or body_fd */
	SPOOL_UPDATE, /* message (NULL: only recipients), rcpts (those that changed) */
	SPOOL_REMOVE  /* id */
};

/* Owned and allocated by the caller; untouchable from submit until `done`. */
struct spool_op {
	enum spool_verb verb;
	bool is_lazy;  /* may wait lazy_ms for other work */
	bool has_file; /* of a removal: the message has a body file */
	uint64_t id;
	const struct spool_message *message; /* message->id == id */
	const struct spool_rcpt *rcpts;
	size_t n_rcpts;
	struct text body; /* when !message->has_file; <= SPOOL_INLINE_MAX */
	int body_fd;      /* when message->has_file: from spool_body_create, complete; the caller closes it */
	struct spool_op *with; /* more of the same group: one transaction, or nothing */
	void (*done)(struct spool_op *op, enum error e); /* of the group's first; may submit and free */
	void *owner;
	/* The spool's. */
	struct spool_op *next;
	int64_t since;
	enum error result;
};

/* ERROR_NOT_FOUND in `done`: an update of a message that is not there. A removal of one is no error.
 * Groups are committed in the order of submission; only one with a body file may be overtaken. */
void spool_submit(struct spool *s, struct spool_op *op);

int spool_completed_fd(const struct spool *s); /* readable: call spool_reap */
size_t spool_reap(struct spool *s);            /* returns how many groups were finished */
/* Commits all that was submitted, the lazy too, and calls their callbacks; and what those submit. */
void spool_flush(struct spool *s);

/* ---- body files ---- */

/* A new, empty bodies/<id>, not yet synced: an insert does that. ERROR_EXISTS, ERROR_DISK_FULL... */
enum error spool_body_create(struct spool *s, uint64_t id, int *ret_fd);
enum error spool_body_append(int fd, struct text chunk);
/* Removes the file of a message that was never inserted. */
void spool_body_discard(struct spool *s, uint64_t id);

/* ---- reading, short, in the loop's thread ---- */

/* The whole message without its body; ret_rcpts has message.n_rcpts elements, by index. Texts live
 * in `arena`. ERROR_NOT_FOUND; ERROR_CORRUPT when a row breaks a bound; ERROR_TOO_LARGE: arena full. */
enum error spool_read(struct spool *s, uint64_t id, struct arena *arena, struct spool_message *ret_message,
		      struct spool_rcpt **ret_rcpts);
/* An inline body, appended to `out`. */
enum error spool_read_body(struct spool *s, uint64_t id, struct buf *out);
/* A body file, read-only, of exactly `size` bytes, else ERROR_CORRUPT. */
enum error spool_open_body(struct spool *s, uint64_t id, uint64_t size, int *ret_fd);

/* The ids of at most `max` messages above `after`, rising. For the start and for lists: call with
 * the last id until 0 come. */
enum error spool_read_ids(struct spool *s, uint64_t after, uint64_t *ret_ids, size_t max, size_t *ret_n);

struct spool_status {
	uint64_t n_commits;  /* transactions */
	uint64_t n_groups;   /* finished without error */
	uint64_t n_messages; /* inserted since the start */
	uint64_t n_waiting;  /* groups submitted and not finished */
	uint32_t wal_pages;
	bool is_full; /* the last insert found no space */
	bool has_reserve;
	bool is_read_only;
	bool is_corrupt;
	bool is_broken; /* ERROR_IO has happened */
};

/* Free bytes of the disk, for this process. */
uint64_t spool_free_bytes(struct spool *s);
void spool_get_status(struct spool *s, struct spool_status *ret_status);
/* Reads every page; long, for tools. ERROR_CORRUPT with the first finding in `out`. */
enum error spool_check(struct spool *s, struct buf *out);

#endif
