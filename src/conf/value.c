/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of types, and the types that are words: texts, names, addresses, choices. Called by parse.c for
 * values and names of blocks, and by print.c. What a parser is given may be any bytes.
 *
 * Invariants: a value that parsed prints to a word that parses to the same value; texts in values hold
 * no control characters.
 */
#include "conf/value.h"

#include "base/ensure.h"
#include "conf/host.h"
#include "conf/number.h"
#include "conf/report.h"

static bool parse_text(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	(void)row;
	if (!text_is_printable(word)) {
		buf_printf(why, "%s has characters that are not printable ASCII", conf_quote(word).s);
		return false;
	}
	*(struct text *)ret_value = word;
	return true;
}

static bool is_label_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool parse_label(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	bool ok = word.n > 0 && word.n <= 64 && is_label_byte(word.p[0]);

	(void)row;
	for (size_t i = 0; i < word.n && ok; i++)
		ok = is_label_byte(word.p[i]) || word.p[i] == '-' || word.p[i] == '_';
	if (!ok)
		return conf_expected(why, "a name of at most 64 letters, digits, - and _", word);
	*(struct text *)ret_value = word;
	return true;
}

static bool parse_file(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	struct text rest = word, part;

	(void)row;
	if (word.n == 0 || word.p[0] != '/')
		return conf_expected(why, "a path that begins with /", word);
	if (!text_is_utf8(word))
		return conf_expected(why, "a path without control characters", word);
	for (rest = text_skip(rest, 1); rest.n;) {
		text_cut(rest, '/', &part, &rest);
		if (part.n == 0 || text_is_cstr(part, ".") || text_is_cstr(part, ".."))
			return conf_expected(why, "a path without //, . and ..", word);
	}
	if (word.n > 1 && word.p[word.n - 1] == '/')
		return conf_expected(why, "a path without a / at its end", word);
	*(struct text *)ret_value = word;
	return true;
}

static bool parse_yes_no(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	static const char *const likely[][2] = { { "true", "yes" }, { "on", "yes" },     { "1", "yes" },
						 { "y", "yes" },    { "enable", "yes" }, { "false", "no" },
						 { "off", "no" },   { "0", "no" },       { "n", "no" },
						 { "none", "no" },  { "disable", "no" }, { "Yes", "yes" },
						 { "YES", "yes" },  { "No", "no" },      { "NO", "no" } };

	(void)row;
	*(bool *)ret_value = text_is_cstr(word, "yes");
	if (text_is_cstr(word, "yes") || text_is_cstr(word, "no"))
		return true;
	conf_expected(why, "yes or no", word);
	for (size_t i = 0; i < sizeof likely / sizeof *likely; i++)
		if (text_is_cstr(word, likely[i][0]))
			buf_printf(why, " (did you mean %s?)", likely[i][1]);
	return false;
}

static bool parse_choice(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	const char *near = conf_suggest_word(row->words, word);

	for (unsigned i = 0; row->words[i]; i++) {
		if (!text_is_cstr(word, row->words[i]))
			continue;
		*(unsigned *)ret_value = i;
		return true;
	}
	buf_printf(why, "%s is not one of:", conf_quote(word).s);
	for (unsigned i = 0; row->words[i]; i++)
		buf_printf(why, "%s %s", i ? "," : "", row->words[i]);
	if (near)
		buf_printf(why, " (did you mean %s?)", near);
	return false;
}

/* One of the row's words. */
static bool parse_word(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	unsigned number;

	if (!parse_choice(row, word, &number, why))
		return false;
	*(struct text *)ret_value = word;
	return true;
}

/* A user id, or the name of a user of this machine. */
static bool parse_user(const struct conf_row *row, struct text word, void *ret_value, struct buf *why)
{
	uint64_t id;
	bool is_number = text_parse_u64(word, UINT32_MAX - 1, &id) && (word.n == 1 || word.p[0] != '0');
	bool is_name = word.n > 0 && word.n <= 32 && (is_label_byte(word.p[0]) || word.p[0] == '_') &&
		       !(word.p[0] >= '0' && word.p[0] <= '9');

	(void)row;
	for (size_t i = 0; i < word.n && is_name; i++)
		is_name = is_label_byte(word.p[i]) || memchr("_-.", word.p[i], 3);
	if (!is_number && !is_name)
		return conf_expected(why, "a user's name or number", word);
	*(struct text *)ret_value = word;
	return true;
}

