/* SPDX-License-Identifier: Apache-2.0
 *
 * decoys - what the drill's steps are aimed at: files, sockets and processes of its own, below one
 * directory. Made anew before each step, since a step that succeeds (the control) leaves traces.
 */
#ifndef DRILL_DECOYS_H
#define DRILL_DECOYS_H

#include "sandbox/steps.h"

struct decoys {
	char home[STEPS_DIR_SIZE]; /* of the whole drill */
	char dir[STEPS_DIR_SIZE];  /* home/decoys */
	uint16_t tcp_port, listed_port, udp_port;
	int log_fd; /* run/log, which anybody may send to */
	int shm_id;
	key_t shm_key;
	bool as_root;
};

/* Makes the directory, the sockets and the shared memory. Ends the process when it cannot. */
void decoys_open(struct decoys *d);
void decoys_close(struct decoys *d); /* removes everything */

/* The files as they were; those below own/ belong to `uid`. */
void decoys_reset(const struct decoys *d, uid_t uid);

/* A process of this user that waits, and an address in its memory. The caller kills it. */
pid_t decoys_start_victim(uid_t uid, uint64_t *ret_secret);

#endif
