/* SPDX-License-Identifier: Apache-2.0
 *
 * sink - the last server of the comparisons: takes every message, keeps nothing, counts.
 *
 *	sink PORT
 *
 * Prints "MESSAGES CONNECTIONS" at every line on its input, so that the comparison can wait for the
 * last message without burning a processor. One epoll loop; offers PIPELINING, 8BITMIME, SMTPUTF8.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_LINE 1024
#define END      "\r\n.\r\n"

struct client {
	int fd;
	bool data;
	unsigned matched; /* bytes of END seen */
	size_t n;
	char line[MAX_LINE];
};

static unsigned long messages, connections;
static int loop;

static void say(struct client *c, const char *reply)
{
	if (send(c->fd, reply, strlen(reply), MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
		err(1, "send");
}

static void drop(struct client *c)
{
	close(c->fd);
	free(c);
}

/* Returns false when the client has gone. */
static bool command(struct client *c)
{
	if (strncasecmp(c->line, "DATA", 4) == 0) {
		c->data = true;
		c->matched = 2; /* an empty message ends with the first line */
		say(c, "354 go on\r\n");
	} else if (strncasecmp(c->line, "EHLO", 4) == 0) {
		say(c, "250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n");
	} else if (strncasecmp(c->line, "QUIT", 4) == 0) {
		say(c, "221 bye\r\n");
		drop(c);
		return false;
	} else {
		say(c, "250 ok\r\n");
	}
	return true;
}

static void body(struct client *c, char byte)
{
	if (byte == END[c->matched])
		c->matched++;
	else
		c->matched = byte == '\r' ? 1 : 0;
	if (c->matched < sizeof END - 1)
		return;
	c->data = false;
	messages++;
	say(c, "250 taken\r\n");
}

static void take(struct client *c)
{
	static char bytes[65536];
	ssize_t k = read(c->fd, bytes, sizeof bytes);

	if (k <= 0) {
		drop(c);
		return;
	}
	for (ssize_t i = 0; i < k; i++) {
		if (c->data) {
			body(c, bytes[i]);
			continue;
		}
		if (c->n < MAX_LINE)
			c->line[c->n++] = bytes[i];
		if (bytes[i] != '\n')
			continue;
		c->n = 0;
		if (!command(c))
			return;
	}
}

static void watch(int fd, void *what)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = what };

	if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event))
		err(1, "epoll");
}

static void welcome(int listener)
{
	struct client *c = calloc(1, sizeof *c);

	c->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (c->fd < 0) {
		free(c);
		return;
	}
	connections++;
	watch(c->fd, c);
	say(c, "220 sink.example\r\n");
}

static void report(void)
{
	char line[64];

	if (read(0, line, sizeof line) <= 0)
		exit(0);
	printf("%lu %lu\n", messages, connections);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct epoll_event events[256];

	if (argc != 2)
		errx(64, "usage: sink PORT");
	at.sin_port = htons((unsigned short)atoi(argv[1]));
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4096))
		err(1, "port %s", argv[1]);
	loop = epoll_create1(0);
	watch(listener, &listener);
	watch(0, &loop);
	for (;;) {
		int n = epoll_wait(loop, events, 256, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &listener)
				welcome(listener);
			else if (events[i].data.ptr == &loop)
				report();
			else
				take(events[i].data.ptr);
		}
	}
}
