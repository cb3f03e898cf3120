/* SPDX-License-Identifier: Apache-2.0
 *
 * postern audit: show, verify. Reads the directory of the record (store/audit_chain.h) with the rights of
 * whoever calls, whether the gateway runs or not; changes nothing. Trusts nothing it reads: subjects and
 * details hold what strangers said, and are escaped on the way out.
 */
#include "base/clock.h"
#include "cli/cli.h"
#include "ipc/role_audit.h"
#include "store/audit_read.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#define MAX_LINE ((size_t)64 << 10) /* a record, as text or JSON */
#define MAX_JSON ((size_t)1 << 20)  /* a verdict */

static int open_record(struct cli *c, char path[PATH_MAX], int *ret_fd)
{
	cli_find_directory(c, "audit", path, PATH_MAX);
	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd >= 0)
		return EX_OK;
	return cli_fail(errno == EACCES ? EX_NOPERM : EX_NOINPUT, "%s: %s", path, strerror(errno));
}

static int fail_reading(const char *path, enum error e)
{
	return cli_fail(e == ERROR_DENIED ? EX_NOPERM : EX_IOERR, "%s: %s", path, error_text(e));
}

/* ---- show ---- */

struct show {
	struct text since, kind; /* empty: all */
	uint64_t skip;           /* of those that are wanted */
	uint64_t n;              /* wanted so far */
	bool json;
	struct buf line;
};

/* Is t the beginning of a time as records print it, at least a day? */
static bool is_time(struct text t)
{
	static const char form[] = "0000-00-00T00:00:00.000Z";

	if (t.n < 10 || t.n >= sizeof form)
		return false;
	for (size_t i = 0; i < t.n; i++)
		if (form[i] == '0' ? t.p[i] < '0' || t.p[i] > '9' : t.p[i] != form[i])
			return false;
	return true;
}

/* Kinds that roles report, and the one that the store writes itself. */
static bool is_kind(struct text t)
{
	const struct ipc_message *event = ipc_find_message(&role_audit_edge, ROLE_AUDIT_EVENT);

	for (unsigned i = 0; i <= ROLE_AUDIT_KIND_DRILL; i++)
		if (text_is_cstr(t, event->fields[0].names[i]))
			return true;
	return text_is_cstr(t, "segment_deleted");
}

static bool is_wanted(const struct show *s, const struct audit_record *record)
{
	char time[CLOCK_RFC3339_SIZE];

	if (s->kind.n && !text_is_equal(record->kind, s->kind))
		return false;
	clock_print_rfc3339(record->time, time);
	return s->since.n == 0 || memcmp(time, s->since.p, s->since.n) >= 0;
}

static bool count_record(void *arg, const struct audit_record *record, const struct audit_hash *hash)
{
	struct show *s = arg;

	(void)hash;
	s->n += is_wanted(s, record);
	return true;
}

static void add_json_text(struct buf *out, const char *key, struct text value)
{
	buf_printf(out, ", \"%s\": \"", key);
	buf_add_json(out, value);
	buf_add_byte(out, '"');
}

static void print_json(struct show *s, const struct audit_record *record, const struct audit_hash *hash)
{
	char time[CLOCK_RFC3339_SIZE];

	clock_print_rfc3339(record->time, time);
	buf_printf(&s->line, "%s\n  { \"seq\": %llu", s->n == s->skip + 1 ? "" : ",",
		   (unsigned long long)record->seq);
	add_json_text(&s->line, "time", text_from_cstr(time));
	add_json_text(&s->line, "role", record->role);
	add_json_text(&s->line, "kind", record->kind);
	add_json_text(&s->line, "subject", record->subject);
	add_json_text(&s->line, "detail", record->detail);
	buf_add_cstr(&s->line, ", \"hash\": \"");
	buf_add_hex(&s->line, text_from_bytes(hash->b, AUDIT_HASH_SIZE));
	buf_add_cstr(&s->line, "\" }");
}

static void print_line(struct show *s, const struct audit_record *record)
{
	char time[CLOCK_RFC3339_SIZE];

	clock_print_rfc3339(record->time, time);
	buf_printf(&s->line, "%s  %-8.*s  %-20.*s  ", time, TEXT_ARGS(record->role), TEXT_ARGS(record->kind));
	buf_add_escaped(&s->line, record->subject);
	if (record->detail.n)
		buf_add_cstr(&s->line, "  ");
	buf_add_escaped(&s->line, record->detail);
	buf_add_byte(&s->line, '\n');
}

static bool print_record(void *arg, const struct audit_record *record, const struct audit_hash *hash)
{
	struct show *s = arg;

	if (!is_wanted(s, record) || ++s->n <= s->skip)
		return true;
	buf_reset(&s->line);
	if (s->json)
		print_json(s, record, hash);
	else
		print_line(s, record);
	return fwrite(s->line.p, 1, s->line.n, stdout) == s->line.n;
}

static int take_filters(struct cli *c, struct show *ret_show, uint64_t *ret_last)
{
	const char *since = cli_take_option(c, "--since"), *kind = cli_take_option(c, "--kind"),
		   *last = cli_take_option(c, "--last");

	*ret_show = (struct show){ .since = text_from_cstr(since),
				   .kind = text_from_cstr(kind),
				   .json = c->json };
	*ret_last = UINT64_MAX;
	if (c->argc)
		return cli_fail(EX_USAGE, "unexpected argument '%s'", c->argv[0]);
	if (since && !is_time(ret_show->since))
		return cli_fail(EX_USAGE, "--since needs a time in UTC as 2026-11-24T03:41:07, not '%s'",
				since);
	if (kind && !is_kind(ret_show->kind))
		return cli_fail(EX_USAGE, "--kind: there is no kind of event '%s'", kind);
	if (last && !text_parse_u64(text_from_cstr(last), UINT64_MAX - 1, ret_last))
		return cli_fail(EX_USAGE, "--last needs a number, not '%s'", last);
	return EX_OK;
}

