/* SPDX-License-Identifier: Apache-2.0
 *
 * DMARC: the examples of rfc9989 4.10 and B.4, and what was chosen where it leaves a choice. The DNS of a row
 * is a text: "NAME=RECORD" between bars; a name in it and those above it exist, "NAME=?" does not answer.
 */
#include "base/buf.h"
#include "proto/dmarc.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define DOMAINS_MAX 8

struct world {
	struct text zone;
	struct buf asked; /* names, each with a blank behind it */
};

static bool is_same_or_below(struct text name, struct text top)
{
	return text_has_suffix_nocase(name, top) && (name.n == top.n || name.p[name.n - top.n - 1] == '.');
}

static void ask_zone(void *context, enum dns_type type, struct text name, struct arena *arena,
		     struct dns_answer *ret_answer)
{
	struct world *w = context;
	struct text rest = w->zone, row, owner, record;
	bool more = rest.n > 0;

	buf_add(&w->asked, name);
	buf_add_byte(&w->asked, ' ');
	ret_answer->records = arena_alloc(arena, 8 * sizeof *ret_answer->records);
	while (more) {
		more = text_cut(rest, '|', &row, &rest);
		text_cut(row, '=', &owner, &record);
		if (is_same_or_below(owner, name) && ret_answer->status == DNS_NO_NAME)
			ret_answer->status = DNS_NO_DATA;
		if (!text_is_equal_nocase(owner, name))
			continue;
		if (text_is_cstr(record, "?")) {
			ret_answer->status = DNS_FAILED;
			return;
		}
		if (type != DNS_TXT)
			continue;
		ret_answer->status = DNS_FOUND;
		ret_answer->records[ret_answer->n++].data = record;
	}
}

