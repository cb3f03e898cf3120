/* SPDX-License-Identifier: Apache-2.0
 *
 * connect - one attempt to reach one address by TCP, in the event loop.
 */
#ifndef ROLES_DELIVER_CONNECT_H
#define ROLES_DELIVER_CONNECT_H

#include "base/addr.h"

struct event_base;
struct connect;

/* number: 0, and fd is connected, non-blocking and the owner's; or an errno and fd is -1. The attempt
 * is over and forgotten when this is called. */
typedef void connect_done_function(void *owner, int fd, int number);

/* source: NULL lets the system choose. Never calls `done` from inside. NULL when it failed at once, with
 * the errno in ret_number. */
struct connect *connect_start(struct event_base *loop, const struct addr *addr, uint16_t port,
			      const struct addr *source, int64_t timeout, connect_done_function *done,
			      void *owner, int *ret_number);
void connect_cancel(struct connect *c); /* NULL is allowed; no callback */

#endif
