/* SPDX-License-Identifier: Apache-2.0
 *
 * The authentication room: one message in, who sent it out, end; or, of a message that goes out, what of it
 * is to be signed, to keyring (signing.c). Forked by the authentication zygote for one job of queue, apart
 * from the rooms that read parts and archives: this one reads the header, and hashes the rest. The message is
 * a stranger's, so are the answers of the DNS; what queue says about the message is trusted, and when queue
 * does not keep to the edge the room ends. Memory: the message and what the arena may take; RLIMIT_AS stands
 * behind it. Time: that of the message for everything.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/ensure.h"
#include "ipc/queue_authenticate.h"
#include "judge/authenticate.h"
#include "roles/scan/incoming.h"
#include "roles/scan/origin_report.h"
#include "roles/scan/room_dns.h"
#include "roles/scan/scan.h"
#include "roles/scan/signing.h"
#include "roles/scan/warm_up.h"

#include <sysexits.h>
#include <unistd.h>

#define DNS_FD        (ROOM_FD + 1)
#define OVERHEAD      ((uint64_t)128 << 20) /* address space of the program before its work */
#define TEXT_MEMORY   4096                  /* of what queue says beside the message */
#define ANSWER_MEMORY ((size_t)16 << 20)

struct room {
	const struct conf *conf;
	struct link queue;
	struct link_in in;
	int64_t deadline;
	struct arena texts, work, answers;
	struct room_dns dns;
	bool has_head;
	const struct conf_authentication *profile;
	struct authenticate_input input;
	uint32_t header_size;
	struct incoming incoming;
	bool is_to_sign;
	int keyring_fd;
	uint64_t signing_profile;
};

static bool take_head(struct room *r, const struct queue_authenticate_message *m)
{
	if (r->has_head)
		return false;
	r->has_head = true;
	r->profile = conf_authentication_by_id(r->conf, m->profile);
	r->header_size = m->header_size;
	r->input.client = m->client;
	r->input.now = m->now;
	incoming_init(&r->incoming, m->size);
	return m->header_size <= m->size && arena_copy(&r->texts, m->helo, &r->input.helo) &&
	       arena_copy(&r->texts, m->sender, &r->input.mail_from) &&
	       arena_copy(&r->texts, m->receiver, &r->input.receiver);
}

/* The way to the DNS is not needed then, and leaves room for the one to keyring. */
static bool take_sign(struct room *r, const struct queue_authenticate_sign *m)
{
	if (r->has_head)
		return false;
	r->has_head = r->is_to_sign = true;
	r->signing_profile = m->profile;
	r->keyring_fd = r->in.fds[0];
	r->in.fds[0] = -1;
	close(DNS_FD);
	incoming_init(&r->incoming, m->size);
	return m->header_size <= m->size && r->keyring_fd >= 0;
}

static bool take_message(struct room *r)
{
	const struct queue_authenticate_chunk *chunk = link_body(&r->in);
	const struct queue_authenticate_file *file = link_body(&r->in);

	if (r->in.type == QUEUE_AUTHENTICATE_MESSAGE)
		return take_head(r, link_body(&r->in));
	if (r->in.type == QUEUE_AUTHENTICATE_SIGN)
		return take_sign(r, link_body(&r->in));
	if (!r->has_head)
		return false;
	switch (r->in.type) {
	case QUEUE_AUTHENTICATE_CHUNK:
		return incoming_take_chunk(&r->incoming, chunk->data);
	case QUEUE_AUTHENTICATE_FILE:
		return incoming_take_file(&r->incoming, r->in.fds[0], file->size);
	case QUEUE_AUTHENTICATE_END:
		return incoming_end(&r->incoming);
	default:
		return false;
	}
}

static int receive_message(struct room *r)
{
	while (!r->incoming.is_complete) {
		enum error e = link_receive(&r->queue, &r->in, r->deadline);
		bool ok;
		if (e)
			return e == ERROR_CLOSED ? EX_OK : EX_PROTOCOL; /* closed: nobody wants to know */
		ok = take_message(r);
		link_in_close_fds(&r->in);
		if (!ok)
			return EX_PROTOCOL;
	}
	return EX_OK;
}

/* ---- the checks ---- */

static enum dmarc_discovery discovery_of(enum conf_discovery discovery)
{
	static const enum dmarc_discovery discoveries[] = {
		[CONF_DISCOVERY_AUTO] = DMARC_AUTO,
		[CONF_DISCOVERY_TREEWALK] = DMARC_TREEWALK,
		[CONF_DISCOVERY_PSL] = DMARC_PSL,
	};

	return discoveries[discovery];
}

static struct authenticate_settings settings_of(const struct conf *conf, const struct conf_authentication *a)
{
	struct authenticate_settings s = authenticate_settings_default();

