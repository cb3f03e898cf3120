/* SPDX-License-Identifier: Apache-2.0
 *
 * Rooms for subcommands that read what strangers made: `postern inspect`, `dmarc report`, `bimi check`. The
 * parent is an administrator's shell, often root: it reads the file, forks, and copies what comes out of a
 * pipe. The child enters the sandbox before it looks at the first byte. Libraries that load what they need on
 * first use are used once before.
 */
#include "cli/room.h"

#include "base/ensure.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define PIECE_BYTES 65536
#define CPU_SECONDS 120

static int read_all(int fd, struct buf *out)
{
	for (;;) {
		char *at = buf_reserve(out, PIECE_BYTES);
		ssize_t n;
		if (!at)
			return EFBIG;
		n = read(fd, at, PIECE_BYTES);
		if (n < 0)
			return errno;
		if (n == 0)
			return 0;
		out->n += (size_t)n;
	}
}

int cli_read_file(const char *name, size_t max, struct buf *out)
{
	bool is_input = strcmp(name, "-") == 0;
	int fd = is_input ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	int why;

	buf_init(out, max + PIECE_BYTES);
	why = fd < 0 ? errno : read_all(fd, out);
	if (fd > 0)
		close(fd);
	if (why == 0 && out->n > max)
		why = EFBIG;
	if (why == EFBIG)
		return cli_fail(EX_DATAERR, "%s is larger than %zu MB, the limit of files", name, max >> 20);
	if (why)
		return cli_fail(EX_NOINPUT, "cannot read %s: %s", name, strerror(why));
	return EX_OK;
}

static void enter_room(uint64_t memory)
{
	const struct sandbox_profile *profile = sandbox_find_profile("message room");
	struct sandbox_options options = {
		.layers = SANDBOX_ALL & ~(uint32_t)SANDBOX_ROOT,
		.root_fd = -1,
		.memory = memory,
		.cpu_seconds = CPU_SECONDS,
	};

	ASSERT(profile);
	sandbox_enter(profile, &options);
	sandbox_seal(profile, &options);
}

static void write_all(int fd, struct text t)
{
	while (t.n > 0) {
		ssize_t n = write(fd, t.p, t.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		t = text_skip(t, (size_t)n);
	}
}

void room_flush(struct room_out *out)
{
	write_all(out->fd, buf_text(&out->buf));
	buf_reset(&out->buf);
}

static void run_child(int (*work)(void *context, struct room_out *out), void *context, uint64_t memory,
		      int to)
{
	struct room_out out = { .fd = to };
	int result;

	buf_init(&out.buf, SIZE_MAX / 2); /* memory is bounded as a whole */
	enter_room(memory);
	result = work(context, &out);
	room_flush(&out);
	_exit(result);
}

static void copy_output(int from)
{
	char piece[PIECE_BYTES];
	ssize_t n;

	while ((n = read(from, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR))
		write_all(STDOUT_FILENO, text_from_bytes(piece, n > 0 ? (size_t)n : 0));
}

static void warm_libraries(void)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	EVP_Digest("", 0, digest, NULL, EVP_sha256(), NULL);
	tzset(); /* reads /etc/localtime, as OpenSSL's comparison of times would */
}

int cli_run_in_room(int (*work)(void *context, struct room_out *out), void *context, uint64_t memory)
{
	int ends[2], status = 0;
	pid_t child;

	warm_libraries();
	if (pipe(ends) < 0) {
		cli_fail(EX_OSERR, "cannot make a pipe: %s", strerror(errno));
		return -1;
	}
	child = fork();
	if (child == 0) {
		close(ends[0]);
		close(STDIN_FILENO);
		close(STDOUT_FILENO);
		run_child(work, context, memory, ends[1]);
	}
	close(ends[1]);
	if (child > 0)
		copy_output(ends[0]);
	close(ends[0]);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (child < 0 || !WIFEXITED(status)) {
		cli_fail(EX_SOFTWARE, "the room that reads the file %s (status %d)",
			 child < 0 ? "could not be made" : "died; please report it", status);
		return -1;
	}
	return WEXITSTATUS(status);
}
