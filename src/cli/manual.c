/* SPDX-License-Identifier: Apache-2.0
 *
 * postern manual: the pages of the manual, in mdoc(7), from the table of commands and the schema of the
 * configuration. Called by administrators, and by the build, which installs what it prints. posternd(8)
 * alone is written by hand (docs/posternd.8).
 *
 * Invariant: no text of a table can be read as a macro or an escape; it passes print_roff.
 */
#include "cli/cli.h"

#include <ctype.h>
#include <stdio.h>
#include <sysexits.h>

#define MAX_MANUAL ((size_t)4 << 20)

/* Text that roff takes as it is; a hyphen stays one, so that it can be copied into a shell. */
static void print_roff(struct text text)
{
	if (text.n && (*text.p == '.' || *text.p == '\''))
		printf("\\&");
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\\')
			printf("\\e");
		else if (text.p[i] == '"')
			printf("\\(dq");
		else if (text.p[i] == '-')
			printf("\\-");
		else
			putchar(text.p[i]);
	}
}

/* One sentence a line, as mdoc asks. */
static void print_sentences(const char *s)
{
	struct text rest = text_from_cstr(s);

	while (rest.n) {
		size_t end = text_find(rest, text_from_cstr(". "));
		end = end == SIZE_MAX ? rest.n : end + 1;
		print_roff(text_slice(rest, 0, end));
		putchar('\n');
		rest = text_skip(rest, end + 1);
	}
}

/* "what|meaning" lines, as items of a list. */
static void print_items(const char *pairs)
{
	struct text rest = text_from_cstr(pairs), line, what, meaning;

	while (rest.n) {
		text_cut(rest, '\n', &line, &rest);
		text_cut(line, '|', &what, &meaning);
		printf(".It \"");
		print_roff(what);
		printf("\"\n");
		print_roff(meaning);
		putchar('\n');
	}
}

/* "queue list" as the name of its page: queue-list. */
static void print_name(const char *name, bool is_title)
{
	for (; *name; name++)
		putchar(*name == ' ' ? '-' : is_title ? toupper((unsigned char)*name) : *name);
}

static void print_head(const char *name, const char *summary)
{
	printf(".\\\" SPDX-License-Identifier: Apache-2.0\n.Dd November 24, 2026\n.Dt POSTERN");
	printf("%s", *name ? "-" : "");
	print_name(name, true);
	printf(" 1\n.Os\n.Sh NAME\n.Nm postern%s", *name ? "-" : "");
	print_name(name, false);
	printf("\n.Nd %s\n.Sh SYNOPSIS\n", summary);
}

static int print_command(const struct cli_command *command)
{
	print_head(command->name, command->summary);
	printf(".Nm postern %s\n", command->name);
	print_roff(text_from_cstr(command->arguments));
	printf("%s.Sh DESCRIPTION\n", *command->arguments ? "\n" : "");
	print_sentences(command->text);
	printf(".Bl -tag -width Ds\n");
	print_items(command->options);
	print_items(cli_common_options);
	printf(".El\n.Sh EXIT STATUS\nThose of\n.Xr sysexits 3 :\n"
	       "0 when it was done, 64 for a wrong call, 65 for an unknown message or a record that is not "
	       "whole,\n69 when the gateway is not running, 77 without permission, 78 for a wrong "
	       "configuration.\n"
	       ".Sh EXAMPLES\n.Bl -tag -width Ds\n");
	print_items(command->examples);
	printf(".El\n.Sh SEE ALSO\n.Xr postern 1 ,\n.Xr postern.conf 5 ,\n.Xr posternd 8\n");
	return EX_OK;
}

static int print_overview(void)
{
	const struct cli_command *command;

	print_head("", "look after a Postern mail gateway");
	printf(".Nm postern\n.Op Fl \\-config Ar FILE\n.Op Fl \\-json\n.Ar COMMAND ...\n.Sh DESCRIPTION\n"
	       "The command of the administrator: it shows and steers a gateway that\n.Xr posternd 8\n"
	       "runs on this machine.\nWho may do that is the setting admin of\n.Xr postern.conf 5 .\n"
	       "The commands are\n.Bl -tag -width Ds\n");
	for (size_t i = 0; (command = cli_command_at(i)); i++) {
		printf(".It \"postern %s%s", command->name, *command->arguments ? " " : "");
		print_roff(text_from_cstr(command->arguments));
		printf("\"\n%s.\nSee\n.Xr postern-", command->summary);
		print_name(command->name, false);
		printf(" 1 .\n");
	}
	printf(".El\n.Pp\nEach of them takes\n.Bl -tag -width Ds\n");
	print_items(cli_common_options);
	printf(".El\n.Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev POSTERN_CONFIG\nThe configuration file, "
	       "where\n.Fl \\-config\ndoes not name one.\n.El\n.Sh FILES\n.Bl -tag -width Ds\n"
	       ".It Pa /etc/postern/postern.conf\nThe configuration.\n.It Pa /run/postern/control\n"
	       "The control socket of the gateway.\n.El\n"
	       ".Sh EXIT STATUS\nThose of\n.Xr sysexits 3 .\n"
	       ".Sh SEE ALSO\n.Xr postern.conf 5 ,\n.Xr posternd 8\n");
	return EX_OK;
}

int cli_manual(struct cli *c)
{
	const struct cli_command *command;
	struct buf out;

	if (c->argc == 0 || strcmp(c->argv[0], "postern") == 0)
		return print_overview();
	for (size_t i = 0; (command = cli_command_at(i)); i++)
		if (strcmp(command->name, c->argv[0]) == 0)
			return print_command(command);
	if (strcmp(c->argv[0], "postern.conf") != 0)
		return cli_fail(EX_USAGE, "there is no page '%s'", c->argv[0]);
	buf_init(&out, MAX_MANUAL);
	conf_print_manual(&out);
	fputs(buf_cstr(&out), stdout);
	buf_done(&out);
	return EX_OK;
}
