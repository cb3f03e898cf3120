/* SPDX-License-Identifier: Apache-2.0
 *
 * What a power cut leaves: for each file the bytes that were synced, and the changes since, of which
 * any may be there; for each directory the same with names. Driven by the log of disk_log.c.
 */
#include "disk_log.h"

#include "base/ensure.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR = 512, FILES_MAX = 1024, NAMES_MAX = 1024 };

struct bytes {
	char *p;
	size_t n, cap;
};

struct list {
	size_t *v; /* numbers of events */
	size_t n, cap;
};

struct file {
	struct bytes synced;
	struct list pending;
};

struct name {
	enum disk_dir dir;
	char text[24];
	unsigned inode; /* 0: none */
};

struct names {
	struct name v[NAMES_MAX];
	size_t n;
};

struct disk_model {
	size_t at; /* events taken in */
	struct file files[FILES_MAX];
	struct names names;
	struct list pending[2]; /* by directory */
};

static void list_add(struct list *list, size_t value)
{
	if (list->n == list->cap) {
		list->cap = list->cap ? 2 * list->cap : 16;
		list->v = mem_realloc(list->v, list->cap * sizeof *list->v);
	}
	list->v[list->n++] = value;
}

static void resize(struct bytes *b, size_t n)
{
	if (n > b->cap) {
		b->cap = n + n / 2;
		b->p = mem_realloc(b->p, b->cap);
	}
	if (n > b->n)
		memset(b->p + b->n, 0, n - b->n);
	b->n = n;
}

static void put(struct bytes *b, const char *p, size_t n, size_t offset)
{
	if (offset + n > b->n)
		resize(b, offset + n);
	if (n > 0)
		memcpy(b->p + offset, p, n);
}

static void apply(struct bytes *b, const struct disk_event *e)
{
	if (e->kind == DISK_WRITE)
		put(b, e->bytes, e->n, (size_t)e->offset);
	else
		resize(b, (size_t)e->offset);
}

static void apply_name(struct names *names, const struct disk_event *e)
{
	unsigned inode = e->kind == DISK_CREATE ? e->inode : 0;

	for (size_t i = 0; i < names->n; i++) {
		struct name *name = &names->v[i];
		if (name->dir != e->dir || strcmp(name->text, e->name) != 0)
			continue;
		name->inode = inode;
		return;
	}
	ASSERT(names->n < NAMES_MAX);
	names->v[names->n] = (struct name){ .dir = e->dir, .inode = inode };
	memcpy(names->v[names->n++].text, e->name, sizeof e->name);
}

struct disk_model *disk_model_new(void)
{
	return mem_zalloc(1, sizeof(struct disk_model));
}

void disk_model_free(struct disk_model *m)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		free(m->files[i].synced.p);
		free(m->files[i].pending.v);
	}
	free(m->pending[0].v);
	free(m->pending[1].v);
	free(m);
}

bool disk_model_step(struct disk_model *m)
{
	const struct disk_event *e;
	struct file *file;
	struct list *names;

	if (m->at == disk_log_size())
		return false;
	e = disk_log_at(m->at);
	ASSERT(e->inode < FILES_MAX);
	file = &m->files[e->inode];
	names = &m->pending[e->dir];
	if (e->kind == DISK_WRITE || e->kind == DISK_TRUNCATE)
		list_add(&file->pending, m->at);
	else if (e->kind == DISK_CREATE || e->kind == DISK_UNLINK)
		list_add(names, m->at);
	for (size_t i = 0; e->kind == DISK_SYNC && i < file->pending.n; i++)
		apply(&file->synced, disk_log_at(file->pending.v[i]));
	for (size_t i = 0; e->kind == DISK_SYNC_DIR && i < names->n; i++)
		apply_name(&m->names, disk_log_at(names->v[i]));
	if (e->kind == DISK_SYNC)
		file->pending.n = 0;
	if (e->kind == DISK_SYNC_DIR)
		names->n = 0;
	m->at++;
	return true;
}

/* ---- the cut ---- */

struct choice {
	unsigned seed;
	uint64_t state;
};

static unsigned choose(struct choice *c, unsigned n)
{
	c->state = c->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(c->state >> 33) % n;
}

static bool may_be_there(struct choice *c)
{
	return c->seed < 2 ? c->seed : choose(c, 2);
}

/* The file has grown, or not, and the bytes are what lay on the disk before. */
static void grow_only(struct bytes *b, const struct disk_event *e, struct choice *c)
{
	size_t from = b->n, to = (size_t)e->offset + e->n;

	if (to <= from)
		return;
	resize(b, to);
	for (size_t i = from; i < to; i++)
		b->p[i] = (char)choose(c, 256);
}

static void tear(struct bytes *b, const struct disk_event *e, struct choice *c)
{
	size_t start = (size_t)e->offset, end = start + e->n;

	for (size_t at = start; at < end;) {
		size_t next = (at / SECTOR + 1) * SECTOR;
		next = next < end ? next : end;
		if (choose(c, 2))
			put(b, e->bytes + (at - start), next - at, at);
		at = next;
	}
}

static void maybe_apply(struct bytes *b, const struct disk_event *e, struct choice *c)
{
	unsigned what = c->seed < 2 ? c->seed : choose(c, 5);

	if (what == 1 || what == 4)
		apply(b, e);
	else if (what == 2 && e->kind == DISK_WRITE)
		tear(b, e, c);
	else if (what == 3 && e->kind == DISK_WRITE)
		grow_only(b, e, c);
}

static void write_file(const struct disk_model *m, const struct name *name, struct choice *c)
{
	const struct file *file = &m->files[name->inode];
	struct bytes b = { 0 };
	char path[40];
	int fd;

	put(&b, file->synced.p, file->synced.n, 0);
	for (size_t i = 0; i < file->pending.n; i++)
		maybe_apply(&b, disk_log_at(file->pending.v[i]), c);
	snprintf(path, sizeof path, "%s%s", name->dir == DISK_BODIES ? "bodies/" : "", name->text);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	ASSERT(fd >= 0 && write(fd, b.p ? b.p : "", b.n) == (ssize_t)b.n);
	close(fd);
	free(b.p);
}

void disk_model_cut(const struct disk_model *m, unsigned seed)
{
	struct choice c = { seed, (uint64_t)seed << 32 | m->at };
	struct names *names = mem_alloc(sizeof *names);

	*names = m->names;
	for (int dir = 0; dir < 2; dir++)
		for (size_t i = 0; i < m->pending[dir].n; i++)
			if (may_be_there(&c))
				apply_name(names, disk_log_at(m->pending[dir].v[i]));
	ASSERT(mkdir("bodies", 0700) == 0 || errno == EEXIST);
	for (size_t i = 0; i < names->n; i++)
		if (names->v[i].inode)
			write_file(m, &names->v[i], &c);
	free(names);
}
