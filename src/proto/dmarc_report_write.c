/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes an aggregate report: its XML in the order of the schema, gzip, the name of the file, and the mail
 * that carries it. Called by `report` once a day, on rows whose texts come from strangers (domains,
 * selectors, comments). Invariant: no text leaves an element, a header field or a line of its own.
 * rfc9990 3.1, 3.5.2, A
 */
#include "proto/dmarc_report.h"

#include "base/clock.h"
#include "proto/base64.h"

#define ZLIB_CONST
#include <zlib.h>

#define GZIP_WINDOW (15 + 16)
#define GZIP_MEMORY 9
#define NAMESPACE   "urn:ietf:params:xml:ns:dmarc-2.0"

/* --- XML --- */

/* Bytes that XML 1.0 knows as characters; the five with a meaning become entities. */
static void add_escaped(struct buf *out, struct text t)
{
	bool is_utf8 = text_is_utf8(t);

	for (size_t i = 0; i < t.n; i++) {
		char c = t.p[i];
		if (c == '&')
			buf_add_cstr(out, "&amp;");
		else if (c == '<')
			buf_add_cstr(out, "&lt;");
		else if (c == '>')
			buf_add_cstr(out, "&gt;");
		else if ((unsigned char)c < ' ' || c == 0x7f || ((unsigned char)c > 0x7f && !is_utf8))
			buf_add_byte(out, '?');
		else
			buf_add_byte(out, c);
	}
}

static void indent(struct buf *out, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		buf_add_cstr(out, "  ");
}

static void open_element(struct buf *out, unsigned depth, const char *name)
{
	indent(out, depth);
	buf_printf(out, "<%s>\n", name);
}

static void close_element(struct buf *out, unsigned depth, const char *name)
{
	indent(out, depth);
	buf_printf(out, "</%s>\n", name);
}

static void add_element(struct buf *out, unsigned depth, const char *name, struct text value)
{
	indent(out, depth);
	buf_printf(out, "<%s>", name);
	add_escaped(out, value);
	buf_printf(out, "</%s>\n", name);
}

/* An element that is left out when it would be empty. */
static void add_optional(struct buf *out, unsigned depth, const char *name, struct text value)
{
	if (value.n > 0)
		add_element(out, depth, name, value);
}

static void add_number(struct buf *out, unsigned depth, const char *name, uint64_t value)
{
	indent(out, depth);
	buf_printf(out, "<%s>%llu</%s>\n", name, (unsigned long long)value, name);
}

static void add_letter(struct buf *out, unsigned depth, const char *name, char letter)
{
	if (letter)
		add_element(out, depth, name, text_from_bytes(&letter, 1));
}

static const char *disposition_word(enum dmarc_report_disposition d)
{
	switch (d) {
	case DMARC_REPORT_ABSENT:
		return "";
	case DMARC_REPORT_PASS:
		return "pass";
	case DMARC_REPORT_QUARANTINE:
		return "quarantine";
	case DMARC_REPORT_REJECT:
		return "reject";
	case DMARC_REPORT_UNKNOWN:
	case DMARC_REPORT_NONE:
		break;
	}
	return "none";
}

static void add_metadata(struct buf *out, const struct dmarc_report *report)
{
	open_element(out, 1, "report_metadata");
	add_element(out, 2, "org_name", report->org_name);
	add_element(out, 2, "email", report->email);
	add_optional(out, 2, "extra_contact_info", report->extra_contact_info);
	add_element(out, 2, "report_id", report->report_id);
	open_element(out, 2, "date_range");
	add_number(out, 3, "begin", (uint64_t)report->begin);
	add_number(out, 3, "end", (uint64_t)report->end);
	close_element(out, 2, "date_range");
	if (report->errors)
		add_element(out, 2, "error", report->errors->text);
	add_optional(out, 2, "generator", report->generator);
	close_element(out, 1, "report_metadata");
}

