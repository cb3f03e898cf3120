/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads an outgoing message and tells keyring what of it is to be signed: the hash of the body, the names of
 * h= and the fields in canonical form. Called by the authentication room, on the bytes of somebody who may be
 * taken over. Who may have it signed was decided before, by queue; here is only seen to it that the author in
 * From is of the same block: a signature for another domain would say nothing about this mail.
 *
 * Invariant: keyring hears all of a message or, when it cannot be signed, nothing.
 */
#include "roles/scan/signing.h"

#include "ipc/link.h"
#include "ipc/signing_keyring.h"
#include "proto/dkim_sign.h"

#define NAME_BYTES  100
#define FIELD_BYTES 65536
#define COVERED_MAX (1 << 20)

struct preparation {
	struct link keyring;
	int64_t deadline;
	const struct conf_dkim *profile;
	struct dkim_message m;
	struct text *names;
	size_t n_names;
	enum error error;
};

/* The address in the one From field, or empty: that between the last angle brackets, or all of it. */
static struct text find_author(const struct dkim_message *m)
{
	struct text author = { NULL, 0 };
	size_t n = 0, at;

	for (size_t i = 0; i < m->n_fields; i++) {
		if (!text_is_cstr_nocase(m->fields[i].name, "from"))
			continue;
		n++;
		author = text_trim(text_skip(m->fields[i].raw, text_find_byte(m->fields[i].raw, ':') + 1));
	}
	at = text_find_last_byte(author, '<');
	if (at != SIZE_MAX)
		author = text_slice(text_skip(author, at + 1), 0,
				    text_find_byte(text_skip(author, at + 1), '>'));
	return n == 1 ? text_trim(author) : (struct text){ NULL, 0 };
}

static bool choose(struct preparation *p, struct arena *arena)
{
	struct dkim_sign_choice choice = {
		.is_all = p->profile->headers == CONF_SIGNED_HEADERS_ALL,
		.extra = p->profile->header.v,
		.n_extra = p->profile->header.n,
		.oversigned = p->profile->oversign.v,
		.n_oversigned = p->profile->oversign.n,
	};

	return dkim_sign_choose(&p->m, &choice, arena, &p->names, &p->n_names);
}

static void say(struct preparation *p, unsigned type, const void *body)
{
	if (!p->error)
		p->error = link_send(&p->keyring, type, body, NULL, 0, p->deadline);
}

static void say_fields(struct preparation *p, enum dkim_canon canon)
{
	const struct dkim_header_field *f;
	struct buf form;

	buf_init(&form, FIELD_BYTES);
	dkim_message_select(&p->m);
	for (size_t i = 0; i < p->n_names && !p->error; i++) {
		f = dkim_message_take(&p->m, p->names[i], SIZE_MAX);
		buf_reset(&form);
		if (f && !dkim_canon_field(canon, f->raw, &form))
			p->error = ERROR_TOO_LARGE;
		if (f)
			say(p, SIGNING_KEYRING_FIELD, &(struct signing_keyring_field){ buf_text(&form) });
	}
	buf_done(&form);
}

static void say_all(struct preparation *p)
{
	enum conf_canonicalization c = p->profile->canonicalization;
	bool is_simple_body =
		c == CONF_CANONICALIZATION_RELAXED_SIMPLE || c == CONF_CANONICALIZATION_SIMPLE_SIMPLE;
	bool is_simple_header =
		c == CONF_CANONICALIZATION_SIMPLE_RELAXED || c == CONF_CANONICALIZATION_SIMPLE_SIMPLE;
	struct dkim_body_hash hash = { .canon = is_simple_body ? DKIM_CANON_SIMPLE : DKIM_CANON_RELAXED,
				       .length = UINT64_MAX };
	struct signing_keyring_body body = { text_from_bytes(hash.digest, sizeof hash.digest) };

	dkim_hash_body(p->m.body, &hash, 1);
	say(p, SIGNING_KEYRING_BODY, &body);
	for (size_t i = 0; i < p->n_names; i++) {
		if (p->names[i].n > NAME_BYTES)
			p->error = ERROR_TOO_LARGE;
		say(p, SIGNING_KEYRING_NAME, &(struct signing_keyring_name){ p->names[i] });
	}
	say_fields(p, is_simple_header ? DKIM_CANON_SIMPLE : DKIM_CANON_RELAXED);
	say(p, SIGNING_KEYRING_END, NULL);
}

/* Keyring says nothing; it closes when the signature is where it belongs. */
static void await_end(struct preparation *p)
{
	struct link_in in;

	link_in_init(&in, &signing_keyring_edge);
	link_receive(&p->keyring, &in, p->deadline);
	link_in_done(&in);
}

void signing_prepare(int fd, const struct conf *conf, uint64_t profile, struct text message, int64_t deadline,
		     struct arena *arena)
{
	struct dkim_limits limits = dkim_limits_default();
	struct preparation p = { .keyring = link_of(fd, &signing_keyring_edge, SIGNING_KEYRING_SIDE_ROOM),
				 .deadline = deadline,
				 .profile = conf_dkim_by_id(conf, profile) };

	limits.mime.header_bytes = conf->scan.max_header_size;
	limits.mime.header_fields = conf->scan.max_header_fields;
	if (p.profile && dkim_message_read(&p.m, message, &limits, arena) && !p.m.trouble &&
	    conf_find_dkim(conf, find_author(&p.m)) == p.profile && choose(&p, arena)) {
		say_all(&p);
		if (!p.error)
			await_end(&p);
	}
	link_close(&p.keyring);
}
