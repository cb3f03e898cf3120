/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes of messages on their way to disk. Made by whoever changes a message that is in the spool;
 * each holds copies of what it writes, so that the item may go on meanwhile. Trusts its callers.
 *
 * Invariants: changes of one item are committed in the order in which they were submitted; a change
 * that finds the disk full or read-only is tried again until it succeeds, since what it says has
 * happened; item->n_changes counts those that are not yet on disk.
 */
#include "base/ensure.h"
#include "base/log.h"
#include "roles/queue/queue.h"

#include <event2/event.h>
#include <stdlib.h>

enum { AGAIN_MS = 1000, TEXTS_MAX = 2048, HEAD_ROOM = SPOOL_HEAD_MAX + SPOOL_ORIGIN_MAX + 2048 };

struct change *change_new(struct queue *q, struct item *item, uint32_t n_rcpts)
{
	struct change *c = mem_zalloc(1, sizeof *c);

	c->q = q;
	c->id = item->id;
	arena_init(&c->arena, HEAD_ROOM + n_rcpts * (sizeof *c->rcpts + TEXTS_MAX));
	c->rcpts = arena_alloc(&c->arena, n_rcpts * sizeof *c->rcpts);
	ASSERT(n_rcpts == 0 || c->rcpts);
	c->op = (struct spool_op){ .verb = SPOOL_UPDATE, .id = item->id, .rcpts = c->rcpts, .owner = c };
	item->n_changes++;
	return c;
}

void change_message(struct change *c, const struct item *item, struct text reason, const struct mail *mail)
{
	c->m = (struct spool_message){
		.id = item->id, .state = item->state, .flags = item->flags, .scans = item->scans
	};
	ASSERT(arena_copy(&c->arena, reason, &c->m.reason) &&
	       arena_copy(&c->arena, mail->m.head, &c->m.head) &&
	       arena_copy(&c->arena, mail->m.origin, &c->m.origin));
	c->op.message = &c->m;
}

struct spool_rcpt *change_rcpt(struct change *c, const struct spool_rcpt *from)
{
	struct spool_rcpt *r = &c->rcpts[c->op.n_rcpts++];

	*r = *from;
	ASSERT(arena_copy(&c->arena, from->route, &r->route) &&
	       arena_copy(&c->arena, from->enhanced, &r->enhanced) &&
	       arena_copy(&c->arena, from->answer, &r->answer) &&
	       arena_copy(&c->arena, from->remote, &r->remote));
	return r;
}

static void change_free(struct change *c)
{
	if (c->again)
		event_free(c->again);
	arena_reset(&c->arena);
	free(c);
}

void change_drop(struct change *c)
{
	change_free(c);
}

static void try_again(evutil_socket_t fd, short what, void *arg)
{
	struct change *c = arg;

	(void)fd;
	(void)what;
	spool_submit(c->q->spool, &c->op);
}

static bool is_passing(enum error e)
{
	return e == ERROR_DISK_FULL || e == ERROR_READ_ONLY || e == ERROR_BUSY;
}

static void changed(struct spool_op *op, enum error e)
{
	static const struct timeval pause = { AGAIN_MS / 1000, AGAIN_MS % 1000 * 1000 };
	struct change *c = op->owner;
	struct queue *q = c->q;
	uint64_t id = c->id;
	struct item *item = table_get(&q->items, id);

	if (is_passing(e)) {
		if (!c->again)
			c->again = evtimer_new(q->role->loop, try_again, c);
		ASSERT(c->again && evtimer_add(c->again, &pause) == 0);
		queue_wake(q);
		return;
	}
	if (e)
		log_error("a change of a message in the spool failed: %s", error_text(e));
	if (item)
		item->n_changes--;
	if (c->committed)
		c->committed(c, item);
	change_free(c);
	item = table_get(&q->items, id);
	if (item)
		item_settle(q, item);
	queue_wake(q);
}

void change_submit(struct change *c, bool is_lazy)
{
	c->op.is_lazy = is_lazy;
	c->op.done = changed;
	spool_submit(c->q->spool, &c->op);
}
