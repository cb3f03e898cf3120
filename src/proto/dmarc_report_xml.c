/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the XML of an aggregate report. Called with what strangers sent, piece by piece; Expat finds the
 * elements, this file knows what they mean. It trusts nothing: no document type, so no entity but the five of
 * XML, and no byte is fetched from anywhere.
 *
 * An element is known by its path from the root, "record/row/source_ip"; one table has all that are read.
 * What is in no row is passed over with all it holds, so that newer and older reports are read alike.
 * Elements of foreign namespaces have a path that no row has.
 *
 * Invariants:
 * 1. Parsing stops with the first trouble, and keeps it.
 * 2. `record` is the one that is being read; it is in the report's list only when its element has ended.
 * 3. The path has at most PATH_BYTES_MAX bytes: deeper or longer names are the trouble DEPTH.
 */
#include "proto/dmarc_report.h"

#include "base/ensure.h"

#include <expat.h>
#include <stdlib.h>

#define PATH_BYTES_MAX 512
#define NAMESPACE_SIGN '\x1f'
/* Without a single event of Expat's: a comment or a tag that long would be read anew with each piece. */
#define SILENT_BYTES_MAX 262144

struct dmarc_report_reader {
	XML_Parser parser;
	const struct dmarc_report_limits *limits;
	struct arena *arena;
	struct dmarc_report *report;
	enum dmarc_report_trouble trouble;
	struct buf path; /* of the element that is open, without the root */
	unsigned depth;
	size_t n_elements, n_bytes;
	size_t heard_at; /* n_bytes when Expat last said something */
	struct buf text; /* of the innermost element that is open */
	struct dmarc_report_record *record;
	struct dmarc_report_reason *reason;
	struct dmarc_report_auth *auth;
	struct dmarc_report_error **last_error; /* where the next of each list goes */
	struct dmarc_report_record **last_record;
	struct dmarc_report_reason **last_reason;
	struct dmarc_report_auth **last_dkim, **last_spf;
};

static void stop(struct dmarc_report_reader *r, enum dmarc_report_trouble trouble)
{
	if (r->trouble == DMARC_REPORT_FINE) {
		r->trouble = trouble;
		XML_StopParser(r->parser, XML_FALSE);
	}
}

/* --- values --- */

static void *make(struct dmarc_report_reader *r, size_t n)
{
	void *p = arena_alloc(r->arena, n);

	if (p == NULL)
		stop(r, DMARC_REPORT_MEMORY);
	return p;
}

static struct text value(struct dmarc_report_reader *r)
{
	struct text copy = { 0 };

	if (!arena_copy(r->arena, text_trim(buf_text(&r->text)), &copy))
		stop(r, DMARC_REPORT_MEMORY);
	return copy;
}

static uint64_t number(struct dmarc_report_reader *r, uint64_t max)
{
	uint64_t n = 0;

	/* Some write "1669507200.0". */
	struct text t = text_trim(buf_text(&r->text));
	t.n = text_find_byte(t, '.');
	return text_parse_u64(t, max, &n) ? n : 0;
}

static enum dmarc_report_disposition disposition(struct dmarc_report_reader *r)
{
	struct text word = text_trim(buf_text(&r->text));
	enum dmarc_policy policy;

	if (dmarc_policy_parse(word, &policy))
		return policy == DMARC_NONE         ? DMARC_REPORT_NONE
		       : policy == DMARC_QUARANTINE ? DMARC_REPORT_QUARANTINE
						    : DMARC_REPORT_REJECT;
	if (text_is_cstr_nocase(word, "pass"))
		return DMARC_REPORT_PASS;
	return word.n ? DMARC_REPORT_UNKNOWN : DMARC_REPORT_ABSENT;
}

/* The word's only letter, if it is one of the two. */
static char letter(struct dmarc_report_reader *r, char one, char other)
{
	struct text word = text_trim(buf_text(&r->text));
	char c = word.n == 1 ? text_lower_byte(word.p[0]) : '\0';

	return c == one || c == other ? c : '\0';
}

/* --- what stands in an element --- */

static void end_version(struct dmarc_report_reader *r)
{
	r->report->version = value(r);
}

static void end_org_name(struct dmarc_report_reader *r)
{
	r->report->org_name = value(r);
}

static void end_email(struct dmarc_report_reader *r)
{
	r->report->email = value(r);
}

static void end_contact(struct dmarc_report_reader *r)
{
	r->report->extra_contact_info = value(r);
}

static void end_report_id(struct dmarc_report_reader *r)
{
	r->report->report_id = value(r);
}

static void end_generator(struct dmarc_report_reader *r)
{
	r->report->generator = value(r);
}

