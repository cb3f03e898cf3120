/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread of a room and its poll (linked in place of the C library's by --wrap=poll). Called by the
 * runner. Invariant: of the two threads exactly one runs at any time; the clock is moved only while the
 * room waits.
 */
#include "room.h"

#include "base/clock.h"
#include "base/ensure.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>

#define BEGIN_WALL INT64_C(1800000000000)
#define BEGIN_MONO INT64_C(1000000)

int __real_poll(struct pollfd *fds, nfds_t n, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);

static struct {
	pthread_t thread;
	sem_t run, pause;
	int (*main)(void *arg);
	void *arg;
	bool is_there;
	bool is_over;
	int status;
} room;

static _Thread_local bool is_room;
static int64_t passed;

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	int64_t deadline = clock_mono_ms() + timeout;

	for (;;) {
		int ready = __real_poll(fds, n, is_room ? 0 : timeout);
		bool is_late = timeout >= 0 && clock_mono_ms() >= deadline;
		if (ready != 0 || !is_room || is_late)
			return ready;
		sem_post(&room.pause);
		sem_wait(&room.run);
	}
}

static void *run(void *arg)
{
	(void)arg;
	is_room = true;
	sem_wait(&room.run);
	room.status = room.main(room.arg);
	room.is_over = true;
	sem_post(&room.pause);
	return NULL;
}

void room_start(int (*main)(void *arg), void *arg)
{
	ASSERT(!room.is_there);
	room.main = main;
	room.arg = arg;
	room.is_over = false;
	room.is_there = true;
	sem_init(&room.run, 0, 0);
	sem_init(&room.pause, 0, 0);
	room_pass_time(0);
	ASSERT(pthread_create(&room.thread, NULL, run, NULL) == 0);
}

bool room_turn(int *ret_status)
{
	if (!room.is_there)
		return false;
	sem_post(&room.run);
	sem_wait(&room.pause);
	if (!room.is_over)
		return true;
	pthread_join(room.thread, NULL);
	sem_destroy(&room.run);
	sem_destroy(&room.pause);
	room.is_there = false;
	*ret_status = room.status;
	return false;
}

void room_pass_time(int64_t ms)
{
	passed += ms;
	clock_set_fake(BEGIN_WALL + passed, BEGIN_MONO + passed);
}
