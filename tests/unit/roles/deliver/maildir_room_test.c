/* SPDX-License-Identifier: Apache-2.0
 *
 * The Maildir room: what it writes, what it refuses to write, and what a second delivery finds.
 */
#include "room_fixture.h"

#include <dirent.h>
#include <ftw.h>
#include <sys/stat.h>

static char directory[64];

static int make_directory(void **state)
{
	(void)state;
	snprintf(directory, sizeof directory, "/tmp/postern-maildir-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int remove_directory(void **state)
{
	(void)state;
	return nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* Gives these messages to one room and compares its results with `wanted`, one of each. */
static void deliver(const struct room_message *messages, size_t n, const char *const *wanted)
{
	struct deliver_room_begin begin = { .protocol = DELIVER_ROOM_PROTOCOL_MAILDIR };
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct room_fixture f;

	assert_true(fd >= 0);
	room_start(&f, "", fd, begin);
	close(fd);
	for (size_t i = 0; i < n; i++) {
		room_give(&f, &messages[i]);
		assert_string_equal(room_results(&f), wanted[i]);
	}
	room_expect_next(&f);
	room_tell(&f, QUEUE_DELIVERY_NO_MORE, NULL, -1);
	assert_int_equal(room_end(&f), 0);
}

static size_t count_files(const char *below)
{
	char path[256];
	struct dirent *entry;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof path, "%s/%s", directory, below);
	dir = opendir(path);
	if (!dir)
		return SIZE_MAX;
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void file_is(const char *below, const char *wanted)
{
	char path[256], bytes[4096];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "%s/%s", directory, below);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		fail_msg("no file %s", below);
	n = read(fd, bytes, sizeof bytes - 1);
	assert_true(n >= 0);
	bytes[n] = 0;
	close(fd);
	assert_string_equal(bytes, wanted);
}

#define WRITTEN(index) index " delivered 0 2.0.0 written to its Maildir\n"
#define REFUSED(index) index " failed 0 5.1.3 the local part cannot be the name of a Maildir\n"
#define DONE           "done, reusable"

static void every_recipient_has_a_maildir(void **state)
{
	const struct room_message m = { .sender = "a@far.test",
					.rcpts = { "b@here.test", "Other.User@here.test" },
					.text = "Subject: x\r\n\r\nHello.\r\n" };
	const char *const wanted[] = { WRITTEN("10") WRITTEN("11") DONE };
	struct stat st;
	char path[256];

	(void)state;
	deliver(&m, 1, wanted);
	file_is("b/new/77_R10.gw.test",
		"Return-Path: <a@far.test>\nDelivered-To: b@here.test\nSubject: x\n\nHello.\n");
	file_is("other.user/new/77_R11.gw.test",
		"Return-Path: <a@far.test>\nDelivered-To: Other.User@here.test\nSubject: x\n\nHello.\n");
	assert_int_equal(count_files("b/tmp"), 0);
	assert_int_equal(count_files("b/cur"), 0);
	snprintf(path, sizeof path, "%s/b/new/77_R10.gw.test", directory);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_message_that_comes_again_is_there_once(void **state)
{
	const struct room_message m = { .sender = "",
					.rcpts = { "b@here.test" },
					.text = "X: y\r\n\r\n1\r\n" };
	const char *const wanted[] = { WRITTEN("10") DONE, WRITTEN("10") DONE };
	const struct room_message twice[] = { m, m };

	(void)state;
	deliver(twice, 2, wanted);
	deliver(&m, 1, wanted);
	assert_int_equal(count_files("b/new"), 1);
	file_is("b/new/77_R10.gw.test", "Return-Path: <>\nDelivered-To: b@here.test\nX: y\n\n1\n");
}

static void rename_in_b(const char *from, const char *to)
{
	char a[256], b[256];

	snprintf(a, sizeof a, "%s/b/%s", directory, from);
	snprintf(b, sizeof b, "%s/b/%s", directory, to);
	assert_int_equal(rename(a, b), 0);
}

static void a_message_that_its_reader_has_seen_is_there_once(void **state)
{
	static const char *const seen[] = { "77_R10.gw.test", "77_R10.gw.test:2,", "77_R10.gw.test:2,FRSa" };
	const struct room_message first = { .sender = "",
					    .rcpts = { "b@here.test" },
					    .text = "X: y\r\n\r\n" };
	const char *const wanted[] = { WRITTEN("10") DONE };
	struct room_message again = first;
	char at[64], last[64] = "new/77_R10.gw.test";

	(void)state;
	again.again = true;
	deliver(&first, 1, wanted);
	for (size_t i = 0; i < UNIT_COUNT(seen); i++) {
		snprintf(at, sizeof at, "cur/%s", seen[i]);
		rename_in_b(last, at);
		snprintf(last, sizeof last, "%s", at);
		deliver(&again, 1, wanted);
		assert_int_equal(count_files("b/new"), 0);
		assert_int_equal(count_files("b/cur"), 1);
	}
}

static void only_the_same_message_counts_as_seen(void **state)
{
	static const char *const others[] = { "77_R1.gw.test:2,S", "77_R10.gw.testing:2,S",
					      "177_R10.gw.test:2,S" };
	const struct room_message first = { .sender = "",
					    .rcpts = { "b@here.test" },
					    .text = "X: y\r\n\r\n" };
	const char *const wanted[] = { WRITTEN("10") DONE };
	struct room_message again = first;
	char at[64];

	(void)state;
	again.again = true;
	for (size_t i = 0; i < UNIT_COUNT(others); i++) {
		deliver(&first, 1, wanted);
		snprintf(at, sizeof at, "cur/%s", others[i]);
		rename_in_b("new/77_R10.gw.test", at);
		deliver(&again, 1, wanted);
		assert_int_equal(count_files("b/new"), 1);
	}
}

static void what_a_crash_left_in_tmp_is_replaced(void **state)
{
	const struct room_message m = { .sender = "", .rcpts = { "b@here.test" }, .text = "X: y\r\n\r\n" };
	const char *const wanted[] = { WRITTEN("10") DONE };
	char path[256];
	int fd;

	(void)state;
	snprintf(path, sizeof path, "%s/b", directory);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/b/tmp", directory);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/b/tmp/77_R10.gw.test", directory);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "half", 4), 4);
	close(fd);
	deliver(&m, 1, wanted);
	file_is("b/new/77_R10.gw.test", "Return-Path: <>\nDelivered-To: b@here.test\nX: y\n\n");
	assert_int_equal(count_files("b/tmp"), 0);
}

