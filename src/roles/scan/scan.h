/* SPDX-License-Identifier: Apache-2.0
 *
 * scan - reads, judges and writes for queue, in rooms.
 *
 * The standing part (main.c) reads nothing but job numbers: queue sends a job with one end of a channel
 * of its own, scan has a room forked for it and tells how the room ended. All that a stranger wrote goes
 * over that channel between queue and the room:
 *
 *	message room (message_room.c)  a message in, reasons and one verdict per recipient out
 *	compose room (compose_room.c)  facts and an original in, the text of a notice out
 *	authentication room            a message in, typed results of each check out; a second channel of its
 *	  (authentication_room.c)      own leads to the resolver for judging (room_dns.h)
 *
 * A room serves one job. It has no descriptor but its channel or channels, and is handed at most one more:
 *the file of a large message, read-only. It ends with 0, or with a status of sysexits.h when the channel
 *broke or queue did not keep to the edge; whatever a stranger wrote is no reason to end otherwise.
 */
#ifndef ROLES_SCAN_SCAN_H
#define ROLES_SCAN_SCAN_H

#include "role/zygote.h"

extern const struct zygote_definition message_zygote;
extern const struct zygote_definition compose_zygote;
extern const struct zygote_definition authentication_zygote;

#endif