static void print_text(const struct conf_row *row, const void *value, struct buf *out)
{
	(void)row;
	conf_word_print(*(const struct text *)value, out);
}

static void print_yes_no(const struct conf_row *row, const void *value, struct buf *out)
{
	(void)row;
	buf_add_cstr(out, *(const bool *)value ? "yes" : "no");
}

static void print_choice(const struct conf_row *row, const void *value, struct buf *out)
{
	buf_add_cstr(out, row->words[*(const unsigned *)value]);
}

#define TEXT_SIZE sizeof(struct text)
static const struct conf_kind kinds[CONF_TYPE_COUNT_OF] = {
	[CONF_TYPE_TEXT] = { "text", "printable ASCII, in double quotes if it has blanks", TEXT_SIZE, false,
			     false, parse_text, print_text },
	[CONF_TYPE_LABEL] = { "label", "letters, digits, - and _", TEXT_SIZE, false, false, parse_label,
			      print_text },
	[CONF_TYPE_HOSTNAME] = { "domain", "a domain name in ASCII, such as mx.example.com", TEXT_SIZE, false,
				 false, conf_hostname_parse, print_text },
	[CONF_TYPE_ROUTE_NAME] = { "domain", "a domain name, or *", TEXT_SIZE, false, false,
				   conf_route_name_parse, print_text },
	[CONF_TYPE_ZONE] = { "zone", "a domain name, or . for the root", TEXT_SIZE, false, false,
			     conf_zone_parse, print_text },
	[CONF_TYPE_MAILBOX] = { "mailbox", "a mail address, such as postmaster@example.com", TEXT_SIZE, false,
				false, conf_mailbox_parse, print_text },
	[CONF_TYPE_FILE] = { "path", "a path from /", TEXT_SIZE, false, false, parse_file, print_text },
	[CONF_TYPE_YES_NO] = { "yes|no", "", sizeof(bool), false, false, parse_yes_no, print_yes_no },
	[CONF_TYPE_COUNT] = { "number", "decimal digits", sizeof(uint64_t), false, false, conf_count_parse,
			      conf_count_print },
	[CONF_TYPE_SIZE] = { "size", "a number with the unit B, K, M or G, such as 50M; or 0",
			     sizeof(uint64_t), false, false, conf_size_parse, conf_size_print },
	[CONF_TYPE_TIME] = { "time", "a number with the unit ms, s, m, h or d, such as 30s; or 0",
			     sizeof(int64_t), false, false, conf_time_parse, conf_time_print },
	[CONF_TYPE_RATE] = { "number/time", "so many in a time, such as 60/1m", sizeof(struct conf_rate),
			     false, false, conf_rate_parse, conf_rate_print },
	[CONF_TYPE_CHOICE] = { "word", "", sizeof(unsigned), false, false, parse_choice, print_choice },
	[CONF_TYPE_WORDS] = { "word ...", "", TEXT_SIZE, true, true, parse_word, print_text },
	[CONF_TYPE_USERS] = { "user ...", "names or numbers of users", TEXT_SIZE, true, true, parse_user,
			      print_text },
	[CONF_TYPE_RECIPIENTS] = { "recipient ...", "local parts or mail addresses", TEXT_SIZE, true, true,
				   conf_recipient_parse, print_text },
	[CONF_TYPE_DOMAINS] = { "domain ...", "domain names in ASCII", TEXT_SIZE, true, true,
				conf_hostname_parse, print_text },
	[CONF_TYPE_FIELDS] = { "field ...", "names of header fields", TEXT_SIZE, true, true, parse_label,
			       print_text },
	[CONF_TYPE_SENDERS] = { "sender ...", "mail addresses or domain names", TEXT_SIZE, true, true,
				conf_sender_parse, print_text },
	[CONF_TYPE_ADDRS] = { "address ...", "IPv4 or IPv6 addresses", sizeof(struct addr), true, true,
			      conf_addr_parse, conf_addr_print },
	[CONF_TYPE_PREFIXES] = { "network ...", "IPv4 or IPv6 addresses or networks, such as 192.0.2.0/24",
				 sizeof(struct addr_prefix), true, true, conf_prefix_parse,
				 conf_prefix_print },
	[CONF_TYPE_ENDPOINTS] = { "address[:port] ...",
				  "addresses, each with a port or without; IPv6 in brackets: "
				  "[2001:db8::1]:25",
				  sizeof(struct conf_endpoint), true, true, conf_endpoint_parse,
				  conf_endpoint_print },
	[CONF_TYPE_HOSTS] = { "host[:port] ...",
			      "domain names or addresses, each with a port or without; IPv6 in brackets",
			      sizeof(struct conf_host), true, true, conf_host_parse, conf_host_print },
	[CONF_TYPE_TIMES] = { "time ...", "times from 1s to 30d", sizeof(int64_t), true, false,
			      conf_time_parse, conf_time_print },
};