static void end_begin(struct dmarc_report_reader *r)
{
	r->report->begin = (int64_t)number(r, INT64_MAX);
}

static void end_end(struct dmarc_report_reader *r)
{
	r->report->end = (int64_t)number(r, INT64_MAX);
}

static void end_error(struct dmarc_report_reader *r)
{
	struct dmarc_report_error *error = make(r, sizeof *error);

	if (error == NULL)
		return;
	error->text = value(r);
	*r->last_error = error;
	r->last_error = &error->next;
}

static void end_domain(struct dmarc_report_reader *r)
{
	r->report->policy.domain = value(r);
}

static void end_discovery(struct dmarc_report_reader *r)
{
	r->report->policy.discovery_method = value(r);
}

static void end_p(struct dmarc_report_reader *r)
{
	r->report->policy.p = disposition(r);
}

static void end_sp(struct dmarc_report_reader *r)
{
	r->report->policy.sp = disposition(r);
}

static void end_np(struct dmarc_report_reader *r)
{
	r->report->policy.np = disposition(r);
}

static void end_adkim(struct dmarc_report_reader *r)
{
	r->report->policy.adkim = letter(r, 'r', 's');
}

static void end_aspf(struct dmarc_report_reader *r)
{
	r->report->policy.aspf = letter(r, 'r', 's');
}

static void end_testing(struct dmarc_report_reader *r)
{
	r->report->policy.testing = letter(r, 'y', 'n');
}

static void end_fo(struct dmarc_report_reader *r)
{
	r->report->policy.fo = value(r);
}

/* --- what stands in a record: r->record is there --- */

static void end_source_ip(struct dmarc_report_reader *r)
{
	r->record->source_ip = value(r);
}

static void end_count(struct dmarc_report_reader *r)
{
	r->record->count = number(r, UINT64_MAX);
}

static void end_disposition(struct dmarc_report_reader *r)
{
	r->record->disposition = disposition(r);
}

static void end_aligned_dkim(struct dmarc_report_reader *r)
{
	r->record->has_dkim = true;
	r->record->is_dkim_aligned = text_is_cstr_nocase(text_trim(buf_text(&r->text)), "pass");
}

static void end_aligned_spf(struct dmarc_report_reader *r)
{
	r->record->has_spf = true;
	r->record->is_spf_aligned = text_is_cstr_nocase(text_trim(buf_text(&r->text)), "pass");
}

static void begin_reason(struct dmarc_report_reader *r)
{
	r->reason = make(r, sizeof *r->reason);
	*r->last_reason = r->reason;
	if (r->reason)
		r->last_reason = &r->reason->next;
}

static void end_reason_type(struct dmarc_report_reader *r)
{
	if (r->reason)
		r->reason->type = value(r);
}

static void end_reason_comment(struct dmarc_report_reader *r)
{
	if (r->reason)
		r->reason->comment = value(r);
}

static void end_header_from(struct dmarc_report_reader *r)
{
	r->record->header_from = value(r);
}

static void end_envelope_from(struct dmarc_report_reader *r)
{
	r->record->has_envelope_from = true;
	r->record->envelope_from = value(r);
}

static void end_envelope_to(struct dmarc_report_reader *r)
{
	r->record->envelope_to = value(r);
}

static void begin_auth(struct dmarc_report_reader *r, struct dmarc_report_auth ***last)
{
	r->auth = make(r, sizeof *r->auth);
	**last = r->auth;
	if (r->auth)
		*last = &r->auth->next;
}

static void begin_dkim(struct dmarc_report_reader *r)
{
	begin_auth(r, &r->last_dkim);
}

static void begin_spf(struct dmarc_report_reader *r)
{
	begin_auth(r, &r->last_spf);
}

static void end_auth_domain(struct dmarc_report_reader *r)
{
	if (r->auth)
		r->auth->domain = value(r);
}

static void end_auth_selector(struct dmarc_report_reader *r)
{
	if (r->auth)
		r->auth->selector = value(r);
}

static void end_auth_scope(struct dmarc_report_reader *r)
{
	if (r->auth)
		r->auth->scope = value(r);
}

static void end_auth_result(struct dmarc_report_reader *r)
{
	if (r->auth)
		r->auth->result = value(r);
}

static void end_auth_human(struct dmarc_report_reader *r)
{
	if (r->auth)
		r->auth->human_result = value(r);
}

static void begin_record(struct dmarc_report_reader *r)
{
	if (r->report->n_records == r->limits->records) {
		stop(r, DMARC_REPORT_RECORDS);
		return;
	}
	r->record = make(r, sizeof *r->record);
	if (r->record == NULL)
		return;
	r->last_reason = &r->record->reasons;
	r->last_dkim = &r->record->dkim;
	r->last_spf = &r->record->spf;
}

