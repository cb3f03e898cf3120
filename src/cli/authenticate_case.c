/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads one case of `postern authenticate --batch`: an object on a line. Called by authenticate.c. A key
 * that is unknown is passed over and told in the answer, so that a case may carry what its suite needs and a
 * misspelt key is still seen. Every text is copied into the case's arena; the JSON is forgotten at the end.
 */
#include "cli/authenticate.h"
#include "cli/zone_json.h"
#include "proto/base64.h"

#include <jansson.h>

void authenticate_case_init(struct authenticate_case *c, const struct authenticate_settings *settings)
{
	*c = (struct authenticate_case){ .settings = *settings };
	buf_init(&c->message, AUTHENTICATE_MESSAGE_MAX);
	buf_init(&c->scratch, AUTHENTICATE_MESSAGE_MAX);
	arena_init(&c->arena, (size_t)1 << 24);
}

void authenticate_case_done(struct authenticate_case *c)
{
	dns_zone_free(c->zone);
	buf_done(&c->message);
	buf_done(&c->scratch);
	arena_reset(&c->arena);
}

/* ---- the message ---- */

bool authenticate_case_take_message(struct authenticate_case *c, struct text message, struct buf *why)
{
	struct text line;
	bool has_crlf = text_find(message, text_from_cstr("\r\n")) != SIZE_MAX, has_end;

	buf_reset(&c->message);
	while (!has_crlf && message.n) {
		has_end = text_cut(message, '\n', &line, &message);
		buf_add(&c->message, line);
		if (has_end)
			buf_add_cstr(&c->message, "\r\n");
	}
	buf_add(&c->message, message);
	c->input.message = buf_text(&c->message);
	c->input.has_message = true;
	if (c->message.overflow)
		buf_add_cstr(why, "message: larger than its limit");
	return !c->message.overflow;
}

bool authenticate_case_load_message(struct authenticate_case *c, const char *file, struct buf *why)
{
	buf_done(&c->scratch);
	return zone_load_file(file, AUTHENTICATE_MESSAGE_MAX, &c->scratch, why) &&
	       authenticate_case_take_message(c, buf_text(&c->scratch), why);
}

/* ---- keys ---- */

static bool mistaken(struct buf *why, const char *key, const char *what)
{
	buf_printf(why, "%s: %s", key, what);
	return false;
}

static bool copy_text(struct authenticate_case *c, const char *key, json_t *value, struct text *ret_text,
		      struct buf *why)
{
	if (!json_is_string(value))
		return mistaken(why, key, "not a text");
	return arena_copy(&c->arena, text_from_bytes(json_string_value(value), json_string_length(value)),
			  ret_text) ||
	       mistaken(why, key, "larger than its limit");
}

static bool read_id(struct authenticate_case *c, const char *key, json_t *value, struct buf *why)
{
	c->has_number = json_is_integer(value);
	c->number = json_integer_value(value);
	return c->has_number || copy_text(c, key, value, &c->id, why);
}

static bool read_ip(struct authenticate_case *c, const char *key, json_t *value, struct buf *why)
{
	struct text t;

	if (!copy_text(c, key, value, &t, why))
		return false;
	c->input.has_client = true;
	return addr_parse(t, &c->input.client) || mistaken(why, key, "not an IP address");
}

static bool read_helo(struct authenticate_case *c, const char *key, json_t *value, struct buf *why)
{
	return copy_text(c, key, value, &c->input.helo, why);
}

static bool read_mail_from(struct authenticate_case *c, const char *key, json_t *value, struct buf *why)
{
	c->input.has_mail_from = true;
	return copy_text(c, key, value, &c->input.mail_from, why);
}

static bool read_receiver(struct authenticate_case *c, const char *key, json_t *value, struct buf *why)
{
	return copy_text(c, key, value, &c->input.receiver, why);
}

static bool read_now(struct authenticate_case *c, const char *key, json_t *value, struct buf *why)
{
	c->input.now = json_integer_value(value);
	return json_is_integer(value) || mistaken(why, key, "not a number of seconds since 1970");
}

static bool read_message(struct authenticate_case *c, const char *key, json_t *value, struct buf *why)
{
	struct text t;

	return copy_text(c, key, value, &t, why) && authenticate_case_take_message(c, t, why);
}

static bool read_message_base64(struct authenticate_case *c, const char *key, json_t *value, struct buf *why)
{
	struct text t;

	if (!copy_text(c, key, value, &t, why))
		return false;
	buf_reset(&c->scratch);
	if (!base64_decode(t, &c->scratch))
		return mistaken(why, key, "not base64");
	return authenticate_case_take_message(c, buf_text(&c->scratch), why);
}

