/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line's way to the running gateway: the control socket, and from there a channel of its
 * own to queue. Used by status, queue, reload, stop. Trusts the gateway.
 */
#include "cli/cli.h"

#include "base/clock.h"
#include "ipc/admin_posternd.h"
#include "ipc/admin_queue.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#define ANSWER_WITHIN_MS 30000

static bool read_file(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	bool ok;

	if (fd < 0)
		return false;
	ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && buf_reserve(out, (size_t)st.st_size) &&
	     read(fd, out->p, (size_t)st.st_size) == st.st_size;
	if (ok)
		out->n = (size_t)st.st_size;
	close(fd);
	return ok;
}

struct conf *cli_read_conf(struct cli *c)
{
	struct conf *conf = NULL;
	struct buf bytes, errors;

	buf_init(&bytes, CONF_MAX_FILE);
	buf_init(&errors, CONF_MAX_ERROR_TEXT);
	if (read_file(c->config_file, &bytes))
		conf = conf_parse(buf_text(&bytes), c->config_file, CONF_WHOLE, &errors);
	else
		buf_printf(&errors, "%s: cannot read: %s\n", c->config_file, strerror(errno));
	if (!conf)
		fputs(buf_cstr(&errors), stderr);
	buf_done(&bytes);
	buf_done(&errors);
	return conf;
}

void cli_find_directory(struct cli *c, const char *name, char *out, size_t n)
{
	struct conf *conf = cli_read_conf(c);

	if (!conf)
		exit(EX_CONFIG);
	snprintf(out, n, "%.*s/%s", TEXT_ARGS(conf->top.state), name);
	conf_free(conf);
}

int client_connect(struct cli *c, struct link *ret_link)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct conf *conf = cli_read_conf(c);
	int fd, n;

	if (!conf)
		return EX_CONFIG;
	n = snprintf(address.sun_path, sizeof address.sun_path, "%.*s/control", TEXT_ARGS(conf->top.run));
	conf_free(conf);
	if (n < 0 || (size_t)n >= sizeof address.sun_path)
		return cli_fail(EX_CONFIG, "the path in 'run' is too long for a socket");
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return cli_fail(EX_OSERR, "cannot make a socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		int number = errno;
		close(fd);
		if (number == EACCES || number == EPERM)
			return cli_fail(EX_NOPERM, "%s: permission denied; run as root", address.sun_path);
		return cli_fail(
			EX_UNAVAILABLE,
			"the gateway is not running (%s: %s); start it with 'systemctl start postern' or "
			"'posternd --config %s'",
			address.sun_path, strerror(number), c->config_file);
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	*ret_link = link_of(fd, &admin_posternd_edge, ADMIN_POSTERND_SIDE_ADMIN);
	return EX_OK;
}

int client_receive(struct link *l, struct link_in *in)
{
	enum error e = link_receive(l, in, clock_mono_ms() + ANSWER_WITHIN_MS);

	if (e == ERROR_CLOSED)
		return cli_fail(EX_NOPERM, "the gateway closed the connection: your user is not named by "
					   "'admin', or it stopped");
	return e ? cli_fail(EX_PROTOCOL, "no proper answer from the gateway: %s", error_text(e)) : EX_OK;
}

int client_connect_queue(struct cli *c, struct link *ret_link)
{
	struct admin_posternd_connect ask = { ADMIN_POSTERND_TARGET_QUEUE };
	struct link l;
	struct link_in in;
	int status = client_connect(c, &l);

	if (status)
		return status;
	link_in_init(&in, &admin_posternd_edge);
	if (link_send(&l, ADMIN_POSTERND_CONNECT, &ask, NULL, 0, clock_mono_ms() + ANSWER_WITHIN_MS))
		status = cli_fail(EX_NOPERM,
				  "the gateway closed the connection: your user is not named by 'admin'");
	else
		status = client_receive(&l, &in);
	if (!status && in.type == ADMIN_POSTERND_DONE) {
		const struct admin_posternd_done *done = link_body(&in);
		status = cli_fail(EX_TEMPFAIL, "%.*s", TEXT_ARGS(done->text));
	}
	if (!status) {
		*ret_link = link_of(in.fds[0], &admin_queue_edge, ADMIN_QUEUE_SIDE_ADMIN);
		in.fds[0] = -1;
	}
	link_in_done(&in);
	link_close(&l);
	return status;
}
