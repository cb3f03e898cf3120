/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the first messages of posternd, in every role and zygote, before the sandbox. Trusts posternd,
 * but checks against the manifest all the same: a descriptor that process.def does not grant ends the
 * process, so that a mistake in posternd cannot hand out more than the drill compares with.
 */
#include "role/boot.h"

#include "base/buf.h"
#include "base/ensure.h"
#include "base/log.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#define POSTERND_FD 3

void boot_settle(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	ASSERT(null >= 0);
	dup2(null, 0);
	dup2(null, 1);
	close(null);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

struct conf *boot_read_conf(int fd)
{
	struct buf errors, bytes;
	struct conf *conf = NULL;
	off_t size = lseek(fd, 0, SEEK_END); /* a reload comes when most sandboxes deny fstat and pread */

	buf_init(&errors, CONF_MAX_ERROR_TEXT);
	buf_init(&bytes, CONF_MAX_PRINT);
	if (size >= 0 && lseek(fd, 0, SEEK_SET) == 0 && buf_reserve(&bytes, (size_t)size) &&
	    read(fd, bytes.p, (size_t)size) == size) {
		bytes.n = (size_t)size;
		conf = conf_parse(buf_text(&bytes), "configuration", CONF_PART, &errors);
	}
	if (!conf)
		log_error("cannot read the configuration that posternd handed over: %s", buf_cstr(&errors));
	buf_done(&errors);
	buf_done(&bytes);
	close(fd);
	return conf;
}

static void add_item(struct boot *b, unsigned type, unsigned kind, uint64_t index, int fd)
{
	ASSERT(b->n_items < BOOT_MAX);
	if (b->n_items == b->room) {
		b->room = b->room ? 2 * b->room : 64;
		b->items = mem_realloc(b->items, b->room * sizeof *b->items);
	}
	b->items[b->n_items++] = (struct boot_item){ .type = type, .kind = kind, .index = index, .fd = fd };
}

static void take_resource(struct boot *b, enum process_id process, const struct posternd_role_resource *m,
			  int fd)
{
	ASSERT(process_may_have(process, m->kind) || sandbox_is_mutated(SANDBOX_WITHOUT_MANIFEST, 0));
	if (m->kind == POSTERND_ROLE_THING_STATE || m->kind == POSTERND_ROLE_THING_EMPTY)
		b->root_fd = fd;
	else
		add_item(b, POSTERND_ROLE_RESOURCE, m->kind, m->index, fd);
}

static void take_message(struct boot *b, enum process_id process, struct link_in *in)
{
	const struct posternd_role_begin *begin = link_body(in);
	const struct posternd_role_peer *peer = link_body(in);
	const struct posternd_role_zygote *zygote = link_body(in);

	switch (in->type) {
	case POSTERND_ROLE_BEGIN:
		b->layers = begin->layers;
		sandbox_mutate(begin->mutation);
		b->conf = boot_read_conf(in->fds[0]);
		if (!b->conf)
			exit(EX_CONFIG);
		return;
	case POSTERND_ROLE_RESOURCE:
		take_resource(b, process, link_body(in), in->fds[0]);
		return;
	case POSTERND_ROLE_PEER:
		add_item(b, POSTERND_ROLE_PEER, peer->role, 0, in->fds[0]);
		return;
	case POSTERND_ROLE_ZYGOTE:
		add_item(b, POSTERND_ROLE_ZYGOTE, zygote->kind, 0, in->fds[0]);
		return;
	case POSTERND_ROLE_GO:
		ASSERT(!sandbox_has_mutation()); /* in the drill only */
		return;
	case POSTERND_ROLE_GO_DRILL:
		b->is_drill = true;
		return;
	default:
		exit(EX_OK); /* told to stop before it began */
	}
}

void boot_receive(struct boot *b, enum process_id process, const char *achieved)
{
	uint64_t layers = 0;
	struct link_in in;

	*b = (struct boot){ .root_fd = -1 };
	ASSERT(text_parse_u64(text_from_cstr(achieved), SANDBOX_ALL, &layers));
	b->achieved = (uint32_t)layers;
	b->posternd = link_of(POSTERND_FD, &posternd_role_edge, POSTERND_ROLE_SIDE_ROLE);
	ASSERT(fcntl(POSTERND_FD, F_SETFD, FD_CLOEXEC) == 0);
	ASSERT(fcntl(POSTERND_FD, F_SETFL, O_NONBLOCK) == 0);
	link_in_init(&in, &posternd_role_edge);
	do {
		enum error e = link_receive(&b->posternd, &in, LINK_FOREVER);
		if (e == ERROR_CLOSED)
			exit(EX_OK);
		if (e)
			log_fatal(EX_PROTOCOL, "posternd's first words: %s", error_text(e));
		take_message(b, process, &in);
		in.fds[0] = -1; /* taken */
	} while (in.type != POSTERND_ROLE_GO && in.type != POSTERND_ROLE_GO_DRILL);
	link_in_done(&in);
	ASSERT(b->conf != NULL && b->root_fd >= 0);
}

void boot_fill_options(const struct boot *b, struct sandbox_options *ret_options)
{
	*ret_options = (struct sandbox_options){ .layers = b->layers, .root_fd = b->root_fd };
}
