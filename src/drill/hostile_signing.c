/* SPDX-License-Identifier: Apache-2.0
 *
 * The hostile room that prepares a signature: a real keyring in its sandbox, with the drill as queue and as
 * the room for which queue vouches. Called by hostile.c. For each: nothing is signed, queue is told so, the
 * room's channel has ended, and the next room is served.
 */
#include "drill/hostile.h"

#include "base/ensure.h"
#include "ipc/queue_keyring.h"
#include "ipc/signing_keyring.h"

#include <unistd.h>

#define NAMES_TOO_MANY 300
#define PROFILE        0x70726f66696c65 /* no block of the configuration */

static const struct signing_keyring_body a_body = { TEXT("0123456789abcdef0123456789abcdef") };
static const struct signing_keyring_name a_name = { TEXT("from") };
static const struct signing_keyring_field a_field = { TEXT("from:a@drill.example.com\r\n") };

static void make_room(struct stage *st, struct link *ret_room)
{
	struct queue_keyring_signing m = { ++st->last_session, PROFILE };
	int fds[2];

	ASSERT(link_make_pair(&signing_keyring_edge, fds) == ERROR_NONE);
	ASSERT(!link_send(&st->ends[ROLE_QUEUE], QUEUE_KEYRING_SIGNING, &m, &fds[1], 1, hostile_soon()));
	close(fds[1]);
	*ret_room = link_of(fds[0], &signing_keyring_edge, SIGNING_KEYRING_SIDE_ROOM);
}

/* Queue hears that nothing was signed; then it says that it has heard. */
static bool is_told_nothing(struct stage *st)
{
	const struct queue_keyring_signature *m = link_body(&st->in);
	struct queue_keyring_taken taken = { st->last_session };
	bool is_nothing = hostile_await(st, &st->ends[ROLE_QUEUE], QUEUE_KEYRING_SIGNATURE) &&
			  m->job == st->last_session && m->fields.n == 0;

	hostile_send_ok(&st->ends[ROLE_QUEUE], QUEUE_KEYRING_TAKEN, &taken);
	return is_nothing;
}

static void say_all(struct link *room)
{
	hostile_send_ok(room, SIGNING_KEYRING_BODY, &a_body);
	hostile_send_ok(room, SIGNING_KEYRING_NAME, &a_name);
	hostile_send_ok(room, SIGNING_KEYRING_FIELD, &a_field);
	hostile_send_ok(room, SIGNING_KEYRING_END, NULL);
}

static void ask_for_another(struct link *room)
{
	say_all(room);
}

static void end_before_the_body(struct link *room)
{
	hostile_send_untimely(room, SIGNING_KEYRING_END, "");
}

static void say_fields_first(struct link *room)
{
	hostile_send_untimely(room, SIGNING_KEYRING_FIELD, &a_field);
}

static void give_half_a_hash(struct link *room)
{
	struct signing_keyring_body half = { TEXT("0123456789abcdef") };

	hostile_send_ok(room, SIGNING_KEYRING_BODY, &half);
}

static void name_too_much(struct link *room)
{
	hostile_send_ok(room, SIGNING_KEYRING_BODY, &a_body);
	for (int i = 0; i < NAMES_TOO_MANY; i++)
		if (link_send(room, SIGNING_KEYRING_NAME, &a_name, NULL, 0, hostile_soon()))
			return; /* it has ended us */
}

static void speak_garbage(struct link *room)
{
	hostile_send_raw(room, "\xff\xff\xff\xff", 4);
}

static void ask_twice(struct link *room)
{
	say_all(room);
	hostile_send_untimely(room, SIGNING_KEYRING_END, "");
}

void hostile_with_signing(struct stage *st, struct report *r)
{
	static const struct {
		const char *what;
		void (*act)(struct link *room);
	} acts[] = {
		{ "have something signed for a block that is not there", ask_for_another },
		{ "end before it has said anything", end_before_the_body },
		{ "say fields before the body", say_fields_first },
		{ "give half a hash", give_half_a_hash },
		{ "name more fields than a message has", name_too_much },
		{ "say what is no message", speak_garbage },
		{ "ask twice", ask_twice },
	};

	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
		struct link room, next;
		bool is_refused, serves;
		make_room(st, &room);
		acts[i].act(&room);
		is_refused = is_told_nothing(st) && hostile_is_at_end(&room);
		link_close(&room);
		make_room(st, &next);
		say_all(&next);
		serves = is_told_nothing(st) && hostile_is_at_end(&next);
		link_close(&next);
		hostile_finish(r, "signing/keyring", acts[i].what, is_refused, serves);
	}
}
