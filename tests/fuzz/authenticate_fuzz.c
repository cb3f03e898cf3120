/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: "CLIENT HELO MAIL-FROM" on the first line, a master file that answers, a line "--", a message
 * with LF or CRLF. Checked beside memory safety: every result of every check is one, lists fit their counts,
 * no question is asked twice while the memo has room, and the field Authentication-Results is one field.
 */
#include "base/ensure.h"
#include "judge/authenticate_results.h"
#include "proto/dns_zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MEMORY ((size_t)1 << 24)

static void check_report(const struct authenticate_report *report)
{
	ASSERT(report->iprev.result < AUTH_RESULT_COUNT);
	ASSERT(report->spf[SPF_HELO].result < AUTH_RESULT_COUNT);
	ASSERT(report->spf[SPF_MAILFROM].result < AUTH_RESULT_COUNT);
	ASSERT(report->dkim.result < AUTH_RESULT_COUNT && report->arc.result < AUTH_RESULT_COUNT);
	ASSERT(report->dmarc.result < AUTH_RESULT_COUNT && report->bimi.status < BIMI_STATUS_COUNT);
	ASSERT(report->arc_trusted <= report->arc.n);
	ASSERT(report->dmarc.n_overrides <= DMARC_OVERRIDES_MAX);
	for (size_t i = 0; i < report->dkim.n; i++)
		ASSERT(report->dkim.signatures[i].result < AUTH_RESULT_COUNT);
}

static void check_field(const struct authenticate_report *report, struct arena *arena)
{
	struct authenticate_method *methods;
	struct text field, line;
	struct buf out;
	size_t n;

	if (!authenticate_list_methods(report, arena, &methods, &n))
		return;
	buf_init(&out, MEMORY);
	authenticate_print_results(methods, n, text_from_cstr("mx.example.net"), &out);
	ASSERT(!out.overflow);
	for (field = buf_text(&out); field.n;) {
		ASSERT(text_cut(field, '\n', &line, &field));
		ASSERT(line.n > 1 && line.n <= 999);
		ASSERT(field.n == 0 || field.p[0] == ' ' || field.p[0] == '\t');
	}
	buf_done(&out);
}

static struct authenticate_input read_input(struct text line, struct text message)
{
	struct authenticate_input input = { .message = message,
					    .has_message = true,
					    .has_client = true,
					    .has_mail_from = true,
					    .receiver = text_from_cstr("mx.example.net"),
					    .now = 1700000000 };
	struct text client;

	text_cut(line, ' ', &client, &line);
	addr_parse(client, &input.client);
	text_cut(line, ' ', &input.helo, &input.mail_from);
	return input;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct text sealers[] = { TEXT("a.example"), TEXT("example.org") };
	struct authenticate_settings settings = authenticate_settings_default();
	struct dns_zone *zone = dns_zone_new(MEMORY);
	struct dns_source source = dns_zone_source(zone);
	struct dns_zone_mistake mistake;
	struct authenticate_report report;
	struct authenticate_input input;
	struct text line, rest, message = { NULL, 0 };
	struct arena arena;
	size_t cut;

	settings.trusted_sealers = sealers;
	settings.n_trusted_sealers = 2;
	text_cut(text_from_bytes(data, n), '\n', &line, &rest);
	cut = text_find(rest, text_from_cstr("\n--\n"));
	if (cut != SIZE_MAX)
		message = text_skip(rest, cut + 4);
	dns_zone_read(zone, text_slice(rest, 0, cut), &mistake);
	input = read_input(line, message);
	arena_init(&arena, MEMORY);
	authenticate_message(&input, &settings, &source, &arena, &report);
	check_report(&report);
	check_field(&report, &arena);
	arena_reset(&arena);
	dns_zone_free(zone);
	return 0;
}
