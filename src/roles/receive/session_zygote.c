/* SPDX-License-Identifier: Apache-2.0
 *
 * The session zygote: makes the TLS context before its sandbox, takes the public certificates from
 * receive, and is the parent of every session room. Called by zygote.c. Holds no secret.
 */
#include "base/log.h"
#include "ipc/receive_keyring.h"
#include "role/tls.h"
#include "roles/receive/session.h"

static void open_zygote(struct zygote *z)
{
	z->self = tls_server_new(&z->conf->tls);
}

static void take_material(struct zygote *z, unsigned kind, struct text data)
{
	enum error e;

	(void)kind; /* the certificates are all that there is */
	e = tls_server_set_chain(z->self, data);
	if (e)
		log_error("the certificate that keyring sent cannot be used: %s", error_text(e));
}

static void limit(const struct conf *conf, uint64_t *ret_memory, uint64_t *ret_cpu_seconds)
{
	(void)ret_cpu_seconds;
	*ret_memory =
		conf->rooms.memory + ((uint64_t)256 << 20); /* address space of the program before its work */
}

static int run(struct zygote *z)
{
	struct session_setup setup = { .client_fd = ROOM_FD,
				       .control_fd = ROOM_FD + 1,
				       .policy_fd = ROOM_FD + 2,
				       .conf = z->conf,
				       .tls = tls_has_chain(z->self) ? z->self : NULL };

	return session_run(&setup);
}

const struct zygote_definition session_zygote = {
	.kind = PROCESS_SESSION,
	.n_fds = 3,
	.open = open_zygote,
	.material = take_material,
	.limits = limit,
	.room = run,
};
