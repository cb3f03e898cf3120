/* SPDX-License-Identifier: Apache-2.0
 *
 * clock - the only place that asks the time, so that tests can set it.
 *
 * clock_mono_ms is for deadlines and never goes back; clock_wall_ms is for people and records,
 * milliseconds since 1970 UTC. A fake clock stands still until it is set again.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);
void clock_set_fake(int64_t wall_ms, int64_t mono_ms); /* tests only */
void clock_set_real(void);

#define CLOCK_RFC3339_SIZE 25
#define CLOCK_RFC5322_SIZE 32
/* "2026-11-24T03:41:07.123Z", always UTC, NUL-terminated. rfc3339 5.6 */
void clock_print_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_SIZE]);
/* "Tue, 24 Nov 2026 03:41:07 +0000". rfc5322 3.3 */
void clock_print_rfc5322(int64_t wall_ms, char out[CLOCK_RFC5322_SIZE]);

#endif
