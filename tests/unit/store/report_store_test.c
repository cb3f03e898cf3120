/* SPDX-License-Identifier: Apache-2.0
 *
 * The store of evaluations: what is equal is counted together, what is reported is forgotten, and nothing
 * that is not sound goes in or comes out.
 */
#include "base/buf.h"
#include "store/report_store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct report_store *store;
static char place[] = "/tmp/report-store-XXXXXX";

static int enter(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(place));
	return chdir(place);
}

static int open_fresh(void **state)
{
	(void)state;
	unlink("report.db");
	unlink("report.db-wal");
	unlink("report.db-shm");
	return report_store_open(&store);
}

static int close_it(void **state)
{
	(void)state;
	report_store_close(store);
	store = NULL;
	return 0;
}

static int leave(void **state)
{
	(void)state;
	unlink("report.db");
	unlink("report.db-wal");
	unlink("report.db-shm");
	return rmdir(place);
}

static enum error add(int64_t day, const char *domain, const char *policy, const char *record)
{
	struct report_store_row row = { day, text_from_cstr(domain), text_from_cstr(policy),
					text_from_cstr(record), 1 };

	return report_store_add(store, &row);
}

static enum error print_row(void *arg, const struct report_store_row *r)
{
	buf_printf(arg, "%lld %.*s %.*s %.*s %llu;", (long long)r->day, TEXT_ARGS(r->domain),
		   TEXT_ARGS(r->policy), TEXT_ARGS(r->record), (unsigned long long)r->count);
	return ERROR_NONE;
}

static enum error print_destination(void *arg, const struct report_store_destination *d)
{
	buf_printf(arg, "%lld %.*s %.*s;", (long long)d->day, TEXT_ARGS(d->domain), TEXT_ARGS(d->address));
	return ERROR_NONE;
}

