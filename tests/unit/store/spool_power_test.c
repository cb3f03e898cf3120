/* SPDX-License-Identifier: Apache-2.0
 *
 * Power cuts: a spool works on a disk that writes down every change; then the power is cut behind each
 * of them, with the unsynced ones kept, lost or torn by chance, and the spool is opened on what is
 * left. It must open; what was acknowledged before the cut must be there, byte for byte, and what was
 * removed must not; a group is there whole or not at all; no body file is left without its row.
 *
 * POSTERN_LONG_TESTS=N cuts behind every change in N ways (default: behind every third, in 3).
 */
#include "disk_log.h"
#include "spool_fixture.h"

#include "store/spool_format.h"

enum { FACTS_MAX = 64, CHANGES_MAX = 64, NEVER = INT32_MAX };

/* When what happened to a message; times are lengths of the log. */
struct fact {
	struct fixture_message f;
	size_t submitted, acked, removal_submitted, removal_acked;
	unsigned n_versions; /* submitted; a version is the number of attempts of recipient 0 */
	struct fact *mate;   /* comes in one group with version mate_version of that */
	unsigned mate_version;
};

struct change {
	struct spool_op op;
	struct spool_rcpt rcpt;
	struct fact *fact;
	unsigned version;
	size_t submitted, acked;
};

static struct fact facts[FACTS_MAX];
static size_t n_facts;
static struct change changes[CHANGES_MAX];
static size_t n_changes;
static size_t cut_at; /* what is verified now, for messages */
static unsigned cut_seed, n_cuts;

/* ---- what the spool is made to do ---- */

static struct spool *open_spool(const char *vfs)
{
	struct spool_options o;
	struct spool *s = NULL;
	enum error e;

	spool_options_init(&o);
	o.vfs = vfs;
	o.reserve_bytes = 0;
	o.checkpoint_pages = 24;
	e = spool_open(&o, &s);
	if (e)
		fail_msg("cut behind change %zu, seed %u: the spool does not open: %s", cut_at, cut_seed,
			 error_text(e));
	return s;
}

static void is_inserted(struct spool_op *op, enum error e)
{
	struct fact *fact = op->owner;

	assert_int_equal(e, ERROR_NONE);
	fact->acked = disk_log_size();
}

static void is_changed(struct spool_op *op, enum error e)
{
	struct change *change = op->owner;

	assert_int_equal(e, ERROR_NONE);
	change->acked = disk_log_size();
	if (op->verb == SPOOL_REMOVE)
		change->fact->removal_acked = change->acked;
}

static struct fact *make(struct spool *s, size_t size)
{
	struct fact *fact = &facts[n_facts];

	assert_true(n_facts < FACTS_MAX);
	*fact = (struct fact){ .acked = NEVER, .removal_submitted = NEVER, .removal_acked = NEVER };
	fact->submitted = disk_log_size();
	fixture_make(s, &fact->f, (unsigned)n_facts++, size);
	fact->f.op.done = is_inserted;
	fact->f.op.owner = fact;
	return fact;
}

static struct fact *insert(struct spool *s, size_t size)
{
	struct fact *fact = make(s, size);

	assert_int_equal(fixture_submit(s, &fact->f), ERROR_NONE);
	return fact;
}

static struct change *make_change(struct fact *fact, enum spool_verb verb)
{
	struct change *c = &changes[n_changes++];

	assert_true(n_changes <= CHANGES_MAX);
	*c = (struct change){ .fact = fact, .submitted = disk_log_size(), .acked = NEVER };
	c->op = (struct spool_op){ .verb = verb,
				   .is_lazy = verb == SPOOL_REMOVE,
				   .id = fact->f.m.id,
				   .body_fd = -1,
				   .done = is_changed,
				   .owner = c };
	return c;
}

static struct change *make_update(struct fact *fact)
{
	struct change *c = make_change(fact, SPOOL_UPDATE);

	c->version = ++fact->n_versions;
	c->rcpt = fact->f.rcpts[0];
	c->rcpt.attempts = c->version;
	c->op.rcpts = &c->rcpt;
	c->op.n_rcpts = 1;
	return c;
}

static void take_away(struct spool *s, struct fact *fact)
{
	struct change *c = make_change(fact, SPOOL_REMOVE);

	c->op.has_file = fact->f.m.has_file;
	fact->removal_submitted = c->submitted;
	spool_submit(s, &c->op);
}

/* A notice with the change of the message that it is about. */
static void insert_notice(struct spool *s, struct fact *about)
{
	struct fact *notice = make(s, 900);
	struct change *c = make_update(about);

	notice->mate = about;
	notice->mate_version = c->version;
	notice->f.op.with = &c->op;
	spool_submit(s, &notice->f.op);
}

static void work(struct spool *s, unsigned round)
{
	static const size_t sizes[] = { 200, 70000, 5000, 0, 30000 };
	struct fact *a = insert(s, sizes[round % 5]), *b = insert(s, sizes[(round + 1) % 5]), *c;

	spool_flush(s);
	spool_submit(s, &make_update(a)->op);
	c = insert(s, sizes[(round + 2) % 5]);
	spool_flush(s);
	insert_notice(s, b);
	take_away(s, a);
	spool_flush(s);
	if (round % 2)
		take_away(s, c);
	insert(s, 400);
	spool_flush(s);
}

