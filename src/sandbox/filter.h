/* SPDX-License-Identifier: Apache-2.0
 *
 * filter - the system call filter of a profile, loaded. For sandbox.c only.
 */
#ifndef SANDBOX_FILTER_H
#define SANDBOX_FILTER_H

#include "sandbox/sandbox.h"

/* Needs no_new_privs. Ends the process when the kernel refuses. */
void sandbox_load_filter(const struct sandbox_filter *filter, bool all_threads);

#endif
