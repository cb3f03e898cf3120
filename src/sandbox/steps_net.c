/* SPDX-License-Identifier: Apache-2.0
 *
 * The drill's steps on the network and on local sockets. Called through the table of steps.c. Trusts
 * the drill's order. Invariant: every address is 127.0.0.1 or below the drill's own directory, where
 * the drill listens.
 */
#include "sandbox/steps.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define PROTOCOL_MPTCP 262
#define FAMILY_ALG     38

/* A kernel without this family or protocol says nothing about the sandbox. */
static int result_of_socket(long fd)
{
	bool is_absent =
		fd < 0 && (errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT || errno == ENOPROTOOPT);

	return is_absent ? STEPS_INCONCLUSIVE : steps_result(fd);
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int connect_stream(uint16_t port, int protocol)
{
	struct sockaddr_in address = loopback(port);
	long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return result_of_socket(fd);
	return steps_result(syscall(SYS_connect, fd, &address, sizeof address));
}

int steps_TUNNEL(const struct steps_order *o)
{
	return connect_stream(o->tcp_port, 0);
}

int steps_NEXT_HOP(const struct steps_order *o)
{
	return connect_stream(o->listed_port, 0);
}

int steps_UDP(const struct steps_order *o)
{
	struct sockaddr_in address = loopback(o->udp_port);
	long fd = syscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return steps_result(fd < 0 ? fd : syscall(SYS_sendto, fd, "x", 1, 0, &address, sizeof address));
}

int steps_MPTCP(const struct steps_order *o)
{
	return connect_stream(o->tcp_port, PROTOCOL_MPTCP);
}

int steps_FAST_OPEN(const struct steps_order *o)
{
	struct sockaddr_in address = loopback(o->tcp_port);
	long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return steps_result(fd);
	return steps_result(
		syscall(SYS_sendto, fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, &address, sizeof address));
}

int steps_FAST_OPEN_MESSAGE(const struct steps_order *o)
{
	struct sockaddr_in address = loopback(o->tcp_port);
	struct iovec byte = { "x", 1 };
	struct msghdr m = {
		.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &byte, .msg_iovlen = 1
	};
	long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return steps_result(fd);
	return steps_result(syscall(SYS_sendmsg, fd, &m, MSG_FASTOPEN | MSG_NOSIGNAL));
}

int steps_LISTEN(const struct steps_order *o)
{
	struct sockaddr_in address = loopback(0);
	long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)o;
	if (fd < 0)
		return steps_result(fd);
	if (syscall(SYS_bind, fd, &address, sizeof address) < 0)
		return errno;
	return steps_result(syscall(SYS_listen, fd, 1));
}

int steps_SNIFF(const struct steps_order *o)
{
	(void)o;
	return result_of_socket(syscall(SYS_socket, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
}

int steps_RAW(const struct steps_order *o)
{
	(void)o;
	return result_of_socket(syscall(SYS_socket, AF_INET, SOCK_RAW, IPPROTO_RAW));
}

int steps_NETLINK(const struct steps_order *o)
{
	(void)o;
	return result_of_socket(syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0));
}

int steps_ALG(const struct steps_order *o)
{
	(void)o;
	return result_of_socket(syscall(SYS_socket, FAMILY_ALG, SOCK_SEQPACKET, 0));
}

int steps_ADMIN(const struct steps_order *o)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	long fd = syscall(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return steps_result(fd);
	snprintf(address.sun_path, sizeof address.sun_path, "%s/run/control", o->dir);
	return steps_result(syscall(SYS_connect, fd, &address, sizeof address));
}

/* The name is that of the directory, behind a NUL. */
int steps_ABSTRACT(const struct steps_order *o)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	long fd = syscall(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n;

	if (fd < 0)
		return steps_result(fd);
	n = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "%s", o->dir);
	return steps_result(syscall(SYS_connect, fd, &address, (int)sizeof address.sun_family + 1 + n));
}

int steps_DATAGRAM(const struct steps_order *o)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct iovec iov = { (char[]){ "x" }, 1 };
	struct msghdr msg = {
		.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &iov, .msg_iovlen = 1
	};
	int pair[2];

	if (syscall(SYS_socketpair, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
		return errno;
	snprintf(address.sun_path, sizeof address.sun_path, "%s/run/log", o->dir);
	return steps_result(syscall(SYS_sendmsg, pair[0], &msg, MSG_NOSIGNAL));
}
