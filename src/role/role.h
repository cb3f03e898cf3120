/* SPDX-License-Identifier: Apache-2.0
 *
 * role - the skeleton of a standing role: everything before the first event is the same for all.
 *
 * main() of a role is a table and one call:
 *
 *	static const struct role_definition definition = { .id = ROLE_QUEUE, .open = queue_open, ... };
 *	int main(int argc, char **argv) { return role_main(&definition, zygotes, argc, argv); }
 *
 * Order of life: descriptor 3 brings configuration, resources and peers from posternd; `open` (files,
 * libraries; no stranger's byte yet); sandbox_enter; `threads`; sandbox_seal; `serve`; then events:
 * peers (re)appear, a zygote appears, an administrator is connected, the configuration is new. The
 * process ends when posternd's channel closes, or by `stop` after role_stopped.
 *
 * One role per process, so its state may be static in its own folder.
 */
#ifndef ROLE_ROLE_H
#define ROLE_ROLE_H

#include "base/role_id.h"
#include "conf/conf.h"
#include "role/peer.h"
#include "role/process.h"

struct event_base;
struct zygote_definition;

struct role {
	const struct role_definition *definition;
	struct event_base *loop;
	const struct conf *conf;
	struct peer *posternd;
	int state_dir; /* where the process stands: relative paths; -1 for a role without */
	struct peer *audit;
	void *self; /* the role's own state, if it wants to carry it here */
	bool is_leaving;
};

struct role_definition {
	enum role_id id;
	/* Most descriptors this role needs, from the configuration: becomes RLIMIT_NOFILE. */
	unsigned (*count_files)(const struct conf *conf);
	/* TCP ports it connects to, for Landlock; may be NULL. Returns how many, at most SANDBOX_MAX_PORTS.
	 */
	size_t (*list_ports)(const struct conf *conf, uint16_t *ret_ports);
	/* A resource of the manifest arrived (before `open`, and again after a reload). The descriptor is
	 * the role's. May be NULL. */
	void (*resource)(struct role *r, enum posternd_role_thing kind, uint64_t index, int fd);
	void (*open)(struct role *r);    /* before the sandbox; may be NULL */
	void (*threads)(struct role *r); /* between the steps of the sandbox; may be NULL */
	void (*serve)(struct role *r);   /* sealed: make events; peers are announced after this */
	/* A fresh channel to `peer`, at start and whenever it was restarted: the old one is dead. The
	 * descriptor is the role's. Not called for audit, which the skeleton keeps. */
	void (*peer)(struct role *r, enum role_id peer, int fd);
	void (*zygote)(struct role *r, enum process_id kind, int fd);
	void (*admin)(struct role *r, unsigned uid, int fd);
	/* r->conf is the new one, and in force when this returns, or the role leaves: role_leave. */
	void (*reload)(struct role *r, const struct conf *old);
	void (*counters)(struct role *r); /* calls role_counter for each */
	void (*stop)(struct role *r);     /* finish, then call role_stopped; NULL: stops at once */
};

/* Never returns but with the process's exit status. zygotes: NULL-terminated, those whose rooms this
 * role forks, by the same program; may be NULL. */
int role_main(const struct role_definition *definition, const struct zygote_definition *const *zygotes,
	      int argc, char **argv);

void role_counter(struct role *r, const char *name, uint64_t value);
void role_stopped(struct role *r);
/* It will call role_stopped soon, to be started anew with what it can take at its start only. */
void role_leave(struct role *r);
/* A channel to another role is over: an ordinary end (posternd says why that one ended), or its sender
 * broke the rules of the edge. */
void role_log_gone(enum role_id peer, enum error why);
/* Asks posternd for a fresh zygote of this kind; it arrives by `zygote`. */
void role_want_zygote(struct role *r, enum process_id kind);

/* For the record; see role_audit.def for kinds. Never blocks; a record that cannot be sent is counted
 * and told with the next. */
void role_audit(struct role *r, unsigned kind, const char *subject, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The same, and `written` is called when the record is on disk (ERROR_CLOSED when audit went away). */
void role_audit_sync(struct role *r, unsigned kind, const char *subject, struct text detail,
		     void (*written)(void *arg, enum error e), void *arg);

#endif
