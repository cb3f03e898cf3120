/* SPDX-License-Identifier: Apache-2.0
 *
 * Which recipients exist: lists of the configuration, lists of files, reloads.
 */
#include "unit.h"

#include "base/ensure.h"
#include "roles/policy/recipients.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const char settings[] =
	"domain example.org {\n\tnext-hop 192.0.2.9\n}\n"
	"domain list.example {\n\tnext-hop 192.0.2.9\n"
	"\trecipients Anna bob@list.example postbox+x\n}\n"
	"domain file.example {\n\tnext-hop 192.0.2.9\n\trecipients-file /some/file\n}\n";
static const char way_out[] = "domain * {\n\tnext-hop 192.0.2.10\n}\n";

static struct conf *conf_of(const char *first, const char *second)
{
	struct buf text, errors;
	struct conf *conf;

	buf_init(&text, 100000);
	buf_init(&errors, 10000);
	buf_add_cstr(&text, first);
	buf_add_cstr(&text, second);
	conf = conf_parse(buf_text(&text), "test", CONF_PART, &errors);
	if (!conf)
		fail_msg("%s", buf_cstr(&errors));
	buf_done(&text);
	buf_done(&errors);
	return conf;
}

static const struct conf *current; /* what the recipients were made of, or reloaded with, last */

static struct recipients *fresh(const struct conf *conf)
{
	current = conf;
	return recipients_new(conf);
}

static void reload(struct recipients *r, const struct conf *conf)
{
	current = conf;
	recipients_reload(r, conf);
}

static bool load(struct recipients *r, size_t index, struct text content)
{
	int fd = memfd_create("recipients", MFD_CLOEXEC);
	bool ok;

	assert_int_equal(write(fd, content.p, content.n), content.n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	ok = recipients_load_file(r, &current->domain.v[index], fd);
	close(fd);
	return ok;
}

#define BY_MX SIZE_MAX /* as index */

static void is(const struct recipients *r, const char *address, enum recipients_answer answer, size_t index)
{
	uint64_t got_route = 77, route = index == BY_MX ? CONF_DOMAIN_NONE : current->domain.v[index].id;
	enum recipients_answer got = recipients_find(r, text_from_cstr(address), &got_route);

	if (got != answer || (got != RECIPIENTS_MALFORMED && got_route != route))
		fail_msg("%s: %d by %llu", address, got, (unsigned long long)got_route);
}

static void addresses_are_looked_up(void **state)
{
	static const struct {
		const char *address;
		enum recipients_answer answer;
		size_t route;
	} rows[] = {
		{ "anybody@example.org", RECIPIENTS_OK, 0 },
		{ "Anybody@EXAMPLE.ORG", RECIPIENTS_OK, 0 },
		{ "\"quoted local\"@example.org", RECIPIENTS_OK, 0 },
		{ "\"an@at\"@example.org", RECIPIENTS_OK, 0 },
		{ "anna@list.example", RECIPIENTS_OK, 1 },
		{ "ANNA@List.Example", RECIPIENTS_OK, 1 },
		{ "bob@list.example", RECIPIENTS_OK, 1 },
		{ "postbox+x@list.example", RECIPIENTS_OK, 1 },
		{ "postbox@list.example", RECIPIENTS_UNKNOWN, 1 },
		{ "ann@list.example", RECIPIENTS_UNKNOWN, 1 },
		{ "annaa@list.example", RECIPIENTS_UNKNOWN, 1 },
		{ "PostMaster@list.example", RECIPIENTS_OK, 1 },
		{ "anna@file.example", RECIPIENTS_NOT_LOADED, 2 },
		{ "postmaster@file.example", RECIPIENTS_OK, 2 },
		{ "anna@sub.example.org", RECIPIENTS_NOT_OURS, BY_MX },
		{ "anna@example.org.", RECIPIENTS_NOT_OURS, BY_MX },
		{ "postmaster@elsewhere.example", RECIPIENTS_NOT_OURS, BY_MX },
		{ "anna@[192.0.2.1]", RECIPIENTS_NOT_OURS, BY_MX },
		{ "anna@*", RECIPIENTS_NOT_OURS, BY_MX },
		{ "anna", RECIPIENTS_MALFORMED, 0 },
		{ "postmaster", RECIPIENTS_MALFORMED, 0 },
		{ "", RECIPIENTS_MALFORMED, 0 },
		{ "@example.org", RECIPIENTS_MALFORMED, 0 },
		{ "anna@", RECIPIENTS_MALFORMED, 0 },
	};
	struct conf *conf = conf_of(settings, "");
	struct recipients *r = fresh(conf);

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++)
		is(r, rows[i].address, rows[i].answer, rows[i].route);
	recipients_free(r);
	conf_free(conf);
}