static const struct row {
	const char *name;
	const char *zone;
	const char *from;     /* domains, with "," between */
	const char *spf;      /* "pass DOMAIN"; NULL: none */
	const char *dkim;     /* the same, several with "," */
	const char *expected; /* result published/applied tag@policy-domain aligned overrides */
	enum dmarc_discovery discovery;
	struct dmarc_vouch vouch;
} rows[] = {
	/* rfc9989 B.4.1 */
	{ "simple", "_dmarc.example.com=v=DMARC1; p=reject|_dmarc.signing.example.com=v=DMARC1; p=none",
	  "example.com", "pass example.com", "pass signing.example.com",
	  "pass reject/none p@example.com spf dkim" },
	/* B.4.2 */
	{ "deep", "_dmarc.example.com=v=DMARC1; p=reject|_dmarc.signing.example.com=v=DMARC1; p=none",
	  "a.b.c.d.e.f.g.h.i.j.k.example.com", "pass example.com", "pass signing.example.com",
	  "pass reject/none p@example.com spf dkim" },
	/* B.4.3 */
	{ "public suffix domain",
	  "_dmarc.bank.example=v=DMARC1; p=reject; psd=y|_dmarc.giant.bank.example=v=DMARC1; p=quarantine",
	  "giant.bank.example", "pass mail.giant.bank.example", "pass mail.mega.bank.example",
	  "pass quarantine/none p@giant.bank.example spf" },
	{ "strangers below one public suffix domain are not aligned",
	  "_dmarc.bank.example=v=DMARC1; p=reject; psd=y|_dmarc.giant.bank.example=v=DMARC1; p=quarantine",
	  "giant.bank.example", NULL, "pass mail.mega.bank.example",
	  "fail quarantine/quarantine p@giant.bank.example" },
	{ "the policy of the public suffix domain",
	  "_dmarc.bank.example=v=DMARC1; p=none; sp=reject; psd=y|"
	  "giant.bank.example=x",
	  "giant.bank.example", NULL, NULL, "fail reject/reject sp@bank.example" },
	{ "not the one between organisation and author",
	  "_dmarc.example=v=DMARC1; p=none; psd=y|_dmarc.b.c.example=v=DMARC1; p=reject", "a.b.c.example",
	  NULL, NULL, "fail none/none p@example" },
	{ "the public suffix domain as the author", "_dmarc.bank.example=v=DMARC1; p=reject; psd=y",
	  "bank.example", "pass bank.example", NULL, "pass reject/none p@bank.example spf" },
	{ "psd=n ends the organisation",
	  "_dmarc.mail.example.com=v=DMARC1; p=reject; psd=n|_dmarc.example.com=v=DMARC1; p=none",
	  "a.mail.example.com", "pass example.com", "pass b.mail.example.com",
	  "pass reject/none p@mail.example.com dkim" },
	{ "an organisation within ours is not ours",
	  "_dmarc.evil.example.com=v=DMARC1; p=none; psd=n|_dmarc.example.com=v=DMARC1; p=reject",
	  "example.com", "pass a.evil.example.com", NULL, "fail reject/reject p@example.com" },
	{ "the record of the fewest labels is the organisation's",
	  "_dmarc.mail.example.com=v=DMARC1; p=none|_dmarc.example.com=v=DMARC1; p=reject; sp=quarantine",
	  "a.mail.example.com", NULL, NULL, "fail quarantine/quarantine sp@example.com" },
	/* policy */
	{ "no record", "example.com=x", "example.com", "pass example.com", NULL, "none" },
	{ "two records are none", "_dmarc.example.com=v=DMARC1; p=reject|_dmarc.example.com=v=DMARC1; p=none",
	  "example.com", "pass example.com", NULL, "none" },
	{ "other records beside", "_dmarc.example.com=v=spf1 -all|_dmarc.example.com=v=DMARC1; p=reject",
	  "example.com", NULL, NULL, "fail reject/reject p@example.com" },
	{ "sp for a subdomain", "_dmarc.example.com=v=DMARC1; p=reject; sp=quarantine|a.example.com=x",
	  "a.example.com", NULL, NULL, "fail quarantine/quarantine sp@example.com" },
	{ "np for one that is not there", "_dmarc.example.com=v=DMARC1; p=none; sp=quarantine; np=reject",
	  "a.example.com", NULL, NULL, "fail reject/reject np@example.com" },
	{ "not np for one that is", "_dmarc.example.com=v=DMARC1; p=none; np=reject|a.example.com=x",
	  "a.example.com", NULL, NULL, "fail none/none p@example.com" },
	{ "not np for an empty one with names below",
	  "_dmarc.example.com=v=DMARC1; p=none; np=reject|"
	  "b.a.example.com=x",
	  "a.example.com", NULL, NULL, "fail none/none p@example.com" },
	{ "not np for one that the DNS does not tell",
	  "_dmarc.example.com=v=DMARC1; p=none; np=reject|"
	  "a.example.com=?",
	  "a.example.com", NULL, NULL, "fail none/none p@example.com" },
	{ "np does not count for the domain itself", "_dmarc.example.com=v=DMARC1; p=none; np=reject",
	  "example.com", NULL, NULL, "fail none/none p@example.com" },
	{ "test mode lowers reject", "_dmarc.example.com=v=DMARC1; p=reject; t=y", "example.com", NULL, NULL,
	  "fail reject/quarantine p@example.com policy_test_mode" },
	{ "test mode lowers quarantine", "_dmarc.example.com=v=DMARC1; p=quarantine; t=y", "example.com",
	  NULL, NULL, "fail quarantine/none p@example.com policy_test_mode" },
	{ "test mode leaves none", "_dmarc.example.com=v=DMARC1; p=none; t=y", "example.com", NULL, NULL,
	  "fail none/none p@example.com" },
	{ "no policy and nobody to tell", "_dmarc.example.com=v=DMARC1; p=x", "example.com",
	  "pass example.com", NULL, "permerror none/none" },
	{ "no policy and somebody to tell", "_dmarc.example.com=v=DMARC1; p=x; rua=mailto:a@example.com",
	  "example.com", "pass example.com", NULL, "pass none/none p@example.com spf" },
	/* alignment */
	{ "strict", "_dmarc.example.com=v=DMARC1; p=reject; aspf=s; adkim=s", "example.com",
	  "pass a.example.com", "pass a.example.com", "fail reject/reject p@example.com" },
	{ "strict and equal in another case", "_dmarc.example.com=v=DMARC1; p=reject; aspf=s; adkim=s",
	  "example.com", "pass EXAMPLE.com.", NULL, "pass reject/none p@example.com spf" },
	{ "the end of a name is no parent", "_dmarc.example.com=v=DMARC1; p=reject", "example.com",
	  "pass badexample.com", "pass example.com.evil.net", "fail reject/reject p@example.com" },
	{ "a d= with other bytes", "_dmarc.example.com=v=DMARC1; p=reject", "example.com", NULL,
	  "pass example.com(.evil.net", "fail reject/reject p@example.com" },
	{ "failed results identify nobody", "_dmarc.example.com=v=DMARC1; p=reject", "example.com",
	  "softfail example.com", "fail example.com", "fail reject/reject p@example.com" },
	{ "one of many signatures", "_dmarc.example.com=v=DMARC1; p=reject", "example.com", NULL,
	  "pass example.net,fail example.com,pass a.example.com", "pass reject/none p@example.com dkim" },
	{ "U-label and A-label", "_dmarc.xn--bcher-kva.example=v=DMARC1; p=reject",
	  "b\xc3\xbc"
	  "cher.example",
	  "pass xn--bcher-kva.example", NULL, "pass reject/none p@xn--bcher-kva.example spf" },
	/* the DNS */
	{ "no answer for the author", "_dmarc.example.com=?", "example.com", "pass example.com", NULL,
	  "temperror none/none" },
	{ "no answer above the author", "_dmarc.example.com=?|a.example.com=x", "a.example.com", NULL, NULL,
	  "temperror none/none" },
	{ "no answer that is not needed", "_dmarc.a.example.com=v=DMARC1; p=reject|_dmarc.example.com=?",
	  "a.example.com", "pass a.example.com", NULL, "pass reject/none p@a.example.com spf" },
	{ "no answer for an identifier", "_dmarc.example.com=v=DMARC1; p=reject|_dmarc.b.example.com=?",
	  "example.com", "pass b.example.com", NULL, "temperror reject/none p@example.com" },
	{ "an aligned key that the DNS withheld", "_dmarc.example.com=v=DMARC1; p=reject", "example.com",
	  NULL, "temperror example.com", "temperror reject/none p@example.com" },
	{ "a key of others that the DNS withheld", "_dmarc.example.com=v=DMARC1; p=reject", "example.com",
	  NULL, "temperror example.net", "fail reject/reject p@example.com" },
	/* authors */
	{ "no author", "", "", NULL, NULL, "permerror none/none" },
	{ "an address that is no domain", "", "[192.0.2.1]", NULL, NULL, "permerror none/none" },
	{ "two authors, one forged", "_dmarc.example.com=v=DMARC1; p=reject|_dmarc.evil.net=v=DMARC1; p=none",
	  "evil.net,example.com", "pass evil.net", NULL, "permerror reject/reject p@example.com" },
	{ "two authors who both pass", "_dmarc.example.com=v=DMARC1; p=reject", "example.com,a.example.com",
	  "pass example.com", NULL, "permerror reject/none p@example.com spf" },
	/* by the list */
	{ "the list", "_dmarc.example.com=v=DMARC1; p=reject|a.example.com=x", "a.example.com",
	  "pass b.example.com", NULL, "pass reject/none p@example.com spf", DMARC_PSL },
	{ "the list knows no records between",
	  "_dmarc.b.example.co.uk=v=DMARC1; p=reject|"
	  "_dmarc.example.co.uk=v=DMARC1; p=none; sp=quarantine",
	  "a.b.example.co.uk", NULL, NULL, "fail quarantine/quarantine sp@example.co.uk", DMARC_PSL },
	{ "a registry that forgot psd=y aligns strangers",
	  "_dmarc.co.uk=v=DMARC1; p=none|_dmarc.example.co.uk=v=DMARC1; p=reject", "example.co.uk",
	  "pass evil.co.uk", NULL, "pass reject/none p@example.co.uk spf", DMARC_TREEWALK },
	{ "but not where the list helps",
	  "_dmarc.co.uk=v=DMARC1; p=none|_dmarc.example.co.uk=v=DMARC1; p=reject", "example.co.uk",
	  "pass evil.co.uk", "pass a.example.co.uk", "pass reject/none p@example.co.uk dkim", DMARC_AUTO },
	{ "a public suffix that says it is none", "_dmarc.co.uk=v=DMARC1; p=reject; psd=n", "co.uk",
	  "pass a.co.uk", NULL, "pass reject/none p@co.uk spf", DMARC_AUTO },
	/* who else vouches */
	{ "a known forwarder",
	  "_dmarc.example.com=v=DMARC1; p=reject",
	  "example.com",
	  NULL,
	  NULL,
	  "fail reject/none p@example.com trusted_forwarder",
	  0,
	  { .is_trusted_forwarder = true } },
	{ "a trusted chain",
	  "_dmarc.example.com=v=DMARC1; p=reject",
	  "example.com",
	  NULL,
	  NULL,
	  "fail reject/none p@example.com local_policy",
	  0,
	  { .has_trusted_arc = true } },
	{ "a list with a trusted chain",
	  "_dmarc.example.com=v=DMARC1; p=reject",
	  "example.com",
	  NULL,
	  NULL,
	  "fail reject/none p@example.com mailing_list",
	  0,
	  { .has_trusted_arc = true, .is_list = true } },
	{ "what only says that it is of a list",
	  "_dmarc.example.com=v=DMARC1; p=reject",
	  "example.com",
	  NULL,
	  NULL,
	  "fail reject/quarantine p@example.com mailing_list",
	  0,
	  { .is_list = true } },
	{ "the same under quarantine",
	  "_dmarc.example.com=v=DMARC1; p=quarantine",
	  "example.com",
	  NULL,
	  NULL,
	  "fail quarantine/quarantine p@example.com",
	  0,
	  { .is_list = true } },
	{ "an exemption",
	  "_dmarc.example.com=v=DMARC1; p=quarantine",
	  "example.com",
	  NULL,
	  NULL,
	  "fail quarantine/none p@example.com local_policy",
	  0,
	  { .is_exempt = true } },
	{ "nothing to vouch for where nothing is asked",
	  "_dmarc.example.com=v=DMARC1; p=none",
	  "example.com",
	  NULL,
	  NULL,
	  "fail none/none p@example.com",
	  0,
	  { .is_trusted_forwarder = true } },
};

