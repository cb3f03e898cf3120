/* SPDX-License-Identifier: Apache-2.0
 *
 * postern manual and completion: both from the table of commands and the schema of the configuration.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <sysexits.h>

#define MAX_MANUAL ((size_t)4 << 20)

static void print_pairs(const char *title, const char *pairs)
{
	struct text rest = text_from_cstr(pairs), line, what, meaning;

	if (rest.n == 0)
		return;
	printf(".Sh %s\n.Bl -tag -width Ds\n", title);
	while (rest.n) {
		text_cut(rest, '\n', &line, &rest);
		text_cut(line, '|', &what, &meaning);
		printf(".It Li \"%.*s\"\n%.*s\n", TEXT_ARGS(what), TEXT_ARGS(meaning));
	}
	printf(".El\n");
}

static void print_name(const char *name)
{
	for (; *name; name++)
		putchar(*name == ' ' ? '-' : *name);
}

static int print_command(const struct cli_command *command)
{
	printf(".Dd $Mdocdate$\n.Dt POSTERN-");
	print_name(command->name);
	printf(" 1\n.Os\n.Sh NAME\n.Nm postern-");
	print_name(command->name);
	printf("\n.Nd %s\n.Sh SYNOPSIS\n.Nm postern %s\n.Ar %s\n.Sh DESCRIPTION\n%s\n", command->summary,
	       command->name, *command->arguments ? command->arguments : "[--json]", command->text);
	print_pairs("OPTIONS", command->options);
	print_pairs("EXAMPLES", command->examples);
	printf(".Sh EXIT STATUS\nThose of sysexits(3): 0 when it was done, 64 for a wrong call, 65 for an "
	       "unknown message, 69 when "
	       "the gateway\nis not running, 77 without permission, 78 for a wrong configuration.\n"
	       ".Sh SEE ALSO\n.Xr postern 1 ,\n.Xr postern.conf 5\n");
	return EX_OK;
}

static int print_overview(void)
{
	const struct cli_command *command;

	printf(".Dd $Mdocdate$\n.Dt POSTERN 1\n.Os\n.Sh NAME\n.Nm postern\n.Nd look after a Postern mail "
	       "gateway\n"
	       ".Sh SYNOPSIS\n.Nm postern\n.Op Fl -config Ar FILE\n.Op Fl -json\n.Ar COMMAND ...\n.Sh "
	       "DESCRIPTION\n"
	       "The commands are:\n.Bl -tag -width Ds\n");
	for (size_t i = 0; (command = cli_command_at(i)); i++) {
		printf(".It Nm postern %s Ar %s\n%s. See\n.Xr postern-", command->name, command->arguments,
		       command->summary);
		print_name(command->name);
		printf(" 1 .\n");
	}
	printf(".El\n.Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev POSTERN_CONFIG\nThe configuration file, "
	       "where --config does not "
	       "name one.\n.El\n.Sh FILES\n.Bl -tag -width Ds\n.It Pa /etc/postern/postern.conf\nThe "
	       "configuration.\n.El\n"
	       ".Sh SEE ALSO\n.Xr postern.conf 5 ,\n.Xr posternd 8\n");
	return EX_OK;
}

int cli_manual(struct cli *c)
{
	const struct cli_command *command;
	struct buf out;

	if (c->argc == 0)
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

/* Words that may follow `first`, or the first words when it is NULL. */
static void print_words(const char *first)
{
	const struct cli_command *command;
	struct text last = text_from_cstr("");

	for (size_t i = 0; (command = cli_command_at(i)); i++) {
		struct text head, tail;
		text_cut(text_from_cstr(command->name), ' ', &head, &tail);
		if (!first && !text_is_equal(head, last))
			printf("%.*s ", TEXT_ARGS(head));
		if (first && text_is_cstr(head, first))
			printf("%.*s ", TEXT_ARGS(tail));
		last = head;
	}
}

int cli_completion(struct cli *c)
{
	bool zsh = c->argc == 1 && strcmp(c->argv[0], "zsh") == 0;

	if (!zsh && (c->argc != 1 || strcmp(c->argv[0], "bash") != 0))
		return cli_fail(EX_USAGE, "bash or zsh");
	if (zsh)
		printf("autoload -U +X bashcompinit && bashcompinit\n");
	printf("_postern() {\n  local words=\"");
	print_words(NULL);
	printf("\"\n  case \"${COMP_WORDS[1]}\" in\n    queue) [ \"$COMP_CWORD\" -eq 2 ] && words=\"");
	print_words("queue");
	printf("\" || words=\"all --help --json\" ;;\n    audit) [ \"$COMP_CWORD\" -eq 2 ] && words=\"");
	print_words("audit");
	printf("\" || words=\"--help --json\" ;;\n    *) [ \"$COMP_CWORD\" -gt 1 ] && words=\"--help "
	       "--json\" ;;\n  esac\n"
	       "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n"
	       "complete -o default -F _postern postern\n");
	return EX_OK;
}
