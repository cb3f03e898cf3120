/* SPDX-License-Identifier: Apache-2.0
 *
 * The log: lines of all processes, each behind its own pipe, so that none can speak in another's name.
 * Called by members.c and main.c. Lines are bytes to this file: cut at 1,000, control bytes were
 * replaced by the writer and are again here, and the first word is the level.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "roles/posternd/posternd.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1000
#define MAX_SOURCES    64
#define BYTES_PER_TURN 16384

struct source {
	const char *name;
	int fd;
	struct event *readable;
	char line[LINE_MAX_BYTES];
	size_t n;
};

static struct gateway *gateway;
static struct source *sources[MAX_SOURCES];
static size_t n_sources;
static int out_fd = 2, notify_fd = -1;
static bool with_time = true;

static bool is_wanted(struct text line)
{
	static const char *const levels[] = { "error", "warning", "info", "debug" };

	for (unsigned i = 0; i < 4; i++) {
		struct text level = text_from_cstr(levels[i]);
		if (text_has_prefix(line, level) && line.n > level.n && line.p[level.n] == ' ')
			return i <= (unsigned)gateway->conf->top.log_level;
	}
	return true; /* not ours: a library's or the loader's last words */
}

static void print_line(struct source *s)
{
	char stamp[CLOCK_RFC3339_SIZE], out[LINE_MAX_BYTES + 64];
	int n;

	for (size_t i = 0; i < s->n; i++)
		if ((unsigned char)s->line[i] < 0x20)
			s->line[i] = '?';
	if (!is_wanted(text_from_bytes(s->line, s->n)))
		return;
	clock_print_rfc3339(clock_wall_ms(), stamp);
	n = snprintf(out, sizeof out, "%s%s%-9s %.*s\n", with_time ? stamp : "", with_time ? " " : "",
		     s->name, (int)s->n, s->line);
	if (n > 0 && write(out_fd, out, (size_t)n) < 0)
		return; /* nobody reads the log: mail goes on */
}

static void take_bytes(struct source *s, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != '\n' && s->n < sizeof s->line) {
			s->line[s->n++] = bytes[i];
			continue;
		}
		if (bytes[i] != '\n')
			continue; /* the rest of a line that is too long */
		print_line(s);
		s->n = 0;
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct source *s = arg;
	char bytes[BYTES_PER_TURN];
	ssize_t n = read(fd, bytes, sizeof bytes);

	(void)what;
	if (n > 0) {
		take_bytes(s, bytes, (size_t)n);
		return;
	}
	if (n == 0)
		event_del(s->readable);
}

void journal_add(struct gateway *g, const char *name, int fd)
{
	struct source *s = mem_zalloc(1, sizeof *s);

	ASSERT(n_sources < MAX_SOURCES);
	s->name = name;
	s->fd = fd;
	s->readable = event_new(g->self.loop, fd, EV_READ | EV_PERSIST, on_readable, s);
	ASSERT(s->readable && event_add(s->readable, NULL) == 0);
	sources[n_sources++] = s;
}

/* What was written until now, before the process ends. */
void journal_flush(struct gateway *g)
{
	(void)g;
	for (size_t i = 0; i < n_sources; i++) {
		char bytes[BYTES_PER_TURN];
		ssize_t n;
		while ((n = read(sources[i]->fd, bytes, sizeof bytes)) > 0)
			take_bytes(sources[i], bytes, (size_t)n);
	}
}

static void open_notify(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;

	if (n == 0 || n >= sizeof address.sun_path)
		return;
	memcpy(address.sun_path, path, n);
	if (path[0] == '@')
		address.sun_path[0] = 0; /* abstract: sd_notify(3) */
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify_fd >= 0 && connect(notify_fd, (struct sockaddr *)&address,
				      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0) {
		close(notify_fd);
		notify_fd = -1;
	}
}

void journal_notify(const char *state)
{
	if (notify_fd >= 0 && send(notify_fd, state, strlen(state), MSG_NOSIGNAL) < 0)
		log_warning("the service manager does not take '%s'", state);
}

/* From now on posternd's own lines take the same way. */
void journal_init(struct gateway *g)
{
	int fds[2];

	gateway = g;
	with_time = getenv("JOURNAL_STREAM") == NULL;
	open_notify();
	out_fd = fcntl(2, F_DUPFD_CLOEXEC, 10);
	ASSERT(out_fd >= 0);
	ASSERT(pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0);
	ASSERT(dup2(fds[1], 2) == 2);
	close(fds[1]);
	journal_add(g, "posternd", fds[0]);
}
