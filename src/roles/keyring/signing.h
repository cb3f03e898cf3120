/* SPDX-License-Identifier: Apache-2.0
 *
 * signing - what is said with queue and with the rooms for which it vouches: ipc/queue_keyring.def and
 * ipc/signing_keyring.def. In keyring's loop.
 */
#ifndef KEYRING_SIGNING_H
#define KEYRING_SIGNING_H

#include "role/role.h"

/* Before the sandbox. */
void signing_open(struct role *r);
/* Keys of the configuration; what is wrong with one is logged, and the others sign. */
void signing_load(const struct conf *conf);
void signing_close(void);
/* A fresh channel to queue. */
void signing_add_queue(int fd);
void signing_tell_counters(void);

#endif
