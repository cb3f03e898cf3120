/* SPDX-License-Identifier: Apache-2.0
 *
 * postern authenticate: all checks of a message's origin, on a file, with every answer of the DNS that was
 * used. Needs no gateway and no configuration: it calls what the authentication room calls. With --zone it
 * never asks the network; with --batch it answers one line of JSON with another, for test suites.
 *
 * The message is a stranger's, and so is what the network answers; the cases, the zone and the options are
 * those of the person who runs it.
 */
#include "cli/authenticate.h"

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/dns_network.h"
#include "cli/zone_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define OUTPUT_MAX      ((size_t)1 << 30)
#define NETWORK_SECONDS 60
#define RECEIVER        "localhost"

/* What holds for all cases. */
struct run {
	struct cli *cli;
	struct authenticate_case defaults; /* options */
	struct dns_zone *zone;             /* --zone */
	struct dns_network *network;       /* made when it is first needed */
	struct buf why;
	struct buf out;
};

static int fail_data(struct run *r)
{
	return cli_fail(EX_DATAERR, "%s", buf_cstr(&r->why));
}

/* ---- one case ---- */

static bool find_source(struct run *r, const struct authenticate_case *c, struct dns_source *ret_source)
{
	const char *why;

	if (c->zone || r->zone) {
		*ret_source = dns_zone_source(c->zone ? c->zone : r->zone);
		return true;
	}
	if (!r->network)
		r->network = dns_network_new(NETWORK_SECONDS, &why);
	if (!r->network) {
		buf_printf(&r->why, "DNS: %s; answer from a file with --zone", why);
		return false;
	}
	*ret_source = dns_network_source(r->network);
	return true;
}

/* Checks and prints. False: said in r->why. */
static bool answer(struct run *r, struct authenticate_case *c, bool is_line)
{
	struct json_writer w = json_writer_of(&r->out, !is_line);
	struct authenticate_report report;
	struct dns_recorder recorder;
	struct dns_source source, recording;
	struct arena arena;

	if (!find_source(r, c, &source))
		return false;
	dns_recorder_init(&recorder, &source);
	recording = dns_recorder_source(&recorder);
	arena_init(&arena, AUTHENTICATE_ARENA);
	authenticate_message(&c->input, &c->settings, &recording, &arena, &report);
	if (is_line || r->cli->json)
		authenticate_print_json(c, &report, &recorder, &w);
	else
		authenticate_print_text(c, &report, &recorder, &r->out);
	if (is_line || r->cli->json)
		buf_add_byte(&r->out, '\n');
	arena_reset(&arena);
	dns_recorder_done(&recorder);
	return true;
}

static void flush(struct run *r)
{
	fwrite(r->out.p, 1, r->out.n, stdout);
	fflush(stdout);
	buf_reset(&r->out);
}

/* ---- batch ---- */

static void answer_mistake(struct run *r, const struct authenticate_case *c, unsigned long line)
{
	struct json_writer w = json_writer_of(&r->out, false);

	json_open_object(&w);
	if (c->has_number)
		json_key_number(&w, "id", c->number);
	else if (c->id.p)
		json_key_text(&w, "id", c->id);
	json_key_number(&w, "line", (int64_t)line);
	json_key_text(&w, "error", buf_text(&r->why));
	json_close(&w);
	buf_add_byte(&r->out, '\n');
}

static void answer_line(struct run *r, struct text line, unsigned long number)
{
	struct authenticate_case c;

	authenticate_case_init(&c, &r->defaults.settings);
	c.input = r->defaults.input;
	buf_reset(&r->why);
	if (!authenticate_case_read(&c, line, &r->why) || !answer(r, &c, true))
		answer_mistake(r, &c, number);
	authenticate_case_done(&c);
	flush(r);
}

static int run_batch(struct run *r, const char *file)
{
	FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "rb");
	unsigned long number = 0;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!f)
		return cli_fail(EX_NOINPUT, "%s cannot be read", file);
	while ((n = getline(&line, &cap, f)) >= 0) {
		struct text t = text_trim(text_from_bytes(line, (size_t)n));
		number++;
		if (t.n)
			answer_line(r, t, number);
	}
	free(line);
	if (f != stdin)
		fclose(f);
	return EX_OK;
}

