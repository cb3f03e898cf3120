/* SPDX-License-Identifier: Apache-2.0
 *
 * postern dmarc report FILE: aggregate reports as others sent them, for people and for programs. Needs no
 * configuration and no running gateway. Each file is a stranger's and is read in a room of its own, which
 * only prints; what is wrong with a file comes back as a number, and is said here.
 */
#include "base/clock.h"
#include "base/json_writer.h"
#include "cli/cli.h"
#include "cli/room.h"
#include "proto/dmarc_report.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define FILE_MAX    ((size_t)64 << 20)
#define ARENA_MAX   ((size_t)512 << 20)
#define MEMORY      ((uint64_t)2 << 30)
#define COLUMNS     6
#define DECODED_MAX ((size_t)32 << 20)

struct job {
	struct text file;
	bool is_json;
};

/* --- for programs --- */

static const char *disposition_word(enum dmarc_report_disposition d)
{
	static const char *const words[] = { NULL, "unknown", "none", "pass", "quarantine", "reject" };

	return words[d];
}

/* Absent is null. */
static void key_optional(struct json_writer *w, const char *key, struct text value)
{
	if (value.n > 0) {
		json_key_text(w, key, value);
		return;
	}
	json_key(w, key);
	json_nothing(w);
}

static void key_letter(struct json_writer *w, const char *key, char letter)
{
	key_optional(w, key, text_from_bytes(&letter, letter != '\0'));
}

static void print_json_metadata(struct json_writer *w, const struct dmarc_report *r)
{
	json_key_object(w, "report_metadata");
	json_key_text(w, "org_name", r->org_name);
	json_key_text(w, "email", r->email);
	key_optional(w, "extra_contact_info", r->extra_contact_info);
	json_key_text(w, "report_id", r->report_id);
	json_key_object(w, "date_range");
	json_key_number(w, "begin", r->begin);
	json_key_number(w, "end", r->end);
	json_close(w);
	json_key_array(w, "error");
	for (const struct dmarc_report_error *e = r->errors; e; e = e->next)
		json_text(w, e->text);
	json_close(w);
	key_optional(w, "generator", r->generator);
	json_close(w);
}

static void print_json_policy(struct json_writer *w, const struct dmarc_report_policy *p)
{
	json_key_object(w, "policy_published");
	json_key_text(w, "domain", p->domain);
	key_optional(w, "discovery_method", p->discovery_method);
	json_key_cstr(w, "p", disposition_word(p->p));
	json_key_cstr(w, "sp", disposition_word(p->sp));
	json_key_cstr(w, "np", disposition_word(p->np));
	key_letter(w, "adkim", p->adkim);
	key_letter(w, "aspf", p->aspf);
	key_letter(w, "testing", p->testing);
	key_optional(w, "fo", p->fo);
	json_close(w);
}

static void print_json_auth(struct json_writer *w, const char *key, const struct dmarc_report_auth *auth)
{
	json_key_array(w, key);
	for (; auth; auth = auth->next) {
		json_open_object(w);
		json_key_text(w, "domain", auth->domain);
		key_optional(w, "selector", auth->selector);
		key_optional(w, "scope", auth->scope);
		json_key_text(w, "result", auth->result);
		key_optional(w, "human_result", auth->human_result);
		json_close(w);
	}
	json_close(w);
}

static void print_json_row(struct json_writer *w, const struct dmarc_report_record *r)
{
	json_key_object(w, "row");
	json_key_text(w, "source_ip", r->source_ip);
	json_key_number(w, "count", r->count > INT64_MAX ? INT64_MAX : (int64_t)r->count);
	json_key_object(w, "policy_evaluated");
	json_key_cstr(w, "disposition", disposition_word(r->disposition));
	json_key_cstr(w, "dkim", !r->has_dkim ? NULL : r->is_dkim_aligned ? "pass" : "fail");
	json_key_cstr(w, "spf", !r->has_spf ? NULL : r->is_spf_aligned ? "pass" : "fail");
	json_key_array(w, "reason");
	for (const struct dmarc_report_reason *reason = r->reasons; reason; reason = reason->next) {
		json_open_object(w);
		json_key_text(w, "type", reason->type);
		key_optional(w, "comment", reason->comment);
		json_close(w);
	}
	json_close(w);
	json_close(w);
	json_close(w);
}

