/* SPDX-License-Identifier: Apache-2.0
 *
 * origin_report - what the checks of a message's origin found, as messages to queue; and which bytes of its
 * header claim to be ours.
 */
#ifndef ROLES_SCAN_ORIGIN_REPORT_H
#define ROLES_SCAN_ORIGIN_REPORT_H

#include "conf/conf.h"
#include "ipc/link.h"
#include "judge/authenticate.h"

struct origin_report {
	struct link *queue;
	int64_t deadline;
	struct arena *arena;
	enum error error; /* sticky */
};

/* The results of what this block has checked. */
void origin_report_send(struct origin_report *to, const struct conf_authentication *conf,
			const struct authenticate_report *report);
/* Where reports about the policy that was found may go; asks the DNS. */
void origin_report_send_destinations(struct origin_report *to, const struct dmarc_result *dmarc,
				     enum dmarc_discovery discovery, const struct dns_source *dns);
/* Fields that bear our names: Authentication-Results of authserv_id (rfc8601 5), Received-SPF of hostname. */
void origin_report_send_cuts(struct origin_report *to, struct text header, struct text authserv_id,
			     struct text hostname);
void origin_report_end(struct origin_report *to);

#endif
