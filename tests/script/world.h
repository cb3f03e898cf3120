/* SPDX-License-Identifier: Apache-2.0
 *
 * world - everybody whom a session room talks to: its client, receive, policy, queue and keyring.
 *
 * The others do by themselves what they do on a good day (grant, accept, sign), unless they were told
 * otherwise, and remember what the room said to them.
 */
#ifndef SCRIPT_WORLD_H
#define SCRIPT_WORLD_H

#include "base/buf.h"
#include "conf/conf.h"
#include "ipc/link.h"

#include <openssl/types.h>

struct keys;
struct tls_context;

enum other { OTHER_RECEIVE, OTHER_POLICY, OTHER_QUEUE, OTHER_KEYRING, OTHER_COUNT };

enum mood {
	MOOD_ORDINARY,
	MOOD_SILENT, /* hears, and does not answer */
	MOOD_AWAY,   /* its channel ends as soon as it is used */
};

/* One of the others. */
struct end {
	struct link link; /* our end of its channel; fd -1: none */
	enum mood mood;
	struct buf said; /* what the room said to it: a line for each message */
	size_t heard;    /* so much of it was looked at */
};

#define WORLD_QUESTIONS 4

struct world {
	const char *file; /* for complaints: where the script stands */
	unsigned line;

	struct conf *conf;
	struct addr address; /* of the client */
	struct end others[OTHER_COUNT];
	struct link_in in;
	/* What policy answers next to helo, mail, rcpt and data, and does it go on so? */
	unsigned verdicts[WORLD_QUESTIONS];
	bool verdicts_stay[WORLD_QUESTIONS];
	unsigned n_rcpts; /* accepted in this transaction */
	unsigned outcome; /* of the next message */
	unsigned n_messages;
	struct buf message; /* what queue got of the last one */

	int client_fd; /* -1: not connected */
	SSL_CTX *ssl_context;
	SSL *ssl;
	struct buf heard; /* by the client, and not yet looked at */
	size_t piece;     /* bytes that the client sends at once; 0: all */
	bool is_deaf;     /* the client does not read */
	bool is_ended;    /* the room's side of the connection has ended */

	struct keys *keys;
	struct tls_context *tls;
	int room_fds[3];
	bool is_room_over;
};

/* Says what is wrong at this place of the script, and ends the test. */
_Noreturn void world_fail(const struct world *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* settings: lines of the listener block. */
void world_init(struct world *w, struct text settings);
void world_done(struct world *w);

void world_connect(struct world *w);
/* Lets everybody go on until nobody has anything to do but wait. */
void world_settle(struct world *w);
void world_pass_time(struct world *w, int64_t ms);

/* What the room does not take is lost. */
void world_send(struct world *w, struct text bytes);
/* The client's handshake: does it succeed? */
bool world_start_tls(struct world *w);
void world_close_half(struct world *w);
/* The client goes. The room must end, if need be after some time. */
void world_close(struct world *w);

/* What `others` do; the part of the world that others.c holds. True: somebody did something. */
bool others_serve(struct world *w);
void others_connect(struct world *w, int ret_room_fds[2]);
void others_close(struct world *w);
const char *other_name(enum other other);
/* "rcpt no_such_user always" for policy, an outcome for queue, "stop" for receive. */
void others_tell(struct world *w, enum other other, struct text words);

#endif