static void a_name_that_leads_elsewhere_is_no_name(void **state)
{
	static const char *const names[] = {
		"..@here.test",     ".@here.test",          ".hidden@here.test",     "a/../../b@here.test",
		"/etc@here.test",   "\"quoted\"@here.test", "back\\slash@here.test", "@here.test",
		"bell\a@here.test", "\xff\xfe@here.test",   "a\nb@here.test",        "del\x7f@here.test"
	};
	const char *const wanted[] = { REFUSED("10") DONE };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(names); i++) {
		const struct room_message m = { .sender = "", .rcpts = { names[i] }, .text = "X: y\r\n\r\n" };
		print_message("%s\n", names[i]);
		deliver(&m, 1, wanted);
	}
	assert_int_equal(count_files("."), 0);
}

static void a_link_is_not_followed(void **state)
{
	const struct room_message m = { .sender = "",
					.rcpts = { "b@here.test", "c@here.test" },
					.text = "X: y\r\n\r\n" };
	char path[256];
	struct deliver_room_begin begin = { .protocol = DELIVER_ROOM_PROTOCOL_MAILDIR };
	struct room_fixture f;
	const char *results;
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	snprintf(path, sizeof path, "%s/b", directory);
	assert_int_equal(symlink("/tmp", path), 0);
	room_start(&f, "", fd, begin);
	close(fd);
	room_give(&f, &m);
	results = room_results(&f);
	assert_non_null(strstr(results, "10 deferred 0 4.3.0 "));
	assert_non_null(strstr(results, WRITTEN("11")));
	room_expect_next(&f);
	room_tell(&f, QUEUE_DELIVERY_NO_MORE, NULL, -1);
	assert_int_equal(room_end(&f), 0);
}

static void a_body_in_a_file_follows_the_head(void **state)
{
	const struct room_message m = { .sender = "",
					.rcpts = { "\xc3\xa9@here.test" },
					.text = "X: y\r\n\r\n",
					.file = "1\r\r\n2\r3\n\r\n\r" };
	const char *const wanted[] = { WRITTEN("10") DONE };

	(void)state;
	deliver(&m, 1, wanted);
	file_is("\xc3\xa9/new/77_R10.gw.test",
		"Return-Path: <>\nDelivered-To: \xc3\xa9@here.test\nX: y\n\n1\r\n2\r3\n\n\r");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_recipient_has_a_maildir),
		TEST(a_message_that_comes_again_is_there_once),
		TEST(a_message_that_its_reader_has_seen_is_there_once),
		TEST(only_the_same_message_counts_as_seen),
		TEST(what_a_crash_left_in_tmp_is_replaced),
		TEST(a_name_that_leads_elsewhere_is_no_name),
		TEST(a_link_is_not_followed),
		TEST(a_body_in_a_file_follows_the_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