	s.checks = (struct authenticate_checks){ a->iprev, a->spf_helo, a->spf, a->dkim,
						 a->arc,   a->dmarc,    a->bimi };
	s.spf.lookups = (unsigned)a->spf_lookups;
	s.spf.void_lookups = (unsigned)a->spf_void_lookups;
	s.spf.names = (unsigned)a->spf_names;
	s.iprev_names = (unsigned)a->spf_names;
	s.dkim.mime.header_bytes = conf->scan.max_header_size;
	s.dkim.mime.header_fields = conf->scan.max_header_fields;
	s.dkim.signatures = a->dkim_signatures;
	s.dkim.rsa_bits_min = (unsigned)a->dkim_min_key;
	s.dkim.clock_skew = a->dkim_clock_skew / 1000;
	s.dkim.takes_part = a->dkim_partial_body;
	s.discovery = discovery_of(a->dmarc_discovery);
	s.trusted_sealers = a->trusted_sealer.v;
	s.n_trusted_sealers = a->trusted_sealer.n;
	return s;
}

static struct text domain_of(struct text address)
{
	size_t at = text_find_last_byte(address, '@');

	return at == SIZE_MAX ? (struct text){ NULL, 0 } : text_skip(address, at + 1);
}

static bool is_at_or_below(struct text domain, struct text above)
{
	return text_has_suffix_nocase(domain, above) &&
	       (domain.n == above.n || domain.p[domain.n - above.n - 1] == '.');
}

static bool is_exempt(const struct conf_texts *senders, struct text sender)
{
	for (size_t i = 0; i < senders->n; i++) {
		bool is_address = text_find_byte(senders->v[i], '@') < senders->v[i].n;
		if (is_address ? text_is_equal_nocase(senders->v[i], sender)
			       : is_at_or_below(domain_of(sender), senders->v[i]))
			return true;
	}
	return false;
}

/* What is not to be checked is not asked for. */
static void prepare(struct room *r)
{
	const struct conf_authentication *a = r->profile;
	struct authenticate_input *in = &r->input;

	in->message = r->incoming.message;
	in->has_client = a->iprev || a->spf || a->spf_helo;
	in->has_mail_from = true;
	in->has_message = a->dkim || a->arc || a->dmarc || a->bimi;
	in->vouch.is_exempt = is_exempt(&a->dmarc_exempt, in->mail_from);
	in->vouch.is_trusted_forwarder = conf_is_in(&a->known_forwarder, &in->client);
	in->vouch.exemption = text_from_cstr("dmarc-exempt");
	in->vouch.forwarder = text_from_cstr("known-forwarder");
	/* Their answers come while the first checks are at work. */
	if (a->spf_helo)
		room_dns_expect(&r->dns, DNS_TXT, in->helo);
	if (a->spf)
		room_dns_expect(&r->dns, DNS_TXT, domain_of(in->mail_from));
}

static enum error authenticate(struct room *r)
{
	struct authenticate_settings settings = settings_of(r->conf, r->profile);
	struct origin_report to = { .queue = &r->queue, .deadline = r->deadline, .arena = &r->work };
	struct authenticate_report report;

	prepare(r);
	authenticate_message(&r->input, &settings, room_dns_source(&r->dns), &r->work, &report);
	origin_report_send(&to, r->profile, &report);
	if (r->conf->dmarc_report.send && r->profile->dmarc)
		origin_report_send_destinations(&to, &report.dmarc, settings.discovery,
						room_dns_source(&r->dns));
	origin_report_send_cuts(&to, text_slice(r->input.message, 0, r->header_size), r->input.receiver,
				r->conf->top.hostname);
	origin_report_end(&to);
	return to.error;
}

static enum error sign(struct room *r)
{
	struct origin_report to = { .queue = &r->queue, .deadline = r->deadline, .arena = &r->work };

	signing_prepare(r->keyring_fd, r->conf, r->signing_profile, r->incoming.message, r->deadline,
			&r->work);
	origin_report_end(&to);
	return to.error;
}

static int run(struct zygote *z)
{
	static struct room r;
	int status;

	r.conf = z->conf;
	r.queue = link_of(ROOM_FD, &queue_authenticate_edge, QUEUE_AUTHENTICATE_SIDE_ROOM);
	r.deadline = clock_mono_ms() + z->conf->scan.message_time;
	link_in_init(&r.in, &queue_authenticate_edge);
	arena_init(&r.texts, TEXT_MEMORY);
	arena_init(&r.work, AUTHENTICATE_ARENA);
	arena_init(&r.answers, ANSWER_MEMORY);
	room_dns_init(&r.dns, DNS_FD, r.deadline, &r.answers);
	status = receive_message(&r);
	if (status != EX_OK || !r.incoming.is_complete)
		return status;
	return (r.is_to_sign ? sign(&r) : authenticate(&r)) ? EX_IOERR : EX_OK;
}

/* Whole seconds, rounded up: the kernel counts no finer. */
static void limit(const struct conf *conf, uint64_t *ret_memory, uint64_t *ret_cpu_seconds)
{
	*ret_memory = conf->scan.memory + AUTHENTICATE_ARENA + ANSWER_MEMORY + OVERHEAD;
	*ret_cpu_seconds = (uint64_t)(conf->scan.message_time + 999) / 1000;
}

static void open_zygote(struct zygote *z)
{
	(void)z;
	warm_up();
}

const struct zygote_definition authentication_zygote = {
	.kind = PROCESS_AUTHENTICATION,
	.n_fds = 2,
	.open = open_zygote,
	.limits = limit,
	.room = run,
};
