/* SPDX-License-Identifier: Apache-2.0
 *
 * landlock - the file, TCP and signal rules of a profile, by system call. For sandbox.c only.
 */
#ifndef SANDBOX_LANDLOCK_H
#define SANDBOX_LANDLOCK_H

#include "sandbox/sandbox.h"

/* True when the rules are in force; false when this kernel has no Landlock. Needs no_new_privs. */
bool sandbox_enter_landlock(const struct sandbox_profile *profile, const struct sandbox_options *options);

#endif
