/* SPDX-License-Identifier: Apache-2.0
 *
 * postern audit show and verify: what they print, as text and as JSON, and their exit status. The parts
 * of the command around them are stood in for by the test.
 */
#include "unit.h"

#include "cli/cli.h"
#include "store/audit_write.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#define START 1795492800000 /* 2026-11-24T04:00:00Z */

static char dir[64], output[65536], failure[1024];

/* ---- the rest of the command ---- */

void cli_find_directory(struct cli *c, const char *name, char *out, size_t n)
{
	(void)c;
	assert_string_equal(name, "audit");
	snprintf(out, n, "%s", dir);
}

const char *cli_take_option(struct cli *c, const char *name)
{
	const char *value;

	for (int i = 0; i + 1 < c->argc; i++) {
		if (strcmp(c->argv[i], name) != 0)
			continue;
		value = c->argv[i + 1];
		for (int k = i; k + 2 < c->argc; k++)
			c->argv[k] = c->argv[k + 2];
		c->argc -= 2;
		return value;
	}
	return NULL;
}

int cli_fail(int status, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(failure, sizeof failure, format, ap);
	va_end(ap);
	return status;
}

/* ---- fixture ---- */

/* Runs one of them with these words and keeps what it prints. */
static int run(int (*function)(struct cli *c), bool json, const char *words)
{
	char line[256], *argv[8], *at = line;
	struct cli c = { .json = json, .argv = argv };
	int saved = dup(1), fd = memfd_create("output", 0), status;
	ssize_t n;

	snprintf(line, sizeof line, "%s", words);
	while (*at) {
		argv[c.argc++] = at;
		at += strcspn(at, " ");
		if (*at)
			*at++ = 0;
	}
	fflush(stdout);
	dup2(fd, 1);
	status = function(&c);
	fflush(stdout);
	dup2(saved, 1);
	close(saved);
	n = pread(fd, output, sizeof output - 1, 0);
	output[n] = 0;
	close(fd);
	return status;
}

static void add(struct audit_writer *w, int64_t time, const char *role, const char *kind, const char *subject,
		const char *detail)
{
	struct audit_record record = { .time = time,
				       .role = text_from_cstr(role),
				       .kind = text_from_cstr(kind),
				       .subject = text_from_cstr(subject),
				       .detail = text_from_cstr(detail) };

	assert_int_equal(audit_writer_add(w, &record), ERROR_NONE);
}

static int set_up(void **state)
{
	struct audit_writer *w;
	struct audit_opened opened;
	int fd;

	(void)state;
	snprintf(dir, sizeof dir, "/tmp/audit_cli.XXXXXX");
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(audit_writer_open(fd, 1 << 30, &w, &opened), ERROR_NONE);
	add(w, START, "posternd", "started", "posternd", "version=0");
	add(w, START + 1000, "queue", "message_accepted", "0A", "from=<a\"b@example>\n");
	add(w, START + 2000, "queue", "admin_queue_delete", "0A", "uid=0");
	assert_int_equal(audit_writer_flush(w), ERROR_NONE);
	audit_writer_close(w);
	close(fd);
	return 0;
}

static int tear_down(void **state)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	(void)state;
	while (d && (entry = readdir(d)))
		unlinkat(dirfd(d), entry->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
	return 0;
}

static void alter(const char *from, const char *to)
{
	char bytes[4096], path[128], *at;
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "%s/0000000001.log", dir);
	fd = open(path, O_RDWR);
	n = read(fd, bytes, sizeof bytes);
	at = memmem(bytes, (size_t)n, from, strlen(from));
	assert_non_null(at);
	assert_int_equal(pwrite(fd, to, strlen(to), at - bytes), strlen(to));
	close(fd);
}

/* ---- show ---- */

static void show_prints_records_oldest_first_and_escaped(void **state)
{
	static const char wanted[] =
		"2026-11-24T04:00:00.000Z  posternd  started               posternd  version=0\n"
		"2026-11-24T04:00:01.000Z  queue     message_accepted      0A  from=<a\"b@example>\\x0a\n"
		"2026-11-24T04:00:02.000Z  queue     admin_queue_delete    0A  uid=0\n";

	(void)state;
	assert_int_equal(run(cli_audit_show, false, ""), EX_OK);
	assert_string_equal(output, wanted);
}

