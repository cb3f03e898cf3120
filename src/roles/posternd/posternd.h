/* SPDX-License-Identifier: Apache-2.0
 *
 * posternd - the supervisor: binds, starts, watches, hands out channels. Parses its own
 * configuration file and typed messages of its own processes; never a stranger's byte.
 *
 * main.c        arguments, the order of a start
 * parent.c      its own parent, where no service manager holds the sockets
 * preflight.c   what this kernel and these limits allow
 * places.c      directories, sockets, programs: everything that needs root or a path
 * starter.c     the processes that re-execute one program each
 * members.c     roles and zygotes: start, ready, ended, restart
 * journal.c     their log lines
 * control.c     the command line's socket
 * reload.c      a new configuration
 */
#ifndef ROLES_POSTERND_POSTERND_H
#define ROLES_POSTERND_POSTERND_H

#include "base/table.h"
#include "conf/conf.h"
#include "role/peer.h"
#include "role/process.h"
#include "role/role.h"

#include <sys/types.h>

struct event;

#define MAX_SOCKETS 256

struct settings {
	const char *config_file;
	int config_dir;  /* its directory, opened while we may: the path may be closed to our user later */
	uint32_t layers; /* of the sandbox; all, but in the drill */
	bool check_only;
	bool no_parent;
};

struct socket_entry {
	int fd;
	unsigned listener;
	struct conf_endpoint endpoint;
};

struct directory_entry {
	uint64_t domain; /* its id */
	int fd;
};

/* Opened before root is dropped, kept for every restart. */
struct places {
	struct socket_entry sockets[MAX_SOCKETS];
	size_t n_sockets;
	int programs[ROLE_COUNT];
	int states[ROLE_COUNT];
	int empty;
	struct directory_entry maildirs[CONF_MAILDIRS_MAX];
	size_t n_maildirs;
	int control; /* listening */
	uid_t admins[64];
	size_t n_admins;
	bool as_root;
};

struct member {
	enum process_id id;
	struct peer *starter;
	struct instance *current;
	uid_t uid;
	unsigned restarts;
	int64_t delay;         /* the next pause, ms */
	struct event *restart; /* pending: starts again */
};

enum instance_state { INSTANCE_STARTING, INSTANCE_RUNNING, INSTANCE_ENDED };

struct instance {
	uint32_t number;
	struct member *member;
	struct peer *channel;
	pid_t pid;
	enum instance_state state;
	int64_t since; /* wall clock, ms */
	uint32_t layers;
	unsigned n_syncs;       /* asked for and not answered: a reload is not in force yet */
	struct event *patience; /* it must be ready by then */
};

struct gateway {
	struct settings settings;
	struct conf *conf;
	struct places places;
	struct role self; /* loop and audit channel, for role_audit */
	struct member members[PROCESS_COUNT];
	struct table instances; /* by number */
	uint32_t last_instance;
	bool is_ready, stopping;
	int exit_status;
};

/* preflight.c. Logs what is weaker here, and ends the process below the configured minimum. */
void preflight_check(const struct conf *conf, uint32_t layers);

/* sockets.c. Takes or makes each listening socket; ends the process with one clear error. */
void sockets_bind(struct places *p, const struct conf *conf);

/* places.c: all end the process with one clear error. */
struct conf *places_read_conf(struct settings *s, struct buf *errors);
void places_open(struct places *p, const struct settings *s, const struct conf *conf);
uid_t places_uid(const struct places *p, const struct conf *conf, const char *name, unsigned user);
void places_drop_root(const struct places *p, const struct conf *conf);
int places_open_file(struct text path); /* -1: cannot */

/* parent.c. Returns in the child only. */
void parent_run(const struct conf *conf);

/* starter.c. Forks; returns the channel to the starter, and the end of its log pipe. */
int starter_fork(const struct gateway *g, const struct member *m, int *ret_log_fd);

/* members.c */
void members_start_starters(struct gateway *g);
void members_start_all(struct gateway *g);
void members_stop_all(struct gateway *g);
void members_ask_counters(struct gateway *g);
int members_make_conf(const struct conf *conf, enum role_id role); /* a sealed memfd */

/* journal.c */
void journal_init(struct gateway *g);
void journal_add(struct gateway *g, const char *name, int fd);
void journal_flush(struct gateway *g);
void journal_notify(const char *state); /* to the service manager: "READY=1" */

/* control.c */
void control_init(struct gateway *g);
/* By a signal: recorded first, as if by the command line. */
void control_reload(struct gateway *g, const char *by);
/* A process has begun to run by the newest configuration. */
void control_check_reload(struct gateway *g);
void control_counter(struct gateway *g, const char *role, struct text name, uint64_t value);
void control_counters_end(struct gateway *g, const char *role);

/* reload.c. False and why in `why`: nothing has changed then. */
bool reload_run(struct gateway *g, struct buf *why);
/* The first process that does not yet run by the configuration of the last reload, or NULL. */
const char *reload_is_awaited(const struct gateway *g);

#endif
