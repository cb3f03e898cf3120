/* SPDX-License-Identifier: Apache-2.0
 *
 * subject - a process or a kind of room that is drilled: started through the real starter by the real
 * program, given what posternd gives it, with the drill at posternd's end of its channel.
 */
#ifndef DRILL_SUBJECT_H
#define DRILL_SUBJECT_H

#include "drill/decoys.h"
#include "ipc/link.h"
#include "roles/posternd/posternd.h"

struct subject {
	enum process_id id;
	bool is_room;
	const struct sandbox_profile *profile;
	uid_t uid;
};

/* Every role, zygote and kind of room, in the order of process.def; NULL behind the last. */
const struct subject *subject_at(size_t index);
void subject_find_all(const struct gateway *g);

/* One started process. */
struct run {
	struct gateway *gateway;
	const struct subject *subject;
	struct link starter, channel, owner; /* owner: of a zygote's rooms */
	int log_fd;
	pid_t pid;
	uint32_t layers; /* achieved */
	uint64_t last_ticket;
	int room_fds[IPC_MAX_FDS]; /* our ends of a room's descriptors, while there is one */
};

/* Starts it with these layers, and with one thing left out (0: nothing). It stands sealed up to the last
 * filter and waits for orders. False: it did not start; what it said is in the log. */
bool subject_start(struct gateway *g, const struct subject *s, uint32_t layers, uint32_t mutation,
		   struct run *ret_run);
/* Likewise, but it is also offered this descriptor, as that thing. */
bool subject_start_with(struct gateway *g, const struct subject *s, uint32_t layers, uint32_t mutation,
			enum posternd_role_thing thing, int fd, struct run *ret_run);
/* Likewise a role with these peers, which goes on from the drill and serves. */
bool subject_start_between(struct gateway *g, const struct subject *s, uint32_t mutation,
			   const enum role_id *peers, const int *fds, size_t n_peers, struct run *ret_run);
/* Runs one step in a child of it, or in a fresh room. Returns what wait(2) says. */
int subject_try(struct run *r, const struct steps_order *order);
/* A child or room, sealed, that waits for subject_release; -1. */
pid_t subject_hold(struct run *r);
void subject_release(struct run *r, pid_t pid);
/* Asks a zygote for a room with this many descriptors. Was it made? */
bool subject_is_room_made(struct run *r, size_t n_fds);
/* What a process that does not start says is shown, but when that is what should happen. Returns what was
 * expected before. */
bool subject_expect_failure(bool is_expected);
size_t subject_count_room_files(const struct subject *s);
void subject_end(struct run *r);

/* The same, but it goes on to serve: for hostile.c, which gives it its peers. */
bool subject_serve(struct gateway *g, enum role_id role, const enum role_id *peers, const int *fds,
		   size_t n_peers, struct run *ret_run);

#endif
