/* SPDX-License-Identifier: Apache-2.0
 *
 * DNS messages: what answers the question is found, by whatever names and in whatever order, and what is
 * malformed is refused, wherever it is cut.
 */
#include "unit.h"

#include "base/buf.h"
#include "roles/resolver/answer.h"

#include <stdio.h>
#include <stdlib.h>

/* A message under construction. The question's name begins at offset 12. */
struct message {
	char b[70000];
	size_t n;
};

static void add(struct message *m, const void *p, size_t n)
{
	memcpy(m->b + m->n, p, n);
	m->n += n;
}

#define ADD(m, literal) add(m, literal, sizeof(literal) - 1)

static void begin(struct message *m, unsigned rcode, unsigned n_answers)
{
	char header[12] = {
		0, 1, (char)0x81, (char)(0x80 | rcode), 0, 1, (char)(n_answers >> 8), (char)n_answers
	};

	m->n = 0;
	add(m, header, sizeof header);
	ADD(m, "\7example\3org\0\0\1\0\1"); /* its type is not looked at */
}

/* owner: in wire form. */
static void add_record(struct message *m, struct text owner, unsigned type, const void *rdata, size_t n)
{
	char fixed[10] = { (char)(type >> 8), (char)type, 0, 1, 0, 0, 1, 44, (char)(n >> 8), (char)n };

	add(m, owner.p, owner.n);
	add(m, fixed, sizeof fixed);
	add(m, rdata, n);
}

static const struct text question = TEXT("\xc0\x0c"), other = TEXT("\5other\xc0\x14");

#define RECORD(m, owner, type, rdata) add_record(m, owner, type, rdata, sizeof(rdata) - 1)

static uint32_t last_ttl;

static void print_record(void *arg, const struct dns_record *r)
{
	struct buf *out = arg;
	char addr[ADDR_TEXT_SIZE];

	if (r->name.n)
		buf_printf(out, "%u %.*s;", r->preference, TEXT_ARGS(r->name));
	else if (r->data.n)
		buf_printf(out, "\"%.*s\";", TEXT_ARGS(r->data));
	else {
		addr_print(&r->address, addr);
		buf_printf(out, "%s;", addr);
	}
	last_ttl = r->ttl;
}

static char said[8192];

static enum client_resolver_status read_text(struct text message, enum client_resolver_type type)
{
	enum client_resolver_status status;
	struct buf out;
	uint32_t n;
	/* of its own size, so that reading past it is seen */
	char *copy = malloc(message.n + 1);

	memcpy(copy, message.p, message.n);
	buf_init(&out, 1 << 20);
	status = answer_read(text_from_bytes(copy, message.n), type, print_record, &out, &n);
	snprintf(said, sizeof said, "%s", buf_cstr(&out));
	buf_done(&out);
	free(copy);
	return status;
}

static enum client_resolver_status read_message(const struct message *m, enum client_resolver_type type)
{
	return read_text(text_from_bytes(m->b, m->n), type);
}

static struct message m;

