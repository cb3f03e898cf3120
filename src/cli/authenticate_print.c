/* SPDX-License-Identifier: Apache-2.0
 *
 * The report of `postern authenticate`, as JSON and for people. Called by authenticate.c. Every text of the
 * message and of the DNS is a stranger's: the writer of JSON and buf_add_escaped keep it from meaning
 * anything to a terminal.
 */
#include "cli/authenticate.h"
#include "judge/authenticate_results.h"
#include "proto/spf_header.h"

/* ---- JSON ---- */

static void add_spf(const struct spf_result *spf, enum spf_identity identity, struct json_writer *w)
{
	json_key_cstr(w, "identity", spf_identity_word(identity));
	json_key_text(w, "domain", spf->domain);
	json_key_text(w, "mechanism", spf->mechanism);
	json_key_text(w, "record_owner", spf->record_owner);
	json_key_text(w, "explanation", spf->explanation);
	json_key_number(w, "lookups", spf->lookups);
	json_key_number(w, "void_lookups", spf->void_lookups);
}

static void add_dkim(const struct dkim_report *report, size_t index, struct json_writer *w)
{
	const struct dkim_result *dkim;

	if (index >= report->n)
		return;
	dkim = &report->signatures[index];
	json_key_cstr(w, "reason_word", dkim_reason_word(dkim->reason));
	json_key_number(w, "key_bits", dkim->key_bits);
	json_key_bool(w, "testing", dkim->is_testing);
	json_key_bool(w, "secure", dkim->is_secure);
	if (dkim->has_length)
		json_key_number(w, "length", (int64_t)dkim->length);
}

static void add_arc(const struct authenticate_report *report, struct json_writer *w)
{
	json_key_cstr(w, "cv", arc_cv_word(report->arc.cv));
	json_key_cstr(w, "reason_word", arc_reason_word(report->arc.reason));
	json_key_number(w, "instances", report->arc.n);
	json_key_number(w, "failed_instance", report->arc.failed);
	json_key_number(w, "trusted_from", report->arc_trusted);
	json_key_array(w, "sealers");
	for (unsigned i = 0; report->arc.sets && i < report->arc.n; i++)
		json_text(w, report->arc.sets[i].sealer);
	json_close(w);
}

static void add_dmarc(const struct dmarc_result *dmarc, struct json_writer *w)
{
	json_key_text(w, "policy_domain", dmarc->policy_domain);
	json_key_cstr(w, "policy_tag", dmarc->tag);
	json_key_cstr(w, "policy_published", dmarc->tag ? dmarc_policy_word(dmarc->published) : NULL);
	json_key_cstr(w, "policy_applied", dmarc_policy_word(dmarc->applied));
	json_key_text(w, "organization", dmarc->organization);
	json_key_cstr(w, "discovery", dmarc_discovery_word(dmarc->discovery));
	json_key_bool(w, "spf_aligned", dmarc->is_spf_aligned);
	json_key_bool(w, "dkim_aligned", dmarc->is_dkim_aligned);
	json_key_array(w, "overrides");
	for (size_t i = 0; i < dmarc->n_overrides; i++) {
		json_open_object(w);
		json_key_cstr(w, "type", dmarc_override_word(dmarc->overrides[i].type));
		json_key_text(w, "comment", dmarc->overrides[i].comment);
		json_close(w);
	}
	json_close(w);
}

/* Its words are more than those of the other methods. */
static void add_bimi(const struct bimi_result *bimi, struct json_writer *w)
{
	json_open_object(w);
	json_key_cstr(w, "method", "bimi");
	json_key_cstr(w, "result", bimi_status_word(bimi->status));
	json_key_text(w, "reason", text_from_cstr(bimi->reason));
	json_key_object(w, "properties");
	json_key_text(w, "header.d", bimi->domain);
	json_key_text(w, "header.selector", bimi->selector);
	json_close(w);
	json_key_text(w, "location", bimi->record.location);
	json_key_text(w, "authority", bimi->record.authority);
	json_close(w);
}

static void add_method(const struct authenticate_report *report, const struct authenticate_method *m,
		       struct json_writer *w)
{
	char name[64];

	json_open_object(w);
	json_key_cstr(w, "method", m->method);
	json_key_cstr(w, "result", auth_result_word(m->result));
	json_key_text(w, "reason", m->reason);
	json_key_object(w, "properties");
	for (size_t i = 0; i < m->n_properties; i++) {
		snprintf(name, sizeof name, "%s.%s", m->properties[i].ptype, m->properties[i].property);
		json_key_text(w, name, m->properties[i].value);
	}
	json_close(w);
	if (strcmp(m->method, "spf") == 0)
		add_spf(&report->spf[m->index], (enum spf_identity)m->index, w);
	else if (strcmp(m->method, "iprev") == 0)
		json_key_text(w, "name", report->iprev.name);
	else if (strcmp(m->method, "dkim") == 0)
		add_dkim(&report->dkim, m->index, w);
	else if (strcmp(m->method, "arc") == 0)
		add_arc(report, w);
	else if (strcmp(m->method, "dmarc") == 0)
		add_dmarc(&report->dmarc, w);
	json_close(w);
}

