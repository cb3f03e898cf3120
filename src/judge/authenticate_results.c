/* SPDX-License-Identifier: Apache-2.0
 *
 * Which property of which method a finding is. Called by whoever prints or sends a report. The values are a
 * stranger's bytes: auth_results.c, which writes the field, sees to it that they stay values. Properties and
 * their types are those of IANA's "Email Authentication Methods".
 */
#include "judge/authenticate_results.h"

#include "proto/auth_results.h"

/* An empty value adds nothing. */
static void add_property(struct authenticate_method *m, const char *ptype, const char *property,
			 struct text value)
{
	if (value.n == 0 || m->n_properties == AUTHENTICATE_PROPERTIES_MAX)
		return;
	m->properties[m->n_properties++] = (struct authenticate_property){ ptype, property, value };
}

static struct text print_address(const struct addr *a, struct arena *arena)
{
	char printed[ADDR_TEXT_SIZE];
	struct text kept = { NULL, 0 };

	addr_print(a, printed);
	arena_copy(arena, text_from_cstr(printed), &kept);
	return kept;
}

static struct text print_number(unsigned number, struct arena *arena)
{
	struct text kept = { NULL, 0 };
	struct buf digits;

	buf_init(&digits, 24);
	buf_add_number(&digits, number);
	arena_copy(arena, buf_text(&digits), &kept);
	buf_done(&digits);
	return kept;
}

/* rfc8601 2.7.3 */
static void list_iprev(const struct authenticate_report *report, struct arena *arena,
		       struct authenticate_method *m)
{
	*m = (struct authenticate_method){ .method = "iprev", .result = report->iprev.result };
	m->reason = text_from_cstr(report->iprev.reason);
	add_property(m, "policy", "iprev", print_address(&report->spf_query[SPF_HELO].client, arena));
}

/* A mailbox with its local part as it is meant: quotes are for whoever writes it. rfc5321 4.1.2 */
static struct text unquote(struct text mailbox, struct arena *arena)
{
	size_t at = text_find_last_byte(mailbox, '@'), n = 0;
	char *p;

	if (at == SIZE_MAX || at < 2 || mailbox.p[0] != '"' || mailbox.p[at - 1] != '"')
		return mailbox;
	p = arena_alloc(arena, mailbox.n);
	for (size_t i = 1; p && i < mailbox.n; i++) {
		if (i == at - 1)
			continue;
		if (i < at && mailbox.p[i] == '\\' && i + 1 < at - 1)
			i++;
		p[n++] = mailbox.p[i];
	}
	return text_from_bytes(p, n);
}

/* rfc8601 2.7.2 */
static void list_spf(const struct authenticate_report *report, enum spf_identity identity,
		     struct arena *arena, struct authenticate_method *m)
{
	const struct spf_result *spf = &report->spf[identity];
	const struct spf_query *query = &report->spf_query[identity];
	struct text value = identity == SPF_HELO ? query->helo
			    : query->mail_from.n ? query->mail_from
						 : spf->sender;
	struct buf reason;

	*m = (struct authenticate_method){ .method = "spf", .result = spf->result, .index = identity };
	buf_init(&reason, 1024);
	buf_add_cstr(&reason, spf_problem_text(spf->problem));
	if (spf->problem_at.n)
		buf_printf(&reason, ": %.*s", TEXT_ARGS(text_slice(spf->problem_at, 0, 512)));
	arena_copy(arena, buf_text(&reason), &m->reason);
	buf_done(&reason);
	add_property(m, "smtp", spf_identity_word(identity), unquote(value, arena));
}

/* rfc8601 2.7.1 */
static void list_dkim(const struct dkim_result *dkim, size_t index, struct authenticate_method *m)
{
	*m = (struct authenticate_method){ .method = "dkim", .result = dkim->result, .index = index };
	if (dkim->reason)
		m->reason = text_from_cstr(dkim_reason_text(dkim->reason));
	add_property(m, "header", "d", dkim->domain);
	add_property(m, "header", "i", dkim->identity);
	add_property(m, "header", "s", dkim->selector);
	add_property(m, "header", "a", text_from_cstr(dkim->algorithm_word));
	add_property(m, "header", "b", dkim->b);
}

