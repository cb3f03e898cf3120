/* SPDX-License-Identifier: Apache-2.0
 *
 * postern check, status, reload, stop, version.
 */
#include "base/clock.h"
#include "cli/cli.h"
#include "ipc/admin_posternd.h"
#include "sandbox/sandbox.h"

#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sysexits.h>

#define ANSWER_WITHIN_MS 30000
#define MAX_JSON         ((size_t)64 << 20)

int cli_check(struct cli *c)
{
	struct conf *conf;

	if (c->argc > 1)
		return cli_fail(EX_USAGE, "one file, please");
	if (c->argc == 1)
		c->config_file = c->argv[0];
	conf = cli_read_conf(c);
	if (!conf)
		return EX_CONFIG;
	if (c->json)
		printf("{ \"file\": \"%s\", \"correct\": true }\n", c->config_file);
	else
		printf("%s: correct\n", c->config_file);
	conf_free(conf);
	return EX_OK;
}

static const struct table_column process_columns[] = {
	{ "Process", TABLE_TEXT }, { "State", TABLE_TEXT }, { "Pid", TABLE_NUMBER },
	{ "User", TABLE_NUMBER },  { "Age", TABLE_TEXT },   { "Restarts", TABLE_NUMBER },
	{ "Layers", TABLE_TEXT },
};

static const struct table_column counter_columns[] = {
	{ "Role", TABLE_TEXT },
	{ "Counter", TABLE_TEXT },
	{ "Value", TABLE_NUMBER },
};

static void add_process(struct table_view *t, const struct admin_posternd_process *m)
{
	static const char *const states[] = { "starting", "running", "restarting", "stopped" };
	char age[32] = "";
	struct buf layers;

	buf_init(&layers, 256);
	for (unsigned bit = 0; bit < SANDBOX_LAYER_COUNT; bit++)
		if (m->layers >> bit & 1)
			buf_printf(&layers, "%s%s", layers.n ? " " : "", sandbox_layer_name(bit));
	if (m->since)
		cli_print_span(clock_wall_ms() - m->since, age);
	table_view_printf(t, "%.*s%s", TEXT_ARGS(m->name), m->zygote ? " zygote" : "");
	table_view_printf(t, "%s", states[m->state]);
	table_view_number(t, m->pid);
	table_view_number(t, m->uid);
	table_view_printf(t, "%s", age);
	table_view_number(t, m->restarts);
	table_view_text(t, buf_text(&layers));
	buf_done(&layers);
}

static void add_counter(struct table_view *t, const struct admin_posternd_counter *m)
{
	table_view_text(t, m->role);
	table_view_text(t, m->name);
	table_view_number(t, (int64_t)m->value);
}

static void print_status(const struct cli *c, struct table_view *processes, struct table_view *counters,
			 bool ready)
{
	struct buf out;

	if (!c->json) {
		printf("%s\n\n", ready ? "ready" : "not ready");
		table_view_print(processes, "no process is running");
		printf("\n");
		table_view_print(counters, "no counters");
		return;
	}
	buf_init(&out, MAX_JSON);
	buf_printf(&out, "{ \"ready\": %s,\n\"processes\": ", ready ? "true" : "false");
	table_view_json(processes, &out);
	buf_add_cstr(&out, ",\n\"counters\": ");
	table_view_json(counters, &out);
	puts(buf_cstr(&out));
	puts("}");
	buf_done(&out);
}

static int ask(struct cli *c, unsigned type, struct link *l, struct link_in *in)
{
	int status = client_connect(c, l);

	if (status)
		return status;
	link_in_init(in, &admin_posternd_edge);
	if (link_send(l, type, NULL, NULL, 0, clock_mono_ms() + ANSWER_WITHIN_MS))
		return cli_fail(EX_NOPERM,
				"the gateway closed the connection: your user is not named by 'admin'");
	return EX_OK;
}

int cli_status(struct cli *c)
{
	struct table_view *processes = table_view_new(process_columns, 7),
			  *counters = table_view_new(counter_columns, 3);
	const struct admin_posternd_done *done;
	struct link l;
	struct link_in in;
	int status = ask(c, ADMIN_POSTERND_STATUS, &l, &in);

	while (!status) {
		status = client_receive(&l, &in);
		if (status || in.type == ADMIN_POSTERND_DONE)
			break;
		if (in.type == ADMIN_POSTERND_PROCESS)
			add_process(processes, link_body(&in));
		else if (in.type == ADMIN_POSTERND_COUNTER)
			add_counter(counters, link_body(&in));
	}
	if (status)
		return status;
	done = link_body(&in);
	print_status(c, processes, counters, text_is_cstr(done->text, "ready"));
	return text_is_cstr(done->text, "ready") ? EX_OK : EX_TEMPFAIL;
}

static int simple_request(struct cli *c, unsigned type)
{
	const struct admin_posternd_done *done;
	struct link l;
	struct link_in in;
	int status = ask(c, type, &l, &in);

	if (!status)
		status = client_receive(&l, &in);
	if (status)
		return status;
	done = link_body(&in);
	if (!done->ok)
		return cli_fail(EX_CONFIG, "%.*s", TEXT_ARGS(text_trim(done->text)));
	printf(c->json ? "{ \"ok\": true, \"text\": \"%.*s\" }\n" : "%.*s\n", TEXT_ARGS(done->text));
	return EX_OK;
}

int cli_reload(struct cli *c)
{
	return simple_request(c, ADMIN_POSTERND_RELOAD);
}

int cli_stop(struct cli *c)
{
	return simple_request(c, ADMIN_POSTERND_STOP);
}

int cli_version(struct cli *c)
{
	if (c->json)
		printf("{ \"version\": \"%s\", \"openssl\": \"%s\", \"sqlite\": \"%s\" }\n", POSTERN_VERSION,
		       OpenSSL_version(OPENSSL_VERSION_STRING), sqlite3_libversion());
	else
		printf("postern %s\nOpenSSL %s, SQLite %s\n", POSTERN_VERSION,
		       OpenSSL_version(OPENSSL_VERSION_STRING), sqlite3_libversion());
	return EX_OK;
}
