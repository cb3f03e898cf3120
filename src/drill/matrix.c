/* SPDX-License-Identifier: Apache-2.0
 *
 * Every step of sandbox/steps.def in one process or kind of room, under a set of layers. Called by
 * main.c for the table, and by mutate.c for single layers with a rule missing.
 *
 * Invariant: the decoys are as new before each step, so that no step lives on what another left.
 */
#include "base/log.h"
#include "drill/drill.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define OTHER_USER 40 /* behind all of the drill's users */

struct bystanders {
	pid_t victim, other;
	uint64_t secret;
};

static struct steps_order order_of(const struct drill *d, const struct subject *s, const struct step *step,
				   const struct bystanders *b)
{
	struct steps_order o = { .step = step->number,
				 .argument = (uint64_t)d->decoys.shm_key,
				 .tcp_port = d->decoys.tcp_port,
				 .listed_port = d->decoys.listed_port,
				 .udp_port = d->decoys.udp_port,
				 .victim = b->victim,
				 .secret = b->secret,
				 .other = b->other,
				 .uid = s->uid };

	snprintf(o.dir, sizeof o.dir, "%s", d->decoys.dir);
	return o;
}

static struct bystanders start_bystanders(uid_t uid)
{
	struct bystanders b;
	uint64_t nobody;

	b.victim = decoys_start_victim(uid, &b.secret);
	b.other = decoys_start_victim(uid + OTHER_USER, &nobody);
	return b;
}

static void end_bystanders(const struct bystanders *b)
{
	kill(b->victim, SIGKILL);
	kill(b->other, SIGKILL);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* The directory that a process stands in or is handed: with a device (as root), without what a step left. */
static void reset_directory(int fd)
{
	if (fd < 0)
		return;
	unlinkat(fd, STEPS_LEFT_FILE, 0);
	unlinkat(fd, STEPS_LEFT_DIR "/" STEPS_LEFT_FILE, 0);
	unlinkat(fd, STEPS_LEFT_DIR, AT_REMOVEDIR);
	unlinkat(fd, STEPS_LEFT_DEVICE, 0);
}

static void reset_directories(const struct drill *d, const struct subject *s, bool has_device)
{
	const struct places *p = &d->gateway.places;
	int fds[] = { p->states[process_of(s->id)->owner], p->empty, p->n_maildirs ? p->maildirs[0].fd : -1 };

	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
		reset_directory(fds[i]);
		if (fds[i] < 0 || !has_device || !d->decoys.as_root)
			continue;
		if (mknodat(fds[i], STEPS_LEFT_DEVICE, S_IFCHR | 0600, makedev(1, 3)) < 0 ||
		    fchmodat(fds[i], STEPS_LEFT_DEVICE, 0666, 0) < 0)
			log_debug("no device for the drill here"); /* its step is vacuous */
	}
}

bool matrix_try(struct drill *d, const struct subject *s, uint32_t layers, const bool *wanted,
		int *ret_status, uint32_t *ret_layers)
{
	struct bystanders b = start_bystanders(s->uid);
	const struct step *step;
	struct run r;
	bool is_started = subject_start(&d->gateway, s, layers & ~d->missing, d->mutation, &r);

	for (size_t i = 0; is_started && (step = steps_at(i)) && !(step->flags & STEPS_MANY); i++) {
		struct steps_order o = order_of(d, s, step, &b);
		if (wanted && !wanted[i])
			continue;
		decoys_reset(&d->decoys, s->uid);
		reset_directories(d, s, step->flags & STEPS_WITH_DEVICE);
		ret_status[i] = subject_try(&r, &o);
	}
	if (is_started) {
		reset_directories(d, s, false);
		*ret_layers = r.layers | (layers & SANDBOX_SECCOMP); /* the filter comes with each step */
		subject_end(&r);
	}
	end_bystanders(&b);
	return is_started;
}

/* One layer, or where a process does not start with it alone (its directory belongs to its user) on top
 * of its user: then only what the user does not deny already is told by it. */
void matrix_ablate_one(struct drill *d, const struct subject *s, unsigned bit, const bool *wanted,
		       struct report_subject *out)
{
	int status[REPORT_STEPS_MAX] = { 0 };
	uint32_t achieved = 0, below = 0;
	bool was_expected = subject_expect_failure(true);
	bool is_told = 1u << bit != SANDBOX_LIMITS && matrix_try(d, s, 1u << bit, wanted, status, &achieved);

	if (!is_told) { /* also where user 0 is above a limit */
		below = SANDBOX_USER;
		is_told = matrix_try(d, s, 1u << bit | SANDBOX_USER, wanted, status, &achieved);
	}
	subject_expect_failure(was_expected);
	if (!is_told)
		return;
	for (size_t i = 0; i < REPORT_STEPS_MAX; i++) {
		if ((wanted && !wanted[i]) || (below & out->alone[i]))
			continue;
		out->told[i] |= 1u << bit;
		if (report_is_denied(status[i]))
			out->alone[i] |= 1u << bit;
	}
}

void matrix_ablate(struct drill *d, const struct subject *s, struct report_subject *out)
{
	for (unsigned bit = 0; bit < SANDBOX_LAYER_COUNT; bit++)
		if (out->layers >> bit & 1)
			matrix_ablate_one(d, s, bit, NULL, out);
}
