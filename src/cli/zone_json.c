/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads zones for `postern authenticate`, from what the person who runs it gave. Called by authenticate.c
 * and authenticate_case.c. The forms are those in which suites of test cases have their DNS: each is taken
 * without being announced, so that a case can be passed on as it is. A mistake names its place.
 */
#include "cli/zone_json.h"

#include <errno.h>
#include <stdio.h>

/* Where in the zone a mistake is, and where to say so. */
struct place {
	struct dns_zone *zone;
	struct buf *why;
	struct text owner;
	uint16_t type;
	const char *type_word;
};

static bool mistaken(const struct place *place, const char *what)
{
	buf_add_cstr(place->why, "zone: ");
	buf_add_escaped(place->why, place->owner);
	if (place->type_word)
		buf_printf(place->why, " %s", place->type_word);
	buf_printf(place->why, ": %s", what);
	return false;
}

static struct text text_of(const json_t *value)
{
	return text_from_bytes(json_string_value(value), json_string_length(value));
}

static bool is_done(const struct place *place, enum error e)
{
	if (e == ERROR_MALFORMED)
		return mistaken(place, "a name that DNS cannot hold");
	return e == ERROR_NONE || mistaken(place, "the zone is larger than its limit");
}

/* "TIMEOUT", "SERVFAIL", or NULL. */
static const char *failure_of(struct text word)
{
	return text_is_cstr_nocase(word, "TIMEOUT")    ? "timeout"
	       : text_is_cstr_nocase(word, "SERVFAIL") ? "servfail"
						       : NULL;
}

static bool add(const struct place *place, const struct dns_record *record)
{
	return is_done(place, dns_zone_add(place->zone, place->owner, place->type, record));
}

static bool add_mx(const struct place *place, struct text preference, struct text name)
{
	struct dns_record record = { .name = text_trim(name) };
	uint64_t number;

	if (!text_parse_u64(preference, UINT16_MAX, &number))
		return mistaken(
			place,
			"not a preference and a name, as [10, \"mx.example.com\"] or \"10 mx.example.com\"");
	record.preference = (uint16_t)number;
	/* The null MX of rfc7505 may be written as nothing. */
	if (record.name.n == 0)
		record.name = text_from_cstr(".");
	return add(place, &record);
}

static bool add_text(const struct place *place, struct text value)
{
	struct dns_record record = { .name = value, .data = value };
	struct text head, tail;
	const char *why = failure_of(value);

	if (why)
		return is_done(place, dns_zone_add_failure(place->zone, place->owner, place->type, why));
	switch (place->type) {
	case DNS_A:
	case DNS_AAAA:
		if (!addr_parse(value, &record.address) ||
		    addr_is_v4(&record.address) != (place->type == DNS_A))
			if (place->type == DNS_A || text_find_byte(value, ':') == value.n)
				return mistaken(place, "not an address of this family");
		return add(place, &record);
	case DNS_MX:
		text_cut(text_trim(value), ' ', &head, &tail);
		return add_mx(place, head, tail);
	default:
		return add(place, &record);
	}
}

/* One record as a list: preference and name, or strings. */
static bool add_list(const struct place *place, json_t *list)
{
	char number[24] = "";
	json_t *first = json_array_get(list, 0);
	struct buf joined;
	bool ok = true;

	if (place->type == DNS_MX) {
		if (json_is_integer(first))
			snprintf(number, sizeof number, "%lld", (long long)json_integer_value(first));
		return add_mx(place, json_is_string(first) ? text_of(first) : text_from_cstr(number),
			      text_of(json_array_get(list, 1)));
	}
	buf_init(&joined, UINT16_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		ok = ok && json_is_string(json_array_get(list, i));
		buf_add(&joined, text_of(json_array_get(list, i)));
	}
	ok = ok && !joined.overflow
		     ? add_text(place, buf_text(&joined))
		     : mistaken(place, "not a list of strings, or longer than a record can be");
	buf_done(&joined);
	return ok;
}

/* mailauth and others write a server as an object. */
static bool add_server(const struct place *place, json_t *server)
{
	json_t *preference = json_object_get(server, "preference"),
	       *name = json_object_get(server, "exchange");
	char number[24];

	if (!preference)
		preference = json_object_get(server, "priority");
	if (place->type != DNS_MX || !json_is_integer(preference) || !json_is_string(name))
		return mistaken(place, "an object, where a text was looked for");
	snprintf(number, sizeof number, "%lld", (long long)json_integer_value(preference));
	return add_mx(place, text_from_cstr(number), text_of(name));
}