static void add_policy(struct buf *out, const struct dmarc_report_policy *policy)
{
	open_element(out, 1, "policy_published");
	add_element(out, 2, "domain", policy->domain);
	add_optional(out, 2, "discovery_method", policy->discovery_method);
	add_element(out, 2, "p", text_from_cstr(disposition_word(policy->p)));
	add_optional(out, 2, "sp", text_from_cstr(disposition_word(policy->sp)));
	add_optional(out, 2, "np", text_from_cstr(disposition_word(policy->np)));
	add_optional(out, 2, "fo", policy->fo);
	add_letter(out, 2, "adkim", policy->adkim);
	add_letter(out, 2, "aspf", policy->aspf);
	add_letter(out, 2, "testing", policy->testing);
	close_element(out, 1, "policy_published");
}

static void add_row(struct buf *out, const struct dmarc_report_record *record)
{
	open_element(out, 2, "row");
	add_element(out, 3, "source_ip", record->source_ip);
	add_number(out, 3, "count", record->count);
	open_element(out, 3, "policy_evaluated");
	add_element(out, 4, "disposition", text_from_cstr(disposition_word(record->disposition)));
	add_element(out, 4, "dkim", text_from_cstr(record->is_dkim_aligned ? "pass" : "fail"));
	add_element(out, 4, "spf", text_from_cstr(record->is_spf_aligned ? "pass" : "fail"));
	for (const struct dmarc_report_reason *r = record->reasons; r; r = r->next) {
		open_element(out, 4, "reason");
		add_element(out, 5, "type", r->type);
		add_optional(out, 5, "comment", r->comment);
		close_element(out, 4, "reason");
	}
	close_element(out, 3, "policy_evaluated");
	close_element(out, 2, "row");
}

static void add_auth(struct buf *out, const char *name, const struct dmarc_report_auth *auth)
{
	open_element(out, 3, name);
	add_element(out, 4, "domain", auth->domain);
	add_optional(out, 4, "selector", auth->selector);
	add_optional(out, 4, "scope", auth->scope);
	add_element(out, 4, "result", auth->result);
	add_optional(out, 4, "human_result", auth->human_result);
	close_element(out, 3, name);
}

static void add_record(struct buf *out, const struct dmarc_report_record *record)
{
	open_element(out, 1, "record");
	add_row(out, record);
	open_element(out, 2, "identifiers");
	add_element(out, 3, "header_from", record->header_from);
	if (record->has_envelope_from)
		add_element(out, 3, "envelope_from", record->envelope_from);
	add_optional(out, 3, "envelope_to", record->envelope_to);
	close_element(out, 2, "identifiers");
	open_element(out, 2, "auth_results");
	for (const struct dmarc_report_auth *a = record->dkim; a; a = a->next)
		add_auth(out, "dkim", a);
	for (const struct dmarc_report_auth *a = record->spf; a; a = a->next)
		add_auth(out, "spf", a);
	close_element(out, 2, "auth_results");
	close_element(out, 1, "record");
}

bool dmarc_report_write(const struct dmarc_report *report, struct buf *out)
{
	buf_add_cstr(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feedback xmlns=\"" NAMESPACE "\">\n");
	add_element(out, 1, "version", text_from_cstr("1.0"));
	add_metadata(out, report);
	add_policy(out, &report->policy);
	for (const struct dmarc_report_record *r = report->records; r; r = r->next)
		add_record(out, r);
	buf_add_cstr(out, "</feedback>\n");
	return !out->overflow;
}

/* --- gzip --- */

bool dmarc_report_gzip(struct text xml, struct buf *out)
{
	z_stream z = { .next_in = (const unsigned char *)xml.p, .avail_in = (unsigned)xml.n };
	size_t bound;
	char *room;
	int status;

	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		return false;
	bound = deflateBound(&z, xml.n);
	room = buf_reserve(out, bound);
	if (room) {
		z.next_out = (unsigned char *)room;
		z.avail_out = (unsigned)bound;
		status = deflate(&z, Z_FINISH);
		if (status == Z_STREAM_END)
			out->n += z.total_out;
		else
			room = NULL;
	}
	deflateEnd(&z);
	return room != NULL;
}

/* --- the mail --- */