static void end_record(struct dmarc_report_reader *r)
{
	struct dmarc_report *report = r->report;

	*r->last_record = r->record;
	r->last_record = &r->record->next;
	report->n_records++;
	if (report->n_messages > UINT64_MAX - r->record->count)
		report->n_messages = UINT64_MAX;
	else
		report->n_messages += r->record->count;
	r->record = NULL;
	r->auth = NULL;
	r->reason = NULL;
}

/* --- the table --- */

/* rfc9990 3.1.1.2 to 3.1.1.14. A row that begins with "record" and is longer is asked only within one. */
static const struct element {
	struct text path;
	void (*begin)(struct dmarc_report_reader *r);
	void (*end)(struct dmarc_report_reader *r);
} elements[] = {
	{ TEXT("version"), NULL, end_version },
	{ TEXT("report_metadata/org_name"), NULL, end_org_name },
	{ TEXT("report_metadata/email"), NULL, end_email },
	{ TEXT("report_metadata/extra_contact_info"), NULL, end_contact },
	{ TEXT("report_metadata/report_id"), NULL, end_report_id },
	{ TEXT("report_metadata/generator"), NULL, end_generator },
	{ TEXT("report_metadata/error"), NULL, end_error },
	{ TEXT("report_metadata/date_range/begin"), NULL, end_begin },
	{ TEXT("report_metadata/date_range/end"), NULL, end_end },
	{ TEXT("policy_published/domain"), NULL, end_domain },
	{ TEXT("policy_published/discovery_method"), NULL, end_discovery },
	{ TEXT("policy_published/p"), NULL, end_p },
	{ TEXT("policy_published/sp"), NULL, end_sp },
	{ TEXT("policy_published/np"), NULL, end_np },
	{ TEXT("policy_published/adkim"), NULL, end_adkim },
	{ TEXT("policy_published/aspf"), NULL, end_aspf },
	{ TEXT("policy_published/testing"), NULL, end_testing },
	{ TEXT("policy_published/fo"), NULL, end_fo },
	{ TEXT("record"), begin_record, end_record },
	{ TEXT("record/row/source_ip"), NULL, end_source_ip },
	{ TEXT("record/row/count"), NULL, end_count },
	{ TEXT("record/row/policy_evaluated/disposition"), NULL, end_disposition },
	{ TEXT("record/row/policy_evaluated/dkim"), NULL, end_aligned_dkim },
	{ TEXT("record/row/policy_evaluated/spf"), NULL, end_aligned_spf },
	{ TEXT("record/row/policy_evaluated/reason"), begin_reason, NULL },
	{ TEXT("record/row/policy_evaluated/reason/type"), NULL, end_reason_type },
	{ TEXT("record/row/policy_evaluated/reason/comment"), NULL, end_reason_comment },
	{ TEXT("record/identifiers/header_from"), NULL, end_header_from },
	{ TEXT("record/identifiers/envelope_from"), NULL, end_envelope_from },
	{ TEXT("record/identifiers/envelope_to"), NULL, end_envelope_to },
	{ TEXT("record/auth_results/dkim"), begin_dkim, NULL },
	{ TEXT("record/auth_results/dkim/domain"), NULL, end_auth_domain },
	{ TEXT("record/auth_results/dkim/selector"), NULL, end_auth_selector },
	{ TEXT("record/auth_results/dkim/result"), NULL, end_auth_result },
	{ TEXT("record/auth_results/dkim/human_result"), NULL, end_auth_human },
	{ TEXT("record/auth_results/spf"), begin_spf, NULL },
	{ TEXT("record/auth_results/spf/domain"), NULL, end_auth_domain },
	{ TEXT("record/auth_results/spf/scope"), NULL, end_auth_scope },
	{ TEXT("record/auth_results/spf/result"), NULL, end_auth_result },
	{ TEXT("record/auth_results/spf/human_result"), NULL, end_auth_human },
};

static const struct element *find_element(const struct dmarc_report_reader *r)
{
	struct text path = buf_text(&r->path);

	for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
		if (text_is_equal(elements[i].path, path))
			return &elements[i];
	return NULL;
}

/* --- Expat's events --- */

/* The name without its namespace; of a foreign one "?", which is in no path. Reports have the namespace of
 * the standard, one of its drafts, or none. */
static struct text local_name(const char *name)
{
	struct text all = text_from_cstr(name), ns, local;

