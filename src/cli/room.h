/* SPDX-License-Identifier: Apache-2.0
 *
 * room - what a subcommand does with a stranger's file, in a child that can do nothing else.
 *
 * The child is in the sandbox of the message room: memory and one pipe, no files, no network, no processes.
 * What it prints is copied to standard output as it is: the child escapes what is the stranger's.
 */
#ifndef CLI_ROOM_H
#define CLI_ROOM_H

#include "base/buf.h"
#include "cli/cli.h"

/* A whole file, or standard input for "-". Prints its own error and returns a status; 0 is success. */
int cli_read_file(const char *name, size_t max, struct buf *out);

/* What the child prints: it adds to buf, which is handed on at the end and at each flush. */
struct room_out {
	struct buf buf;
	int fd;
};

void room_flush(struct room_out *out);

/* Runs work(context, out) there and prints what it added to out. memory: what it may use, in bytes. Gives
 * what work returned, 0..127, or -1 after an error that was printed: the child could not be made, or died. */
int cli_run_in_room(int (*work)(void *context, struct room_out *out), void *context, uint64_t memory);

#endif
