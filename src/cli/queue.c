/* SPDX-License-Identifier: Apache-2.0
 *
 * postern queue: list, show, retry, hold, release, delete, over a channel to queue of its own.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "cli/cli.h"
#include "ipc/admin_queue.h"

#include <stdio.h>
#include <sysexits.h>

#define ANSWER_WITHIN_MS 30000
#define MAX_JSON         ((size_t)256 << 20)
#define DEFAULT_LIMIT    1000

static const struct table_column row_columns[] = {
	{ "Id", TABLE_TEXT },    { "Age", TABLE_TEXT },    { "Size", TABLE_NUMBER },
	{ "State", TABLE_TEXT }, { "Sender", TABLE_TEXT }, { "Recipients", TABLE_NUMBER },
	{ "Next", TABLE_TEXT },  { "Reason", TABLE_TEXT },
};

static const struct table_column rcpt_columns[] = {
	{ "Recipient", TABLE_TEXT }, { "State", TABLE_TEXT },       { "Attempts", TABLE_NUMBER },
	{ "Next", TABLE_TEXT },      { "Last answer", TABLE_TEXT },
};

static const struct table_column origin_columns[] = {
	{ "Check", TABLE_TEXT },
	{ "Result", TABLE_TEXT },
	{ "Detail", TABLE_TEXT },
};

static void add_next(struct table_view *t, int64_t when)
{
	char span[32];
	int64_t now = clock_wall_ms();

	if (when == 0) {
		table_view_printf(t, "-");
		return;
	}
	cli_print_span(when - now, span);
	table_view_printf(t, when <= now ? "now" : "in %s", span);
}

static void add_row(struct table_view *t, const struct admin_queue_row *m)
{
	static const char *const states[] = { "incoming", "active", "deferred", "held" };
	char age[32];

	cli_print_span(clock_wall_ms() - m->arrival, age);
	table_view_text(t, m->id);
	table_view_printf(t, "%s", age);
	table_view_number(t, (int64_t)m->size);
	table_view_printf(t, "%s", states[m->state]);
	table_view_printf(t, "<%.*s>", TEXT_ARGS(m->sender));
	table_view_number(t, m->n_rcpts);
	add_next(t, m->next_attempt);
	table_view_text(t, m->reason);
}

static void add_rcpt(struct table_view *t, const struct admin_queue_rcpt *m)
{
	table_view_printf(t, "<%.*s>", TEXT_ARGS(m->address));
	table_view_text(t, m->state);
	table_view_number(t, m->attempts);
	add_next(t, m->next_attempt);
	table_view_text(t, m->last);
}

static void add_origin(struct table_view *t, const struct admin_queue_origin *m)
{
	table_view_text(t, m->check);
	table_view_text(t, m->result);
	table_view_text(t, m->detail);
}

struct answer {
	struct table_view *rows, *rcpts, *origin;
	struct buf message;
	bool ok;
	uint32_t count;
	char text[512];
};

/* Everything up to `done`. */
static int collect(struct link *l, struct answer *a)
{
	const struct admin_queue_done *done;
	const struct admin_queue_chunk *chunk;
	struct link_in in;
	int status;

	link_in_init(&in, &admin_queue_edge);
	while ((status = client_receive(l, &in)) == EX_OK && in.type != ADMIN_QUEUE_DONE) {
		chunk = link_body(&in);
		if (in.type == ADMIN_QUEUE_ROW)
			add_row(a->rows, link_body(&in));
		else if (in.type == ADMIN_QUEUE_RCPT)
			add_rcpt(a->rcpts, link_body(&in));
		else if (in.type == ADMIN_QUEUE_ORIGIN)
			add_origin(a->origin, link_body(&in));
		else
			buf_add(&a->message, chunk->data);
	}
	done = link_body(&in);
	if (!status) {
		a->ok = done->ok;
		a->count = done->count;
		snprintf(a->text, sizeof a->text, "%.*s", TEXT_ARGS(done->text));
	}
	link_in_done(&in);
	return status;
}

static int ask(struct cli *c, struct link *l, unsigned type, const void *body, struct answer *a)
{
	int status = l->fd < 0 ? client_connect_queue(c, l) : EX_OK;

	if (status)
		return status;
	if (link_send(l, type, body, NULL, 0, clock_mono_ms() + ANSWER_WITHIN_MS))
		return cli_fail(EX_TEMPFAIL, "queue closed the connection");
	return collect(l, a);
}

static void answer_init(struct answer *a)
{
	*a = (struct answer){ .rows = table_view_new(row_columns, 8),
			      .rcpts = table_view_new(rcpt_columns, 5),
			      .origin = table_view_new(origin_columns, 3) };
	buf_init(&a->message, MAX_JSON);
}