	if (!text_cut(all, NAMESPACE_SIGN, &ns, &local))
		return all;
	if (text_find_nocase(ns, text_from_cstr("dmarc")) != SIZE_MAX)
		return local;
	return text_from_cstr("?");
}

static void on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
	struct dmarc_report_reader *r = user;
	struct text local = local_name(name);
	const struct element *element;

	(void)attributes;
	r->heard_at = r->n_bytes;
	buf_reset(&r->text);
	if (r->depth == 0 && !text_is_cstr(local, "feedback"))
		stop(r, DMARC_REPORT_ROOT);
	if (r->n_elements++ == r->limits->elements)
		stop(r, DMARC_REPORT_ELEMENTS);
	if (r->depth++ == 0 || r->trouble)
		return;
	if (r->path.n > 0)
		buf_add_byte(&r->path, '/');
	buf_add(&r->path, local);
	if (r->depth > r->limits->depth || r->path.overflow) {
		stop(r, DMARC_REPORT_DEPTH);
		return;
	}
	element = find_element(r);
	if (element && element->begin)
		element->begin(r);
}

static void on_end(void *user, const XML_Char *name)
{
	struct dmarc_report_reader *r = user;
	const struct element *element = find_element(r);
	size_t cut;

	(void)name;
	r->heard_at = r->n_bytes;
	if (r->trouble)
		return;
	if (element && element->end)
		element->end(r);
	buf_reset(&r->text);
	r->depth--;
	cut = text_find_last_byte(buf_text(&r->path), '/');
	r->path.n = cut == SIZE_MAX ? 0 : cut;
}

static void on_text(void *user, const XML_Char *bytes, int n)
{
	struct dmarc_report_reader *r = user;

	r->heard_at = r->n_bytes;
	if (!buf_add(&r->text, text_from_bytes(bytes, (size_t)n)))
		stop(r, DMARC_REPORT_TEXT_BYTES);
}

/* Comments, instructions and the like. With this handler set Expat expands no entity either. */
static void on_other(void *user, const XML_Char *bytes, int n)
{
	struct dmarc_report_reader *r = user;

	(void)bytes;
	(void)n;
	r->heard_at = r->n_bytes;
}

static void on_doctype(void *user, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id,
		       int has_internal_subset)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal_subset;
	stop(user, DMARC_REPORT_DOCTYPE);
}

/* --- the reader --- */

struct dmarc_report_reader *dmarc_report_reader_new(const struct dmarc_report_limits *limits,
						    struct arena *arena, struct dmarc_report *report)
{
	struct dmarc_report_reader *r = mem_zalloc(1, sizeof *r);

	*report = (struct dmarc_report){ 0 };
	r->limits = limits;
	r->arena = arena;
	r->report = report;
	r->last_error = &report->errors;
	r->last_record = &report->records;
	buf_init(&r->path, PATH_BYTES_MAX);
	buf_init(&r->text, limits->text_bytes);
	r->parser = XML_ParserCreateNS(NULL, NAMESPACE_SIGN);
	ASSERT(r->parser);
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetCharacterDataHandler(r->parser, on_text);
	XML_SetDefaultHandler(r->parser, on_other);
	XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
	return r;
}

void dmarc_report_reader_free(struct dmarc_report_reader *r)
{
	XML_ParserFree(r->parser);
	buf_done(&r->path);
	buf_done(&r->text);
	free(r);
}

/* Blanks before the declaration are not XML, but are sent. */
static struct text skip_blanks(struct text t)
{
	while (t.n > 0 && strchr(" \t\r\n", t.p[0]) && t.p[0] != '\0')
		t = text_skip(t, 1);
	return t;
}

enum dmarc_report_trouble dmarc_report_reader_feed(struct dmarc_report_reader *r, struct text piece,
						   bool is_last)
{
	if (r->n_bytes == 0)
		piece = skip_blanks(piece);
	if (r->trouble == DMARC_REPORT_FINE && piece.n > r->limits->xml_bytes - r->n_bytes)
		r->trouble = DMARC_REPORT_XML_BYTES;
	if (r->trouble)
		return r->trouble;
	r->n_bytes += piece.n;
	if (XML_Parse(r->parser, piece.p, (int)piece.n, is_last) == XML_STATUS_ERROR &&
	    r->trouble == DMARC_REPORT_FINE)
		r->trouble = XML_GetErrorCode(r->parser) == XML_ERROR_NO_MEMORY ? DMARC_REPORT_MEMORY
										: DMARC_REPORT_XML;
	if (r->trouble == DMARC_REPORT_FINE && r->n_bytes - r->heard_at > SILENT_BYTES_MAX)
		r->trouble = DMARC_REPORT_TEXT_BYTES;
	return r->trouble;
}
