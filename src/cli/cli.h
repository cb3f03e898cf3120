/* SPDX-License-Identifier: Apache-2.0
 *
 * cli - the command `postern`: one row per subcommand in commands.def, one file per group of them.
 *
 * From the table come the dispatcher, --help, the man pages and the shell completion. A subcommand
 * gets its arguments behind its name, prints readable text or, with --json, one JSON value, and returns
 * a status of sysexits.h. Errors are one line on standard error: what, where, the cure.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/buf.h"
#include "base/error.h"
#include "conf/conf.h"
#include "ipc/link.h"

struct cli {
	const char *config_file;
	bool json;
	int argc; /* what stands behind the subcommand's name, options already taken */
	char **argv;
};

struct cli_option {
	const char *name; /* "--head HASH" */
	const char *help;
};

struct cli_command {
	const char *name; /* "queue list" */
	int (*run)(struct cli *c);
	const char *arguments; /* "[ID ...]" */
	const char *summary;
	const char *text;
	const char *options;  /* "--head HASH|what it does\n--json|..." */
	const char *examples; /* "postern queue list|what it shows\n..." */
};

const struct cli_command *cli_command_at(size_t index); /* NULL behind the last */

/* What every subcommand takes, in the form of cli_command.options. */
extern const char cli_common_options[];

/* Every row of commands.def has this function. */
#define COMMAND(name, function, arguments, summary, text, options, examples) int function(struct cli *c);
#include "cli/commands.def"
#undef COMMAND

/* An option of the subcommand with a value ("--head HASH") or without; removes it from argv.
 * cli_take_option: NULL when it is not there. Ends with EX_USAGE when its value is missing. */
const char *cli_take_option(struct cli *c, const char *name);
bool cli_take_flag(struct cli *c, const char *name);
/* Prints "postern NAME: text" to standard error and returns the status. */
int cli_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The configuration, or NULL after its errors were printed. */
struct conf *cli_read_conf(struct cli *c);
/* The configuration without demands: where it is wrong or unreadable, the defaults. Never NULL. */
void cli_find_directory(struct cli *c, const char *name, char *out, size_t n); /* state/NAME */

/* client.c: the control socket. Both print their own error and return a status; 0 is success. */
int client_connect(struct cli *c, struct link *ret_link);
int client_connect_queue(struct cli *c, struct link *ret_link);
int client_receive(struct link *l, struct link_in *in);

/* table.c: rows of texts as an aligned table, or as a JSON array of objects. */
enum table_kind { TABLE_TEXT, TABLE_NUMBER, TABLE_FLAG };

struct table_column {
	const char *title; /* also the JSON name, in lower case with _ for blanks */
	enum table_kind kind;
};

struct table_view;
struct table_view *table_view_new(const struct table_column *columns, size_t n);
void table_view_text(struct table_view *t, struct text value); /* the next cell */
void table_view_number(struct table_view *t, int64_t value);
void table_view_printf(struct table_view *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds the JSON, or prints the table; frees. */
void table_view_json(struct table_view *t, struct buf *out);
void table_view_print(struct table_view *t, const char *when_empty);

/* "3m 12s", "2d 4h"; for a time in the past or the distance to one in the future, both in ms. */
void cli_print_span(int64_t ms, char out[32]);
void cli_print_size(uint64_t bytes, char out[32]);

#endif
