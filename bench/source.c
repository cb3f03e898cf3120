/* SPDX-License-Identifier: Apache-2.0
 *
 * source - the client of the comparisons: sends messages over many sessions, or holds sessions open.
 *
 *	source PORT SESSIONS MESSAGES SIZE PER-CONNECTION plain|starttls
 *	source hold PORT SESSIONS OPENING plain|starttls
 *
 * The first sends MESSAGES of SIZE bytes, PER-CONNECTION over each connection, without pipelining, and
 * prints the seconds from the first connection to the last 250. The second opens SESSIONS, at most
 * OPENING at a time, as far as the reply to (the second) EHLO, prints "held N" when all are there, and
 * closes them at the end of its input, when it prints how many were lost meanwhile. One epoll loop;
 * anything unexpected ends the program with one line, as a comparison with failures is none.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PER_ADDRESS 16000 /* sessions from one loopback address, for the sake of ports */

enum step { GREETING, EHLO, STARTTLS, HANDSHAKE, EHLO_AGAIN, MAIL, RCPT, DATA, BODY, QUIT, HELD };

struct session {
	int fd;
	enum step step;
	SSL *ssl;
	unsigned left; /* messages on this connection */
	size_t sent;   /* bytes of the body */
	size_t n;      /* bytes of a reply line */
	char line[512];
};

static struct {
	unsigned port, sessions, messages, per_connection, opening;
	bool tls, hold;
	unsigned begun, done, open, held, lost, made;
	char *body;
	size_t body_size;
	int poll;
	SSL_CTX *context;
} all;

static void begin(struct session *s);

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void watch(struct session *s, uint32_t events, int operation)
{
	struct epoll_event event = { .events = events, .data.ptr = s };

	if (epoll_ctl(all.poll, operation, s->fd, &event))
		err(1, "epoll");
}

/* How much of the bytes went out; the rest is tried again when the socket takes more. */
static size_t put(struct session *s, const char *p, size_t n)
{
	ssize_t k;

	if (s->ssl) {
		k = SSL_write(s->ssl, p, (int)(n > 16384 ? 16384 : n));
		if (k > 0)
			return (size_t)k;
		if (SSL_get_error(s->ssl, (int)k) == SSL_ERROR_WANT_WRITE)
			return 0;
		errx(1, "TLS connection lost while sending");
	}
	k = send(s->fd, p, n, MSG_NOSIGNAL);
	if (k < 0 && errno != EAGAIN)
		err(1, "send");
	return k < 0 ? 0 : (size_t)k;
}

static void say(struct session *s, const char *command)
{
	if (put(s, command, strlen(command)) != strlen(command))
		errx(1, "a command did not fit into the socket");
}

static void send_body(struct session *s)
{
	while (s->sent < all.body_size) {
		size_t k = put(s, all.body + s->sent, all.body_size - s->sent);
		if (k == 0) {
			watch(s, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
			return;
		}
		s->sent += k;
	}
	watch(s, EPOLLIN, EPOLL_CTL_MOD);
}

static void finish(struct session *s)
{
	if (s->ssl)
		SSL_free(s->ssl);
	close(s->fd);
	s->ssl = NULL;
	all.open--;
	if (all.begun < all.messages)
		begin(s);
}

static void next_message(struct session *s)
{
	if (s->left == 0 || all.begun == all.messages) {
		s->step = QUIT;
		say(s, "QUIT\r\n");
		return;
	}
	s->left--;
	all.begun++;
	s->step = MAIL;
	say(s, "MAIL FROM:<source@source.example>\r\n");
}

static void greeted(struct session *s)
{
	if (!all.hold) {
		next_message(s);
		return;
	}
	s->step = HELD;
	all.held++;
}

static void shake_hands(struct session *s)
{
	int k = SSL_do_handshake(s->ssl);
	int why = SSL_get_error(s->ssl, k);

	if (k == 1) {
		s->step = EHLO_AGAIN;
		watch(s, EPOLLIN, EPOLL_CTL_MOD);
		say(s, "EHLO source.example\r\n");
		return;
	}
	if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
		errx(1, "TLS handshake failed");
	watch(s, why == SSL_ERROR_WANT_WRITE ? EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

static void begin_tls(struct session *s)
{
	s->ssl = SSL_new(all.context);
	SSL_set_fd(s->ssl, s->fd);
	SSL_set_connect_state(s->ssl);
	s->step = HANDSHAKE;
	shake_hands(s);
}

/* The last line of a reply came. */
static void answer(struct session *s)
{
	static const char expected[] = {
		[GREETING] = '2', [EHLO] = '2',    [STARTTLS] = '2', [EHLO_AGAIN] = '2',
		[MAIL] = '2',     [RCPT] = '2',    [DATA] = '3',     [BODY] = '2',
		[QUIT] = '2',     [HANDSHAKE] = 0, [HELD] = 0
	};

	if (s->line[0] != expected[s->step])
		errx(1, "unexpected answer at step %d: %.*s", s->step, (int)s->n, s->line);
	switch (s->step) {
	case GREETING:
		s->step = EHLO;
		say(s, "EHLO source.example\r\n");
		return;
	case EHLO:
		if (!all.tls) {
			greeted(s);
			return;
		}
		s->step = STARTTLS;
		say(s, "STARTTLS\r\n");
		return;
	case STARTTLS:
		begin_tls(s);
		return;
	case EHLO_AGAIN:
		greeted(s);
		return;
	case MAIL:
		s->step = RCPT;
		say(s, "RCPT TO:<sink@sink.example>\r\n");
		return;
	case RCPT:
		s->step = DATA;
		say(s, "DATA\r\n");
		return;
	case DATA:
		s->step = BODY;
		s->sent = 0;
		send_body(s);
		return;
	case BODY:
		all.done++;
		next_message(s);
		return;
	default:
		finish(s);
	}
}

static ssize_t get(struct session *s, char *p, size_t n)
{
	ssize_t k;

	if (!s->ssl) {
		k = read(s->fd, p, n);
		return k < 0 && errno == EAGAIN ? -2 : k;
	}
	k = SSL_read(s->ssl, p, (int)n);
	return k <= 0 && SSL_get_error(s->ssl, (int)k) == SSL_ERROR_WANT_READ ? -2 : k;
}

static void lose(struct session *s)
{
	if (s->step != HELD)
		errx(1, "the server closed a connection at step %d (%u done)", s->step, all.done);
	all.lost++;
	epoll_ctl(all.poll, EPOLL_CTL_DEL, s->fd, NULL);
}

static void take(struct session *s)
{
	char bytes[4096];
	ssize_t k = get(s, bytes, sizeof bytes);
	bool final = false;

	if (k == -2)
		return;
	if (k <= 0) {
		lose(s);
		return;
	}
	for (ssize_t i = 0; i < k; i++) {
		if (s->n < sizeof s->line)
			s->line[s->n++] = bytes[i];
		if (bytes[i] != '\n')
			continue;
		final = s->n > 3 && s->line[3] != '-';
		if (!final)
			s->n = 0;
	}
	if (!final)
		return;
	answer(s);
	s->n = 0;
}

static void begin(struct session *s)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(0x7f000001 + all.made / PER_ADDRESS) };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)all.port),
				  .sin_addr.s_addr = htonl(0x7f000001) };
	int one = 1;

	*s = (struct session){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
			       .left = all.per_connection };
	if (s->fd < 0)
		err(1, "socket");
	setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
	if (all.hold && bind(s->fd, (struct sockaddr *)&from, sizeof from))
		err(1, "bind");
	if (connect(s->fd, (struct sockaddr *)&to, sizeof to))
		err(1, "connect");
	setsockopt(s->fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof one);
	if (fcntl(s->fd, F_SETFL, O_NONBLOCK))
		err(1, "fcntl");
	all.open++;
	all.made++;
	watch(s, EPOLLIN, EPOLL_CTL_ADD);
}