static void a_domain_of_the_others_is_their_way_out(void **state)
{
	struct conf *conf = conf_of(settings, way_out);
	struct recipients *r = fresh(conf);

	(void)state;
	is(r, "anna@elsewhere.example", RECIPIENTS_NOT_OURS, 3);
	is(r, "anna@example.org", RECIPIENTS_OK, 0);
	recipients_free(r);
	conf_free(conf);
}

static void files_are_read(void **state)
{
	static const char content[] = "# a comment\n"
				      "  Carl  \r\n"
				      "dora@file.example\n"
				      "emil@FILE.example # works here\n"
				      "foreign@list.example\n"
				      "sharp#local\n"
				      "\n\n\t#another\n"
				      "\"two words\"@file.example\n"
				      "m\xc3\xbcller\n"
				      "last";
	static const struct {
		const char *address;
		bool exists;
	} rows[] = {
		{ "carl@file.example", true },          { "CARL@file.example", true },
		{ "dora@file.example", true },          { "emil@file.example", true },
		{ "foreign@file.example", false },      { "sharp#local@file.example", true },
		{ "sharp@file.example", false },        { "\"two words\"@file.example", true },
		{ "m\xc3\xbcller@file.example", true }, { "last@file.example", true },
		{ "#another@file.example", false },     { "works@file.example", false },
		{ "las@file.example", false },          { "postmaster@file.example", true },
	};
	struct conf *conf = conf_of(settings, "");
	struct recipients *r = fresh(conf);

	(void)state;
	assert_true(load(r, 2, text_from_cstr(content)));
	for (size_t i = 0; i < UNIT_COUNT(rows); i++)
		is(r, rows[i].address, rows[i].exists ? RECIPIENTS_OK : RECIPIENTS_UNKNOWN, 2);
	assert_true(load(r, 2, text_from_cstr("")));
	is(r, "carl@file.example", RECIPIENTS_UNKNOWN, 2);
	recipients_free(r);
	conf_free(conf);
}

/* rfc5890 2.3.2: the session room says domains in ASCII, administrators write them as they like. */
static void a_domain_in_another_script_is_the_same_in_every_form(void **state)
{
	static const char idn[] =
		"domain xn--bcher-kva.example {\n\tnext-hop 192.0.2.9\n\trecipients-file /x\n}\n";
	static const char content[] = "anna@b\xc3\xbc"
				      "cher.example\n"
				      "bob@XN--BCHER-KVA.example\n"
				      "carl@B\xc3\x9c"
				      "CHER.example\n"
				      "dora@bucher.example\n"
				      "emil@\xff.example\n";
	struct conf *conf = conf_of(idn, "");
	struct recipients *r = fresh(conf);

	(void)state;
	assert_true(load(r, 0, text_from_cstr(content)));
	is(r, "anna@xn--bcher-kva.example", RECIPIENTS_OK, 0);
	is(r, "bob@xn--Bcher-KVA.example", RECIPIENTS_OK, 0);
	is(r, "carl@xn--bcher-kva.example", RECIPIENTS_OK, 0);
	is(r, "dora@xn--bcher-kva.example", RECIPIENTS_UNKNOWN, 0);
	is(r, "emil@xn--bcher-kva.example", RECIPIENTS_UNKNOWN, 0);
	is(r,
	   "anna@b\xc3\xbc"
	   "cher.example",
	   RECIPIENTS_MALFORMED, 0); /* a room that does not do its part */
	recipients_free(r);
	conf_free(conf);
}

static void bad_files_change_nothing(void **state)
{
	struct conf *conf = conf_of(settings, "");
	struct recipients *r = fresh(conf);
	size_t n = RECIPIENTS_FILE_MAX + 1;
	char *large = mem_zalloc(1, n);
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	memset(large, 'x', n);
	assert_false(load(r, 2, text_from_bytes(large, n)));
	assert_false(recipients_load_file(r, &current->domain.v[2], fd));
	is(r, "anna@file.example", RECIPIENTS_NOT_LOADED, 2);
	assert_true(load(r, 2, text_from_cstr("anna")));
	assert_false(load(r, 2, text_from_bytes(large, n)));
	assert_false(recipients_load_file(r, &current->domain.v[2], fd));
	is(r, "anna@file.example", RECIPIENTS_OK, 2);
	is(r, "carl@file.example", RECIPIENTS_UNKNOWN, 2);
	close(fd);
	free(large);
	recipients_free(r);
	conf_free(conf);
}

