/* SPDX-License-Identifier: Apache-2.0
 *
 * postern completion: a script for bash or zsh, from the table of commands. Called by administrators, and
 * by the build, which installs what it prints. The script only compares the words that stand on the line;
 * it never runs postern.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <sysexits.h>

/* The words that may follow `first`; the first words when it is NULL. */
static void print_words(const char *first)
{
	const struct cli_command *command;
	struct text last = text_from_cstr("");

	for (size_t i = 0; (command = cli_command_at(i)); i++) {
		struct text head, tail;
		text_cut(text_from_cstr(command->name), ' ', &head, &tail);
		if (!first && !text_is_equal(head, last))
			printf("%.*s ", TEXT_ARGS(head));
		if (first && tail.n && text_is_cstr(head, first))
			printf("%.*s ", TEXT_ARGS(tail));
		last = head;
	}
}

/* The first word of each "--option VALUE|meaning". */
static void print_options(const char *pairs)
{
	struct text rest = text_from_cstr(pairs), line, word, tail;

	while (rest.n) {
		text_cut(rest, '\n', &line, &rest);
		text_cut(line, '|', &line, &tail);
		text_cut(line, ' ', &word, &tail);
		printf("%.*s ", TEXT_ARGS(word));
	}
}

/* Words of the arguments that stand for themselves: "bash | zsh", "ID ... | all". */
static void print_choices(const char *arguments)
{
	struct text rest = text_from_cstr(arguments), word;

	while (rest.n) {
		text_cut(rest, ' ', &word, &rest);
		if (word.n && word.p[0] >= 'a' && word.p[0] <= 'z')
			printf("%.*s ", TEXT_ARGS(word));
	}
}

/* One case: what the words before the cursor are, and what may follow. */
static void begin_case(const char *given, bool is_open)
{
	printf("\t'%s'%s) choices='", given, is_open ? "*" : "");
}

static void end_case(const char *options)
{
	printf("' options='");
	print_options(options);
	print_options(cli_common_options);
	printf("' ;;\n");
}

/* case "$given" in ... esac, in the words of both shells. */
static void print_cases(void)
{
	const struct cli_command *command;
	struct text last = text_from_cstr("");

	printf("\tcase \"$given\" in\n");
	begin_case("", false);
	print_words(NULL);
	end_case("");
	for (size_t i = 0; (command = cli_command_at(i)); i++) {
		char group[32];
		struct text head, tail;
		text_cut(text_from_cstr(command->name), ' ', &head, &tail);
		snprintf(group, sizeof group, "%.*s", TEXT_ARGS(head));
		if (tail.n && !text_is_equal(head, last)) {
			begin_case(group, false);
			print_words(group);
			end_case("");
		}
		begin_case(command->name, true);
		print_choices(command->arguments);
		end_case(command->options);
		last = head;
	}
	printf("\tesac\n");
}

static void print_bash(void)
{
	printf("# bash completion of postern(1); made by: postern completion bash\n"
	       "_postern() {\n"
	       "\tlocal choices='' options='' word=\"${COMP_WORDS[COMP_CWORD]}\"\n"
	       "\tlocal given=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\"\n");
	print_cases();
	printf("\tcase \"$word\" in -*) choices=$options ;; esac\n"
	       "\tCOMPREPLY=($(compgen -W \"$choices\" -- \"$word\"))\n}\n"
	       "complete -o default -F _postern postern\n");
}

static void print_zsh(void)
{
	printf("#compdef postern\n# zsh completion of postern(1); made by: postern completion zsh\n"
	       "_postern() {\n"
	       "\tlocal choices='' options='' given=\"${(j: :)words[2,CURRENT-1]}\"\n");
	print_cases();
	printf("\t[[ $words[CURRENT] == -* ]] && choices=$options\n"
	       "\tif [[ -n $choices ]]; then compadd -- ${=choices}; else _files; fi\n}\n"
	       "if [[ $funcstack[1] == _postern ]]; then _postern \"$@\"; else compdef _postern postern; "
	       "fi\n");
}

int cli_completion(struct cli *c)
{
	bool is_zsh = c->argc == 1 && strcmp(c->argv[0], "zsh") == 0;

	if (!is_zsh && (c->argc != 1 || strcmp(c->argv[0], "bash") != 0))
		return cli_fail(EX_USAGE, "bash or zsh");
	if (is_zsh)
		print_zsh();
	else
		print_bash();
	return EX_OK;
}
