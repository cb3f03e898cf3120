/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the first line is a client, HELO and MAIL FROM with blanks between, the rest a master file
 * that answers. Checked beside memory safety: no more terms, void lookups and questions than the limits
 * allow; a result that is one; an error has a problem and a verdict has none; an explanation is printable
 * and of a fail only; the header field is one.
 */
#include "base/ensure.h"
#include "proto/dns_zone.h"
#include "proto/spf_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MEMORY ((size_t)1 << 22)

struct counted {
	struct dns_source zone;
	unsigned n;
};

static void ask(void *context, enum dns_type type, struct text name, struct arena *arena,
		struct dns_answer *ret_answer)
{
	struct counted *counted = context;

	counted->n++;
	ASSERT(dns_name_is_askable(name));
	dns_ask(&counted->zone, type, name, arena, ret_answer);
}

static struct spf_query read_query(struct text line)
{
	struct spf_query query = { .receiver = text_from_cstr("mx.example.net"), .now = 1700000000 };
	struct text client;

	text_cut(line, ' ', &client, &line);
	addr_parse(client, &query.client);
	text_cut(line, ' ', &query.helo, &query.mail_from);
	return query;
}

static void check_result(const struct spf_query *query, const struct spf_result *result,
			 const struct spf_limits *limits, unsigned n_questions)
{
	bool is_error = result->result == AUTH_TEMPERROR || result->result == AUTH_PERMERROR ||
			result->result == AUTH_NONE;

	ASSERT(result->result < AUTH_RESULT_COUNT && result->result != AUTH_POLICY);
	ASSERT(is_error == (result->problem != SPF_PROBLEM_NONE));
	ASSERT(result->lookups <= limits->lookups && result->void_lookups <= limits->void_lookups + 1);
	/* Each term asks once itself and once for each name; each record was asked for, and an explanation.
	 */
	ASSERT(n_questions <= 2 + result->lookups * (2 + limits->names) + 1 + limits->names);
	ASSERT(result->explanation.n <= limits->explanation && text_is_printable(result->explanation));
	ASSERT(result->explanation.n == 0 || result->result == AUTH_FAIL);
	ASSERT(query->identity == SPF_HELO || result->domain.n <= query->mail_from.n + 253 + query->helo.n);
}

static void check_header(const struct spf_query *query, const struct spf_result *result)
{
	struct text field, line;
	struct buf out;

	buf_init(&out, SPF_HEADER_MAX);
	spf_header_print(query, result, &out);
	ASSERT(!out.overflow);
	for (field = buf_text(&out); field.n;) {
		ASSERT(text_cut(field, '\n', &line, &field));
		ASSERT(line.n > 1 && line.n <= 998 && (field.n == 0 || field.p[0] == '\t'));
	}
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct spf_limits limits = spf_limits_default();
	struct dns_zone *zone = dns_zone_new(MEMORY);
	struct counted counted = { .zone = dns_zone_source(zone) };
	struct dns_source source = { &counted, ask };
	struct dns_zone_mistake mistake;
	struct spf_result result;
	struct text line, file;
	struct spf_query query;
	struct arena arena;

	text_cut(text_from_bytes(data, n), '\n', &line, &file);
	dns_zone_read(zone, file, &mistake);
	query = read_query(line);
	for (query.identity = SPF_HELO; query.identity <= SPF_MAILFROM; query.identity++) {
		arena_init(&arena, MEMORY);
		counted.n = 0;
		spf_check(&query, &limits, &source, &arena, &result);
		check_result(&query, &result, &limits, counted.n);
		check_header(&query, &result);
		arena_reset(&arena);
	}
	dns_zone_free(zone);
	return 0;
}
