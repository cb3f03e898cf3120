/* SPDX-License-Identifier: Apache-2.0
 *
 * postern dkim: keys of outgoing mail, from the first to the last day. A key is made (rotate) beside those
 * that sign, its record is published by a person, the DNS is asked whether it is there (check), and only then
 * it may sign (activate); in the end it is taken away (retire). Keys never leave the machine and pass no
 * other process: this command writes into keyring's directory as its owner, and keyring reads it at a reload.
 */
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/dkim_files.h"
#include "cli/dns_network.h"
#include "cli/zone_json.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define RSA_BITS        2048
#define NETWORK_SECONDS 30
#define ARENA_BYTES     ((size_t)1 << 20)

enum published { PUBLISHED_NO, PUBLISHED_YES, PUBLISHED_OTHER, PUBLISHED_UNKNOWN };

struct profile {
	char name[64], domain[256];
	char directory[PATH_MAX];
};

struct dns {
	struct dns_zone *zone;
	struct dns_network *network;
	struct dns_source source;
};

/* The block of the configuration that the first argument names, by its name or its domain. */
static int find_profile(struct cli *c, struct profile *ret_profile)
{
	struct conf *conf;
	const struct conf_dkim *found = NULL;

	if (c->argc < 1)
		return cli_fail(EX_USAGE, "name a block dkim of the configuration, or its domain");
	conf = cli_read_conf(c);
	if (!conf)
		return EX_CONFIG;
	for (size_t i = 0; i < conf->dkim.n && !found; i++)
		if (text_is_cstr(conf->dkim.v[i].name, c->argv[0]) ||
		    text_is_cstr_nocase(conf->dkim.v[i].domain, c->argv[0]))
			found = &conf->dkim.v[i];
	if (found) {
		snprintf(ret_profile->name, sizeof ret_profile->name, "%.*s", TEXT_ARGS(found->name));
		snprintf(ret_profile->domain, sizeof ret_profile->domain, "%.*s", TEXT_ARGS(found->domain));
		snprintf(ret_profile->directory, sizeof ret_profile->directory, "%.*s/keyring",
			 TEXT_ARGS(conf->top.state));
	}
	conf_free(conf);
	if (found)
		return EX_OK;
	return cli_fail(EX_CONFIG, "there is no block dkim %s (write dkim NAME { domain %s })", c->argv[0],
			c->argv[0]);
}

static int enter(const struct profile *p)
{
	struct buf why;
	int status = EX_OK;

	buf_init(&why, 1024);
	if (!dkim_files_enter(p->directory, text_from_cstr(p->name), &why))
		status = cli_fail(EX_NOPERM, "%s", buf_cstr(&why));
	buf_done(&why);
	return status;
}

/* ---- the DNS ---- */

static int open_dns(struct cli *c, struct dns *ret_dns)
{
	const char *file = cli_take_option(c, "--zone"), *reason = "";
	struct buf content, why;
	int status = EX_OK;

	*ret_dns = (struct dns){ 0 };
	if (!file) {
		ret_dns->network = dns_network_new(NETWORK_SECONDS, &reason);
		if (!ret_dns->network)
			return cli_fail(EX_UNAVAILABLE, "DNS: %s; answer from a file with --zone", reason);
		ret_dns->source = dns_network_source(ret_dns->network);
		return EX_OK;
	}
	buf_init(&why, 1024);
	ret_dns->zone = dns_zone_new(ZONE_MAX);
	if (!zone_load_file(file, ZONE_MAX, &content, &why) ||
	    !zone_read_text(ret_dns->zone, buf_text(&content), file, &why))
		status = cli_fail(EX_DATAERR, "%s", buf_cstr(&why));
	else
		buf_done(&content);
	ret_dns->source = dns_zone_source(ret_dns->zone);
	buf_done(&why);
	return status;
}

static void close_dns(struct dns *dns)
{
	dns_zone_free(dns->zone);
	dns_network_free(dns->network);
}

static struct text key_of(struct text record)
{
	size_t at = text_find(record, text_from_cstr("p="));
	struct text key = at == SIZE_MAX ? (struct text){ NULL, 0 } : text_skip(record, at + 2);

	return text_trim(text_slice(key, 0, text_find_byte(key, ';')));
}

static enum published ask(struct dns *dns, const struct profile *p, const struct dkim_file *f)
{
	enum published published = PUBLISHED_NO;
	struct dns_answer answer;
	struct arena arena;
	char name[400];

