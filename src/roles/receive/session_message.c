/* SPDX-License-Identifier: Apache-2.0
 *
 * A message on its way from the client to queue: DATA and BDAT. Called by the dispatcher of session.c.
 * Trusts nothing of the client; queue's result is the only thing that may become a 250. Bytes go
 * through the filter of proto/smtp_data and on in chunks; nothing is kept here.
 *
 * Invariants: the body is read to its end whatever happens to the message, so that no byte of it is
 * ever taken for a command; a message with a problem is forgotten by closing its channel; 250 is said
 * only after queue's `accepted`.
 */
#include "roles/receive/session_state.h"

#include "base/clock.h"
#include "ipc/session_queue.h"

#define PIECE       ((size_t)15 << 10) /* given to the filter at once: makes at most twice as much */
#define CHUNK_MAX   ((size_t)64 << 10) /* of edge session_queue */
#define QUEUE_WAIT  60000              /* ms, for queue to take a chunk */
#define RESULT_WAIT 300000             /* ms: half of what rfc5321 4.5.3.2.6 gives the client */

static const enum smtp_reply_id outcome_replies[] = {
	[SESSION_QUEUE_OUTCOME_ACCEPTED] = SMTP_REPLY_ACCEPTED,
	[SESSION_QUEUE_OUTCOME_SPAM] = SMTP_REPLY_SPAM,
	[SESSION_QUEUE_OUTCOME_VIRUS] = SMTP_REPLY_VIRUS,
	[SESSION_QUEUE_OUTCOME_POLICY_REFUSED] = SMTP_REPLY_POLICY_REFUSED,
	[SESSION_QUEUE_OUTCOME_UNSCANNABLE] = SMTP_REPLY_UNSCANNABLE,
	[SESSION_QUEUE_OUTCOME_TOO_LARGE] = SMTP_REPLY_TOO_LARGE,
	[SESSION_QUEUE_OUTCOME_TOO_MANY_HOPS] = SMTP_REPLY_TOO_MANY_HOPS,
	[SESSION_QUEUE_OUTCOME_QUEUE_FULL] = SMTP_REPLY_QUEUE_FULL,
	[SESSION_QUEUE_OUTCOME_DISK_FULL] = SMTP_REPLY_DISK_FULL,
	[SESSION_QUEUE_OUTCOME_SCAN_BUSY] = SMTP_REPLY_SCAN_BUSY,
	[SESSION_QUEUE_OUTCOME_BREAKER] = SMTP_REPLY_SCAN_STOPPED,
	[SESSION_QUEUE_OUTCOME_TRY_LATER] = SMTP_REPLY_TRY_LATER,
	[SESSION_QUEUE_OUTCOME_SPF_REFUSED] = SMTP_REPLY_SPF_REFUSED,
	[SESSION_QUEUE_OUTCOME_SPF_LATER] = SMTP_REPLY_SPF_LATER,
	[SESSION_QUEUE_OUTCOME_DKIM_REFUSED] = SMTP_REPLY_DKIM_REFUSED,
	[SESSION_QUEUE_OUTCOME_DKIM_LATER] = SMTP_REPLY_DKIM_LATER,
	[SESSION_QUEUE_OUTCOME_DMARC_REFUSED] = SMTP_REPLY_DMARC_REFUSED,
	[SESSION_QUEUE_OUTCOME_DMARC_LATER] = SMTP_REPLY_DMARC_LATER,
};

static const enum smtp_reply_id problem_replies[] = {
	[SMTP_DATA_BARE_NEWLINE] = SMTP_REPLY_BARE_NEWLINE,
	[SMTP_DATA_NUL] = SMTP_REPLY_NUL_BYTE,
	[SMTP_DATA_TOO_LARGE] = SMTP_REPLY_TOO_LARGE,
	[SMTP_DATA_HEADER_TOO_LARGE] = SMTP_REPLY_HEADER_TOO_LARGE,
};

/* The message is of no use any more: queue forgets it. */
static void drop(struct session *s)
{
	link_close(&s->queue);
	buf_reset(&s->chunk);
}

