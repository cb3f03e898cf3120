/* SPDX-License-Identifier: Apache-2.0
 *
 * postern bimi check: would a picture, and the certificate that vouches for it, be accepted as a sender's?
 * For owners of domains before they publish, and for administrators who ask why a picture is not shown. Both
 * files are strangers' and are read in a room; nothing is fetched.
 */
#include "base/clock.h"
#include "base/json_writer.h"
#include "cli/cli.h"
#include "cli/room.h"
#include "proto/bimi_certificate.h"

#include <string.h>
#include <sysexits.h>

#define FILE_MAX ((size_t)1 << 20)
#define MEMORY   ((uint64_t)256 << 20)

#define EXIT_PROBLEM 1

struct job {
	struct bimi_certificate_question question;
	bool has_certificate, is_json;
	struct svg_report svg;
	struct bimi_certificate_report certificate;
};

/* --- for programs --- */

static void print_json_svg(struct json_writer *w, const struct svg_report *r)
{
	json_key_text(w, "title", text_from_cstr(r->title));
	json_key_array(w, "problems");
	for (enum svg_problem_bit bit = 0; bit < SVG_PROBLEM_COUNT; bit++)
		if (r->problems & 1U << bit)
			json_cstr(w, svg_problem_word(bit));
	json_close(w);
	if (r->element[0])
		json_key_cstr(w, "element", r->element);
	if (r->line)
		json_key_number(w, "line", (int64_t)r->line);
}

static void print_json_certificate(struct json_writer *w, const struct bimi_certificate_report *r)
{
	json_key_object(w, "certificate");
	json_key_array(w, "problems");
	for (enum bimi_certificate_problem_bit bit = 0; bit < BIMI_CERTIFICATE_PROBLEM_COUNT; bit++)
		if (r->problems & 1U << bit)
			json_cstr(w, bimi_certificate_problem_word(bit));
	json_close(w);
	json_key_cstr(w, "chain_error", r->chain_error);
	json_key_object(w, "svg");
	print_json_svg(w, &r->svg);
	json_close(w);
	json_close(w);
}

static void print_json(const struct job *job, bool is_good, struct buf *out)
{
	struct json_writer w = json_writer_of(out, true);

	json_open_object(&w);
	json_key_bool(&w, "good", is_good);
	json_key_object(&w, "svg");
	print_json_svg(&w, &job->svg);
	json_close(&w);
	if (job->has_certificate)
		print_json_certificate(&w, &job->certificate);
	json_close(&w);
}

/* --- for people --- */

static void print_svg(const char *what, const struct svg_report *r, struct buf *out)
{
	if (r->problems == 0) {
		buf_printf(out, "%s is SVG Tiny PS, titled \"", what);
		buf_add_escaped(out, text_from_cstr(r->title));
		buf_add_cstr(out, "\"\n");
	}
	for (enum svg_problem_bit bit = 0; bit < SVG_PROBLEM_COUNT; bit++) {
		if (!(r->problems & 1U << bit))
			continue;
		buf_printf(out, "%s %s", what, svg_problem_text(bit));
		if (bit == SVG_PROBLEM_BIT_ELEMENT) {
			buf_add_cstr(out, ": ");
			buf_add_escaped(out, text_from_cstr(r->element));
		}
		buf_add_byte(out, '\n');
	}
	if (r->line)
		buf_printf(out, "the first of it is in line %zu\n", r->line);
}

static void print_certificate(const struct bimi_certificate_report *r, struct buf *out)
{
	if (r->problems == 0)
		buf_add_cstr(out, "the certificate is good\n");
	for (enum bimi_certificate_problem_bit bit = 0; bit < BIMI_CERTIFICATE_PROBLEM_COUNT; bit++) {
		if (!(r->problems & 1U << bit))
			continue;
		buf_printf(out, "the certificate %s", bimi_certificate_problem_text(bit));
		if (bit == BIMI_CERTIFICATE_BIT_CHAIN && r->chain_error)
			buf_printf(out, ": %s", r->chain_error);
		buf_add_byte(out, '\n');
	}
	if (r->problems & BIMI_CERTIFICATE_SVG)
		print_svg("the picture in the certificate", &r->svg, out);
}

/* --- the room --- */

static int check(void *context, struct room_out *out)
{
	struct job *job = context;
	struct buf within;
	bool is_good;

	buf_init(&within, SVG_TINY_PS_BYTES_MAX);
	svg_tiny_ps_check(job->question.svg, &job->svg);
	if (job->has_certificate)
		bimi_certificate_check(&job->question, &within, &job->certificate);
	is_good = job->svg.problems == 0 && job->certificate.problems == 0;
	if (job->is_json) {
		print_json(job, is_good, &out->buf);
	} else {
		print_svg("the picture", &job->svg, &out->buf);
		if (job->has_certificate)
			print_certificate(&job->certificate, &out->buf);
	}
	buf_done(&within);
	return is_good ? EX_OK : EXIT_PROBLEM;
}

/* A file that may not be named. */
static int read_optional(const char *name, struct buf *out, struct text *ret_text)
{
	int status = EX_OK;

	if (name)
		status = cli_read_file(name, FILE_MAX, out);
	*ret_text = buf_text(out);
	return status;
}

int cli_bimi_check(struct cli *c)
{
	const char *certificate = cli_take_option(c, "--certificate");
	const char *roots = cli_take_option(c, "--roots");
	const char *domain = cli_take_option(c, "--domain");
	const char *selector = cli_take_option(c, "--selector");
	struct job job = { .is_json = c->json, .has_certificate = certificate != NULL };
	struct bimi_certificate_question *q = &job.question;
	struct buf svg = { 0 }, pem = { 0 }, trusted = { 0 };
	int status;

	if (c->argc != 1)
		return cli_fail(EX_USAGE, "needs one FILE with a picture, or - for standard input");
	q->domain = text_from_cstr(domain);
	q->selector = text_from_cstr(selector ? selector : "default");
	q->now = clock_wall_ms() / 1000;
	status = read_optional(c->argv[0], &svg, &q->svg);
	if (status == EX_OK)
		status = read_optional(certificate, &pem, &q->pem);
	if (status == EX_OK)
		status = read_optional(roots, &trusted, &q->roots);
	if (status == EX_OK)
		status = cli_run_in_room(check, &job, MEMORY);
	buf_done(&svg);
	buf_done(&pem);
	buf_done(&trusted);
	return status < 0 ? EX_SOFTWARE : status;
}