static bool read_message_file(struct authenticate_case *c, const char *key, json_t *value, struct buf *why)
{
	return json_is_string(value) ? authenticate_case_load_message(c, json_string_value(value), why)
				     : mistaken(why, key, "not the name of a file");
}

static bool read_zone_file(struct authenticate_case *c, const char *key, json_t *value, struct buf *why)
{
	const char *file = json_string_value(value);

	if (!file)
		return mistaken(why, key, "not the name of a file");
	if (!c->zone)
		c->zone = dns_zone_new(ZONE_MAX);
	buf_done(&c->scratch);
	return zone_load_file(file, ZONE_MAX, &c->scratch, why) &&
	       zone_read_text(c->zone, buf_text(&c->scratch), file, why);
}

/* One word is no zone in any form. */
static bool is_file_name(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)t.p[i] <= ' ' || t.p[i] == '{')
			return false;
	return t.n > 0;
}

static bool read_zone(struct authenticate_case *c, const char *key, json_t *value, struct buf *why)
{
	struct text t = text_from_bytes(json_string_value(value), json_string_length(value));

	if (is_file_name(t))
		return read_zone_file(c, key, value, why);
	if (!c->zone)
		c->zone = dns_zone_new(ZONE_MAX);
	return json_is_string(value) ? zone_read_text(c->zone, t, "zone", why)
				     : zone_read_json(c->zone, value, why);
}

static bool read_sealers(struct authenticate_case *c, const char *key, json_t *value, struct buf *why)
{
	size_t n = json_array_size(value);

	if (!json_is_array(value) || n > AUTHENTICATE_SEALERS_MAX)
		return mistaken(why, key, "not a list of domains");
	for (size_t i = 0; i < n; i++)
		if (!copy_text(c, key, json_array_get(value, i), &c->sealers[i], why))
			return false;
	c->settings.trusted_sealers = c->sealers;
	c->settings.n_trusted_sealers = n;
	return true;
}

static bool read_org_domain(struct authenticate_case *c, const char *key, json_t *value, struct buf *why)
{
	struct text word;

	if (!copy_text(c, key, value, &word, why))
		return false;
	return dmarc_discovery_parse(word, &c->settings.discovery) ||
	       mistaken(why, key, "not treewalk, psl or auto");
}

static bool read_forwarder(struct authenticate_case *c, const char *key, json_t *value, struct buf *why)
{
	c->input.vouch.is_trusted_forwarder = json_is_true(value);
	return json_is_boolean(value) || mistaken(why, key, "not true or false");
}

static const struct key {
	const char *name;
	bool (*read)(struct authenticate_case *c, const char *key, json_t *value, struct buf *why);
} keys[] = {
	{ "id", read_id },
	{ "ip", read_ip },
	{ "helo", read_helo },
	{ "mail_from", read_mail_from },
	{ "receiver", read_receiver },
	{ "now", read_now },
	{ "message", read_message },
	{ "message_base64", read_message_base64 },
	{ "message_file", read_message_file },
	{ "zone", read_zone },
	{ "zone_file", read_zone_file },
	{ "trusted_sealers", read_sealers },
	{ "trusted_forwarder", read_forwarder },
	{ "org_domain", read_org_domain },
};

static bool read_key(struct authenticate_case *c, const char *name, json_t *value, struct buf *why)
{
	if (json_is_null(value)) /* as if it were not there */
		return true;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strcmp(keys[i].name, name) == 0)
			return keys[i].read(c, name, value, why);
	if (c->n_unknown < AUTHENTICATE_UNKNOWN_MAX &&
	    arena_copy(&c->arena, text_from_cstr(name), &c->unknown[c->n_unknown]))
		c->n_unknown++;
	return true;
}

bool authenticate_case_read(struct authenticate_case *c, struct text line, struct buf *why)
{
	json_error_t error;
	json_t *root = json_loadb(line.p, line.n, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error), *value;
	const char *name;
	bool ok = json_is_object(root);

	if (!root)
		buf_printf(why, "column %d: %s", error.column, error.text);
	else if (!ok)
		buf_add_cstr(why, "not an object");
	/* The id first, so that an answer about a mistake has it. */
	if (ok && json_object_get(root, "id"))
		ok = read_key(c, "id", json_object_get(root, "id"), why);
	json_object_foreach(root, name, value)
	{
		ok = ok && read_key(c, name, value, why);
	}
	json_decref(root);
	return ok;
}
