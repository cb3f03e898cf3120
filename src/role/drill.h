/* SPDX-License-Identifier: Apache-2.0
 *
 * drill - a role or zygote in the containment drill: everything is as in service up to the point where
 * it would seal itself; then it takes orders from the drill, which sits at posternd's end of the
 * channel. Each order is one step of sandbox/steps.def, run in a forked child that seals itself as the
 * process would. Nothing here can be reached in service: the channel's states do not allow it.
 */
#ifndef ROLE_DRILL_H
#define ROLE_DRILL_H

#include "role/boot.h"
#include "sandbox/steps.h"

/* Between sandbox_enter and sandbox_seal. Returns when told to go on. */
void drill_serve(struct boot *b, const struct sandbox_profile *profile, const struct sandbox_options *options,
		 uint32_t achieved);
void drill_read_order(const struct posternd_role_drill *m, struct steps_order *ret_order);
/* In a zygote whose rooms are drilled: keeps the order and says so. */
void drill_keep_order(struct link *posternd, const struct posternd_role_drill *m,
		      struct steps_order *ret_order);

#endif