const struct conf_kind *conf_kind_of(const struct conf_row *row)
{
	return &kinds[row->type];
}

/* Lengths of texts that are not in lists; a list's bounds count its values. */
static bool is_length_ok(const struct conf_row *row, size_t n, struct buf *why)
{
	const struct conf_row bounds = { .min = "0", .max = "4096" };
	uint64_t min, max;

	if (!conf_count_parse(&bounds, text_from_cstr(row->min), &min, why) ||
	    !conf_count_parse(&bounds, text_from_cstr(row->max), &max, why))
		return false;
	if (n >= min && n <= max)
		return true;
	buf_printf(why, "the length of %zu is out of range %s-%s", n, row->min, row->max);
	return false;
}

static bool is_without_case(const struct conf_row *row)
{
	return row->type == CONF_TYPE_HOSTS || row->type == CONF_TYPE_HOSTNAME ||
	       row->type == CONF_TYPE_ROUTE_NAME || row->type == CONF_TYPE_ZONE ||
	       row->type == CONF_TYPE_DOMAINS || row->type == CONF_TYPE_FIELDS;
}

bool conf_value_parse(const struct conf_row *row, struct arena *arena, struct text word,
		      union conf_any *ret_value, struct buf *why)
{
	const struct conf_kind *kind = conf_kind_of(row);
	struct text *text = NULL;
	char *copy;

	memset(ret_value, 0, sizeof *ret_value);
	if (!kind->parse(row, word, ret_value, why))
		return false;
	if (kind->print == print_text)
		text = &ret_value->text;
	else if (row->type == CONF_TYPE_HOSTS)
		text = &ret_value->host.name;
	if (!text)
		return true;
	if (!kind->is_list && !is_length_ok(row, text->n, why))
		return false;
	copy = arena_cstr(arena, *text);
	ASSERT(copy != NULL);
	for (size_t i = 0; i < text->n && is_without_case(row); i++)
		copy[i] = text_lower_byte(copy[i]);
	text->p = copy;
	return true;
}

void conf_value_print(const struct conf_row *row, const void *value, struct buf *out)
{
	conf_kind_of(row)->print(row, value, out);
}

void conf_word_print(struct text word, struct buf *out)
{
	bool is_plain = word.n > 0;

	for (size_t i = 0; i < word.n && is_plain; i++)
		is_plain = is_label_byte(word.p[i]) || memchr("-_./:@*+[]", word.p[i], 10);
	if (is_plain) {
		buf_add(out, word);
		return;
	}
	buf_add_byte(out, '"');
	for (size_t i = 0; i < word.n; i++) {
		if (word.p[i] == '"' || word.p[i] == '\\')
			buf_add_byte(out, '\\');
		buf_add_byte(out, word.p[i]);
	}
	buf_add_byte(out, '"');
}