/* The last ones are found by counting first: a record is longer than memory may be. */
static enum error show(int fd, struct show *s, uint64_t last)
{
	enum error e = ERROR_NONE;

	if (last != UINT64_MAX)
		e = audit_read(fd, 1, count_record, s);
	s->skip = s->n > last ? s->n - last : 0;
	s->n = 0;
	if (s->json)
		printf("[");
	if (!e)
		e = audit_read(fd, 1, print_record, s);
	if (s->json)
		puts(s->n > s->skip ? "\n]" : "]");
	return e;
}

int cli_audit_show(struct cli *c)
{
	char path[PATH_MAX];
	uint64_t last;
	struct show s;
	enum error e;
	int fd, status = take_filters(c, &s, &last);

	if (!status)
		status = open_record(c, path, &fd);
	if (status)
		return status;
	buf_init(&s.line, MAX_LINE);
	e = show(fd, &s, last);
	if (!c->json && !e && s.n <= s.skip)
		puts("no such records");
	buf_done(&s.line);
	close(fd);
	return e ? fail_reading(path, e) : EX_OK;
}

/* ---- verify ---- */

static const struct table_column fault_columns[] = {
	{ "What", TABLE_TEXT },   { "Segment", TABLE_NUMBER }, { "Line", TABLE_NUMBER },
	{ "From", TABLE_NUMBER }, { "To", TABLE_NUMBER },
};

static struct table_view *list_faults(const struct audit_check *check)
{
	struct table_view *t = table_view_new(fault_columns, sizeof fault_columns / sizeof *fault_columns);

	for (size_t i = 0; i < check->n_faults && i < AUDIT_MAX_FAULTS; i++) {
		const struct audit_fault *f = &check->faults[i];
		table_view_printf(t, "%s", audit_verdict_word(f->what));
		table_view_number(t, (int64_t)f->segment);
		table_view_number(t, (int64_t)f->line);
		table_view_number(t, (int64_t)f->from);
		table_view_number(t, (int64_t)f->to);
	}
	return t;
}

static void print_verdict(enum audit_verdict verdict, const struct audit_check *check, const char *head)
{
	printf("%s: %s\n", audit_verdict_word(verdict), audit_verdict_text(verdict));
	printf("%llu records in %llu segments, from record %llu on\n", (unsigned long long)check->n_records,
	       (unsigned long long)check->n_segments, (unsigned long long)check->first_seq);
	if (check->torn_bytes)
		printf("%llu bytes behind the last record are torn\n", (unsigned long long)check->torn_bytes);
	if (check->clock_went_back)
		printf("the clock went back %llu times between records\n",
		       (unsigned long long)check->clock_went_back);
	if (check->n_faults) {
		printf("%zu faults%s:\n", check->n_faults,
		       check->n_faults > AUDIT_MAX_FAULTS ? ", these are the first of them" : "");
		table_view_print(list_faults(check), "");
	}
	printf("head %s\n", head);
}

static void print_verdict_json(enum audit_verdict verdict, const struct audit_check *check, const char *head)
{
	struct buf out;

	buf_init(&out, MAX_JSON);
	buf_printf(&out, "{ \"verdict\": \"%s\", \"text\": \"%s\", \"head\": \"%s\", ",
		   audit_verdict_word(verdict), audit_verdict_text(verdict), head);
	buf_printf(&out, "\"records\": %llu, \"segments\": %llu, \"first\": %llu, \"torn_bytes\": %llu, ",
		   (unsigned long long)check->n_records, (unsigned long long)check->n_segments,
		   (unsigned long long)check->first_seq, (unsigned long long)check->torn_bytes);
	buf_printf(&out, "\"clock_went_back\": %llu, \"n_faults\": %zu, \"faults\": ",
		   (unsigned long long)check->clock_went_back, check->n_faults);
	table_view_json(list_faults(check), &out);
	buf_add_cstr(&out, " }");
	puts(buf_cstr(&out));
	buf_done(&out);
}

static int verify(struct cli *c, const struct audit_head *kept)
{
	char path[PATH_MAX], head[AUDIT_HEAD_SIZE];
	enum audit_verdict verdict;
	struct audit_check check;
	enum error e;
	int fd, status = open_record(c, path, &fd);

	if (status)
		return status;
	e = audit_verify(fd, kept, &verdict, &check);
	close(fd);
	if (e)
		return fail_reading(path, e);
	audit_head_print(&check.head, head);
	if (c->json)
		print_verdict_json(verdict, &check, head);
	else
		print_verdict(verdict, &check, head);
	return verdict == AUDIT_GOOD || verdict == AUDIT_TORN ? EX_OK : EX_DATAERR;
}

int cli_audit_verify(struct cli *c)
{
	const char *text = cli_take_option(c, "--head");
	struct audit_head kept;

	if (c->argc)
		return cli_fail(EX_USAGE, "unexpected argument '%s'", c->argv[0]);
	if (text && !audit_head_parse(text_from_cstr(text), &kept))
		return cli_fail(EX_USAGE, "--head needs a head that 'postern audit verify' printed, not '%s'",
				text);
	return verify(c, text ? &kept : NULL);
}
