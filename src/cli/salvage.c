/* SPDX-License-Identifier: Apache-2.0
 *
 * postern queue salvage: a new spool from a damaged one. Works on directories, with the gateway
 * stopped; the damaged directory is only read. Trusts nothing in it. The new one belongs to whom the
 * old one did, so that the gateway can use it when the two are swapped.
 */
#include "store/salvage.h"
#include "base/buf.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define MAX_JSON ((size_t)256 << 20)

static const struct table_column columns[] = {
	{ "Id", TABLE_TEXT },         { "Outcome", TABLE_TEXT }, { "Sender", TABLE_TEXT },
	{ "Recipients", TABLE_TEXT }, { "Why", TABLE_TEXT },
};

static void add_note(void *owner, const struct salvage_note *note)
{
	static const char *const outcomes[] = { "whole", "held", "lost" };
	struct table_view *t = owner;
	char id[SPOOL_ID_SIZE];

	spool_print_id(note->id, id);
	table_view_printf(t, "%s", id);
	table_view_printf(t, "%s", outcomes[note->outcome]);
	table_view_printf(t, "<%.*s>", TEXT_ARGS(note->sender));
	if (note->n_rcpts > 1)
		table_view_printf(t, "<%.*s> and %u more", TEXT_ARGS(note->rcpt), note->n_rcpts - 1);
	else
		table_view_printf(t, "<%.*s>", TEXT_ARGS(note->rcpt));
	table_view_printf(t, "%s", note->why ? note->why : "");
}

/* The damaged directory, and the certainty that no gateway works in it. */
static int open_damaged(const char *name, int *ret_fd, struct stat *ret_stat)
{
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), bodies;

	if (fd < 0 || fstat(fd, ret_stat) < 0)
		return cli_fail(EX_NOINPUT, "%s: %s", name, strerror(errno));
	if (faccessat(fd, "spool.db", F_OK, 0) < 0)
		return cli_fail(EX_NOINPUT, "%s holds no spool.db", name);
	bodies = openat(fd, "bodies", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* Kept open until the end of the process: so no gateway can start on it. */
	if (bodies >= 0 && flock(bodies, LOCK_EX | LOCK_NB) < 0)
		return cli_fail(EX_UNAVAILABLE, "%s is in use: stop the gateway first", name);
	*ret_fd = fd;
	return EX_OK;
}

/* Root becomes the owner of the damaged spool and sees nothing but the new directory: what is read
 * now was written by strangers, and what is written must be the owner's. */
static bool step_down(const struct stat *owner)
{
	if (geteuid() != 0)
		return true;
	return chroot(".") == 0 && setgroups(0, NULL) == 0 &&
	       setresgid(owner->st_gid, owner->st_gid, owner->st_gid) == 0 &&
	       setresuid(owner->st_uid, owner->st_uid, owner->st_uid) == 0;
}

static int open_new(const char *name, const struct stat *owner, struct spool **ret_spool)
{
	struct spool_options options;
	enum error e;

	if (mkdir(name, 0700) < 0 || chdir(name) < 0)
		return cli_fail(EX_CANTCREAT, "%s: %s", name, strerror(errno));
	if ((geteuid() == 0 && chown(".", owner->st_uid, owner->st_gid) < 0) || !step_down(owner))
		return cli_fail(EX_NOPERM, "%s: %s", name, strerror(errno));
	spool_options_init(&options);
	options.reserve_bytes = 0; /* made at the start of the gateway */
	e = spool_open(&options, ret_spool);
	return e ? cli_fail(EX_CANTCREAT, "%s: %s", name, error_text(e)) : EX_OK;
}

static void print_report(struct cli *c, const struct salvage_report *r, struct table_view *t)
{
	struct buf out;

	if (!c->json) {
		table_view_print(t, "no messages were found");
		printf("\n%llu whole, %llu held, %llu lost; no rows to be read in %llu of %llu pages and "
		       "%llu "
		       "of %llu log frames\n",
		       (unsigned long long)r->n_whole, (unsigned long long)r->n_held,
		       (unsigned long long)r->n_lost, (unsigned long long)r->n_bad_pages,
		       (unsigned long long)r->n_pages, (unsigned long long)r->n_bad_frames,
		       (unsigned long long)r->n_frames);
		return;
	}
	buf_init(&out, MAX_JSON);
	buf_printf(&out,
		   "{ \"whole\": %llu, \"held\": %llu, \"lost\": %llu, \"pages\": %llu, \"bad_pages\": %llu, "
		   "\"messages\": ",
		   (unsigned long long)r->n_whole, (unsigned long long)r->n_held,
		   (unsigned long long)r->n_lost, (unsigned long long)r->n_pages,
		   (unsigned long long)r->n_bad_pages);
	table_view_json(t, &out);
	buf_add_cstr(&out, " }");
	puts(buf_cstr(&out));
	buf_done(&out);
}

int cli_queue_salvage(struct cli *c)
{
	struct salvage_options options = { .tell = add_note };
	struct salvage_report report;
	struct stat owner;
	enum error e;
	int status;

	if (c->argc != 2)
		return cli_fail(EX_USAGE, "name the damaged directory and a new one");
	status = open_damaged(c->argv[0], &options.damaged_fd, &owner);
	if (!status)
		status = open_new(c->argv[1], &owner, &options.into);
	if (status)
		return status;
	options.owner = table_view_new(columns, sizeof columns / sizeof *columns);
	e = salvage_run(&options, &report);
	spool_close(options.into);
	if (e)
		return cli_fail(e == ERROR_NOT_FOUND ? EX_NOINPUT : EX_IOERR, "%s: %s", c->argv[0],
				error_text(e));
	print_report(c, &report, options.owner);
	return report.n_lost ? EX_DATAERR : EX_OK;
}
