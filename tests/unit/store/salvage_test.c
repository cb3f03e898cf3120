/* SPDX-License-Identifier: Apache-2.0
 *
 * Salvage: of a sound spool everything comes back, also from its WAL; of a damaged one everything that
 * the damage did not touch, and nothing that is wrong or was removed. Damage is done page by page.
 */
#include "spool_fixture.h"

#include "store/salvage.h"
#include "store/salvage_pages.h"
#include "store/spool_format.h"

#include <sys/stat.h>

enum { N_MESSAGES = 40 };

static char old_dir[64], new_dir[64];
static struct fixture_message messages[N_MESSAGES];

struct found {
	uint64_t id;
	enum salvage_outcome outcome;
};

static struct found notes[2 * N_MESSAGES];
static size_t n_notes;
static unsigned last_revived; /* removed, and found again by the last salvage */

static struct spool *open_spool(void)
{
	struct spool_options o;
	struct spool *s = NULL;

	spool_options_init(&o);
	o.reserve_bytes = 0;
	assert_int_equal(spool_open(&o, &s), ERROR_NONE);
	return s;
}

static void remove_message(struct spool *s, const struct fixture_message *f)
{
	struct fixture_message removal = { 0 };

	removal.op = (struct spool_op){ .verb = SPOOL_REMOVE,
					.has_file = f->m.has_file,
					.id = f->m.id,
					.done = fixture_done,
					.owner = &removal };
	spool_submit(s, &removal.op);
	spool_flush(s);
	assert_int_equal(removal.result, ERROR_NONE);
}

/* Every fifth one has been removed again. */
static bool is_there(unsigned i)
{
	return i % 5 != 0;
}

static void fill_spool(struct spool *s)
{
	static const size_t sizes[] = { 300, 5000, 0, 20000, 70000, 65536, 1200 };

	for (unsigned i = 0; i < N_MESSAGES; i++)
		assert_int_equal(fixture_insert(s, &messages[i], i, sizes[i % 7]), ERROR_NONE);
	for (unsigned i = 0; i < N_MESSAGES; i++)
		if (!is_there(i))
			remove_message(s, &messages[i]);
}

static void free_messages(void)
{
	for (unsigned i = 0; i < N_MESSAGES; i++)
		fixture_free(&messages[i]);
}

static void take_note(void *owner, const struct salvage_note *note)
{
	(void)owner;
	assert_true(n_notes < sizeof notes / sizeof *notes);
	notes[n_notes++] = (struct found){ note->id, note->outcome };
}

/* Salvages what is in old_dir into a new spool, which is open afterwards. */
static struct spool *salvage(struct salvage_report *ret_report)
{
	struct salvage_options o = { .tell = take_note };
	struct spool *s;

	n_notes = 0;
	o.damaged_fd = open(old_dir, O_RDONLY | O_DIRECTORY);
	fixture_enter_fast(new_dir);
	s = open_spool();
	o.into = s;
	assert_int_equal(salvage_run(&o, ret_report), ERROR_NONE);
	close(o.damaged_fd);
	return s;
}

static void leave_new(struct spool *s)
{
	spool_close(s);
	fixture_leave(new_dir);
	assert_int_equal(chdir(old_dir), 0);
}

static int find_note(uint64_t id)
{
	for (size_t i = 0; i < n_notes; i++)
		if (notes[i].id == id)
			return (int)notes[i].outcome;
	return -1;
}

/* Whole ones are as they were; none that was removed is there, but as doubtful. Returns how many are
 * not whole. */
static unsigned check(struct spool *s)
{
	unsigned n_missing = 0, n_revived = 0;

	for (unsigned i = 0; i < N_MESSAGES; i++) {
		int outcome = find_note(messages[i].m.id);
		if (!is_there(i))
			n_revived += outcome >= 0;
		if (!is_there(i))
			assert_int_not_equal(outcome, SALVAGE_WHOLE);
		else if (outcome != SALVAGE_WHOLE)
			n_missing++;
		else if (!fixture_is_stored(s, &messages[i]))
			fail_msg("message %u came back different", i);
	}
	last_revived = n_revived;
	return n_missing;
}