static void print_json_record(struct json_writer *w, const struct dmarc_report_record *r)
{
	json_open_object(w);
	print_json_row(w, r);
	json_key_object(w, "identifiers");
	json_key_text(w, "header_from", r->header_from);
	if (r->has_envelope_from)
		json_key_text(w, "envelope_from", r->envelope_from);
	else
		key_optional(w, "envelope_from", (struct text){ 0 });
	key_optional(w, "envelope_to", r->envelope_to);
	json_close(w);
	json_key_object(w, "auth_results");
	print_json_auth(w, "dkim", r->dkim);
	print_json_auth(w, "spf", r->spf);
	json_close(w);
	json_close(w);
}

static void print_json(struct buf *out, const struct dmarc_report *report)
{
	struct json_writer w = json_writer_of(out, true);

	json_open_object(&w);
	key_optional(&w, "version", report->version);
	print_json_metadata(&w, report);
	print_json_policy(&w, &report->policy);
	json_key_number(&w, "messages",
			report->n_messages > INT64_MAX ? INT64_MAX : (int64_t)report->n_messages);
	json_key_array(&w, "record");
	for (const struct dmarc_report_record *r = report->records; r; r = r->next)
		print_json_record(&w, r);
	json_close(&w);
	json_close(&w);
}

/* --- for people --- */

/* One row of the table; NULL: its titles. */
static void make_cells(const struct dmarc_report_record *r, struct buf cells[COLUMNS])
{
	static const char *const titles[COLUMNS] = { "SOURCE", "MESSAGES", "APPLIED", "DKIM", "SPF", "FROM" };

	for (size_t i = 0; i < COLUMNS; i++) {
		buf_reset(&cells[i]);
		if (r == NULL)
			buf_add_cstr(&cells[i], titles[i]);
	}
	if (r == NULL)
		return;
	buf_add_escaped(&cells[0], r->source_ip);
	buf_add_number(&cells[1], r->count);
	buf_add_cstr(&cells[2],
		     r->disposition == DMARC_REPORT_ABSENT ? "-" : disposition_word(r->disposition));
	buf_add_cstr(&cells[3], r->is_dkim_aligned ? "pass" : "fail");
	buf_add_cstr(&cells[4], r->is_spf_aligned ? "pass" : "fail");
	buf_add_escaped(&cells[5], r->header_from);
}

static void print_details(struct buf *out, const struct dmarc_report_record *r)
{
	for (const struct dmarc_report_auth *a = r->dkim; a; a = a->next) {
		buf_add_cstr(out, "    dkim=");
		buf_add_escaped(out, a->result);
		buf_add_cstr(out, " d=");
		buf_add_escaped(out, a->domain);
		if (a->selector.n) {
			buf_add_cstr(out, " s=");
			buf_add_escaped(out, a->selector);
		}
		buf_add_byte(out, '\n');
	}
	for (const struct dmarc_report_auth *a = r->spf; a; a = a->next) {
		buf_add_cstr(out, "    spf=");
		buf_add_escaped(out, a->result);
		buf_add_byte(out, ' ');
		buf_add_escaped(out, a->domain);
		buf_add_byte(out, '\n');
	}
	for (const struct dmarc_report_reason *reason = r->reasons; reason; reason = reason->next) {
		buf_add_cstr(out, "    because ");
		buf_add_escaped(out, reason->type);
		buf_add_cstr(out, reason->comment.n ? ": " : "");
		buf_add_escaped(out, reason->comment);
		buf_add_byte(out, '\n');
	}
}

static void print_table(struct buf *out, const struct dmarc_report *report)
{
	struct buf cells[COLUMNS];
	size_t widths[COLUMNS] = { 0 };

	for (size_t i = 0; i < COLUMNS; i++)
		buf_init(&cells[i], 65536);
	make_cells(NULL, cells);
	for (const struct dmarc_report_record *r = report->records;; r = r->next) {
		for (size_t i = 0; i < COLUMNS; i++)
			widths[i] = cells[i].n > widths[i] ? cells[i].n : widths[i];
		if (r == NULL)
			break;
		make_cells(r, cells);
	}
	make_cells(NULL, cells);
	for (const struct dmarc_report_record *r = NULL;; r = r ? r->next : report->records) {
		if (r)
			make_cells(r, cells);
		for (size_t i = 0; i < COLUMNS; i++)
			buf_printf(out, i + 1 < COLUMNS ? "%-*s  " : "%*s\n",
				   i + 1 < COLUMNS ? (int)widths[i] : 0, buf_cstr(&cells[i]));
		if (r)
			print_details(out, r);
		if (r ? r->next == NULL : report->records == NULL)
			break;
	}
	for (size_t i = 0; i < COLUMNS; i++)
		buf_done(&cells[i]);
}

