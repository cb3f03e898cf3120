/* SPDX-License-Identifier: Apache-2.0
 *
 * The listening sockets: bound here, or taken from the service manager, which bound them before
 * (sd_listen_fds(3)). Called by main.c, once, before root is dropped. Every failure ends the process with
 * one line that names the address and the cure.
 *
 * Invariant: every socket that is handed on is of a listener of the configuration and does not block.
 */
#include "base/log.h"
#include "roles/posternd/posternd.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define FIRST_INHERITED_FD 3

static void print_endpoint(const struct conf_endpoint *e, char *out, size_t n)
{
	char address[ADDR_TEXT_SIZE];

	addr_print(&e->addr, address);
	snprintf(out, n, addr_is_v4(&e->addr) ? "%s:%u" : "[%s]:%u", address, e->port);
}

/* ---- from the service manager ---- */

static int count_inherited(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	uint64_t whose = 0, n = 0;

	if (!pid || !text_parse_u64(text_from_cstr(pid), INT32_MAX, &whose) || (pid_t)whose != getpid())
		return 0;
	return count && text_parse_u64(text_from_cstr(count), MAX_SOCKETS, &n) ? (int)n : 0;
}

static bool name_inherited(int fd, struct conf_endpoint *ret_endpoint)
{
	struct sockaddr_storage ss;
	socklen_t size = sizeof ss;

	return getsockname(fd, (struct sockaddr *)&ss, &size) == 0 &&
	       addr_of_sockaddr(&ss, &ret_endpoint->addr, &ret_endpoint->port);
}

static bool is_same(const struct conf_endpoint *a, const struct conf_endpoint *b)
{
	return a->port == b->port && addr_is_equal(&a->addr, &b->addr);
}

/* The one that is bound to this address, or -1. They come blocking, and receive must never block. */
static int find_inherited(const struct conf_endpoint *e)
{
	struct conf_endpoint found = { 0 };
	int fd;

	for (int i = FIRST_INHERITED_FD; i < FIRST_INHERITED_FD + count_inherited(); i++) {
		if (!name_inherited(i, &found) || !is_same(&found, e))
			continue;
		fd = fcntl(i, F_DUPFD_CLOEXEC, FIRST_INHERITED_FD + count_inherited());
		if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
			log_fatal(EX_OSERR, "cannot use a socket of the service manager: %s",
				  strerror(errno));
		return fd;
	}
	return -1;
}

static bool is_listened(const struct conf *conf, const struct conf_endpoint *e)
{
	for (size_t i = 0; i < conf->listener.n; i++)
		for (size_t k = 0; k < conf->listener.v[i].address.n; k++)
			if (is_same(&conf->listener.v[i].address.v[k], e))
				return true;
	return false;
}

/* Clients would wait for ever at a socket that is open and that nobody answers. */
static void close_inherited(const struct conf *conf)
{
	struct conf_endpoint found = { 0 };
	char name[64];

	for (int i = FIRST_INHERITED_FD; i < FIRST_INHERITED_FD + count_inherited(); i++) {
		if (name_inherited(i, &found) && !is_listened(conf, &found)) {
			print_endpoint(&found, name, sizeof name);
			log_warning(
				"a socket unit holds %s, which no listener names: its clients wait in vain; "
				"add it to the address of a listener, or disable the unit",
				name);
		}
		close(i);
	}
	unsetenv("LISTEN_PID");
}

/* ---- our own ---- */

static int bind_socket(const struct conf_endpoint *e, int backlog)
{
	struct sockaddr_storage ss;
	socklen_t size = addr_to_sockaddr(&e->addr, e->port, &ss);
	int on = 1, fd = find_inherited(e);
	char name[64];

	if (fd >= 0)
		return fd;
	print_endpoint(e, name, sizeof name);
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		log_fatal(EX_OSERR, "cannot make a socket for %s: %s", name,
			  error_text(error_of_errno(errno)));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (ss.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&ss, size) == 0 && listen(fd, backlog) == 0)
		return fd;
	if (errno == EADDRINUSE)
		log_fatal(EX_UNAVAILABLE,
			  "%s is in use by another program: stop it ('ss -ltnp' names it), or change the "
			  "listener's address or port",
			  name);
	if (errno == EACCES)
		log_fatal(EX_NOPERM,
			  "%s needs root or a socket unit: start as root, or use a port from 1024 on", name);
	log_fatal(EX_UNAVAILABLE, "cannot listen on %s: %s; is it an address of this machine?", name,
		  strerror(errno));
}

void sockets_bind(struct places *p, const struct conf *conf)
{
	for (size_t i = 0; i < conf->listener.n; i++) {
		const struct conf_listener *l = &conf->listener.v[i];
		for (size_t k = 0; k < l->address.n; k++) {
			if (p->n_sockets == MAX_SOCKETS)
				log_fatal(EX_CONFIG, "more than %d addresses to listen on", MAX_SOCKETS);
			p->sockets[p->n_sockets++] =
				(struct socket_entry){ bind_socket(&l->address.v[k], (int)l->backlog),
						       (unsigned)i, l->address.v[k] };
		}
	}
	close_inherited(conf);
}