static void close_message(struct session *s)
{
	drop(s);
	s->state = SMTP_STATE_GREETED;
}

/* Asks policy and opens the channel to queue. False: the refusal has been said. */
static bool open_message(struct session *s, bool has_dots)
{
	enum smtp_reply_id id = session_ask_data(s);
	const struct conf_listener *l = s->listener;

	if (s->is_over)
		return false;
	if (id) {
		s->state = SMTP_STATE_GREETED;
		session_refuse(s, id, text_from_cstr(""));
		return false;
	}
	link_in_fit(&s->in, &session_queue_edge);
	buf_reset(&s->chunk);
	smtp_data_init(&s->data, s->newlines, has_dots, l->max_message_size, l->max_header_size);
	s->message_ends_at = clock_mono_ms() + l->message_time;
	s->n_messages++;
	return true;
}

static bool send_chunk(struct session *s)
{
	struct session_queue_chunk chunk = { buf_text(&s->chunk) };

	if (s->chunk.n &&
	    link_send(&s->queue, SESSION_QUEUE_CHUNK, &chunk, NULL, 0, clock_mono_ms() + QUEUE_WAIT))
		drop(s);
	buf_reset(&s->chunk);
	return s->queue.fd >= 0;
}

static bool wait_for_body(struct session *s)
{
	int64_t deadline = session_deadline(s, s->listener->data_timeout);

	return session_wait(s, deadline < s->message_ends_at ? deadline : s->message_ends_at);
}

/* Takes what the filter gave out. False when the client sends far more than it may: the session ends. */
static bool pass_on(struct session *s)
{
	if (s->data.problem)
		drop(s);
	else if (s->queue.fd >= 0 && s->chunk.n > CHUNK_MAX / 2)
		send_chunk(s);
	if (s->queue.fd < 0)
		buf_reset(&s->chunk);
	if (s->data.read / 2 <= s->listener->max_message_size + CHUNK_MAX)
		return true;
	session_end(s, SMTP_REPLY_TOO_LARGE, RECEIVE_SESSION_HOW_TOO_MANY_ERRORS);
	return false;
}

/* Reads until the end of the data, or `size` octets. False when the session is over. */
static bool take_body(struct session *s, uint64_t size)
{
	while (size && !s->data.is_done) {
		struct text piece =
			text_slice(stream_input(&s->client), 0, size < PIECE ? (size_t)size : PIECE);
		size_t n;
		if (piece.n == 0 && !wait_for_body(s))
			return false;
		n = piece.n ? smtp_data_feed(&s->data, piece, &s->chunk) : 0;
		stream_consume(&s->client, n);
		size -= n;
		if (!pass_on(s))
			return false;
	}
	return true;
}

/* Waits for queue's word on a message that was sent to its end. */
static enum smtp_reply_id await_result(struct session *s)
{
	const struct session_queue_result *result = link_body(&s->in);
	enum error e = stream_wait_for(&s->client, s->queue.fd, session_deadline(s, RESULT_WAIT));

	if (e == ERROR_CLOSED) { /* the client has gone: nobody to promise anything to */
		session_end(s, SMTP_REPLY_NONE, RECEIVE_SESSION_HOW_LOST);
		return SMTP_REPLY_NONE;
	}
	if (e || link_receive(&s->queue, &s->in, clock_mono_ms() + 1000))
		return SMTP_REPLY_TRY_LATER;
	if (result->outcome == SESSION_QUEUE_OUTCOME_SPF_REFUSED && result->text.n)
		return SMTP_REPLY_SPF_EXPLAINED;
	return outcome_replies[result->outcome];
}

/* Why the message is not given to queue, or what queue says. */
static enum smtp_reply_id settle(struct session *s)
{
	struct session_queue_end end = { .size = s->data.size,
					 .bare_newlines = s->data.bare_newlines > 0,
					 .header_size = (uint32_t)s->data.header_size,
					 .hops = s->data.hops };

