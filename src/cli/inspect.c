/* SPDX-License-Identifier: Apache-2.0
 *
 * postern inspect: one message, as the gateway reads it. Needs no configuration and no running gateway.
 * The message is a stranger's, and the terminal an administrator's: the reading is done in a room of its own
 * for each file (room.h), and what is printed has no control characters but line ends.
 */
#include "cli/inspect.h"

#include "proto/lookalike.h"

#include <sysexits.h>

#define MESSAGE_MAX ((size_t)1 << 30)
#define MEMORY      ((uint64_t)512 << 20) /* beside the message and its views */
#define VIEWS       16                    /* what each byte of it may cost: itself, content, UTF-8, JSON */

struct job {
	struct inspect inspect;
	struct text message;
	bool is_json;
};

static int read_message(void *context, struct room_out *out)
{
	struct job *job = context;
	struct inspect *in = &job->inspect;

	in->out = out;
	inspect_read(in, job->message);
	if (job->is_json)
		inspect_print_json(in);
	else
		inspect_print_text(in);
	return EX_OK;
}

static int inspect_file(const struct inspect *how, const char *name, bool is_json)
{
	struct job job = { .inspect = *how, .is_json = is_json };
	struct buf message;
	int status = cli_read_file(name, MESSAGE_MAX, &message);

	if (status == EX_OK) {
		job.message = buf_text(&message);
		status = cli_run_in_room(read_message, &job, MEMORY + VIEWS * (uint64_t)message.n);
	}
	buf_done(&message);
	return status < 0 ? EX_SOFTWARE : status;
}

/* One after the other, each in a room of its own. */
int cli_inspect(struct cli *c)
{
	struct inspect how = { .limits = mime_limits_default(),
			       .has_raw = cli_take_flag(c, "--raw"),
			       .is_summary = cli_take_flag(c, "--summary") };
	int worst = EX_OK;

	if (c->argc < 1)
		return cli_fail(EX_USAGE, "needs a FILE, or - for standard input");
	how.lookalike = lookalike_open(); /* loads its data, which a room may not */
	for (int i = 0; i < c->argc; i++) {
		int status;
		how.file = c->argc > 1 ? c->argv[i] : NULL;
		status = inspect_file(&how, c->argv[i], c->json);
		worst = status == EX_OK ? worst : status;
	}
	return worst;
}