static void files_survive_a_reload_and_lists_do_not(void **state)
{
	static const char other[] = "domain example.org {\n\tnext-hop 192.0.2.9\n\trecipients anna\n}\n"
				    "domain list.example {\n\tnext-hop 192.0.2.9\n\trecipients-file /f\n}\n"
				    "domain file.example {\n\tnext-hop 192.0.2.9\n\trecipients-file /g\n}\n";
	struct conf *a = conf_of(settings, ""), *b = conf_of(other, ""), *c = conf_of(settings, way_out);
	struct recipients *r = fresh(a);

	(void)state;
	assert_true(load(r, 2, text_from_cstr("carl")));
	assert_true(load(r, 1, text_from_cstr("dora"))); /* came just before the reload that names it */
	reload(r, b);
	is(r, "carl@example.org", RECIPIENTS_UNKNOWN, 0);
	is(r, "anna@example.org", RECIPIENTS_OK, 0);
	is(r, "dora@list.example", RECIPIENTS_OK, 1);
	is(r, "anna@list.example", RECIPIENTS_UNKNOWN, 1);
	is(r, "carl@file.example", RECIPIENTS_OK, 2);
	assert_true(load(r, 2, text_from_cstr("emil"))); /* behind it */
	is(r, "carl@file.example", RECIPIENTS_UNKNOWN, 2);
	reload(r, c);
	is(r, "carl@example.org", RECIPIENTS_OK, 0);
	is(r, "anna@list.example", RECIPIENTS_OK, 1);
	is(r, "dora@list.example", RECIPIENTS_UNKNOWN, 1);
	is(r, "emil@file.example", RECIPIENTS_OK, 2);
	recipients_free(r);
	conf_free(a);
	conf_free(b);
	conf_free(c);
}

static void a_file_follows_its_domain_when_others_come_and_go(void **state)
{
	static const char other[] = "domain new.example {\n\tnext-hop 192.0.2.9\n\trecipients-file /f\n}\n"
				    "domain file.example {\n\tnext-hop 192.0.2.9\n\trecipients-file /f\n}\n";
	struct conf *a = conf_of(settings, ""), *b = conf_of(other, "");
	struct recipients *r = fresh(a);

	(void)state;
	assert_true(load(r, 2, text_from_cstr("carl")));
	reload(r, b);
	is(r, "anna@example.org", RECIPIENTS_NOT_OURS, BY_MX);
	is(r, "carl@new.example", RECIPIENTS_NOT_LOADED, 0);
	is(r, "carl@file.example", RECIPIENTS_OK, 1);
	is(r, "anna@file.example", RECIPIENTS_UNKNOWN, 1);
	assert_true(load(r, 0, text_from_cstr("anna")));
	is(r, "carl@new.example", RECIPIENTS_UNKNOWN, 0);
	reload(r, a);
	is(r, "carl@new.example", RECIPIENTS_NOT_OURS, BY_MX);
	is(r, "carl@file.example", RECIPIENTS_OK, 2);
	recipients_free(r);
	conf_free(a);
	conf_free(b);
}

static void long_local_parts_are_nobody(void **state)
{
	struct conf *conf = conf_of(settings, "");
	struct recipients *r = fresh(conf);
	char address[400];

	(void)state;
	memset(address, 'a', sizeof address);
	memcpy(address + 380, "@list.example", 14);
	is(r, address, RECIPIENTS_UNKNOWN, 1);
	recipients_free(r);
	conf_free(conf);
}

static void large_lists_are_searched(void **state)
{
	struct conf *conf = conf_of(settings, "");
	struct recipients *r = fresh(conf);
	struct buf content;
	char address[64];

	(void)state;
	buf_init(&content, 1 << 20);
	for (unsigned i = 0; i < 10000; i++)
		buf_printf(&content, "user%u\n", i * 7919 % 10000 * 2);
	assert_true(load(r, 2, buf_text(&content)));
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(address, sizeof address, "USER%u@file.example", i);
		is(r, address, i % 2 ? RECIPIENTS_UNKNOWN : RECIPIENTS_OK, 2);
	}
	buf_done(&content);
	recipients_free(r);
	conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_looked_up),
		cmocka_unit_test(a_domain_of_the_others_is_their_way_out),
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(a_domain_in_another_script_is_the_same_in_every_form),
		cmocka_unit_test(bad_files_change_nothing),
		cmocka_unit_test(files_survive_a_reload_and_lists_do_not),
		cmocka_unit_test(a_file_follows_its_domain_when_others_come_and_go),
		cmocka_unit_test(long_local_parts_are_nobody),
		cmocka_unit_test(large_lists_are_searched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