/* rfc8617 10.2 */
static void list_arc(const struct authenticate_report *report, struct arena *arena,
		     struct authenticate_method *m)
{
	const struct arc_report *arc = &report->arc;

	*m = (struct authenticate_method){ .method = "arc", .result = arc->result };
	if (arc->reason)
		m->reason = text_from_cstr(arc_reason_text(arc->reason));
	if (arc->result == AUTH_PASS)
		add_property(m, "header", "oldest-pass", print_number(arc->oldest_pass, arena));
	if (arc->result != AUTH_NONE && report->has_iprev)
		add_property(m, "smtp", "remote-ip",
			     print_address(&report->spf_query[SPF_HELO].client, arena));
}

/* What the owner asks for a message that fails, with t=y taken into account; of one that failed, what is left
 * of it after all overrides. rfc9989 9.1 */
static enum dmarc_policy effective_policy(const struct dmarc_result *dmarc)
{
	if (dmarc->result == AUTH_FAIL)
		return dmarc->applied;
	return dmarc->record.is_testing && dmarc->published > DMARC_NONE ? dmarc->published - 1
									 : dmarc->published;
}

/* rfc9989 9.1 */
static void list_dmarc(const struct dmarc_result *dmarc, struct authenticate_method *m)
{
	*m = (struct authenticate_method){ .method = "dmarc", .result = dmarc->result };
	m->reason = text_from_cstr(dmarc->reason);
	add_property(m, "header", "from", dmarc->domain);
	if (!dmarc->tag)
		return;
	add_property(m, "policy", "dmarc", text_from_cstr(dmarc_policy_word(effective_policy(dmarc))));
}

static size_t list_message(const struct authenticate_report *report, struct arena *arena,
			   struct authenticate_method *m)
{
	static const struct dkim_result no_signature = { .result = AUTH_NONE };
	size_t n = 0;

	for (size_t i = 0; i < report->dkim.n; i++)
		list_dkim(&report->dkim.signatures[i], i, &m[n++]);
	if (n == 0) {
		list_dkim(&no_signature, 0, &m[n]);
		m[n++].result = report->dkim.result;
	}
	list_arc(report, arena, &m[n++]);
	list_dmarc(&report->dmarc, &m[n++]);
	return n;
}

bool authenticate_list_methods(const struct authenticate_report *report, struct arena *arena,
			       struct authenticate_method **ret_methods, size_t *ret_n)
{
	size_t max = report->dkim.n + 8, n = 0;
	struct authenticate_method *methods = arena_alloc(arena, max * sizeof *methods);

	*ret_methods = methods;
	*ret_n = 0;
	if (!methods)
		return false;
	if (report->has_iprev)
		list_iprev(report, arena, &methods[n++]);
	for (enum spf_identity identity = SPF_HELO; identity <= SPF_MAILFROM; identity++)
		if (report->has_spf[identity])
			list_spf(report, identity, arena, &methods[n++]);
	if (report->has_message)
		n += list_message(report, arena, &methods[n]);
	*ret_n = n;
	return true;
}

void authenticate_print_results(const struct authenticate_method *methods, size_t n, struct text authserv_id,
				struct buf *out)
{
	struct auth_results_writer w;

	auth_results_begin(&w, out, "Authentication-Results", 0, authserv_id);
	for (size_t i = 0; i < n; i++) {
		const struct authenticate_method *m = &methods[i];
		auth_results_add_method(&w, m->method, m->result);
		auth_results_add_reason(&w, m->reason);
		for (size_t k = 0; k < m->n_properties; k++)
			auth_results_add_property(&w, m->properties[k].ptype, m->properties[k].property,
						  m->properties[k].value);
	}
	auth_results_end(&w);
}
