/* SPDX-License-Identifier: Apache-2.0
 *
 * session - the room of one SMTP client. rfc5321, and the extensions of proto/smtp_command.h.
 *
 *	descriptor 3  the client's socket
 *	           4  control: receive (edge receive_session)
 *	           5  policy (edge policy_session)
 *	later, one at a time: the channel to queue for one message; the channel to keyring for one handshake
 *
 * Plain blocking code; it ends when the conversation ends and returns the room's exit status.
 */
#ifndef ROLES_RECEIVE_SESSION_H
#define ROLES_RECEIVE_SESSION_H

#include "role/zygote.h"

struct tls_context;

extern const struct zygote_definition session_zygote;

struct session_setup {
	int client_fd, control_fd, policy_fd; /* non-blocking; session_run closes none of them */
	const struct conf *conf;
	struct tls_context *tls; /* NULL: there is no certificate yet */
};

/* One conversation, from the greeting to the end. Always 0: that a client misbehaves or goes is an
 * ordinary end, told to receive as the outcome. */
int session_run(const struct session_setup *setup);

#endif
