/* SPDX-License-Identifier: Apache-2.0
 *
 * What the checks of a message's origin cost in CPU, with every answer of the DNS at hand:
 *
 *	bench_authenticate MESSAGE ZONE CLIENT HELO MAIL-FROM [ROUNDS]
 *
 * Prints, in microseconds of CPU each: SPF of MAIL FROM alone, and all checks of the message. The message has
 * CRLF, or no CRLF at all. The zone is a master file.
 */
#include "judge/authenticate.h"
#include "base/ensure.h"
#include "proto/dns_zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define FILE_MAX ((size_t)64 << 20)

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static struct buf read_file(const char *name)
{
	FILE *f = fopen(name, "rb");
	struct buf content;
	char chunk[65536];
	size_t n;

	buf_init(&content, FILE_MAX);
	while (f && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_add(&content, text_from_bytes(chunk, n));
	if (!f || content.overflow) {
		fprintf(stderr, "%s cannot be read\n", name);
		exit(66);
	}
	fclose(f);
	return content;
}

/* As it was sent. */
static struct buf to_crlf(struct text t)
{
	bool has_crlf = text_find(t, text_from_cstr("\r\n")) != SIZE_MAX;
	struct buf out;

	buf_init(&out, 2 * FILE_MAX);
	for (size_t i = 0; i < t.n; i++) {
		if (!has_crlf && t.p[i] == '\n')
			buf_add_byte(&out, '\r');
		buf_add_byte(&out, t.p[i]);
	}
	return out;
}

static double time_spf(const struct authenticate_input *input, const struct dns_source *dns, unsigned rounds)
{
	struct spf_limits limits = spf_limits_default();
	struct spf_query query = { .identity = SPF_MAILFROM,
				   .client = input->client,
				   .helo = input->helo,
				   .mail_from = input->mail_from,
				   .receiver = input->receiver,
				   .now = input->now };
	double start = cpu_seconds();
	struct spf_result result;
	struct arena arena;

	arena_init(&arena, AUTHENTICATE_ARENA);
	for (unsigned i = 0; i < rounds; i++) {
		spf_check(&query, &limits, dns, &arena, &result);
		if (i == 0)
			printf("spf.mailfrom=%s\n", auth_result_word(result.result));
		arena_reset(&arena);
	}
	return (cpu_seconds() - start) / rounds * 1e6;
}

static double time_all(const struct authenticate_input *input, const struct dns_source *dns, unsigned rounds)
{
	struct authenticate_settings settings = authenticate_settings_default();
	double start = cpu_seconds();
	struct authenticate_report report;
	struct arena arena;

	arena_init(&arena, AUTHENTICATE_ARENA);
	for (unsigned i = 0; i < rounds; i++) {
		authenticate_message(input, &settings, dns, &arena, &report);
		if (i == 0)
			printf("dkim=%s arc=%s dmarc=%s, arena %zu bytes\n",
			       auth_result_word(report.dkim.result), auth_result_word(report.arc.result),
			       auth_result_word(report.dmarc.result), arena.used);
		arena_reset(&arena);
	}
	return (cpu_seconds() - start) / rounds * 1e6;
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 6 ? (unsigned)strtoul(argv[6], NULL, 10) : 10000;
	struct authenticate_input input = { .has_message = true, .has_client = true, .has_mail_from = true };
	struct dns_zone *zone = dns_zone_new(FILE_MAX);
	struct dns_source dns = dns_zone_source(zone);
	struct dns_zone_mistake mistake;
	struct buf file, message;

	if (argc < 6 || rounds == 0 || !addr_parse(text_from_cstr(argv[3]), &input.client)) {
		fprintf(stderr, "usage: bench_authenticate MESSAGE ZONE CLIENT HELO MAIL-FROM [ROUNDS]\n");
		return 64;
	}
	file = read_file(argv[2]);
	if (!dns_zone_read(zone, buf_text(&file), &mistake)) {
		fprintf(stderr, "%s:%u:%u: %s\n", argv[2], mistake.line, mistake.column, mistake.what);
		return 65;
	}
	buf_done(&file);
	file = read_file(argv[1]);
	message = to_crlf(buf_text(&file));
	input.message = buf_text(&message);
	input.helo = text_from_cstr(argv[4]);
	input.mail_from = text_from_cstr(argv[5]);
	input.receiver = text_from_cstr("mx.example.net");
	input.now = 1528637909;
	printf("spf: %.1f us\n", time_spf(&input, &dns, rounds));
	printf("all checks: %.1f us\n", time_all(&input, &dns, rounds));
	buf_done(&file);
	buf_done(&message);
	dns_zone_free(zone);
	return 0;
}