static enum auth_result result_of(struct text word)
{
	for (enum auth_result r = 0; r < AUTH_RESULT_COUNT; r++)
		if (text_is_cstr(word, auth_result_word(r)))
			return r;
	fail_msg("no such result");
	return AUTH_NONE;
}

static void check_row(const struct row *row, struct world *w, struct arena *arena, struct dmarc_result *ret)
{
	struct text from[DOMAINS_MAX];
	struct dmarc_signature signatures[DOMAINS_MAX] = { 0 };
	struct dmarc_question q = { .discovery = row->discovery, .vouch = row->vouch };
	struct dns_source source = { .context = w, .ask = ask_zone };
	struct text rest = text_from_cstr(row->from), item, word;
	bool more = rest.n > 0;

	w->zone = text_from_cstr(row->zone);
	buf_reset(&w->asked);
	q.from = (struct dmarc_from){ .n_fields = 1, .domains = from };
	while (more)
		more = text_cut(rest, ',', &from[q.from.n_domains++], &rest);
	if (row->spf) {
		text_cut(text_from_cstr(row->spf), ' ', &word, &q.spf.domain);
		q.spf.result = result_of(word);
	}
	rest = text_from_cstr(row->dkim);
	for (more = rest.n > 0; more;) {
		more = text_cut(rest, ',', &item, &rest);
		text_cut(item, ' ', &word, &signatures[q.n_signatures].domain);
		signatures[q.n_signatures++].result = result_of(word);
	}
	q.signatures = signatures;
	dmarc_check(&q, &source, arena, ret);
}