	arena_init(&arena, ARENA_BYTES);
	snprintf(name, sizeof name, "%s._domainkey.%s", f->selector, p->domain);
	dns_ask(&dns->source, DNS_TXT, text_from_cstr(name), &arena, &answer);
	if (answer.status == DNS_FAILED)
		published = PUBLISHED_UNKNOWN;
	for (size_t i = 0; i < answer.n && published != PUBLISHED_YES; i++)
		published = text_is_equal(key_of(answer.records[i].data), key_of(buf_text(&f->record)))
				    ? PUBLISHED_YES
				    : PUBLISHED_OTHER;
	arena_reset(&arena);
	return published;
}

/* ---- what is there ---- */

/* In the form of a zone file, in strings of at most 255 bytes. rfc1035 5.1 */
static void print_zone_line(const struct profile *p, const struct dkim_file *f)
{
	struct text record = buf_text(&f->record);

	printf("%s._domainkey.%s. IN TXT (", f->selector, p->domain);
	for (size_t at = 0; at < record.n; at += 250)
		printf("\n\t\"%.*s\"", TEXT_ARGS(text_slice(record, at, at + 250)));
	printf(" )\n");
}

static const struct table_column columns[] = {
	{ "Selector", TABLE_TEXT }, { "State", TABLE_TEXT },     { "Kind", TABLE_TEXT },
	{ "Bits", TABLE_NUMBER },   { "Published", TABLE_TEXT }, { "Name", TABLE_TEXT },
	{ "Record", TABLE_TEXT },
};

static void add_row(struct table_view *t, const struct profile *p, const struct dkim_file *f,
		    enum published published)
{
	static const char *const words[] = { "no", "yes", "another key", "no answer" };

	table_view_printf(t, "%s", f->selector);
	table_view_printf(t, "%s", f->is_active ? "signs" : "new");
	table_view_printf(t, "%s", f->kind);
	table_view_number(t, f->bits);
	table_view_printf(t, "%s", words[published]);
	table_view_printf(t, "%s._domainkey.%s", f->selector, p->domain);
	table_view_text(t, buf_text(&f->record));
}

static void print_table(struct cli *c, struct table_view *t)
{
	struct buf out;

	if (!c->json) {
		table_view_print(t, "no keys: make one with 'postern dkim rotate'");
		return;
	}
	buf_init(&out, (size_t)1 << 20);
	table_view_json(t, &out);
	puts(buf_cstr(&out));
	buf_done(&out);
}

/* Every key, and whether the DNS has it. */
static int check(struct cli *c, const struct profile *p, struct dns *dns)
{
	struct table_view *t = table_view_new(columns, sizeof columns / sizeof *columns);
	struct dkim_file files[DKIM_FILES_MAX];
	size_t n = dkim_files_list(files), n_missing = 0;

	for (size_t i = 0; i < n; i++) {
		enum published published = ask(dns, p, &files[i]);
		add_row(t, p, &files[i], published);
		n_missing += published != PUBLISHED_YES;
		dkim_file_done(&files[i]);
	}
	print_table(c, t);
	return n_missing ? EX_UNAVAILABLE : EX_OK;
}

int cli_dkim_check(struct cli *c)
{
	struct profile p;
	struct dns dns;
	int status = open_dns(c, &dns);

	if (!status)
		status = find_profile(c, &p);
	if (!status)
		status = enter(&p);
	if (!status)
		status = check(c, &p, &dns);
	close_dns(&dns);
	return status;
}

/* ---- rotate ---- */

/* "20261124r": keys of one day and kind have the same, which is refused. */
static void make_selector(bool is_rsa, char out[DKIM_SELECTOR_MAX + 1])
{
	char now[CLOCK_RFC3339_SIZE];

	clock_print_rfc3339(clock_wall_ms(), now);
	snprintf(out, DKIM_SELECTOR_MAX + 1, "%.4s%.2s%.2s%s", now, now + 5, now + 8, is_rsa ? "r" : "e");
}

static bool is_selector(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if ((s[i] < 'a' || s[i] > 'z') && (s[i] < '0' || s[i] > '9') && s[i] != '-')
			return false;
	return n > 0 && n <= DKIM_SELECTOR_MAX && s[0] != '-';
}

