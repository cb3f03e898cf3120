/* SPDX-License-Identifier: Apache-2.0
 *
 * postern-audit as a whole: records of roles come in by channels, the store on disk verifies, tickets
 * are answered, floods are aggregated, rule breakers are named, last words are not lost.
 */
#include "../role_fixture.h"

#include "ipc/role_audit.h"
#include "store/audit_read.h"

static const char conf[] = "audit {\n\tflush 10ms\n\tquota 5/1s\n}\n";

struct fixture {
	struct role_fixture role;
	struct link queue, receive;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	role_fixture_start(&f->role, "audit", conf);
	f->queue = role_fixture_peer(&f->role, ROLE_QUEUE, &role_audit_edge, ROLE_AUDIT_SIDE_ROLE);
	role_fixture_go(&f->role);
	f->receive = role_fixture_peer(&f->role, ROLE_RECEIVE, &role_audit_edge, ROLE_AUDIT_SIDE_ROLE);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	link_close(&f->queue);
	link_close(&f->receive);
	role_fixture_end(&f->role);
	free(f);
	return 0;
}

static void say(struct link *l, enum role_audit_kind kind, uint32_t ticket, const char *detail)
{
	struct role_audit_event event = { kind, ticket, TEXT("subject"), text_from_cstr(detail) };

	assert_int_equal(link_send(l, ROLE_AUDIT_EVENT, &event, NULL, 0, role_fixture_deadline()),
			 ERROR_NONE);
}

/* All records as lines "role kind subject detail". */
static bool add_line(void *arg, const struct audit_record *record, const struct audit_hash *hash)
{
	struct buf *out = arg;

	(void)hash;
	return buf_printf(out, "%.*s %.*s %.*s %.*s\n", TEXT_ARGS(record->role), TEXT_ARGS(record->kind),
			  TEXT_ARGS(record->subject), TEXT_ARGS(record->detail));
}

static const char *read_store(struct fixture *f)
{
	static struct buf out;
	int dir = open(f->role.state, O_RDONLY | O_DIRECTORY);
	enum audit_verdict verdict;
	struct audit_check check;

	buf_done(&out);
	buf_init(&out, 1 << 20);
	assert_int_equal(audit_verify(dir, NULL, &verdict, &check), ERROR_NONE);
	assert_int_equal(verdict, AUDIT_GOOD);
	assert_int_equal(audit_read(dir, 1, add_line, &out), ERROR_NONE);
	close(dir);
	return buf_cstr(&out);
}

static void a_ticket_is_answered_when_the_record_is_on_disk(void **state)
{
	struct fixture *f = *state;
	const struct role_audit_written *written = link_body(&f->role.in);

	say(&f->queue, ROLE_AUDIT_KIND_ADMIN_QUEUE_DELETE, 17, "uid=0 id=X");
	role_fixture_receive(&f->role, &f->queue, ROLE_AUDIT_WRITTEN);
	assert_int_equal(written->ticket, 17);
	assert_string_equal(read_store(f), "queue admin_queue_delete subject uid=0 id=X\n");
	assert_int_equal(role_fixture_counter(&f->role, "records"), 1);
	assert_int_equal(role_fixture_stop(&f->role), 0);
}

static void floods_of_strangers_are_aggregated(void **state)
{
	struct fixture *f = *state;
	const char *records;

	for (unsigned i = 0; i < 50; i++)
		say(&f->receive, ROLE_AUDIT_KIND_CLIENT_REFUSED, 0, "addr=192.0.2.1");
	say(&f->receive, ROLE_AUDIT_KIND_RESTARTED, 0, "no stranger's");
	link_close(&f->receive);
	link_close(&f->queue);
	assert_int_equal(role_fixture_stop(&f->role), 0);
	records = read_store(f);
	assert_non_null(strstr(records, "receive client_refused quota 45 more of these\n"));
	assert_non_null(strstr(records, "receive restarted subject no stranger's\n"));
}

static void last_words_before_the_end_are_written(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 200; i++)
		say(&f->queue, ROLE_AUDIT_KIND_MESSAGE_DELIVERED, 0, "x");
	say(&f->queue, ROLE_AUDIT_KIND_STOPPED, 0, "the last");
	link_close(&f->queue);
	link_close(&f->receive);
	assert_int_equal(role_fixture_stop(&f->role), 0);
	assert_non_null(strstr(read_store(f), "queue stopped subject the last\n"));
}

static void whoever_breaks_the_rules_is_named_and_loses_its_channel(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(write(f->receive.fd, "\xff\xff\xff\xff", 4), 4);
	assert_int_equal(link_receive(&f->receive, &f->role.in, role_fixture_deadline()), ERROR_CLOSED);
	say(&f->queue, ROLE_AUDIT_KIND_ADMIN_RELOAD, 1, "others go on");
	role_fixture_receive(&f->role, &f->queue, ROLE_AUDIT_WRITTEN);
	assert_non_null(strstr(read_store(f), "audit peer_misbehaved receive malformed\n"));
	assert_int_equal(role_fixture_stop(&f->role), 0);
}

static void it_ends_with_posternds_channel(void **state)
{
	struct fixture *f = *state;

	link_close(&f->role.posternd);
	assert_int_equal(role_fixture_wait(&f->role), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_ticket_is_answered_when_the_record_is_on_disk),
		TEST(floods_of_strangers_are_aggregated),
		TEST(last_words_before_the_end_are_written),
		TEST(whoever_breaks_the_rules_is_named_and_loses_its_channel),
		TEST(it_ends_with_posternds_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
