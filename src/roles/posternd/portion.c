/* SPDX-License-Identifier: Apache-2.0
 *
 * The portion of the configuration that one role may read, in a sealed file in memory. Called by
 * handover.c, reload.c and the drill. Invariant: a setting leaves only to the roles in its row of the
 * schema.
 */
#include "base/ensure.h"
#include "roles/posternd/posternd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned reader_of(enum role_id role)
{
	static const unsigned readers[ROLE_COUNT] = {
		[ROLE_AUDIT] = CONF_FOR_AUDIT,       [ROLE_KEYRING] = CONF_FOR_KEYRING,
		[ROLE_RESOLVER] = CONF_FOR_RESOLVER, [ROLE_JUDGE_RESOLVER] = CONF_FOR_JUDGE_RESOLVER,
		[ROLE_REPORT] = CONF_FOR_REPORT,     [ROLE_SCAN] = CONF_FOR_SCAN,
		[ROLE_DELIVER] = CONF_FOR_DELIVER,   [ROLE_QUEUE] = CONF_FOR_QUEUE,
		[ROLE_POLICY] = CONF_FOR_POLICY,     [ROLE_RECEIVE] = CONF_FOR_RECEIVE,
		[ROLE_POSTERND] = CONF_FOR_POSTERND,
	};

	return readers[role];
}

/* A file in memory that nobody can change any more. */
static int seal(const char *name, struct text bytes)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ASSERT(fd >= 0);
	for (size_t done = 0; done < bytes.n;) {
		ssize_t n = write(fd, bytes.p + done, bytes.n - done);
		ASSERT(n > 0);
		done += (size_t)n;
	}
	ASSERT(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0);
	return fd;
}

int members_make_conf(const struct conf *conf, enum role_id role)
{
	struct buf text;
	int fd;

	buf_init(&text, CONF_MAX_PRINT);
	ASSERT(conf_print(conf, reader_of(role), &text));
	fd = seal("configuration", buf_text(&text));
	buf_done(&text);
	return fd;
}
