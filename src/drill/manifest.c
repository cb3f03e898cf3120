/* SPDX-License-Identifier: Apache-2.0
 *
 * Posternd as the enemy: hands over what no manifest (role/process.def) lists: a descriptor, a channel,
 * a room of another shape. Called by main.c, and by mutate.c with the check left out. Each must end
 * the process or be closed at once.
 */
#include "base/ensure.h"
#include "drill/drill.h"
#include "drill/hostile.h"
#include "ipc/role_audit.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Every thing that is not its own, one start each. */
static void offer_things(struct drill *d, const struct subject *s)
{
	int fd = open(d->decoys.home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char detail[64] = "";
	bool was_expected;

	was_expected = subject_expect_failure(true);
	for (unsigned thing = 0; thing <= POSTERND_ROLE_THING_TRUST_ANCHOR; thing++) {
		struct run r;
		if (process_may_have(s->id, thing) ||
		    !subject_start_with(&d->gateway, s, d->layers, d->mutation, thing, fd, &r))
			continue;
		snprintf(detail, sizeof detail, "it took thing %u", thing);
		subject_end(&r);
	}
	subject_expect_failure(was_expected);
	close(fd);
	report_check(&d->report, s->profile->name, "a descriptor that its manifest does not list ends it",
		     *detail == 0, detail);
}

static bool is_strange(enum role_id self, enum role_id other)
{
	unsigned side;

	return other != self && !process_find_edge(self, other, &side);
}

/* Channels to all roles, of which those that it does not know must end. */
static void offer_peers(struct drill *d, const struct subject *s)
{
	enum role_id self = process_of(s->id)->owner, peers[ROLE_COUNT];
	int fds[ROLE_COUNT], ours[ROLE_COUNT];
	char detail[64] = "";
	size_t n = 0;
	struct run r;

	for (enum role_id other = 0; other < ROLE_COUNT; other++) {
		int pair[2];
		if (!is_strange(self, other))
			continue;
		ASSERT(link_make_pair(&role_audit_edge, pair) == ERROR_NONE);
		peers[n] = other;
		ours[n] = pair[0];
		fds[n++] = pair[1];
	}
	if (subject_start_between(&d->gateway, s, d->mutation, peers, fds, n, &r)) {
		for (size_t i = 0; i < n; i++) {
			struct link l = link_of(ours[i], &role_audit_edge, ROLE_AUDIT_SIDE_AUDIT);
			if (!hostile_is_at_end(&l))
				snprintf(detail, sizeof detail, "it keeps one to %s", role_name(peers[i]));
		}
		subject_end(&r);
	} else {
		snprintf(detail, sizeof detail, "it does not start");
	}
	for (size_t i = 0; i < n; i++)
		close(ours[i]);
	report_check(&d->report, s->profile->name, "a channel that its manifest does not list is closed",
		     *detail == 0, detail);
}

static void offer_room(struct drill *d, const struct subject *s)
{
	size_t n = subject_count_room_files(s);
	bool is_made = true;
	struct run r;

	if (subject_start(&d->gateway, s, d->layers, d->mutation, &r)) {
		is_made = subject_is_room_made(&r, n == 1 ? 2 : n - 1);
		subject_end(&r);
	}
	report_check(&d->report, s->profile->name, "no room with other descriptors than its kind has",
		     !is_made, "");
}

void manifest_check(struct drill *d, const struct subject *s)
{
	if (s->is_room) {
		offer_room(d, s);
		return;
	}
	offer_things(d, s);
	if (!process_is_zygote(s->id))
		offer_peers(d, s);
}
