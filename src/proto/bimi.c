/* SPDX-License-Identifier: Apache-2.0
 *
 * BIMI for one message: is it eligible by DMARC, and what does the owner's Assertion Record say? Called where
 *a message is authenticated, after DMARC. The record is a stranger's, and so is the selector. Asks the DNS
 *for at most two records, and for a DMARC policy of the organisation where the author has one of its own.
 *
 *	record = "v=BIMI1" *( ";" tag "=" value )        tags: l, a, avp, and lps, e and others, passed over
 */
#include "proto/bimi.h"

#include "base/buf.h"
#include "proto/dmarc_walk.h"

#define NAME_MAX_BYTES   253
#define SELECTOR_MAX     63
#define DEFAULT_SELECTOR TEXT("default")

const char *bimi_status_word(enum bimi_status status)
{
	static const char *const words[BIMI_STATUS_COUNT] = { "none",      "pass",     "fail",
							      "temperror", "declined", "skipped" };

	return words[status];
}

/* The next "tag=value" of a list; false at its end. A part without "=" has an empty tag. */
static bool next_tag(struct text *rest, struct text *ret_tag, struct text *ret_value)
{
	struct text part;

	if (rest->n == 0)
		return false;
	text_cut(*rest, ';', &part, rest);
	if (!text_cut(part, '=', ret_tag, ret_value))
		*ret_tag = (struct text){ 0 };
	*ret_tag = text_trim(*ret_tag);
	*ret_value = text_trim(*ret_value);
	return true;
}

/* https:// and then only bytes of a URI. */
static bool is_https(struct text uri)
{
	static const struct text scheme = TEXT("https://");

	if (!text_has_prefix_nocase(uri, scheme) || uri.n == scheme.n)
		return false;
	for (size_t i = 0; i < uri.n; i++)
		if (uri.p[i] <= ' ' || uri.p[i] >= 0x7f || strchr("\"<>\\^`{|}", uri.p[i]))
			return false;
	return true;
}

enum bimi_record_status bimi_record_parse(struct text txt, struct bimi_record *ret_record)
{
	bool has_location = false, has_authority = false;
	struct text tag, value;

	*ret_record = (struct bimi_record){ 0 };
	if (!next_tag(&txt, &tag, &value) || !text_is_cstr_nocase(tag, "v") || !text_is_cstr(value, "BIMI1"))
		return BIMI_RECORD_OTHER;
	while (next_tag(&txt, &tag, &value)) {
		if (text_is_cstr_nocase(tag, "l") && !has_location) {
			has_location = true;
			ret_record->location = value;
		} else if (text_is_cstr_nocase(tag, "a") && !has_authority) {
			has_authority = true;
			ret_record->authority = value;
		} else if (text_is_cstr_nocase(tag, "avp")) {
			ret_record->is_personal = text_is_cstr_nocase(value, "personal");
		}
	}
	if ((ret_record->location.n > 0 && !is_https(ret_record->location)) ||
	    (ret_record->authority.n > 0 && !is_https(ret_record->authority)) || !has_location)
		return BIMI_RECORD_BAD;
	ret_record->is_declination = ret_record->location.n == 0 && ret_record->authority.n == 0;
	return BIMI_RECORD_GOOD;
}

/* One label, or several with dots. */
static bool is_selector(struct text selector)
{
	for (size_t i = 0; i < selector.n; i++) {
		char c = text_lower_byte(selector.p[i]);
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'))
			return false;
	}
	return selector.n > 0 && selector.n <= SELECTOR_MAX && dns_name_is_valid(selector);
}

bool bimi_selector_parse(struct text body, struct text *ret_selector)
{
	struct text tag, value;

	if (!next_tag(&body, &tag, &value) || !text_is_cstr_nocase(tag, "v") || !text_is_cstr(value, "BIMI1"))
		return false;
	while (next_tag(&body, &tag, &value))
		if (text_is_cstr_nocase(tag, "s") && is_selector(value)) {
			*ret_selector = value;
			return true;
		}
	return false;
}

/* --- eligibility: section 7.2, and rfc9989 4.7 for what "t" does --- */

static bool is_enforced(const struct dmarc_record *record)
{
	return record->p != DMARC_NONE && !record->is_testing;
}

/* The author's policy and the organisation's must both be enforced. NULL: yes; else why not. */
static const char *find_obstacle(struct dmarc_finder *finder, const struct dmarc_result *dmarc,
				 struct text *ret_organization, enum bimi_status *ret_status)
{
	const struct dmarc_found *found;

	*ret_status = BIMI_SKIPPED;
	if (dmarc->result != AUTH_PASS)
		return "DMARC does not pass";
	if (!is_enforced(&dmarc->record) || dmarc->published == DMARC_NONE)
		return "the DMARC policy is not enforced";
	if (!dmarc_organization(finder, dmarc->domain, ret_organization)) {
		*ret_status = BIMI_TEMPERROR;
		return "the DNS did not answer for the organisation";
	}
	found = dmarc_find(finder, *ret_organization);
	if (found->dns == DNS_FOUND && (!is_enforced(&found->record) || found->record.sp == DMARC_NONE))
		return "the organisation's DMARC policy is not enforced";
	return NULL;
}

/* --- the record --- */

static void read_answer(const struct dns_answer *answer, struct bimi_result *r)
{
	size_t n = 0;

	r->status = BIMI_NONE;
	for (size_t i = 0; i < answer->n; i++) {
		struct bimi_record record;
		enum bimi_record_status status = bimi_record_parse(answer->records[i].data, &record);
		if (status == BIMI_RECORD_OTHER)
			continue;
		if (++n > 1 || status == BIMI_RECORD_BAD) {
			r->status = BIMI_FAIL;
			r->reason = n > 1 ? "several records" : "the record is not well-formed";
			return;
		}
		r->record = record;
		r->status = record.is_declination ? BIMI_DECLINED : BIMI_PASS;
	}
}

static void ask(struct text domain, const struct dns_source *dns, struct arena *arena, struct bimi_result *r)
{
	struct dns_answer answer = { .status = DNS_NO_NAME };
	struct buf name;

	r->domain = domain;
	buf_init(&name, NAME_MAX_BYTES);
	buf_add(&name, r->selector);
	buf_add_cstr(&name, "._bimi.");
	buf_add(&name, domain);
	if (!name.overflow)
		dns_ask(dns, DNS_TXT, buf_text(&name), arena, &answer);
	buf_done(&name);
	r->status = answer.status == DNS_FAILED ? BIMI_TEMPERROR : BIMI_NONE;
	if (answer.status == DNS_FAILED)
		r->reason = "the DNS did not answer";
	else if (answer.status == DNS_FOUND)
		read_answer(&answer, r);
}

void bimi_check(const struct bimi_question *question, const struct dns_source *dns, struct arena *arena,
		struct bimi_result *ret_result)
{
	struct dmarc_finder finder = { .dns = dns, .arena = arena, .discovery = question->discovery };
	struct text organization = { 0 };
	struct bimi_result *r = ret_result;

	*r = (struct bimi_result){ .domain = question->dmarc->domain };
	r->selector = is_selector(question->selector) ? question->selector : (struct text)DEFAULT_SELECTOR;
	r->reason = find_obstacle(&finder, question->dmarc, &organization, &r->status);
	if (r->reason)
		return;
	ask(question->dmarc->domain, dns, arena, r);
	if (r->status == BIMI_NONE && !text_is_equal(organization, question->dmarc->domain))
		ask(organization, dns, arena, r);
}