static void what_is_equal_is_counted_together(void **state)
{
	struct report_store_row report = { 1, TEXT("a.example"), TEXT("p"), { NULL, 0 }, 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(add(1, "a.example", "p", "x"), ERROR_NONE);
	assert_int_equal(add(1, "a.example", "p", "x"), ERROR_NONE);
	assert_int_equal(add(1, "a.example", "p", "y"), ERROR_NONE);
	assert_int_equal(add(1, "a.example", "q", "x"), ERROR_NONE);
	assert_int_equal(add(2, "a.example", "p", "x"), ERROR_NONE);
	assert_int_equal(report_store_list(store, 2, print_row, &out), ERROR_NONE);
	assert_string_equal(buf_cstr(&out), "1 a.example p  3;1 a.example q  1;");
	buf_reset(&out);
	assert_int_equal(report_store_read(store, &report, print_row, &out), ERROR_NONE);
	assert_string_equal(buf_cstr(&out), "1 a.example p x 2;1 a.example p y 1;");
	buf_done(&out);
}

static void what_is_committed_is_there_again(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(add(1, "a.example", "p", "x"), ERROR_NONE);
	assert_int_equal(report_store_commit(store), ERROR_NONE);
	report_store_close(store);
	assert_int_equal(report_store_open(&store), ERROR_NONE);
	assert_int_equal(report_store_export(store, print_row, print_destination, &out), ERROR_NONE);
	assert_string_equal(buf_cstr(&out), "1 a.example p x 1;");
	buf_done(&out);
}

static void a_report_that_is_done_goes_with_its_destinations(void **state)
{
	struct report_store_destination d = { 1, TEXT("a.example"), TEXT("r@a.example") };
	struct report_store_row p = { 1, TEXT("a.example"), TEXT("p"), { NULL, 0 }, 0 };
	struct report_store_row q = { 1, TEXT("a.example"), TEXT("q"), { NULL, 0 }, 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	add(1, "a.example", "p", "x");
	add(1, "a.example", "q", "x");
	assert_int_equal(report_store_add_destination(store, &d), ERROR_NONE);
	assert_int_equal(report_store_add_destination(store, &d), ERROR_NONE);
	assert_int_equal(report_store_forget(store, &p), ERROR_NONE);
	assert_int_equal(report_store_export(store, print_row, print_destination, &out), ERROR_NONE);
	assert_string_equal(buf_cstr(&out), "1 a.example q x 1;1 a.example r@a.example;");
	buf_reset(&out);
	assert_int_equal(report_store_forget(store, &q), ERROR_NONE);
	assert_int_equal(report_store_export(store, print_row, print_destination, &out), ERROR_NONE);
	assert_int_equal(out.n, 0);
	buf_done(&out);
}

static void what_is_not_sound_does_not_go_in(void **state)
{
	static char large[REPORT_STORE_RECORD_MAX + 1];
	struct report_store_row row = { 1, TEXT("a"), TEXT("p"), TEXT("x"), 0 };
	struct report_store_destination d = { 1, TEXT("a"), { NULL, 0 } };

	(void)state;
	assert_int_equal(report_store_add(store, &row), ERROR_MALFORMED);
	row.count = 1;
	row.day = -1;
	assert_int_equal(report_store_add(store, &row), ERROR_MALFORMED);
	row.day = 1;
	row.record = text_from_bytes(large, sizeof large);
	assert_int_equal(report_store_add(store, &row), ERROR_MALFORMED);
	assert_int_equal(report_store_add_destination(store, &d), ERROR_MALFORMED);
}

static void destinations_have_a_maximum(void **state)
{
	char address[64];

	(void)state;
	for (int i = 0; i <= REPORT_STORE_DESTINATIONS_MAX; i++) {
		struct report_store_destination d = { 1, TEXT("a"), { NULL, 0 } };
		snprintf(address, sizeof address, "r%d@a", i);
		d.address = text_from_cstr(address);
		assert_int_equal(report_store_add_destination(store, &d),
				 i < REPORT_STORE_DESTINATIONS_MAX ? ERROR_NONE : ERROR_TOO_MANY);
	}
}

static void another_hand_s_database_is_refused(void **state)
{
	struct report_store *other;
	sqlite3 *sqlite;

	(void)state;
	report_store_close(store);
	store = NULL;
	assert_int_equal(sqlite3_open("report.db", &sqlite), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sqlite, "CREATE TABLE other (x)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(sqlite);
	assert_int_equal(report_store_open(&other), ERROR_CORRUPT);
	assert_null(other);
}

static void a_damaged_database_is_set_aside(void **state)
{
	FILE *f;

	(void)state;
	report_store_close(store);
	store = NULL;
	f = fopen("report.db", "w");
	assert_non_null(f);
	for (int i = 0; i < 1000; i++)
		fputs("not a database\n", f);
	fclose(f);
	assert_int_equal(report_store_open(&store), ERROR_CORRUPT);
	assert_int_equal(report_store_set_aside(), ERROR_NONE);
	assert_int_equal(report_store_open(&store), ERROR_NONE);
	assert_int_equal(add(1, "example.com", "p", "r"), ERROR_NONE);
	assert_int_equal(unlink("report.db.damaged"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_equal_is_counted_together, open_fresh, close_it),
		cmocka_unit_test_setup_teardown(what_is_committed_is_there_again, open_fresh, close_it),
		cmocka_unit_test_setup_teardown(a_report_that_is_done_goes_with_its_destinations, open_fresh,
						close_it),
		cmocka_unit_test_setup_teardown(what_is_not_sound_does_not_go_in, open_fresh, close_it),
		cmocka_unit_test_setup_teardown(destinations_have_a_maximum, open_fresh, close_it),
		cmocka_unit_test_setup_teardown(a_damaged_database_is_set_aside, open_fresh, close_it),
		cmocka_unit_test_setup_teardown(another_hand_s_database_is_refused, open_fresh, close_it),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