static void a_sound_spool_comes_back_whole(void **state)
{
	struct salvage_report r;
	struct spool *s;

	(void)state;
	fixture_enter_fast(old_dir);
	s = open_spool();
	fill_spool(s);
	spool_close(s);
	s = salvage(&r);
	assert_int_equal(check(s), 0);
	assert_int_equal(r.n_whole, N_MESSAGES * 4 / 5);
	assert_int_equal(r.n_held + r.n_lost + r.n_bad_pages + r.n_bad_frames, 0);
	leave_new(s);
	fixture_leave(old_dir);
	free_messages();
}

static void messages_in_the_wal_come_back(void **state)
{
	struct salvage_report r;
	struct spool *s, *damaged;

	(void)state;
	fixture_enter_fast(old_dir);
	damaged = open_spool();
	fill_spool(damaged); /* stays open: nothing was checkpointed */
	s = salvage(&r);
	assert_int_equal(check(s), 0);
	assert_true(r.n_frames > 0);
	assert_int_equal(r.n_bad_frames, 0);
	leave_new(s);
	spool_close(damaged);
	fixture_leave(old_dir);
	free_messages();
}

static void overwrite(const char *name, off_t at, size_t n, unsigned seed)
{
	struct buf noise;
	int fd = open(name, O_WRONLY);

	fixture_fill(&noise, seed, n);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, noise.p, n, at), n);
	close(fd);
	buf_done(&noise);
}

static void copy_file(const char *from, const char *to)
{
	static char bytes[1 << 16];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, bytes, sizeof bytes)) > 0)
		assert_int_equal(write(out, bytes, (size_t)n), n);
	close(in);
	close(out);
}

static void a_damaged_frame_costs_only_its_page(void **state)
{
	struct salvage_report r;
	struct spool *s, *damaged;
	struct stat st;

	(void)state;
	fixture_enter_fast(old_dir);
	damaged = open_spool();
	fill_spool(damaged);
	copy_file("spool.db", "db");
	copy_file("spool.db-wal", "wal");
	spool_close(damaged);
	for (unsigned round = 0; round < 12; round++) {
		copy_file("db", "spool.db");
		copy_file("wal", "spool.db-wal");
		assert_int_equal(stat("wal", &st), 0);
		/* The header, a frame's header, or a page. */
		overwrite("spool.db-wal", round == 0 ? 0 : (off_t)(round * 7919 * 31 % (unsigned)st.st_size),
			  20, round);
		s = salvage(&r);
		assert_in_range(r.n_bad_frames, 0, 2);
		/* An older version of a page of rows may miss many, but never invent one. */
		assert_in_range(r.n_whole, N_MESSAGES / 4, N_MESSAGES);
		leave_new(s);
	}
	fixture_leave(old_dir);
	free_messages();
}

/* Its sum cannot be checked, since the header of the WAL is damaged too. */
static void a_frame_that_states_a_vast_size_is_not_believed(void **state)
{
	struct salvage_report r;
	struct spool *s, *damaged;
	struct stat st;
	int fd;

	(void)state;
	fixture_enter_fast(old_dir);
	damaged = open_spool();
	fill_spool(damaged);
	copy_file("spool.db", "db");
	copy_file("spool.db-wal", "wal");
	spool_close(damaged);
	copy_file("db", "spool.db");
	copy_file("wal", "spool.db-wal");
	assert_int_equal(stat("spool.db", &st), 0);
	overwrite("spool.db-wal", 0, 20, 1);
	fd = open("spool.db-wal", O_WRONLY);
	assert_int_equal(pwrite(fd, "\x07\xff\xff\xff", 4, 32 + 4), 4); /* the first frame's */
	assert_int_equal(ftruncate(fd, 32 + 24 + SPOOL_PAGE_SIZE), 0);
	close(fd);
	s = salvage(&r);
	assert_int_equal(r.n_frames, 1);
	assert_in_range(r.n_pages, 0, st.st_size / SPOOL_PAGE_SIZE + 1);
	leave_new(s);
	fixture_leave(old_dir);
	free_messages();
}