static int print_new(struct cli *c, const struct profile *p, const char *selector)
{
	struct table_view *t = table_view_new(columns, sizeof columns / sizeof *columns);
	struct dkim_file files[DKIM_FILES_MAX];
	size_t n = dkim_files_list(files);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(files[i].selector, selector) == 0 && c->json)
			add_row(t, p, &files[i], PUBLISHED_NO);
		else if (strcmp(files[i].selector, selector) == 0)
			print_zone_line(p, &files[i]);
		dkim_file_done(&files[i]);
	}
	if (c->json)
		print_table(c, t);
	else
		fprintf(stderr,
			"Publish this record; then 'postern dkim activate %s %s' and 'postern reload'.\n",
			p->name, selector);
	return EX_OK;
}

int cli_dkim_rotate(struct cli *c)
{
	const char *kind = cli_take_option(c, "--type"), *name = cli_take_option(c, "--selector");
	const char *bits_text = cli_take_option(c, "--bits");
	bool is_rsa = !kind || strcmp(kind, "rsa") == 0;
	char selector[DKIM_SELECTOR_MAX + 1];
	uint64_t bits = RSA_BITS;
	struct profile p;
	struct buf why;
	int status;

	if (kind && !is_rsa && strcmp(kind, "ed25519") != 0)
		return cli_fail(EX_USAGE, "--type is rsa or ed25519");
	if (bits_text && (!text_parse_u64(text_from_cstr(bits_text), 4096, &bits) || bits < 1024))
		return cli_fail(EX_USAGE, "--bits is from 1024 to 4096");
	if (name && !is_selector(name))
		return cli_fail(EX_USAGE, "a selector has lower-case letters, digits and -");
	make_selector(is_rsa, selector);
	snprintf(selector, sizeof selector, "%s", name ? name : selector);
	status = find_profile(c, &p);
	if (!status)
		status = enter(&p);
	if (status)
		return status;
	buf_init(&why, 1024);
	if (!dkim_files_make(selector, is_rsa ? (unsigned)bits : 0, &why))
		status = cli_fail(EX_CANTCREAT, "%s", buf_cstr(&why));
	buf_done(&why);
	return status ? status : print_new(c, &p, selector);
}

/* ---- activate, retire ---- */

static int move(const char *selector, const char *from, const char *to)
{
	struct buf why;
	int status = EX_OK;

	buf_init(&why, 1024);
	if (!dkim_files_rename(selector, from, to, &why))
		status = cli_fail(EX_CANTCREAT, "%s", buf_cstr(&why));
	buf_done(&why);
	return status;
}

static int activate(struct cli *c, const struct profile *p, struct dns *dns)
{
	enum published published = PUBLISHED_NO;
	struct dkim_file files[DKIM_FILES_MAX];
	size_t n = dkim_files_list(files);
	bool is_there = false;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(files[i].selector, c->argv[1]) == 0 && !files[i].is_active) {
			is_there = true;
			published = ask(dns, p, &files[i]);
		}
		dkim_file_done(&files[i]);
	}
	if (!is_there)
		return cli_fail(EX_NOINPUT, "there is no new key with the selector %s", c->argv[1]);
	if (published == PUBLISHED_UNKNOWN)
		return cli_fail(EX_TEMPFAIL, "the DNS does not answer for %s._domainkey.%s", c->argv[1],
				p->domain);
	if (published != PUBLISHED_YES)
		return cli_fail(
			EX_UNAVAILABLE, "the DNS has %s at %s._domainkey.%s: publish the record first",
			published == PUBLISHED_OTHER ? "another key" : "no key", c->argv[1], p->domain);
	return move(c->argv[1], ".new", ".pem");
}

int cli_dkim_activate(struct cli *c)
{
	struct profile p;
	struct dns dns;
	int status = open_dns(c, &dns);

	if (!status && c->argc != 2)
		status = cli_fail(EX_USAGE, "name a block dkim and a selector");
	if (!status)
		status = find_profile(c, &p);
	if (!status)
		status = enter(&p);
	if (!status)
		status = activate(c, &p, &dns);
	close_dns(&dns);
	return status;
}

int cli_dkim_retire(struct cli *c)
{
	struct profile p;
	int status;

	if (c->argc != 2 || !is_selector(c->argv[1]))
		return cli_fail(EX_USAGE, "name a block dkim and a selector");
	status = find_profile(c, &p);
	if (!status)
		status = enter(&p);
	return status ? status : move(c->argv[1], ".pem", ".old");
}
