/* SPDX-License-Identifier: Apache-2.0
 *
 * Records on their way to the disk: tickets are answered after the sync and outlive a full disk, other
 * records are counted then, and the count is written when there is space again. A full disk is a limit
 * on the size of files.
 */
#include "unit.h"

#include "roles/audit/journal.h"
#include "store/audit_read.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

struct fixture {
	char path[64];
	int dir_fd;
	struct journal *journal;
	uint32_t told[JOURNAL_MAX_TICKETS];
	size_t n_told;
};

static void on_written(void *owner, enum role_id role, uint32_t ticket)
{
	struct fixture *f = owner;

	assert_int_equal(role, ROLE_QUEUE);
	f->told[f->n_told++] = ticket;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct audit_opened opened;

	signal(SIGXFSZ, SIG_IGN);
	snprintf(f->path, sizeof f->path, "/tmp/journal_test.XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->dir_fd = open(f->path, O_RDONLY | O_DIRECTORY);
	assert_int_equal(journal_open(f->dir_fd, 1 << 30, on_written, f, &f->journal, &opened), ERROR_NONE);
	assert_true(opened.is_new);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	DIR *dir = opendir(f->path);
	struct dirent *entry;

	journal_close(f->journal);
	while ((entry = readdir(dir)))
		unlinkat(f->dir_fd, entry->d_name, 0);
	closedir(dir);
	close(f->dir_fd);
	rmdir(f->path);
	free(f);
	return 0;
}

static void set_full(bool full)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = full ? 200 : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static const struct journal_event event = {
	ROLE_QUEUE, ROLE_AUDIT_KIND_ADMIN_QUEUE_DELETE, 1795492800000, TEXT("subject"), TEXT("by=root"),
};

struct seen {
	unsigned n, n_deleted, n_alarms;
	char last[AUDIT_DETAIL_MAX + 1];
};

static bool see(void *arg, const struct audit_record *record, const struct audit_hash *hash)
{
	struct seen *seen = arg;

	(void)hash;
	seen->n++;
	seen->n_deleted += text_is_cstr(record->kind, "admin_queue_delete");
	seen->n_alarms += text_is_cstr(record->kind, "queue_alarm");
	snprintf(seen->last, sizeof seen->last, "%.*s", TEXT_ARGS(record->detail));
	return true;
}

static struct seen read_store(struct fixture *f)
{
	enum audit_verdict verdict;
	struct audit_check check;
	struct seen seen = { 0 };

	assert_int_equal(audit_verify(f->dir_fd, NULL, &verdict, &check), ERROR_NONE);
	assert_int_equal(verdict, AUDIT_GOOD);
	assert_int_equal(audit_read(f->dir_fd, 1, see, &seen), ERROR_NONE);
	return seen;
}

static void tickets_are_answered_after_the_flush(void **state)
{
	struct fixture *f = *state;

	journal_add(f->journal, &event);
	assert_true(journal_add_ticket(f->journal, &event, 7));
	assert_true(journal_add_ticket(f->journal, &event, 9));
	assert_int_equal(f->n_told, 0);
	assert_true(journal_is_waiting(f->journal));
	assert_int_equal(journal_flush(f->journal), ERROR_NONE);
	assert_int_equal(f->n_told, 2);
	assert_int_equal(f->told[0], 7);
	assert_int_equal(f->told[1], 9);
	assert_false(journal_is_waiting(f->journal));
	assert_int_equal(journal_count(f->journal).n_written, 3);
	assert_int_equal(read_store(f).n_deleted, 3);
}

static void a_full_disk_is_counted_and_told_when_there_is_space(void **state)
{
	struct fixture *f = *state;
	struct seen seen;

	set_full(true);
	for (unsigned i = 0; i < 10; i++)
		journal_add(f->journal, &event);
	assert_true(journal_add_ticket(f->journal, &event, 3));
	assert_int_not_equal(journal_flush(f->journal), ERROR_NONE);
	journal_add(f->journal, &event);
	assert_int_not_equal(journal_flush(f->journal), ERROR_NONE);
	assert_int_equal(f->n_told, 0);
	assert_int_equal(journal_count(f->journal).n_lost, 11);
	assert_true(journal_is_waiting(f->journal));
	set_full(false);
	assert_int_equal(journal_flush(f->journal), ERROR_NONE);
	assert_int_equal(f->n_told, 1);
	seen = read_store(f);
	assert_int_equal(seen.n_deleted, 1); /* the ticket's, once */
	assert_int_equal(seen.n_alarms, 1);
	assert_string_equal(seen.last, "11 records could not be written");
	assert_int_equal(journal_flush(f->journal), ERROR_NONE); /* and told once */
	assert_int_equal(read_store(f).n, 2);
}

static void more_than_memory_takes_is_written_meanwhile(void **state)
{
	static char detail[AUDIT_DETAIL_MAX];
	struct fixture *f = *state;
	struct journal_event big = event;

	big.detail = text_from_bytes(detail, sizeof detail); /* grows fourfold */
	for (unsigned i = 0; i < 3000; i++)
		journal_add(f->journal, &big);
	assert_int_equal(journal_flush(f->journal), ERROR_NONE);
	assert_int_equal(journal_count(f->journal).n_lost, 0);
	assert_int_equal(read_store(f).n, 3000);
}

static void more_than_memory_takes_on_a_full_disk_is_counted(void **state)
{
	static char detail[AUDIT_DETAIL_MAX];
	struct fixture *f = *state;
	struct journal_event big = event;
	struct seen seen;

	set_full(true);
	big.detail = text_from_bytes(detail, sizeof detail);
	for (unsigned i = 0; i < JOURNAL_MAX_TICKETS; i++)
		assert_true(journal_add_ticket(f->journal, &big, i + 1));
	assert_false(journal_add_ticket(f->journal, &big, 5000));
	for (unsigned i = 0; i < 4000; i++)
		journal_add(f->journal, &big);
	assert_int_not_equal(journal_flush(f->journal), ERROR_NONE);
	assert_int_equal(journal_count(f->journal).n_lost, 4001);
	set_full(false);
	assert_int_equal(journal_flush(f->journal), ERROR_NONE);
	assert_int_equal(f->n_told, JOURNAL_MAX_TICKETS);
	seen = read_store(f);
	assert_int_equal(seen.n_deleted, JOURNAL_MAX_TICKETS);
	assert_string_equal(seen.last, "4001 records could not be written");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tickets_are_answered_after_the_flush),
		TEST(a_full_disk_is_counted_and_told_when_there_is_space),
		TEST(more_than_memory_takes_is_written_meanwhile),
		TEST(more_than_memory_takes_on_a_full_disk_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
