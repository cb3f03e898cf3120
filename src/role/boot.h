/* SPDX-License-Identifier: Apache-2.0
 *
 * boot - the first words of every process: what posternd hands over on descriptor 3 until `go`.
 */
#ifndef ROLE_BOOT_H
#define ROLE_BOOT_H

#include "conf/conf.h"
#include "ipc/link.h"
#include "role/process.h"
#include "sandbox/sandbox.h"

#define BOOT_MAX 16384 /* resources, peers and zygotes together: above all files of recipients */

struct boot_item {
	unsigned type; /* POSTERND_ROLE_RESOURCE, _PEER or _ZYGOTE */
	unsigned kind;
	uint64_t index;
	int fd;
};

struct boot {
	struct link posternd;
	uint32_t layers;   /* to apply */
	uint32_t achieved; /* by the starter: argv */
	bool is_drill;     /* role/drill.h */
	struct conf *conf;
	struct boot_item *items;
	size_t n_items, room;
	int root_fd; /* the state directory, or the empty one */
};

/* Blocks until `go`; ends the process when anything is not as the manifest says. */
void boot_receive(struct boot *b, enum process_id process, const char *achieved);
/* The configuration in a sealed memfd; NULL when it does not parse (logged). Closes the descriptor. */
struct conf *boot_read_conf(int fd);
/* /dev/null as 0 and 1, SIGPIPE, SIGINT and SIGTERM ignored: posternd says when to stop. */
void boot_settle(void);
void boot_fill_options(const struct boot *b, struct sandbox_options *ret_options);

#endif
