/* SPDX-License-Identifier: Apache-2.0
 *
 * hostile - one real process in its sandbox, with the drill at the other end of all its channels. The
 * conversations are in hostile.c (policy, keyring), hostile_queue.c and hostile_origin.c.
 */
#ifndef DRILL_HOSTILE_H
#define DRILL_HOSTILE_H

#include "drill/report.h"
#include "drill/subject.h"

#define HOSTILE_WAIT_MS 3000

/* One process under test and the drill's ends of its channels. */
struct stage {
	struct run run;
	struct link ends[ROLE_COUNT];
	struct link_in in;
	uint64_t last_session;
};

bool hostile_open_stage(struct gateway *g, enum role_id role, struct stage *st);
void hostile_close_stage(struct stage *st);
int64_t hostile_soon(void);

/* The next message of this type on this channel; others are passed over. */
bool hostile_await(struct stage *st, struct link *l, unsigned type);
/* Has the process ended this channel, without having said anything on it? */
bool hostile_is_ended(struct stage *st, struct link *l);
/* Whatever still came: is the channel over behind it? */
bool hostile_is_at_end(struct link *room);
/* Bytes that no encoder made; what our own side may say; and what it may not, or not now. */
void hostile_send_raw(struct link *l, const void *bytes, size_t n);
void hostile_send_ok(struct link *l, unsigned type, const void *body);
void hostile_send_untimely(struct link *l, unsigned type, const void *body);
void hostile_finish(struct report *r, const char *group, const char *what, bool is_refused,
		    bool still_serves);

struct hostile_act {
	const char *what;
	void (*act)(struct link *room);
};

void hostile_with_queue(struct gateway *g, struct report *r);
/* On the stage of keyring. */
void hostile_with_signing(struct stage *st, struct report *r);

/* hostile_origin.c. The drill as authentication room: takes the job that queue makes; or takes it and says
 * nothing bad. */
bool hostile_take_origin(struct stage *st, struct link *ret_room, uint64_t *ret_job);
bool hostile_pass_origin(struct stage *st);
extern const struct hostile_act hostile_origin_acts[];
extern const size_t hostile_n_origin_acts;
void hostile_with_judge_resolver(struct gateway *g, struct report *r);

#endif