static void show_filters_by_time_kind_and_number(void **state)
{
	(void)state;
	assert_int_equal(run(cli_audit_show, false, "--since 2026-11-24T04:00:01"), EX_OK);
	assert_null(strstr(output, "started"));
	assert_non_null(strstr(output, "message_accepted"));
	assert_int_equal(run(cli_audit_show, false, "--kind started"), EX_OK);
	assert_non_null(strstr(output, "started"));
	assert_null(strstr(output, "queue"));
	assert_int_equal(run(cli_audit_show, false, "--last 1"), EX_OK);
	assert_ptr_equal(strstr(output, "2026"), output);
	assert_non_null(strstr(output, "admin_queue_delete"));
	assert_null(strstr(output, "message_accepted"));
	assert_int_equal(run(cli_audit_show, false, "--since 2026-11-25"), EX_OK);
	assert_string_equal(output, "no such records\n");
}

static void show_gives_json(void **state)
{
	(void)state;
	assert_int_equal(run(cli_audit_show, true, "--last 2"), EX_OK);
	assert_ptr_equal(
		strstr(output,
		       "[\n  { \"seq\": 2, \"time\": \"2026-11-24T04:00:01.000Z\", \"role\": \"queue\""),
		output);
	assert_non_null(strstr(output, "\"detail\": \"from=<a\\\"b@example>\\u000a\""));
	assert_non_null(strstr(output, "\" },\n  { \"seq\": 3,"));
	assert_non_null(strstr(output, "\" }\n]\n"));
	assert_int_equal(run(cli_audit_show, true, "--last 0"), EX_OK);
	assert_string_equal(output, "[]\n");
}

static void show_refuses_wrong_options(void **state)
{
	static const char *const cases[] = {
		"--since yesterday", "--since 2026-11-24Tx",
		"--since 2026",      "--kind no_such",
		"--last x",          "more",
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++)
		if (run(cli_audit_show, false, cases[i]) != EX_USAGE)
			fail_msg("%s was taken", cases[i]);
}

/* ---- verify ---- */

static void verify_prints_a_head_that_verifies(void **state)
{
	char words[256], *head;

	(void)state;
	assert_int_equal(run(cli_audit_verify, false, ""), EX_OK);
	assert_ptr_equal(strstr(output, "good: "), output);
	assert_non_null(strstr(output, "3 records in 1 segments, from record 1 on\n"));
	head = strstr(output, "head 3:");
	assert_non_null(head);
	snprintf(words, sizeof words, "--head %.66s", head + 5);
	assert_int_equal(run(cli_audit_verify, false, words), EX_OK);
	words[7] = '4'; /* one record more was there */
	assert_int_equal(run(cli_audit_verify, false, words), EX_DATAERR);
	assert_ptr_equal(strstr(output, "cut: "), output);
}

static void verify_names_what_was_altered(void **state)
{
	(void)state;
	alter("uid=0", "uid=7");
	assert_int_equal(run(cli_audit_verify, false, ""), EX_DATAERR);
	assert_ptr_equal(strstr(output, "altered: "), output);
	assert_non_null(strstr(output, "1 faults:\n"));
	assert_int_equal(run(cli_audit_verify, true, ""), EX_DATAERR);
	assert_ptr_equal(strstr(output, "{ \"verdict\": \"altered\""), output);
	assert_non_null(strstr(
		output, "{ \"what\": \"altered\", \"segment\": 1, \"line\": 4, \"from\": 3, \"to\": 3 }"));
}

static void verify_tells_a_torn_end_from_tampering(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof path, "%s/0000000001.log", dir);
	assert_int_equal(truncate(path, 400), 0);
	assert_int_equal(run(cli_audit_verify, false, ""), EX_OK);
	assert_ptr_equal(strstr(output, "torn: "), output);
}

static void both_tell_when_there_is_no_record(void **state)
{
	tear_down(state);
	assert_int_equal(run(cli_audit_show, false, ""), EX_NOINPUT);
	assert_int_equal(run(cli_audit_verify, false, ""), EX_NOINPUT);
	assert_non_null(strstr(failure, "No such file"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(show_prints_records_oldest_first_and_escaped),
		TEST(show_filters_by_time_kind_and_number),
		TEST(show_gives_json),
		TEST(show_refuses_wrong_options),
		TEST(verify_prints_a_head_that_verifies),
		TEST(verify_names_what_was_altered),
		TEST(verify_tells_a_torn_end_from_tampering),
		TEST(both_tell_when_there_is_no_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