int cli_queue_list(struct cli *c)
{
	const char *recipient = cli_take_option(c, "--recipient"), *limit = cli_take_option(c, "--limit");
	struct admin_queue_list ask_list = { DEFAULT_LIMIT, text_from_cstr(recipient) };
	struct link l = { .fd = -1 };
	struct answer a;
	struct buf out;
	uint64_t n;
	int status;

	if (c->argc != 0)
		return cli_fail(EX_USAGE, "unexpected argument '%s'", c->argv[0]);
	if (limit && !text_parse_u64(text_from_cstr(limit), 10000000, &n))
		return cli_fail(EX_USAGE, "--limit needs a number, not '%s'", limit);
	if (limit)
		ask_list.limit = (uint32_t)n;
	if (ask_list.recipient.n > 320)
		return cli_fail(EX_USAGE, "--recipient is longer than an address can be");
	answer_init(&a);
	status = ask(c, &l, ADMIN_QUEUE_LIST, &ask_list, &a);
	if (status)
		return status;
	if (!c->json) {
		table_view_print(a.rows, "the queue is empty");
		return EX_OK;
	}
	buf_init(&out, MAX_JSON);
	table_view_json(a.rows, &out);
	puts(buf_cstr(&out));
	return EX_OK;
}

static void print_message(struct text message)
{
	struct text line;

	while (message.n) {
		struct buf out;
		buf_init(&out, MAX_JSON);
		text_cut(message, '\n', &line, &message);
		buf_add_escaped(&out, text_trim(line));
		puts(buf_cstr(&out));
		buf_done(&out);
	}
}

int cli_queue_show(struct cli *c)
{
	bool whole = cli_take_flag(c, "--message");
	struct admin_queue_show ask_show;
	struct link l = { .fd = -1 };
	struct answer a;
	struct buf out;
	int status;

	if (c->argc != 1 || strlen(c->argv[0]) > 20)
		return cli_fail(EX_USAGE, "one message id, as 'postern queue list' shows it");
	ask_show.id = text_from_cstr(c->argv[0]);
	answer_init(&a);
	status = ask(c, &l, ADMIN_QUEUE_SHOW, &ask_show, &a);
	if (status)
		return status;
	if (!a.ok)
		return cli_fail(EX_DATAERR, "%s: %s", c->argv[0], a.text);
	if (!c->json) {
		table_view_print(a.rows, "");
		puts("");
		table_view_print(a.rcpts, "no recipients");
		puts("");
		table_view_print(a.origin, "its origin was not checked");
		if (whole)
			puts("");
		if (whole)
			print_message(buf_text(&a.message));
		return EX_OK;
	}
	buf_init(&out, MAX_JSON);
	buf_add_cstr(&out, "{ \"message\": ");
	table_view_json(a.rows, &out);
	buf_add_cstr(&out, ", \"recipients\": ");
	table_view_json(a.rcpts, &out);
	buf_add_cstr(&out, ", \"origin\": ");
	table_view_json(a.origin, &out);
	buf_add_cstr(&out, " }");
	puts(buf_cstr(&out));
	return EX_OK;
}

/* One act on each id, or on all (an empty id). Every id is tried; the worst status is returned. */
static int act(struct cli *c, enum admin_queue_action action, const char *done_word, bool may_all)
{
	struct link l = { .fd = -1 };
	int worst = EX_OK;
	uint32_t count = 0;

	if (c->argc == 0)
		return cli_fail(EX_USAGE, may_all ? "name message ids, or 'all'" : "name message ids");
	for (int i = 0; i < c->argc; i++) {
		bool all = may_all && strcmp(c->argv[i], "all") == 0;
		struct admin_queue_act m = { action, all ? text_from_cstr("") : text_from_cstr(c->argv[i]) };
		struct answer a;
		int status;
		if (m.id.n > 20 || (m.id.n == 0 && !all))
			return cli_fail(EX_USAGE, "'%s' is not a message id", c->argv[i]);
		answer_init(&a);
		status = ask(c, &l, ADMIN_QUEUE_ACT, &m, &a);
		if (status)
			return status;
		count += a.count;
		if (!a.ok)
			worst = cli_fail(EX_DATAERR, "%s: %s", c->argv[i], a.text);
	}
	printf(c->json ? "{ \"%s\": %u }\n" : "%s: %u\n", done_word, count);
	return worst;
}

int cli_queue_retry(struct cli *c)
{
	return act(c, ADMIN_QUEUE_ACTION_RETRY, "due", true);
}

int cli_queue_hold(struct cli *c)
{
	return act(c, ADMIN_QUEUE_ACTION_HOLD, "held", true);
}

int cli_queue_release(struct cli *c)
{
	return act(c, ADMIN_QUEUE_ACTION_RELEASE, "released", true);
}

int cli_queue_delete(struct cli *c)
{
	return act(c, ADMIN_QUEUE_ACTION_DELETE, "deleted", false);
}