static void run_workload(void)
{
	for (unsigned round = 0; round < 6;) {
		struct spool *s = open_spool(DISK_LOG_VFS);
		for (unsigned i = 0; i < 3; i++)
			work(s, round++);
		spool_close(s);
	}
}

/* ---- what must be there after a cut behind the first n changes ---- */

static void complain(const struct fact *fact, const char *what)
{
	fail_msg("cut behind change %zu, seed %u: message %zu (%zu bytes) %s", cut_at, cut_seed,
		 (size_t)(fact - facts), (size_t)fact->f.m.body_size, what);
}

/* The version that is stored, or -1. */
static int stored_version(struct spool *s, const struct fact *fact)
{
	struct spool_message m;
	struct spool_rcpt *rcpts = NULL;
	struct arena arena;
	enum error e;
	int version;

	arena_init(&arena, SPOOL_ARENA_SIZE(8));
	e = spool_read(s, fact->f.m.id, &arena, &m, &rcpts);
	version = e ? -1 : (int)rcpts[0].attempts;
	if (e && e != ERROR_NOT_FOUND)
		complain(fact, error_text(e));
	if (!e && !fixture_is_stored(s, &fact->f))
		complain(fact, "is stored differently");
	arena_reset(&arena);
	return version;
}

static unsigned least_version(const struct fact *fact, size_t n)
{
	unsigned least = 0;

	for (size_t i = 0; i < n_changes; i++)
		if (changes[i].fact == fact && changes[i].acked <= n && changes[i].version > least)
			least = changes[i].version;
	for (size_t i = 0; i < n_facts; i++)
		if (facts[i].mate == fact && facts[i].acked <= n && facts[i].mate_version > least)
			least = facts[i].mate_version;
	return least;
}

static void check_fact(struct spool *s, const struct fact *fact, size_t n)
{
	int version = stored_version(s, fact), mate;

	if (version < 0 && fact->acked <= n && fact->removal_submitted >= n)
		complain(fact, "was acknowledged and is lost");
	if (version >= 0 && fact->submitted >= n)
		complain(fact, "was never written");
	if (version >= 0 && fact->removal_acked <= n)
		complain(fact, "was removed and is there");
	if (version >= 0 && (unsigned)version < least_version(fact, n))
		complain(fact, "has lost an update");
	mate = fact->mate ? stored_version(s, fact->mate) : -1;
	if (mate >= 0 && (version >= 0) != ((unsigned)mate >= fact->mate_version))
		complain(fact, "is there without the other half of its group, or that without it");
}

static void check_bodies(struct spool *s)
{
	struct dirent *entry;
	DIR *d = opendir("bodies");

	while ((entry = readdir(d))) {
		size_t i;
		uint64_t id;
		if (entry->d_name[0] == '.')
			continue;
		assert_true(spool_parse_id(text_from_cstr(entry->d_name), &id));
		for (i = 0; i < n_facts && facts[i].f.m.id != id; i++)
			;
		assert_true(i < n_facts && stored_version(s, &facts[i]) >= 0);
	}
	closedir(d);
}

/* It is sound, and takes new mail under a new id. */
static void check_use(struct spool *s, size_t n)
{
	struct fixture_message f;
	struct buf out;

	buf_init(&out, 1000);
	if (spool_check(s, &out) != ERROR_NONE)
		fail_msg("%s", buf_cstr(&out));
	assert_int_equal(fixture_insert(s, &f, 1, 70000), ERROR_NONE);
	for (size_t i = 0; i < n_facts; i++)
		assert_true(f.m.id > facts[i].f.m.id || facts[i].acked > n);
	assert_true(fixture_is_stored(s, &f));
	fixture_free(&f);
	buf_done(&out);
}

static void cut(const struct disk_model *model, size_t n, unsigned seed)
{
	struct spool *s;

	cut_at = n;
	cut_seed = seed;
	disk_model_cut(model, seed);
	s = open_spool(NULL);
	for (size_t i = 0; i < n_facts; i++)
		check_fact(s, &facts[i], n);
	check_bodies(s);
	if (n_cuts++ % 8 == 0)
		check_use(s, n);
	spool_close(s);
	fixture_remove_in("bodies");
	fixture_remove_in(".");
}

static void free_facts(void)
{
	for (size_t i = 0; i < n_facts; i++) {
		if (facts[i].f.op.body_fd >= 0)
			close(facts[i].f.op.body_fd);
		fixture_free(&facts[i].f);
	}
}

static void acknowledged_messages_survive_power_cuts(void **state)
{
	const char *wish = getenv("POSTERN_LONG_TESTS");
	unsigned n_seeds = wish ? (unsigned)strtoul(wish, NULL, 10) : 3, step = wish ? 1 : 3;
	struct disk_model *model = disk_model_new();
	char dir[64], cut_dir[64];
	size_t n = 0;

	(void)state;
	fixture_enter_fast(dir);
	disk_log_start();
	run_workload();
	disk_log_stop();
	fixture_enter_fast(cut_dir);
	do
		for (unsigned seed = 0; n % step == 0 && seed < n_seeds; seed++)
			cut(model, n, seed);
	while (++n, disk_model_step(model));
	print_message("# %zu changes of the disk, %u power cuts\n", disk_log_size(), n_cuts);
	disk_model_free(model);
	disk_log_free();
	fixture_leave(cut_dir);
	fixture_leave(dir);
	free_facts();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(acknowledged_messages_survive_power_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
