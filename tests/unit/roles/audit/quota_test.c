/* SPDX-License-Identifier: Apache-2.0
 *
 * The quota of the audit record: what strangers do often is counted, not written, and nothing is
 * forgotten.
 */
#include "unit.h"

#include "roles/audit/quota.h"

static const struct conf_rate rate = { 3, 1000 };

static unsigned count_written(struct quota *q, enum role_audit_kind kind, unsigned n)
{
	unsigned written = 0;

	for (unsigned i = 0; i < n; i++)
		written += !quota_is_over(q, kind, &rate);
	return written;
}

static void strangers_events_above_the_quota_are_counted(void **state)
{
	struct quota q = { 0 };
	enum role_audit_kind kind;
	uint64_t n;

	(void)state;
	quota_begin(&q, 5000);
	assert_int_equal(count_written(&q, ROLE_AUDIT_KIND_CLIENT_REFUSED, 10), 3);
	assert_int_equal(count_written(&q, ROLE_AUDIT_KIND_MESSAGE_REFUSED, 5), 0);
	assert_int_equal(q.n_suppressed, 12);
	assert_true(quota_take(&q, &kind, &n));
	assert_int_equal(kind, ROLE_AUDIT_KIND_CLIENT_REFUSED);
	assert_int_equal(n, 7);
	assert_true(quota_take(&q, &kind, &n));
	assert_int_equal(kind, ROLE_AUDIT_KIND_MESSAGE_REFUSED);
	assert_int_equal(n, 5);
	assert_false(quota_take(&q, &kind, &n));
	assert_int_equal(q.n_suppressed, 0);
}

static void a_new_window_is_due_after_its_time(void **state)
{
	struct quota q = { 0 };

	(void)state;
	quota_begin(&q, 5000);
	count_written(&q, ROLE_AUDIT_KIND_SESSION_ENDED, 3);
	assert_false(quota_is_due(&q, &rate, 5999));
	assert_true(quota_is_due(&q, &rate, 6000));
	assert_int_equal(count_written(&q, ROLE_AUDIT_KIND_SESSION_ENDED, 2), 0);
	quota_begin(&q, 6000);
	assert_int_equal(count_written(&q, ROLE_AUDIT_KIND_SESSION_ENDED, 5), 3);
	assert_int_equal(q.n_suppressed, 4); /* of both windows, none was taken */
}

static void what_administrators_do_has_no_quota(void **state)
{
	static const enum role_audit_kind kinds[] = {
		ROLE_AUDIT_KIND_ADMIN_QUEUE_DELETE, ROLE_AUDIT_KIND_ADMIN_RELOAD, ROLE_AUDIT_KIND_STARTED,
		ROLE_AUDIT_KIND_QUEUE_ALARM,        ROLE_AUDIT_KIND_KEY_MADE,
	};
	struct quota q = { 0 };

	(void)state;
	count_written(&q, ROLE_AUDIT_KIND_CLIENT_REFUSED, 10);
	for (size_t i = 0; i < UNIT_COUNT(kinds); i++)
		assert_int_equal(count_written(&q, kinds[i], 10), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strangers_events_above_the_quota_are_counted),
		cmocka_unit_test(a_new_window_is_due_after_its_time),
		cmocka_unit_test(what_administrators_do_has_no_quota),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