static void print(struct buf *out, const struct dmarc_result *r)
{
	buf_add_cstr(out, auth_result_word(r->result));
	if (r->result == AUTH_NONE)
		return;
	buf_printf(out, " %s/%s", dmarc_policy_word(r->published), dmarc_policy_word(r->applied));
	if (r->tag)
		buf_printf(out, " %s@%.*s", r->tag, TEXT_ARGS(r->policy_domain));
	buf_add_cstr(out, r->is_spf_aligned ? " spf" : "");
	buf_add_cstr(out, r->is_dkim_aligned ? " dkim" : "");
	for (size_t i = 0; i < r->n_overrides; i++)
		buf_printf(out, " %s", dmarc_override_word(r->overrides[i].type));
}

static void messages_are_judged_as_the_standard_says(void **state)
{
	struct arena arena;
	struct world w;
	struct buf out;

	(void)state;
	arena_init(&arena, 1000000);
	buf_init(&w.asked, 10000);
	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct dmarc_result result;
		check_row(&rows[i], &w, &arena, &result);
		buf_reset(&out);
		print(&out, &result);
		if (!text_is_cstr(buf_text(&out), rows[i].expected))
			fail_msg("%s: %s", rows[i].name, buf_cstr(&out));
		arena_reset(&arena);
	}
	buf_done(&out);
	buf_done(&w.asked);
}

