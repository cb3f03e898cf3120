/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything but ports that needs root or a path, opened once, before root is dropped: the configuration
 * file, programs, state directories, Maildirs, the control socket. Called by main.c. Every failure ends the
 * process with one line that names the place and the cure.
 */
#include "base/ensure.h"
#include "base/log.h"
#include "roles/posternd/posternd.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#define CAP_MAX 63

int places_open_file(struct text path)
{
	char name[PATH_MAX];
	int n = snprintf(name, sizeof name, "%.*s", TEXT_ARGS(path));

	return n > 0 && (size_t)n < sizeof name ? open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1;
}

static bool read_all(int fd, struct buf *out)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !buf_reserve(out, (size_t)st.st_size))
		return false;
	if (pread(fd, out->p, (size_t)st.st_size, 0) != st.st_size)
		return false;
	out->n = (size_t)st.st_size;
	return true;
}

/* By its directory from the second time on: then we are another user, for whom the way there may be
 * closed. */
static int open_conf(struct settings *s)
{
	const char *slash = strrchr(s->config_file, '/');
	char directory[PATH_MAX];

	if (s->config_dir <= 0) {
		snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - s->config_file) : 1,
			 slash ? s->config_file : ".");
		s->config_dir = open(*directory ? directory : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	return openat(s->config_dir, slash ? slash + 1 : s->config_file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

struct conf *places_read_conf(struct settings *s, struct buf *errors)
{
	int fd = open_conf(s);
	struct conf *conf = NULL;
	char name[256];
	struct buf bytes;

	if (fd < 0) {
		buf_printf(errors, "%s: cannot open: %s%s\n", s->config_file,
			   error_text(error_of_errno(errno)),
			   errno == EACCES ? "; the user of posternd must be able to read it" : "");
		return NULL;
	}
	buf_init(&bytes, CONF_MAX_FILE);
	if (read_all(fd, &bytes))
		conf = conf_parse(buf_text(&bytes), s->config_file, CONF_WHOLE, errors);
	else
		buf_printf(errors, "%s: not a file of at most %zu bytes\n", s->config_file, CONF_MAX_FILE);
	buf_done(&bytes);
	close(fd);
	if (!conf)
		return NULL;
	if (gethostname(name, sizeof name - 1) < 0)
		name[0] = 0;
	name[sizeof name - 1] = 0;
	if (conf_set_hostname(conf, text_from_cstr(name)))
		return conf;
	buf_printf(errors,
		   "%s: hostname is not set and the system's, '%s', is not fully qualified: add the line "
		   "'hostname mx.example.com'\n",
		   s->config_file, name);
	conf_free(conf);
	return NULL;
}

static void path_of(struct text dir, const char *name, char out[PATH_MAX])
{
	int n = snprintf(out, PATH_MAX, "%.*s%s%s", TEXT_ARGS(dir), *name ? "/" : "", name);

	if (n < 0 || n >= PATH_MAX)
		log_fatal(EX_CONFIG, "the path %.*s is too long", TEXT_ARGS(dir));
}

/* Makes (with its parents) and opens; `owner` is set when root. */
static int make_directory(const struct places *p, const char *path, mode_t mode, uid_t owner)
{
	char part[PATH_MAX];
	int fd;

	for (size_t i = 1; path[i] && i < sizeof part; i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = 0;
		mkdir(part, 0755);
	}
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		log_fatal(EX_CANTCREAT, "cannot make the directory %s: %s", path, strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		log_fatal(EX_NOPERM, "cannot open the directory %s: %s", path, strerror(errno));
	if (p->as_root && fchown(fd, owner, owner) < 0)
		log_fatal(EX_NOPERM, "cannot give %s to user %u: %s", path, owner, strerror(errno));
	if (fchmod(fd, mode) < 0)
		log_fatal(EX_NOPERM,
			  "cannot set the mode of %s: %s; it must belong to the user that starts posternd",
			  path, strerror(errno));
	return fd;
}

uid_t places_uid(const struct places *p, const struct conf *conf, const char *name, unsigned user)
{
	char system_name[64];
	const struct passwd *pw;

	if (!p->as_root)
		return geteuid();
	if (conf->top.uid_base)
		return (uid_t)conf->top.uid_base + user;
	snprintf(system_name, sizeof system_name, "postern%s%s", *name ? "-" : "", name);
	pw = getpwnam(system_name);
	if (!pw)
		log_fatal(EX_NOUSER,
			  "there is no system user %s: run 'systemd-sysusers' (make install brings its "
			  "file), or set "
			  "uid-base",
			  system_name);
	return pw->pw_uid;
}

/* Programs lie beside posternd, or in ../libexec/postern. */
static void open_programs(struct places *p)
{
	char self[PATH_MAX - 64], path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	ASSERT(n > 0);
	self[n] = 0;
	*strrchr(self, '/') = 0;
	for (enum role_id role = 0; role < ROLE_POSTERND; role++) {
		snprintf(path, sizeof path, "%s/postern-%s", self, role_name(role));
		p->programs[role] = open(path, O_PATH | O_CLOEXEC);
		if (p->programs[role] < 0) {
			snprintf(path, sizeof path, "%s/../libexec/postern/postern-%s", self,
				 role_name(role));
			p->programs[role] = open(path, O_PATH | O_CLOEXEC);
		}
		if (p->programs[role] < 0)
			log_fatal(EX_UNAVAILABLE,
				  "the program postern-%s is missing beside posternd: build or install again",
				  role_name(role));
	}
}

static void open_states(struct places *p, const struct conf *conf)
{
	char path[PATH_MAX];

	path_of(conf->top.state, "", path);
	close(make_directory(p, path, 0755, 0));
	for (enum role_id role = 0; role < ROLE_POSTERND; role++) {
		const struct process *process = process_of(process_of_role(role));
		p->states[role] = -1;
		if (!process_may_have(process_of_role(role), POSTERND_ROLE_THING_STATE))
			continue;
		path_of(conf->top.state, process->name, path);
		p->states[role] =
			make_directory(p, path, 0700, places_uid(p, conf, process->name, process->user));
	}
	path_of(conf->top.state, "empty", path);
	p->empty = make_directory(p, path, 0555, 0);
}

static void open_maildirs(struct places *p, const struct conf *conf)
{
	const struct process *process = process_of(PROCESS_MAILDIR);
	char path[PATH_MAX];

	for (size_t i = 0; i < conf->domain.n; i++) {
		const struct conf_domain *d = &conf->domain.v[i];
		struct directory_entry *entry = &p->maildirs[p->n_maildirs];
		if (d->route != CONF_ROUTE_MAILDIR)
			continue;
		ASSERT(p->n_maildirs++ < CONF_MAILDIRS_MAX); /* conf_check_all */
		path_of(d->maildir, "", path);
		entry->domain = d->id;
		entry->fd = make_directory(p, path, 0755, places_uid(p, conf, process->name, process->user));
	}
}

static void open_control(struct places *p, const struct conf *conf)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char path[PATH_MAX];
	uid_t uid = places_uid(p, conf, "", 0);

	path_of(conf->top.run, "", path);
	close(make_directory(p, path, 0755, uid));
	path_of(conf->top.run, "control", path);
	if (strlen(path) >= sizeof address.sun_path)
		log_fatal(EX_CONFIG, "the path %s is too long for a socket: choose a shorter 'run'", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	unlink(path);
	p->control = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ASSERT(p->control >= 0);
	if (bind(p->control, (struct sockaddr *)&address, sizeof address) < 0 || listen(p->control, 16) < 0)
		log_fatal(EX_CANTCREAT, "cannot make the control socket %s: %s", path, strerror(errno));
	/* Who may connect is decided by the user id of the peer, in control.c. */
	if (chmod(path, 0666) < 0)
		log_fatal(EX_NOPERM, "cannot set the mode of %s: %s", path, strerror(errno));
}

static void find_admins(struct places *p, const struct conf *conf)
{
	p->admins[p->n_admins++] = geteuid();
	for (size_t i = 0; i < conf->top.admin.n && p->n_admins < 64; i++) {
		char name[64];
		uint64_t number;
		const struct passwd *pw;
		snprintf(name, sizeof name, "%.*s", TEXT_ARGS(conf->top.admin.v[i]));
		if (text_parse_u64(conf->top.admin.v[i], UINT32_MAX, &number)) {
			p->admins[p->n_admins++] = (uid_t)number;
			continue;
		}
		pw = getpwnam(name);
		if (!pw)
			log_fatal(EX_NOUSER, "admin: there is no user '%s' on this system", name);
		p->admins[p->n_admins++] = pw->pw_uid;
	}
}

void places_open(struct places *p, const struct settings *s, const struct conf *conf)
{
	(void)s;
	umask(022);
	p->as_root = geteuid() == 0;
	open_programs(p);
	open_states(p, conf);
	open_maildirs(p, conf);
	open_control(p, conf);
	find_admins(p, conf);
}

void places_drop_root(const struct places *p, const struct conf *conf)
{
	uid_t uid = places_uid(p, conf, "", 0);

	if (!p->as_root)
		return;
	for (int cap = 0; cap <= CAP_MAX; cap++) /* while we may: the sandbox has no right to it any more */
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	ASSERT(setgroups(0, NULL) == 0);
	ASSERT(setresgid(uid, uid, uid) == 0);
	ASSERT(setresuid(uid, uid, uid) == 0);
	ASSERT(setresuid(0, 0, 0) < 0);
}