	if (s->data.problem)
		return problem_replies[s->data.problem];
	if (s->data.hops > s->listener->max_hops)
		return SMTP_REPLY_TOO_MANY_HOPS;
	if (s->queue.fd < 0 || !send_chunk(s) ||
	    link_send(&s->queue, SESSION_QUEUE_END, &end, NULL, 0, clock_mono_ms() + QUEUE_WAIT))
		return SMTP_REPLY_TRY_LATER;
	return await_result(s);
}

/* Of the replies that quote somebody. */
static struct text result_text(const struct session *s, enum smtp_reply_id id)
{
	const struct session_queue_result *result = link_body(&s->in);

	return id == SMTP_REPLY_SPF_EXPLAINED ? result->text : (struct text){ NULL, 0 };
}

/* The message is read: says what became of it. */
static void finish_message(struct session *s)
{
	const struct session_queue_result *result = link_body(&s->in);
	enum smtp_reply_id id = settle(s);

	if (!s->is_over && id == SMTP_REPLY_ACCEPTED) {
		s->n_accepted++;
		s->n_idle = 0;
		session_reply_with(s, id, result->id);
	} else if (!s->is_over) {
		s->n_refused++;
		session_reply_with(s, id, result_text(s, id));
	}
	close_message(s);
}

/* rfc5321 4.1.1.4 */
void session_apply_data(struct session *s, const struct smtp_command *c)
{
	(void)c;
	if (!open_message(s, true))
		return;
	session_reply(s, SMTP_REPLY_START_DATA);
	if (take_body(s, UINT64_MAX))
		finish_message(s);
	else
		close_message(s);
}

/* One chunk that is not the last is read: the client must hear now when the message is of no use. */
static void finish_chunk(struct session *s, uint64_t size)
{
	char digits[24];
	enum smtp_reply_id id = SMTP_REPLY_TRY_LATER;

	if (s->data.problem)
		id = problem_replies[s->data.problem];
	if (s->queue.fd < 0) {
		s->n_refused++;
		close_message(s);
		session_reply(s, id);
		return;
	}
	snprintf(digits, sizeof digits, "%llu", (unsigned long long)size);
	s->state = SMTP_STATE_BDAT;
	session_reply_with(s, SMTP_REPLY_CHUNK_OK, text_from_cstr(digits));
}

/* rfc3030 2 */
void session_apply_bdat(struct session *s, const struct smtp_command *c)
{
	struct smtp_bdat chunk = c->bdat;

	if (!s->listener->chunking) {
		session_refuse(s, SMTP_REPLY_CHUNKING_NOT, text_from_cstr(""));
		session_discard(s, chunk.size);
		return;
	}
	if (s->state == SMTP_STATE_RCPT && !open_message(s, false)) {
		session_discard(s, chunk.size);
		return;
	}
	if (!take_body(s, chunk.size)) {
		close_message(s);
		return;
	}
	if (!chunk.is_last) {
		finish_chunk(s, chunk.size);
		return;
	}
	if (!s->data.problem)
		smtp_data_finish(&s->data, &s->chunk);
	finish_message(s);
}

void session_discard(struct session *s, uint64_t size)
{
	if (size / 2 > s->listener->max_message_size + CHUNK_MAX)
		session_end(s, SMTP_REPLY_TOO_LARGE, RECEIVE_SESSION_HOW_TOO_MANY_ERRORS);
	s->message_ends_at = clock_mono_ms() + s->listener->message_time;
	while (size && !s->is_over) {
		size_t n = stream_input(&s->client).n;
		if (n == 0 && !wait_for_body(s))
			return;
		n = n < size ? n : (size_t)size;
		stream_consume(&s->client, n);
		size -= n;
	}
}

/* RSET and whatever else ends a transaction. rfc5321 4.1.1.5 */
void session_forget(struct session *s)
{
	if (s->state == SMTP_STATE_MAIL || s->state == SMTP_STATE_RCPT)
		session_tell_reset(s);
	drop(s);
	if (s->state != SMTP_STATE_NEW)
		s->state = SMTP_STATE_GREETED;
}
