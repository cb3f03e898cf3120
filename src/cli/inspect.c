/* SPDX-License-Identifier: Apache-2.0
 *
 * postern inspect: one message, as the gateway reads it. Needs no configuration and no running gateway.
 * The message is a stranger's, and the terminal an administrator's: the reading is done by a child in
 * the sandbox of the message room, which has the message and a pipe and can do nothing else; what it
 * prints has no control characters but line ends. This process only copies from the pipe, and says when
 * the child died.
 */
#include "cli/inspect.h"

#include "base/ensure.h"
#include "cli/cli.h"
#include "proto/lookalike.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define MESSAGE_MAX ((size_t)1 << 30)
#define MEMORY      ((uint64_t)512 << 20) /* beside the message and its views */
#define VIEWS       16                    /* what each byte of it may cost: itself, content, UTF-8, JSON */
#define CPU_SECONDS 60

static int read_all(int fd, struct buf *out)
{
	for (;;) {
		char *at = buf_reserve(out, 65536);
		ssize_t n;
		if (!at)
			return EFBIG;
		n = read(fd, at, 65536);
		if (n < 0)
			return errno;
		if (n == 0)
			return 0;
		out->n += (size_t)n;
	}
}

/* "-" is standard input. */
static int read_file(const char *name, struct buf *out)
{
	bool is_input = strcmp(name, "-") == 0;
	int fd = is_input ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	int why = fd < 0 ? errno : read_all(fd, out);

	if (fd > 0)
		close(fd);
	if (why)
		return cli_fail(EX_NOINPUT, "cannot read %s: %s", is_input ? "standard input" : name,
				why == EFBIG ? "it is larger than 1024M" : strerror(why));
	return EX_OK;
}

/* The room: no files, no network, no processes. */
static void enter_room(const struct sandbox_profile *profile, const struct sandbox_filter *filter,
		       size_t size)
{
	struct sandbox_options options = {
		.layers = SANDBOX_ALL & ~(uint32_t)SANDBOX_ROOT,
		.root_fd = -1,
		.memory = MEMORY + VIEWS * (uint64_t)size,
		.cpu_seconds = CPU_SECONDS + size / (1 << 20),
	};

	sandbox_enter(profile, &options);
	sandbox_seal_room(profile, filter, &options);
}

static void run_room(struct inspect *in, struct text message, bool is_json)
{
	in->lookalike = lookalike_open(); /* loads its data, which the room may not */
	enter_room(in->profile, in->filter, message.n);
	inspect_read(in, message);
	if (is_json)
		inspect_print_json(in);
	else
		inspect_print_text(in);
	inspect_flush(in);
	_exit(EX_OK);
}

/* All that the room prints, to standard output. */
static void copy_output(int from)
{
	char piece[65536];
	ssize_t n;

	while ((n = read(from, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR))
		for (ssize_t done = 0, more; done < n; done += more) {
			more = write(STDOUT_FILENO, piece + done, (size_t)(n - done));
			if (more <= 0)
				return;
		}
}

static int run_apart(struct inspect *in, struct text message, bool is_json)
{
	int ends[2], status = 0;
	char digest[65];
	pid_t child;

	inspect_sha256((struct text){ 0 },
		       digest); /* the library loads what it needs, which the room may not */
	if (pipe(ends) < 0)
		return cli_fail(EX_OSERR, "cannot make a pipe: %s", strerror(errno));
	child = fork();
	if (child < 0)
		return cli_fail(EX_OSERR, "cannot start the room: %s", strerror(errno));
	if (child == 0) {
		close(ends[0]);
		close(STDIN_FILENO);
		close(STDOUT_FILENO);
		in->out = ends[1];
		run_room(in, message, is_json);
	}
	close(ends[1]);
	copy_output(ends[0]);
	close(ends[0]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != EX_OK)
		return cli_fail(EX_SOFTWARE,
				"the room that reads the message died (status %d); please report it", status);
	return EX_OK;
}

/* One after the other, each in a room of its own. */
int cli_inspect(struct cli *c)
{
	bool has_raw = cli_take_flag(c, "--raw"), is_summary = cli_take_flag(c, "--summary");
	const struct sandbox_profile *profile = sandbox_find_profile("message room");
	struct sandbox_filter filter;
	int worst = EX_OK;

	if (c->argc < 1)
		return cli_fail(EX_USAGE, "needs a FILE, or - for standard input");
	ASSERT(profile);
	sandbox_compile(profile, &filter);
	for (int i = 0; i < c->argc; i++) {
		struct inspect in = { .limits = mime_limits_default(),
				      .has_raw = has_raw,
				      .is_summary = is_summary,
				      .profile = profile,
				      .filter = &filter };
		struct buf message;
		int status;

		in.file = c->argc > 1 ? c->argv[i] : NULL;
		buf_init(&message, MESSAGE_MAX);
		status = read_file(c->argv[i], &message);
		if (status == EX_OK)
			status = run_apart(&in, buf_text(&message), c->json);
		buf_done(&message);
		worst = status == EX_OK ? worst : status;
	}
	free(filter.instructions);
	return worst;
}