static void addresses_are_given_in_order(void **state)
{
	(void)state;
	begin(&m, 0, 3);
	RECORD(&m, question, 1, "\300\0\2\1");
	RECORD(&m, question, 28, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1");
	RECORD(&m, question, 1, "\300\0\2\2");
	assert_int_equal(read_message(&m, CLIENT_RESOLVER_TYPE_A), CLIENT_RESOLVER_STATUS_OK);
	assert_string_equal(said, "192.0.2.1;192.0.2.2;");
	assert_int_equal(last_ttl, 300);
	assert_int_equal(read_message(&m, CLIENT_RESOLVER_TYPE_AAAA), CLIENT_RESOLVER_STATUS_OK);
	assert_string_equal(said, "2001:db8::1;");
	assert_int_equal(read_message(&m, CLIENT_RESOLVER_TYPE_MX), CLIENT_RESOLVER_STATUS_NO_DATA);
}

static void names_are_printed_in_lower_case_with_escapes(void **state)
{
	(void)state;
	begin(&m, 0, 3);
	RECORD(&m, question, 15, "\0\12\4MAIL\xc0\x0c");
	RECORD(&m, question, 15, "\1\0\0");
	RECORD(&m, question, 15, "\0\0\6a.b c\xff\3org\0");
	assert_int_equal(read_message(&m, CLIENT_RESOLVER_TYPE_MX), CLIENT_RESOLVER_STATUS_OK);
	assert_string_equal(said, "10 mail.example.org;256 .;0 a\\.b\\032c\\255.org;");
	begin(&m, 0, 1);
	RECORD(&m, question, 12, "\4host\xc0\x14");
	assert_int_equal(read_message(&m, CLIENT_RESOLVER_TYPE_PTR), CLIENT_RESOLVER_STATUS_OK);
	assert_string_equal(said, "0 host.org;");
}

static void strings_are_put_together(void **state)
{
	(void)state;
	begin(&m, 0, 1);
	RECORD(&m, question, 16, "\7v=spf1 \0\4-all");
	assert_int_equal(read_message(&m, CLIENT_RESOLVER_TYPE_TXT), CLIENT_RESOLVER_STATUS_OK);
	assert_string_equal(said, "\"v=spf1 -all\";");
}

static void aliases_are_followed_in_any_order(void **state)
{
	(void)state;
	begin(&m, 0, 4);
	RECORD(&m, text_from_bytes("\1Z\xc0\x14", 4), 1, "\300\0\2\11");
	RECORD(&m, other, 5, "\1z\xc0\x14");
	RECORD(&m, question, 5, "\5OTHER\3org\0");
	RECORD(&m, other, 1, "\300\0\2\10"); /* of a name on the way: not the answer */
	assert_int_equal(read_message(&m, CLIENT_RESOLVER_TYPE_A), CLIENT_RESOLVER_STATUS_OK);
	assert_string_equal(said, "192.0.2.9;");
}

static void aliases_in_a_circle_end(void **state)
{
	(void)state;
	begin(&m, 0, 2);
	RECORD(&m, question, 5, "\5other\3org\0");
	RECORD(&m, other, 5, "\xc0\x0c");
	assert_int_equal(read_message(&m, CLIENT_RESOLVER_TYPE_A), CLIENT_RESOLVER_STATUS_FAILED);
}

static void records_of_others_are_no_answer(void **state)
{
	(void)state;
	begin(&m, 0, 1);
	RECORD(&m, other, 1, "\300\0\2\1");
	assert_int_equal(read_message(&m, CLIENT_RESOLVER_TYPE_A), CLIENT_RESOLVER_STATUS_NO_DATA);
	assert_string_equal(said, "");
}

static void codes_have_their_meaning(void **state)
{
	static const struct {
		unsigned rcode;
		enum client_resolver_status status;
	} cases[] = {
		{ 0, CLIENT_RESOLVER_STATUS_NO_DATA }, { 1, CLIENT_RESOLVER_STATUS_FAILED },
		{ 2, CLIENT_RESOLVER_STATUS_FAILED },  { 3, CLIENT_RESOLVER_STATUS_NO_NAME },
		{ 5, CLIENT_RESOLVER_STATUS_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		begin(&m, cases[i].rcode, 0);
		assert_int_equal(read_message(&m, CLIENT_RESOLVER_TYPE_A), cases[i].status);
	}
}

static void malformed_data_is_refused(void **state)
{
	static const struct {
		enum client_resolver_type type;
		unsigned number;
		struct text rdata;
	} cases[] = {
		{ CLIENT_RESOLVER_TYPE_A, 1, TEXT("\1\2\3") },
		{ CLIENT_RESOLVER_TYPE_A, 1, TEXT("\1\2\3\4\5") },
		{ CLIENT_RESOLVER_TYPE_AAAA, 28, TEXT("\1\2\3\4") },
		{ CLIENT_RESOLVER_TYPE_MX, 15, TEXT("\0\12") },
		{ CLIENT_RESOLVER_TYPE_MX, 15, TEXT("\0\12\3abc") },   /* the name does not end */
		{ CLIENT_RESOLVER_TYPE_MX, 15, TEXT("\0\12\1a\0b") },  /* something behind it */
		{ CLIENT_RESOLVER_TYPE_PTR, 12, TEXT("\xc0\xff") },    /* forward */
		{ CLIENT_RESOLVER_TYPE_PTR, 12, TEXT("\xc0\x29") },    /* to itself */
		{ CLIENT_RESOLVER_TYPE_PTR, 12, TEXT("\1a\xc0\x29") }, /* in a circle */
		{ CLIENT_RESOLVER_TYPE_PTR, 12, TEXT("\x80\x0c") },    /* no such kind of label */
		{ CLIENT_RESOLVER_TYPE_TXT, 16, TEXT("\5abc") },
		{ CLIENT_RESOLVER_TYPE_TXT, 16, TEXT("") },
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		begin(&m, 0, 1);
		add_record(&m, question, cases[i].number, cases[i].rdata.p, cases[i].rdata.n);
		if (read_message(&m, cases[i].type) != CLIENT_RESOLVER_STATUS_FAILED)
			fail_msg("case %zu was taken: %s", i, said);
	}
}

static void a_message_cut_anywhere_is_refused(void **state)
{
	(void)state;
	begin(&m, 0, 3);
	RECORD(&m, question, 5, "\5other\3org\0");
	RECORD(&m, other, 15, "\0\12\4mail\xc0\x0c");
	RECORD(&m, other, 16, "\7v=spf1 \4-all");
	for (size_t n = 0; n < m.n; n++)
		for (unsigned type = 0; type <= CLIENT_RESOLVER_TYPE_TXT; type++)
			assert_int_equal(read_text(text_from_bytes(m.b, n), type),
					 CLIENT_RESOLVER_STATUS_FAILED);
	assert_int_equal(read_message(&m, CLIENT_RESOLVER_TYPE_MX), CLIENT_RESOLVER_STATUS_OK);
}

static void any_byte_may_change(void **state)
{
	static struct message changed;

	(void)state;
	begin(&m, 0, 3);
	RECORD(&m, question, 5, "\5other\3org\0");
	RECORD(&m, other, 15, "\0\12\4mail\xc0\x0c");
	RECORD(&m, other, 16, "\7v=spf1 \4-all");
	for (size_t at = 0; at < m.n; at++)
		for (unsigned value = 0; value < 256; value += 5) {
			memcpy(changed.b, m.b, m.n);
			changed.n = m.n;
			changed.b[at] = (char)value;
			read_text(text_from_bytes(changed.b, changed.n), CLIENT_RESOLVER_TYPE_MX);
		}
}

static void count(void *arg, const struct dns_record *r)
{
	(void)r;
	++*(unsigned *)arg;
}

static void more_records_than_the_bound_are_left_out(void **state)
{
	unsigned visited = 0;
	uint32_t n;

	(void)state;
	begin(&m, 0, ANSWER_MAX_RECORDS + 100);
	for (unsigned i = 0; i < ANSWER_MAX_RECORDS + 100; i++)
		RECORD(&m, question, 1, "\300\0\2\1");
	assert_int_equal(answer_read(text_from_bytes(m.b, m.n), CLIENT_RESOLVER_TYPE_A, count, &visited, &n),
			 CLIENT_RESOLVER_STATUS_OK);
	assert_int_equal(n, ANSWER_MAX_RECORDS);
	assert_int_equal(visited, ANSWER_MAX_RECORDS);
}

static void strings_and_names_above_their_bounds(void **state)
{
	char strings[20 * 256], name[4 * 60 + 1] = { 0 };

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		memset(strings + i * 256, 'x', 256);
		strings[i * 256] = (char)255;
	}
	begin(&m, 0, 2);
	add_record(&m, question, 16, strings, sizeof strings);
	RECORD(&m, question, 16, "\1y");
	assert_int_equal(read_message(&m, CLIENT_RESOLVER_TYPE_TXT), CLIENT_RESOLVER_STATUS_OK);
	assert_string_equal(said, "\"y\";");
	for (unsigned i = 0; i < 4; i++) { /* 240 bytes on the wire, four times as many when printed */
		memset(name + i * 60, 1, 60);
		name[i * 60] = 59;
	}
	begin(&m, 0, 1);
	add_record(&m, question, 12, name, sizeof name);
	assert_int_equal(read_message(&m, CLIENT_RESOLVER_TYPE_PTR), CLIENT_RESOLVER_STATUS_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_given_in_order),
		cmocka_unit_test(names_are_printed_in_lower_case_with_escapes),
		cmocka_unit_test(strings_are_put_together),
		cmocka_unit_test(aliases_are_followed_in_any_order),
		cmocka_unit_test(aliases_in_a_circle_end),
		cmocka_unit_test(records_of_others_are_no_answer),
		cmocka_unit_test(codes_have_their_meaning),
		cmocka_unit_test(malformed_data_is_refused),
		cmocka_unit_test(a_message_cut_anywhere_is_refused),
		cmocka_unit_test(any_byte_may_change),
		cmocka_unit_test(more_records_than_the_bound_are_left_out),
		cmocka_unit_test(strings_and_names_above_their_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
