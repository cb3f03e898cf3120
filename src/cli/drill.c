/* SPDX-License-Identifier: Apache-2.0
 *
 * postern drill: hands over to postern-drill, which lies beside the roles (the drill starts them as
 * posternd does, so it is a program of its own). The only exec of the command line: a fixed name in the
 * directory of our own program or in the one of the roles, never a path from a message or a setting.
 */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define ARGUMENTS_MAX 32
#define PATH_SIZE     4200

/* The directory of this program, with its last slash. */
static bool find_directory(char out[PATH_SIZE])
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_SIZE - 1);
	char *slash;

	if (n <= 0)
		return false;
	out[n] = 0;
	slash = strrchr(out, '/');
	if (!slash)
		return false;
	slash[1] = 0;
	return true;
}

int cli_drill(struct cli *c)
{
	static const char *const places[] = { "postern-drill", "../libexec/postern/postern-drill" };
	char *argv[ARGUMENTS_MAX + 3], directory[PATH_SIZE], path[PATH_SIZE + 64];
	int n = 0;

	if (c->argc > ARGUMENTS_MAX - 4)
		return cli_fail(EX_USAGE, "too many arguments");
	if (!find_directory(directory))
		return cli_fail(EX_OSFILE, "cannot find the directory of this program: %s", strerror(errno));
	argv[n++] = (char *)"postern-drill";
	argv[n++] = (char *)"--config";
	argv[n++] = (char *)c->config_file;
	if (c->json)
		argv[n++] = (char *)"--json";
	for (int i = 0; i < c->argc; i++)
		argv[n++] = c->argv[i];
	argv[n] = NULL;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		snprintf(path, sizeof path, "%s%s", directory, places[i]);
		execv(path, argv);
	}
	return cli_fail(EX_OSFILE, "postern-drill is not beside this program: %s; install it again",
			strerror(errno));
}