/* What a header field or a file's name may hold of a text that should be a domain or an address. */
static void add_plain(struct buf *out, struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		buf_add_byte(out,
			     t.p[i] > ' ' && t.p[i] < 0x7f && t.p[i] != '"' && t.p[i] != '\\' ? t.p[i] : '?');
}

void dmarc_report_file_name(struct buf *out, struct text receiver, struct text domain, int64_t begin,
			    int64_t end, struct text unique)
{
	add_plain(out, receiver);
	buf_add_byte(out, '!');
	add_plain(out, domain);
	buf_printf(out, "!%lld!%lld", (long long)begin, (long long)end);
	if (unique.n > 0) {
		buf_add_byte(out, '!');
		add_plain(out, unique);
	}
	buf_add_cstr(out, ".xml.gz");
}

static void add_field(struct buf *out, const char *name, const char *before, struct text value,
		      const char *behind)
{
	buf_printf(out, "%s: %s", name, before);
	add_plain(out, value);
	buf_printf(out, "%s\r\n", behind);
}

/* dmarc-subject, folded: rfc9990 3.5.2 */
static void add_header(struct buf *out, const struct dmarc_report_mail *mail)
{
	char date[CLOCK_RFC5322_SIZE];

	clock_print_rfc5322(mail->now * 1000, date);
	add_field(out, "From", "<", mail->from, ">");
	add_field(out, "To", "<", mail->to, ">");
	add_field(out, "Subject", "Report Domain: ", mail->domain, "");
	out->n -= 2;
	buf_add_cstr(out, "\r\n Submitter: ");
	add_plain(out, mail->receiver);
	buf_add_cstr(out, "\r\n Report-ID: <");
	add_plain(out, mail->report_id);
	buf_printf(out, ">\r\nDate: %s\r\n", date);
	add_field(out, "Message-ID", "<", mail->message_id, ">");
	buf_add_cstr(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
	add_field(out, "Content-Type", "multipart/mixed; boundary=\"", mail->boundary, "\"");
	buf_add_cstr(out, "\r\n");
}

static void add_delimiter(struct buf *out, const struct dmarc_report_mail *mail, const char *behind)
{
	buf_add_cstr(out, "--");
	add_plain(out, mail->boundary);
	buf_printf(out, "%s\r\n", behind);
}

static void add_text_part(struct buf *out, const struct dmarc_report_mail *mail)
{
	char begin[CLOCK_RFC5322_SIZE], end[CLOCK_RFC5322_SIZE];

	clock_print_rfc5322(mail->begin * 1000, begin);
	clock_print_rfc5322(mail->end * 1000, end);
	add_delimiter(out, mail, "");
	buf_add_cstr(out,
		     "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
		     "This is a DMARC aggregate report (RFC 9990): what was received in the name of\r\n");
	add_plain(out, mail->domain);
	buf_printf(out,
		   "\r\nfrom %s\r\nto   %s.\r\n\r\nIt is meant for programs and is the attached file.\r\n",
		   begin, end);
	buf_add_cstr(out, "Sent by ");
	for (size_t i = 0; i < mail->organization.n && i < 64; i++) {
		char c = mail->organization.p[i];
		buf_add_byte(out, c >= ' ' && c < 0x7f ? c : '?');
	}
	buf_add_cstr(out, ".\r\n\r\n");
}

bool dmarc_report_mail_write(const struct dmarc_report_mail *mail, struct buf *out)
{
	struct buf name;

	buf_init(&name, 1024);
	dmarc_report_file_name(&name, mail->receiver, mail->domain, mail->begin, mail->end, mail->unique);
	add_header(out, mail);
	add_text_part(out, mail);
	add_delimiter(out, mail, "");
	buf_printf(out,
		   "Content-Type: application/gzip\r\nContent-Transfer-Encoding: base64\r\n"
		   "Content-Disposition: attachment;\r\n filename=\"%s\"\r\n\r\n",
		   buf_cstr(&name));
	buf_done(&name);
	base64_encode(mail->gzip, true, out);
	add_delimiter(out, mail, "--");
	return !out->overflow;
}
