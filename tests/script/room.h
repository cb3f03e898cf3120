/* SPDX-License-Identifier: Apache-2.0
 *
 * room - runs a room's blocking code under a clock that only the test moves.
 *
 * The room has a thread of its own, which runs only inside room_turn, until it ends or waits for
 * something that is not there: its poll gives the turn back instead of waiting. So nothing happens at
 * the same time, no real time passes, and every run is the same.
 */
#ifndef SCRIPT_ROOM_H
#define SCRIPT_ROOM_H

#include <stdbool.h>
#include <stdint.h>

void room_start(int (*run)(void *arg), void *arg);
/* False: it has ended, and *ret_status is what it returned. */
bool room_turn(int *ret_status);
void room_pass_time(int64_t ms);

#endif