/* One word for each method. */
static void add_results(const struct authenticate_report *report, struct json_writer *w)
{
	json_key_object(w, "results");
	if (report->has_iprev)
		json_key_cstr(w, "iprev", auth_result_word(report->iprev.result));
	if (report->has_spf[SPF_HELO])
		json_key_cstr(w, "spf.helo", auth_result_word(report->spf[SPF_HELO].result));
	if (report->has_spf[SPF_MAILFROM])
		json_key_cstr(w, "spf.mailfrom", auth_result_word(report->spf[SPF_MAILFROM].result));
	if (report->has_message) {
		json_key_cstr(w, "dkim", auth_result_word(report->dkim.result));
		json_key_cstr(w, "arc", auth_result_word(report->arc.result));
		json_key_cstr(w, "dmarc", auth_result_word(report->dmarc.result));
		json_key_cstr(w, "bimi", bimi_status_word(report->bimi.status));
	}
	json_close(w);
}

static void add_headers(const struct authenticate_case *c, const struct authenticate_report *report,
			const struct authenticate_method *methods, size_t n, struct json_writer *w)
{
	struct buf field;

	buf_init(&field, 1 << 20);
	authenticate_print_results(methods, n, c->input.receiver, &field);
	json_key_text(w, "authentication_results", text_trim(buf_text(&field)));
	json_key_array(w, "received_spf");
	for (enum spf_identity identity = SPF_HELO; identity <= SPF_MAILFROM; identity++) {
		if (!report->has_spf[identity])
			continue;
		buf_reset(&field);
		spf_header_print(&report->spf_query[identity], &report->spf[identity], &field);
		json_text(w, text_trim(buf_text(&field)));
	}
	json_close(w);
	buf_done(&field);
}

void authenticate_print_json(const struct authenticate_case *c, const struct authenticate_report *report,
			     const struct dns_recorder *dns, struct json_writer *w)
{
	struct authenticate_method *methods;
	struct arena arena;
	size_t n;

	arena_init(&arena, (size_t)1 << 22);
	authenticate_list_methods(report, &arena, &methods, &n);
	json_open_object(w);
	if (c->has_number)
		json_key_number(w, "id", c->number);
	else if (c->id.p)
		json_key_text(w, "id", c->id);
	add_results(report, w);
	json_key_array(w, "methods");
	for (size_t i = 0; i < n; i++)
		add_method(report, &methods[i], w);
	if (report->has_message)
		add_bimi(&report->bimi, w);
	json_close(w);
	add_headers(c, report, methods, n, w);
	json_key(w, "dns");
	dns_recorder_json(dns, w);
	if (c->n_unknown) {
		json_key_array(w, "unknown_keys");
		for (size_t i = 0; i < c->n_unknown; i++)
			json_text(w, c->unknown[i]);
		json_close(w);
	}
	json_close(w);
	arena_reset(&arena);
}

/* ---- for people ---- */

static void print_method(const struct authenticate_report *report, const struct authenticate_method *m,
			 struct buf *out)
{
	buf_printf(out, "%-6s %s", m->method, auth_result_word(m->result));
	for (size_t i = 0; i < m->n_properties; i++) {
		buf_printf(out, "  %s.%s=", m->properties[i].ptype, m->properties[i].property);
		buf_add_escaped(out, m->properties[i].value);
	}
	buf_add_byte(out, '\n');
	if (m->reason.n) {
		buf_add_cstr(out, "       ");
		buf_add_escaped(out, m->reason);
		buf_add_byte(out, '\n');
	}
	if (strcmp(m->method, "spf") != 0)
		return;
	if (report->spf[m->index].mechanism.n) {
		buf_add_cstr(out, "       by \"");
		buf_add_escaped(out, report->spf[m->index].mechanism);
		buf_add_cstr(out, "\" of ");
		buf_add_escaped(out, report->spf[m->index].record_owner);
		buf_add_byte(out, '\n');
	}
	if (report->spf[m->index].explanation.n) {
		buf_add_cstr(out, "       its owner says: ");
		buf_add_escaped(out, report->spf[m->index].explanation);
		buf_add_byte(out, '\n');
	}
}

void authenticate_print_text(const struct authenticate_case *c, const struct authenticate_report *report,
			     const struct dns_recorder *dns, struct buf *out)
{
	struct authenticate_method *methods;
	struct arena arena;
	size_t n;

	(void)c;
	arena_init(&arena, (size_t)1 << 22);
	authenticate_list_methods(report, &arena, &methods, &n);
	for (size_t i = 0; i < n; i++)
		print_method(report, &methods[i], out);
	if (report->has_message)
		buf_printf(out, "bimi   %s\n", bimi_status_word(report->bimi.status));
	buf_printf(out, "\nDNS, %zu questions:\n", dns->n + dns->n_left_out);
	dns_recorder_print(dns, out);
	arena_reset(&arena);
}