static void every_page_may_be_damaged(void **state)
{
	unsigned n_missing = 0, worst = 0, step = getenv("POSTERN_LONG_TESTS") ? 1 : 5;
	struct salvage_report r;
	struct spool *s;
	struct stat st;

	(void)state;
	fixture_enter_fast(old_dir);
	s = open_spool();
	fill_spool(s);
	spool_close(s);
	copy_file("spool.db", "db");
	assert_int_equal(stat("db", &st), 0);
	for (unsigned page = 0; page < st.st_size / SPOOL_PAGE_SIZE; page += page < 12 ? 1 : step) {
		unsigned n;
		copy_file("db", "spool.db");
		overwrite("spool.db", (off_t)page * SPOOL_PAGE_SIZE, SPOOL_PAGE_SIZE, page + 1);
		s = salvage(&r);
		n = check(s);
		worst = n > worst ? n : worst;
		if (page != 1) /* the pointer map */
			assert_int_equal(last_revived, 0);
		n_missing += n;
		leave_new(s);
	}
	/* One leaf of messages or recipients holds many; inner pages cost nothing, others one. */
	assert_in_range(worst, 1, N_MESSAGES);
	assert_in_range(n_missing, 1, 4 * st.st_size / SPOOL_PAGE_SIZE);
	fixture_leave(old_dir);
	free_messages();
}

static void lost_body_files_are_reported(void **state)
{
	char name[64] = "bodies/";
	struct salvage_report r;
	struct spool *s;

	(void)state;
	fixture_enter_fast(old_dir);
	s = open_spool();
	fill_spool(s);
	spool_close(s);
	spool_print_id(messages[4].m.id, name + 7);
	assert_int_equal(unlink(name), 0);
	spool_print_id(messages[11].m.id, name + 7);
	assert_int_equal(truncate(name, 100), 0);
	s = salvage(&r);
	assert_int_equal(check(s), 2);
	assert_int_equal(r.n_lost, 2);
	assert_int_equal(find_note(messages[4].m.id), SALVAGE_LOST);
	assert_int_equal(find_note(messages[11].m.id), SALVAGE_LOST);
	leave_new(s);
	fixture_leave(old_dir);
	free_messages();
}

static void noise_is_survived(void **state)
{
	struct salvage_report r;
	struct spool *s;

	(void)state;
	fixture_enter_fast(old_dir);
	s = open_spool();
	fill_spool(s);
	spool_close(s);
	copy_file("spool.db", "db");
	for (unsigned round = 0; round < 30; round++) {
		struct stat st;
		copy_file("db", "spool.db");
		assert_int_equal(stat("db", &st), 0);
		for (unsigned i = 0; i < 1 + round * 4; i++)
			overwrite("spool.db",
				  (off_t)((i * 2654435761u + round * 40503u) % (unsigned)(st.st_size - 9)),
				  1 + i % 8, i + round);
		if (round % 10 == 9)
			assert_int_equal(truncate("spool.db", st.st_size / 3 * (round % 3)), 0);
		s = salvage(&r);
		leave_new(s);
	}
	fixture_leave(old_dir);
	free_messages();
}

static void a_directory_without_a_spool_is_not_found(void **state)
{
	struct salvage_options o = { 0 };
	struct salvage_report r;

	(void)state;
	fixture_enter_fast(new_dir);
	o.into = open_spool();
	o.damaged_fd = open("/", O_RDONLY | O_DIRECTORY);
	assert_int_equal(salvage_run(&o, &r), ERROR_NOT_FOUND);
	close(o.damaged_fd);
	spool_close(o.into);
	fixture_leave(new_dir);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_spool_comes_back_whole),
		cmocka_unit_test(messages_in_the_wal_come_back),
		cmocka_unit_test(a_damaged_frame_costs_only_its_page),
		cmocka_unit_test(a_frame_that_states_a_vast_size_is_not_believed),
		cmocka_unit_test(every_page_may_be_damaged),
		cmocka_unit_test(lost_body_files_are_reported),
		cmocka_unit_test(noise_is_survived),
		cmocka_unit_test(a_directory_without_a_spool_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