static void handle(struct session *s, uint32_t events)
{
	if (s->step == HANDSHAKE)
		shake_hands(s);
	else if (s->step == BODY && (events & EPOLLOUT))
		send_body(s);
	else
		take(s);
}

static void turn(int timeout)
{
	struct epoll_event events[256];
	int n = epoll_wait(all.poll, events, 256, timeout);

	for (int i = 0; i < n; i++)
		handle(events[i].data.ptr, events[i].events);
}

static void send_all(void)
{
	struct session *sessions = calloc(all.sessions, sizeof *sessions);
	double start = now();

	for (unsigned i = 0; i < all.sessions && i < all.messages; i++)
		begin(&sessions[i]);
	while (all.done < all.messages)
		turn(-1);
	printf("%.4f\n", now() - start);
	while (all.open)
		turn(-1);
}

static void hold_all(void)
{
	struct session *sessions = calloc(all.sessions, sizeof *sessions);
	double start = now();
	char c;

	while (all.held < all.sessions) {
		while (all.made < all.sessions && all.made - all.held < all.opening)
			begin(&sessions[all.made]);
		turn(-1);
	}
	printf("held %u in %.1f s\n", all.held, now() - start);
	fflush(stdout);
	if (fcntl(0, F_SETFL, O_NONBLOCK))
		err(1, "fcntl");
	while (read(0, &c, 1) != 0)
		turn(100);
	printf("lost %u\n", all.lost);
}

static void make_body(size_t size)
{
	static const char head[] =
		"From: <source@source.example>\r\nTo: <sink@sink.example>\r\nSubject: comparison\r\n\r\n";
	static const char end[] = ".\r\n";

	all.body = malloc(size + 200);
	strcpy(all.body, head);
	all.body_size = sizeof head - 1;
	while (all.body_size < size)
		all.body_size += (size_t)sprintf(all.body + all.body_size, "%076zu\r\n", all.body_size);
	strcpy(all.body + all.body_size, end);
	all.body_size += sizeof end - 1;
}

int main(int argc, char **argv)
{
	if (argc != 7 && (argc != 6 || strcmp(argv[1], "hold") != 0))
		errx(64, "usage: source PORT SESSIONS MESSAGES SIZE PER-CONNECTION plain|starttls\n"
			 "       source hold PORT SESSIONS OPENING plain|starttls");
	all.hold = argc == 6;
	all.tls = strcmp(argv[argc - 1], "starttls") == 0;
	all.port = (unsigned)atoi(argv[1 + all.hold]);
	all.sessions = (unsigned)atoi(argv[2 + all.hold]);
	all.poll = epoll_create1(0);
	all.context = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_mode(all.context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(all.context, SSL_SESS_CACHE_OFF);
	if (all.hold) {
		all.opening = (unsigned)atoi(argv[4]);
		all.messages = 0;
		hold_all();
		return 0;
	}
	all.messages = (unsigned)atoi(argv[3]);
	make_body((size_t)atol(argv[4]));
	all.per_connection = (unsigned)atoi(argv[5]);
	send_all();
	return 0;
}
