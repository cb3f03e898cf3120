/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into OpenSMTPD for a fair comparison: it listens with a backlog of 5, which overflows at
 * once on a fast network, and sends the final dot as a small write of its own with Nagle's algorithm
 * on, which costs 40 ms a message.
 */
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

int listen(int fd, int backlog)
{
	int (*original)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "listen");

	return original(fd, backlog < 1024 ? 1024 : backlog);
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	int (*original)(int, const struct sockaddr *, socklen_t) =
		(int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "connect");
	int one = 1;

	if (address->sa_family == AF_INET || address->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return original(fd, address, size);
}
