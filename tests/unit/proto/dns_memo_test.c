/* SPDX-License-Identifier: Apache-2.0
 *
 * The memo: one question, one look, whatever the answer was.
 */
#include "proto/dns_memo.h"

#include "zone_fixture.h"

static void a_question_is_asked_once(void **state)
{
	static const char *const names[] = { "a.example",    "A.Example.",   "a.example",   "none.example",
					     "none.example", "slow.example", "slow.example" };
	static const enum dns_status statuses[] = { DNS_FOUND,   DNS_FOUND,  DNS_FOUND, DNS_NO_NAME,
						    DNS_NO_NAME, DNS_FAILED, DNS_FAILED };
	struct zone_fixture f;
	struct dns_memo memo;
	struct dns_source source = dns_memo_source(&memo);
	struct dns_answer answer;

	(void)state;
	zone_fixture_init(&f, "a.example. A 192.0.2.1\na.example. TXT x\n$TIMEOUT slow.example.\n");
	dns_memo_init(&memo, &f.source);
	for (size_t i = 0; i < UNIT_COUNT(names); i++) {
		dns_ask(&source, DNS_A, text_from_cstr(names[i]), &f.arena, &answer);
		assert_int_equal(answer.status, statuses[i]);
	}
	assert_int_equal(f.n_questions, 3);
	dns_ask(&source, DNS_TXT, text_from_cstr("a.example"), &f.arena, &answer);
	unit_text_is(answer.records[0].data, "x");
	assert_int_equal(f.n_questions, 4);
	zone_fixture_done(&f);
}

static void questions_beyond_its_room_are_passed_on(void **state)
{
	struct zone_fixture f;
	struct dns_memo memo;
	struct dns_source source = dns_memo_source(&memo);
	struct dns_answer answer;
	char name[32];

	(void)state;
	zone_fixture_init(&f, "*.example. A 192.0.2.1\n");
	dns_memo_init(&memo, &f.source);
	for (unsigned i = 0; i < 2 * (DNS_MEMO_MAX + 1); i++) {
		snprintf(name, sizeof name, "n%u.example", i % (DNS_MEMO_MAX + 1));
		dns_ask(&source, DNS_A, text_from_cstr(name), &f.arena, &answer);
		assert_int_equal(answer.status, DNS_FOUND);
	}
	assert_int_equal(f.n_questions, DNS_MEMO_MAX + 2);
	zone_fixture_done(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_asked_once),
		cmocka_unit_test(questions_beyond_its_room_are_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