static bool add_value(const struct place *place, json_t *value)
{
	if (json_is_string(value))
		return add_text(place, text_of(value));
	if (json_is_array(value))
		return add_list(place, value);
	if (json_is_object(value))
		return add_server(place, value);
	return mistaken(place, "neither a text nor a list of texts");
}

/* What stands behind a type. In an entry of a list of objects a list is one record. */
static bool add_values(const struct place *place, json_t *values, bool is_entry)
{
	bool is_one = !json_is_array(values) || is_entry ||
		      (place->type == DNS_MX && json_is_integer(json_array_get(values, 0)));

	if (is_one)
		return add_value(place, values);
	for (size_t i = 0; i < json_array_size(values); i++)
		if (!add_value(place, json_array_get(values, i)))
			return false;
	/* No value at all: the name is there, without data. */
	return json_array_size(values) > 0 ||
	       is_done(place, dns_zone_add(place->zone, place->owner, UINT16_MAX, &(struct dns_record){ 0 }));
}

static bool add_failure(struct place *place, const char *why)
{
	return is_done(place, dns_zone_add_failure(place->zone, place->owner, DNS_ZONE_ANY, why));
}

static bool add_types(struct place *place, json_t *types, bool is_entry)
{
	const char *word;
	json_t *values;

	json_object_foreach(types, word, values)
	{
		const char *why = failure_of(text_from_cstr(word));
		place->type_word = word;
		if (why) {
			if (!json_is_false(values) && !add_failure(place, why))
				return false;
			continue;
		}
		if (!dns_zone_type_of_word(text_from_cstr(word), &place->type))
			return mistaken(place, "no type of records that is known");
		if (!add_values(place, values, is_entry))
			return false;
	}
	return true;
}

/* One of a name's list, or all that it has. */
static bool add_entry(struct place *place, json_t *entry, bool is_entry)
{
	const char *why = json_is_string(entry) ? failure_of(text_of(entry)) : NULL;

	place->type_word = NULL;
	place->type = DNS_TXT;
	if (json_is_object(entry))
		return add_types(place, entry, is_entry);
	if (why)
		return add_failure(place, why);
	if (json_is_string(entry))
		return add_text(place, text_of(entry));
	return mistaken(place, "neither an object of types nor a text");
}

bool zone_read_json(struct dns_zone *zone, json_t *names, struct buf *why)
{
	struct place place = { .zone = zone, .why = why };
	const char *name;
	json_t *value;

	if (!json_is_object(names)) {
		buf_add_cstr(why, "zone: not an object of names");
		return false;
	}
	json_object_foreach(names, name, value)
	{
		place.owner = text_from_cstr(name);
		if (!json_is_array(value)) {
			if (!add_entry(&place, value, false))
				return false;
			continue;
		}
		for (size_t i = 0; i < json_array_size(value); i++)
			if (!add_entry(&place, json_array_get(value, i), true))
				return false;
	}
	return true;
}

bool zone_read_text(struct dns_zone *zone, struct text content, const char *file, struct buf *why)
{
	struct dns_zone_mistake mistake;
	json_error_t error;
	json_t *names;
	bool ok;

	if (text_trim(content).n == 0 || text_trim(content).p[0] != '{') {
		ok = dns_zone_read(zone, content, &mistake);
		if (!ok)
			buf_printf(why, "%s:%u:%u: %s", file, mistake.line, mistake.column, mistake.what);
		return ok;
	}
	names = json_loadb(content.p, content.n, JSON_REJECT_DUPLICATES, &error);
	if (!names) {
		buf_printf(why, "%s:%d:%d: %s", file, error.line, error.column, error.text);
		return false;
	}
	ok = zone_read_json(zone, names, why);
	json_decref(names);
	return ok;
}

bool zone_load_file(const char *file, size_t max, struct buf *ret_content, struct buf *why)
{
	FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "rb");
	char chunk[65536];
	size_t n;
	bool ok;

	buf_init(ret_content, max);
	while (f && (n = fread(chunk, 1, sizeof chunk, f)) > 0 && !ret_content->overflow)
		buf_add(ret_content, text_from_bytes(chunk, n));
	ok = f && !ferror(f) && !ret_content->overflow;
	if (!ok)
		buf_printf(why, "%s: %s", file,
			   f && ret_content->overflow ? "larger than its limit" : strerror(errno));
	if (f && f != stdin)
		fclose(f);
	return ok;
}