static void print_line(struct buf *out, const char *what, struct text value)
{
	if (value.n == 0)
		return;
	buf_printf(out, "%-12s", what);
	buf_add_escaped(out, value);
	buf_add_byte(out, '\n');
}

static void print_time(struct buf *out, const char *what, int64_t seconds)
{
	char date[CLOCK_RFC3339_SIZE];

	clock_print_rfc3339(seconds > INT32_MAX * 64LL ? 0 : seconds * 1000, date);
	print_line(out, what, text_from_cstr(date));
}

static void print_tag(struct buf *out, const char *tag, enum dmarc_report_disposition d)
{
	if (d != DMARC_REPORT_ABSENT)
		buf_printf(out, "%s=%s ", tag, disposition_word(d));
}

static void print_policy(struct buf *out, const struct dmarc_report_policy *p)
{
	buf_printf(out, "%-12s", "policy");
	print_tag(out, "p", p->p);
	print_tag(out, "sp", p->sp);
	print_tag(out, "np", p->np);
	buf_printf(out, "adkim=%c aspf=%c%s\n", p->adkim ? p->adkim : 'r', p->aspf ? p->aspf : 'r',
		   p->testing == 'y' ? " t=y" : "");
}

static void print_text(struct buf *out, const struct dmarc_report *report)
{
	print_line(out, "domain", report->policy.domain);
	print_policy(out, &report->policy);
	print_line(out, "reported by", report->org_name);
	print_line(out, "contact", report->email);
	print_line(out, "report id", report->report_id);
	print_time(out, "from", report->begin);
	print_time(out, "to", report->end);
	for (const struct dmarc_report_error *e = report->errors; e; e = e->next)
		print_line(out, "error", e->text);
	buf_printf(out, "%-12s%llu in %zu records\n\n", "messages", (unsigned long long)report->n_messages,
		   report->n_records);
	print_table(out, report);
}

/* --- the room --- */

/* Gives an enum dmarc_report_trouble. */
static int read_report(void *context, struct room_out *out)
{
	const struct job *job = context;
	struct dmarc_report_limits limits = dmarc_report_limits_default();
	struct mime_limits mime_limits = mime_limits_default();
	enum dmarc_report_trouble trouble;
	struct text file = job->file;
	struct dmarc_report report;
	struct arena arena;
	struct buf found;

	arena_init(&arena, ARENA_MAX);
	buf_init(&found, DECODED_MAX);
	if (!dmarc_report_is_file(file)) {
		if (!dmarc_report_find(file, &mime_limits, &arena, &found))
			return DMARC_REPORT_NOT_A_REPORT;
		file = buf_text(&found);
	}
	trouble = dmarc_report_read(file, &limits, &arena, &report);
	if (trouble)
		return (int)trouble;
	if (job->is_json)
		print_json(&out->buf, &report);
	else
		print_text(&out->buf, &report);
	return DMARC_REPORT_FINE;
}

static int print_report(struct cli *c, const char *name)
{
	struct job job = { .is_json = c->json };
	struct buf file;
	int status = cli_read_file(name, FILE_MAX, &file);
	int trouble = 0;

	if (status == EX_OK) {
		job.file = buf_text(&file);
		trouble = cli_run_in_room(read_report, &job, MEMORY);
	}
	buf_done(&file);
	if (trouble < 0)
		return EX_SOFTWARE;
	if (trouble > 0)
		return cli_fail(EX_DATAERR, "%s %s", name,
				trouble == DMARC_REPORT_NOT_A_REPORT
					? "is no report, nor a mail that carries one"
					: dmarc_report_trouble_text((enum dmarc_report_trouble)trouble));
	return status;
}

/* Several files as JSON are one array, without those that cannot be read. */
int cli_dmarc_report(struct cli *c)
{
	bool is_array = c->json && c->argc > 1;
	int status = EX_OK;

	if (c->argc == 0)
		return cli_fail(EX_USAGE, "needs at least one FILE, or - for standard input");
	if (is_array)
		puts("[");
	for (int i = 0; i < c->argc; i++) {
		int one;
		if (i > 0)
			puts(is_array ? "," : "");
		fflush(stdout);
		one = print_report(c, c->argv[i]);
		status = one ? one : status;
	}
	if (is_array)
		puts("]");
	return status;
}