/* ---- options ---- */

static bool take_time(struct run *r, const char *option)
{
	uint64_t seconds;

	r->defaults.input.now = clock_wall_ms() / 1000;
	if (!option)
		return true;
	r->defaults.input.now = (int64_t)0;
	if (!text_parse_u64(text_from_cstr(option), INT64_MAX, &seconds))
		return false;
	r->defaults.input.now = (int64_t)seconds;
	return true;
}

static int take_zone(struct run *r, const char *file)
{
	struct buf content;
	bool ok;

	if (!file)
		return EX_OK;
	r->zone = dns_zone_new(ZONE_MAX);
	ok = zone_load_file(file, ZONE_MAX, &content, &r->why) &&
	     zone_read_text(r->zone, buf_text(&content), file, &r->why);
	buf_done(&content);
	return ok ? EX_OK : fail_data(r);
}

static void take_sealers(struct run *r, const char *list)
{
	struct text rest = text_from_cstr(list), name;
	size_t n = 0;

	while (rest.n && n < AUTHENTICATE_SEALERS_MAX) {
		text_cut(rest, ',', &name, &rest);
		r->defaults.sealers[n++] = text_trim(name);
	}
	r->defaults.settings.trusted_sealers = r->defaults.sealers;
	r->defaults.settings.n_trusted_sealers = n;
}

static int take_options(struct run *r)
{
	struct authenticate_input *input = &r->defaults.input;
	const char *ip = cli_take_option(r->cli, "--ip"), *from, *receiver, *how;

	input->has_client = ip != NULL;
	if (ip && !addr_parse(text_from_cstr(ip), &input->client))
		return cli_fail(EX_USAGE, "--ip %s is not an IP address", ip);
	input->helo = text_from_cstr(cli_take_option(r->cli, "--helo"));
	from = cli_take_option(r->cli, "--mail-from");
	input->has_mail_from = from != NULL;
	input->mail_from = text_from_cstr(from);
	receiver = cli_take_option(r->cli, "--receiver");
	input->receiver = text_from_cstr(receiver ? receiver : RECEIVER);
	if (!take_time(r, cli_take_option(r->cli, "--time")))
		return cli_fail(EX_USAGE, "--time takes seconds since 1970");
	how = cli_take_option(r->cli, "--org-domain");
	if (how && !dmarc_discovery_parse(text_from_cstr(how), &r->defaults.settings.discovery))
		return cli_fail(EX_USAGE, "--org-domain takes treewalk, psl or auto");
	take_sealers(r, cli_take_option(r->cli, "--trusted-sealers"));
	return take_zone(r, cli_take_option(r->cli, "--zone"));
}

static int run_file(struct run *r)
{
	if (r->cli->argc > 1)
		return cli_fail(EX_USAGE, "one file, please");
	if (r->cli->argc == 0 && !r->defaults.input.has_client)
		return cli_fail(EX_USAGE, "a message, or --ip with --helo or --mail-from; see --help");
	if (r->cli->argc == 1 && !authenticate_case_load_message(&r->defaults, r->cli->argv[0], &r->why))
		return fail_data(r);
	if (!answer(r, &r->defaults, false))
		return fail_data(r);
	flush(r);
	return EX_OK;
}

int cli_authenticate(struct cli *c)
{
	struct authenticate_settings settings = authenticate_settings_default();
	struct run *r = calloc(1, sizeof *r);
	const char *batch;
	int status;

	if (!r)
		return EX_OSERR;
	r->cli = c;
	buf_init(&r->why, 4096);
	buf_init(&r->out, OUTPUT_MAX);
	authenticate_case_init(&r->defaults, &settings);
	batch = cli_take_option(c, "--batch");
	status = take_options(r);
	if (status == EX_OK)
		status = batch ? run_batch(r, batch) : run_file(r);
	dns_network_free(r->network);
	dns_zone_free(r->zone);
	authenticate_case_done(&r->defaults);
	buf_done(&r->why);
	buf_done(&r->out);
	free(r);
	return status;
}
