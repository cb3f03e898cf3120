/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of who sent a message, row by row, for an administrator: `postern queue show`. Called by
 * admin.c. The values are strangers' bytes; the command line prints them escaped.
 */
#include "proto/auth_result.h"
#include "proto/spf.h"
#include "roles/queue/origin.h"

#include <string.h>

struct show {
	origin_row_function *row;
	void *arg;
	struct buf detail;
};

static const char *const policy_words[] = { "none", "quarantine", "reject" };

static const char *word_of(enum queue_authenticate_result result)
{
	return auth_result_word((enum auth_result)result);
}

/* "key=value", with a blank before all but the first; nothing when there is no value. */
static void add(struct show *s, const char *key, struct text value)
{
	if (value.n == 0)
		return;
	buf_printf(&s->detail, "%s%s%s", s->detail.n ? " " : "", key, *key ? "=" : "");
	buf_add(&s->detail, value);
}

static void end(struct show *s, const char *method, const char *result)
{
	s->row(s->arg, method, result, text_slice(buf_text(&s->detail), 0, ORIGIN_DETAIL_MAX));
	buf_reset(&s->detail);
}

static void show_spf(struct show *s, const struct origin *o)
{
	static const char *const methods[] = { "spf helo", "spf" };

	for (size_t i = 0; i < 2; i++) {
		if (!o->has_spf[i])
			continue;
		add(s, "domain", o->spf[i].domain);
		add(s, "mechanism", o->spf[i].mechanism);
		add(s, "", text_from_cstr(spf_problem_text((enum spf_problem)o->spf[i].problem)));
		end(s, methods[i], word_of(o->spf[i].result));
	}
}

static void show_dkim(struct show *s, const struct origin *o)
{
	for (size_t i = 0; i < o->n_dkim; i++) {
		add(s, "d", o->dkim[i].domain);
		add(s, "s", o->dkim[i].selector);
		add(s, "a", o->dkim[i].algorithm);
		add(s, "", o->dkim[i].reason);
		end(s, "dkim", word_of(o->dkim[i].result));
	}
}

static void show_arc(struct show *s, const struct origin *o)
{
	if (!o->has_arc)
		return;
	if (o->arc.instances)
		buf_printf(&s->detail, "sets=%u trusted-from=%u", o->arc.instances, o->arc.trusted);
	add(s, "sealer", o->arc.sealer);
	add(s, "", o->arc.reason);
	end(s, "arc", word_of(o->arc.result));
}

static void show_dmarc(struct show *s, const struct origin *o)
{
	static const char *const overrides[] = { "local_policy", "mailing_list", "other", "policy_test_mode",
						 "trusted_forwarder" };
	const struct queue_authenticate_dmarc *dmarc = &o->dmarc;

	if (!o->has_dmarc)
		return;
	add(s, "from", dmarc->from);
	if (dmarc->policy_domain.n) {
		add(s, "policy-domain", dmarc->policy_domain);
		add(s, "policy", text_from_cstr(policy_words[dmarc->published]));
		add(s, "applied", text_from_cstr(policy_words[dmarc->applied]));
	}
	if (dmarc->spf_aligned || dmarc->dkim_aligned)
		add(s, "aligned",
		    text_from_cstr(!dmarc->spf_aligned   ? "dkim"
				   : dmarc->dkim_aligned ? "spf,dkim"
							 : "spf"));
	for (size_t i = 0; i < o->n_overrides; i++)
		add(s, "override", text_from_cstr(overrides[o->overrides[i].type]));
	add(s, "", dmarc->reason);
	end(s, "dmarc", word_of(dmarc->result));
}

static void show_bimi(struct show *s, const struct origin *o)
{
	static const char *const words[] = { "none", "pass", "fail", "temperror", "declined", "skipped" };

	if (!o->has_bimi)
		return;
	add(s, "domain", o->bimi.domain);
	add(s, "location", o->bimi.location);
	add(s, "", o->bimi.reason);
	end(s, "bimi", words[o->bimi.status]);
}

void origin_show(const struct origin *o, origin_row_function *row, void *arg)
{
	struct show s = { .row = row, .arg = arg };

	buf_init(&s.detail, 4 * ORIGIN_DETAIL_MAX);
	if (o->has_iprev) {
		add(&s, "name", o->iprev.name);
		add(&s, "", o->iprev.reason);
		end(&s, "iprev", word_of(o->iprev.result));
	}
	show_spf(&s, o);
	show_dkim(&s, o);
	show_arc(&s, o);
	show_dmarc(&s, o);
	show_bimi(&s, o);
	if (o->n_cuts) {
		buf_printf(&s.detail, "%zu fields of others that bear our name are not delivered", o->n_cuts);
		end(&s, "forged", "removed");
	}
	buf_done(&s.detail);
}
