/* SPDX-License-Identifier: Apache-2.0
 *
 * The command `postern`: finds the subcommand in the table and calls it. Runs as whoever calls it; what
 * it may do is decided by the gateway, or by the modes of the files that it reads.
 */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static const struct cli_command commands[] = {
#define COMMAND(name, function, arguments, summary, text, options, examples)                                 \
	{ name, function, arguments, summary, text, options, examples },
#include "cli/commands.def"
#undef COMMAND
};

const char cli_common_options[] = "--config FILE|the configuration (default /etc/postern/postern.conf)\n"
				  "--json|answer in JSON, for programs\n"
				  "--help|what the command does, with examples\n";

static const char *current = "";

const struct cli_command *cli_command_at(size_t index)
{
	return index < sizeof commands / sizeof *commands ? &commands[index] : NULL;
}

int cli_fail(int status, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "postern%s%s: ", *current ? " " : "", current);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return status;
}

static void remove_argument(struct cli *c, int at, int n)
{
	for (int i = at; i + n <= c->argc; i++)
		c->argv[i] = c->argv[i + n];
	c->argc -= n;
}

bool cli_take_flag(struct cli *c, const char *name)
{
	for (int i = 0; i < c->argc; i++) {
		if (strcmp(c->argv[i], name) != 0)
			continue;
		remove_argument(c, i, 1);
		return true;
	}
	return false;
}

const char *cli_take_option(struct cli *c, const char *name)
{
	size_t n = strlen(name);

	for (int i = 0; i < c->argc; i++) {
		const char *value = c->argv[i];
		if (strncmp(value, name, n) == 0 && value[n] == '=') {
			remove_argument(c, i, 1);
			return value + n + 1;
		}
		if (strcmp(value, name) != 0)
			continue;
		if (i + 1 >= c->argc)
			exit(cli_fail(EX_USAGE, "%s needs a value", name));
		value = c->argv[i + 1];
		remove_argument(c, i, 2);
		return value;
	}
	return NULL;
}

/* "what|meaning" lines. */
static void print_pairs(const char *title, const char *pairs)
{
	struct text rest = text_from_cstr(pairs), line, what, meaning;

	if (rest.n == 0)
		return;
	printf("\n%s:\n", title);
	while (rest.n) {
		text_cut(rest, '\n', &line, &rest);
		text_cut(line, '|', &what, &meaning);
		printf("  %.*s\n      %.*s\n", TEXT_ARGS(what), TEXT_ARGS(meaning));
	}
}

static int print_command_help(const struct cli_command *command)
{
	printf("usage: postern %s%s%s\n\n%s\n", command->name, *command->arguments ? " " : "",
	       command->arguments, command->text);
	print_pairs("options", command->options);
	print_pairs("examples", command->examples);
	return EX_OK;
}

/* All commands, or those that begin with this word. */
static int print_help(FILE *out, const char *group)
{
	const struct cli_command *command;
	size_t n = strlen(group);

	fprintf(out, "usage: postern [--config FILE] [--json] COMMAND ...\n\ncommands:\n");
	for (size_t i = 0; (command = cli_command_at(i)); i++)
		if (n == 0 || (strncmp(command->name, group, n) == 0 && command->name[n] == ' '))
			fprintf(out, "  %-15s %s\n", command->name, command->summary);
	fprintf(out, "\n'postern COMMAND --help' tells more of each. The configuration is "
		     "/etc/postern/postern.conf\n"
		     "unless --config or the variable POSTERN_CONFIG names another.\n");
	return out == stdout ? EX_OK : EX_USAGE;
}

/* How many arguments the command's name takes, 0 when it is not this one. */
static int match(const struct cli_command *command, int argc, char **argv)
{
	struct text rest = text_from_cstr(command->name), word;
	int n = 0;

	while (rest.n) {
		text_cut(rest, ' ', &word, &rest);
		if (n >= argc || !text_is_cstr(word, argv[n]))
			return 0;
		n++;
	}
	return n;
}

/* The first word of commands of two, such as "queue". */
static bool is_group(const char *word)
{
	const struct cli_command *command;
	size_t n = strlen(word);

	for (size_t i = 0; (command = cli_command_at(i)); i++)
		if (strncmp(command->name, word, n) == 0 && command->name[n] == ' ')
			return true;
	return false;
}

static int run(struct cli *c)
{
	const struct cli_command *command;

	for (size_t i = 0; (command = cli_command_at(i)); i++) {
		int n = match(command, c->argc, c->argv);
		if (n == 0)
			continue;
		c->argc -= n;
		c->argv += n;
		current = command->name;
		if (cli_take_flag(c, "--help") || cli_take_flag(c, "-h"))
			return print_command_help(command);
		return command->run(c);
	}
	if (is_group(c->argv[0]) && c->argc == 2 && strcmp(c->argv[1], "--help") == 0)
		return print_help(stdout, c->argv[0]);
	if (is_group(c->argv[0]) && c->argc == 1)
		return print_help(stderr, c->argv[0]);
	fprintf(stderr, "postern: unknown command '%s%s%s'\n\n", c->argv[0], c->argc > 1 ? " " : "",
		c->argc > 1 ? c->argv[1] : "");
	return print_help(stderr, "");
}

int main(int argc, char **argv)
{
	const char *from_environment = getenv("POSTERN_CONFIG");
	struct cli c = { .argc = argc - 1, .argv = argv + 1 };
	const char *file = cli_take_option(&c, "--config");

	c.config_file = file ? file : from_environment ? from_environment : "/etc/postern/postern.conf";
	c.json = cli_take_flag(&c, "--json");
	if (c.argc == 0)
		return print_help(stderr, "");
	if (strcmp(c.argv[0], "--help") == 0 || strcmp(c.argv[0], "-h") == 0 ||
	    strcmp(c.argv[0], "help") == 0)
		return print_help(stdout, "");
	if (strcmp(c.argv[0], "--version") == 0)
		return cli_version(&c);
	return run(&c);
}