/* The list of rfc9989 4.10, then whether the author exists, which its record wants to know. */
static void eight_questions_are_enough_for_any_name(void **state)
{
	static const struct row row = { .zone = "_dmarc.com=v=DMARC1; p=none; np=reject",
					.from = "a.b.c.d.e.f.g.h.i.j.mail.example.com" };
	struct dmarc_result result;
	struct arena arena;
	struct world w;

	(void)state;
	arena_init(&arena, 1000000);
	buf_init(&w.asked, 10000);
	check_row(&row, &w, &arena, &result);
	assert_string_equal(buf_cstr(&w.asked),
			    "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com _dmarc.g.h.i.j.mail.example.com "
			    "_dmarc.h.i.j.mail.example.com _dmarc.i.j.mail.example.com "
			    "_dmarc.j.mail.example.com _dmarc.mail.example.com _dmarc.example.com _dmarc.com "
			    "a.b.c.d.e.f.g.h.i.j.mail.example.com ");
	assert_int_equal(result.n_queries, DMARC_WALK_QUERIES + 1);
	assert_true(text_is_cstr(result.organization, "com"));
	buf_done(&w.asked);
	arena_reset(&arena);
}

static void strangers_are_never_asked_for(void **state)
{
	static const struct row row = { .zone = "_dmarc.example.com=v=DMARC1; p=reject",
					.from = "example.com",
					.spf = "pass a.b.c.example.net",
					.dkim = "pass x.example.org,pass badexample.com" };
	struct dmarc_result result;
	struct arena arena;
	struct world w;

	(void)state;
	arena_init(&arena, 1000000);
	buf_init(&w.asked, 10000);
	check_row(&row, &w, &arena, &result);
	assert_string_equal(buf_cstr(&w.asked), "_dmarc.example.com _dmarc.com ");
	buf_done(&w.asked);
	arena_reset(&arena);
}

static void a_second_from_field_never_passes(void **state)
{
	struct text domain = TEXT("example.com");
	struct world w = { .zone = TEXT("_dmarc.example.com=v=DMARC1; p=reject") };
	struct dns_source source = { .context = &w, .ask = ask_zone };
	struct dmarc_question q = {
		.from = { .n_fields = 2, .domains = &domain, .n_domains = 1 },
		.spf = { .result = AUTH_PASS, .domain = TEXT("example.com") },
	};
	struct dmarc_result result;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1000000);
	buf_init(&w.asked, 10000);
	dmarc_check(&q, &source, &arena, &result);
	assert_int_equal(result.result, AUTH_PERMERROR);
	assert_int_equal(result.applied, DMARC_NONE);
	assert_string_equal(result.reason, "several From fields");
	buf_done(&w.asked);
	arena_reset(&arena);
}

/* rfc9990 4 */
static void reports_go_to_others_only_with_their_consent(void **state)
{
	static const struct {
		const char *zone, *domain, *host;
		enum dns_status expected;
		size_t n_rua;
	} destinations[] = {
		{ "_dmarc.example.com=v=DMARC1; p=none", "example.com", "reports.example.com", DNS_FOUND, 0 },
		{ "_dmarc.blue.example.com=v=DMARC1; p=none", "blue.example.com", "red.example.net",
		  DNS_NO_DATA, 0 },
		{ "blue.example.com._report._dmarc.red.example.net=v=DMARC1", "blue.example.com",
		  "red.example.net", DNS_FOUND, 0 },
		{ "blue.example.com._report._dmarc.red.example.net=v=DMARC1; rua=mailto:x@red.example.net",
		  "blue.example.com", "red.example.net", DNS_FOUND, 1 },
		{ "blue.example.com._report._dmarc.red.example.net=hello", "blue.example.com",
		  "red.example.net", DNS_NO_DATA, 0 },
		{ "blue.example.com._report._dmarc.red.example.net=?", "blue.example.com", "red.example.net",
		  DNS_FAILED, 0 },
		{ "", "blue.example.com", "[192.0.2.1]", DNS_NO_DATA, 0 },
	};
	struct arena arena;
	struct world w;

	(void)state;
	arena_init(&arena, 1000000);
	buf_init(&w.asked, 10000);
	for (size_t i = 0; i < sizeof destinations / sizeof *destinations; i++) {
		struct dns_source source = { .context = &w, .ask = ask_zone };
		struct dmarc_record record;
		w.zone = text_from_cstr(destinations[i].zone);
		assert_int_equal(dmarc_verify_destination(text_from_cstr(destinations[i].domain),
							  text_from_cstr(destinations[i].host),
							  DMARC_TREEWALK, &source, &arena, &record),
				 destinations[i].expected);
		assert_int_equal(record.n_rua, destinations[i].n_rua);
	}
	buf_done(&w.asked);
	arena_reset(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_judged_as_the_standard_says),
		cmocka_unit_test(eight_questions_are_enough_for_any_name),
		cmocka_unit_test(strangers_are_never_asked_for),
		cmocka_unit_test(a_second_from_field_never_passes),
		cmocka_unit_test(reports_go_to_others_only_with_their_consent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
