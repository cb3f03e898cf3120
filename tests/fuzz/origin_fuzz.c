/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: what is known of a message's origin, as it comes out of a spool. The first two bytes are the
 * size of the message's header. Checked beside memory safety: what was read is written the same; cuts lie in
 * the header, rising; and the fields that are made of it are whole fields, whatever strangers' bytes are in
 * them.
 */
#include "base/ensure.h"
#include "roles/queue/origin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct conf *conf_of(void)
{
	static struct conf *conf;
	struct buf errors;

	if (conf)
		return conf;
	buf_init(&errors, CONF_MAX_ERROR_TEXT);
	conf = conf_parse(text_from_cstr("hostname mx.example.com\nlistener a {\n}\n"), "f", CONF_PART,
			  &errors);
	ASSERT(conf != NULL);
	buf_done(&errors);
	return conf;
}

static void check_cuts(const struct origin *o, uint32_t header_size)
{
	uint64_t at = 0;

	for (size_t i = 0; i < o->n_cuts; i++) {
		ASSERT(o->cuts[i].offset >= at && o->cuts[i].size > 0);
		at = (uint64_t)o->cuts[i].offset + o->cuts[i].size;
	}
	ASSERT(at <= header_size);
}

/* Lines end with CRLF and nothing else; each is a field of ours or goes on with one. */
static void check_head(struct text head)
{
	struct text line;

	while (head.n) {
		size_t end = text_find(head, text_from_cstr("\r\n"));
		ASSERT(end != SIZE_MAX);
		line = text_slice(head, 0, end);
		ASSERT(line.n > 0 && line.n < 999 && text_find_byte(line, '\n') == line.n &&
		       text_find_byte(line, '\r') == line.n && text_find_byte(line, 0) == line.n);
		ASSERT(line.p[0] == ' ' || line.p[0] == '\t' ||
		       text_has_prefix(line, text_from_cstr("Authentication-Results: mx.example.com")) ||
		       text_has_prefix(line, text_from_cstr("Received-SPF: ")));
		head = text_skip(head, end + 2);
	}
}

static void ignore_row(void *arg, const char *method, const char *result, struct text detail)
{
	(void)arg;
	ASSERT(method[0] && result[0] && detail.n <= ORIGIN_DETAIL_MAX);
}

static void use(struct origin *o)
{
	static const struct spool_message m = { .helo = TEXT("h"), .sender = TEXT("a@b.example") };
	struct buf head, summary;

	origin_judge(o, &conf_of()->authentication.v[0]);
	ASSERT((origin_outcome(o->verdict) == SESSION_QUEUE_OUTCOME_ACCEPTED) ==
	       (o->verdict == ORIGIN_ACCEPTED || o->verdict == ORIGIN_QUARANTINED));
	buf_init(&head, SPOOL_HEAD_MAX);
	buf_init(&summary, 800);
	origin_head(o, conf_of(), &m, &head);
	check_head(buf_text(&head));
	origin_summary(o, &summary);
	origin_show(o, ignore_row, NULL);
	buf_done(&head);
	buf_done(&summary);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text in = text_from_bytes(data, n), record = text_skip(in, 2);
	uint32_t header_size = n >= 2 ? (uint32_t)(data[0] << 8 | data[1]) : 0;
	struct origin *o = origin_decode(record, header_size);
	struct buf again;

	if (!o)
		return 0;
	buf_init(&again, SPOOL_ORIGIN_MAX);
	ASSERT(origin_encode(o, &again) && text_is_equal(buf_text(&again), record));
	ASSERT(origin_verdict_of(record) == o->verdict);
	check_cuts(o, header_size);
	use(o);
	buf_done(&again);
	origin_free(o);
	return 0;
}
