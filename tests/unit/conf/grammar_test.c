/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines, strings, settings and blocks: every way to write them wrong, with message and place, and that one
 * run shows them all.
 */
#include "conf_fixture.h"

static const struct mistake rows[] = {
	{ "empty file", "", "" },
	{ "comments and empty lines", "# a comment\n\n  # more { \" }\nuid-base 0 # behind a value\n", "" },
	{ "last line without end", "uid-base 0", "" },
	{ "lines that end with CR LF", "uid-base 0\r\nlog-level debug\r\n", "" },
	{ "block on one line", "queue { memory 1G }", "" },
	{ "blocks behind each other", "queue { memory 1G } scan { slots 2 }", "" },
	{ "empty block", "queue { }\nscan {}\n", "" },
	{ "name of a block in quotes", "listener \"a\" { port 25 }", "" },
	{ "repeated list", "admin root\nadmin joe", "" },

	{ "unknown setting", "frobnicate yes", "f:1:1: unknown setting or block 'frobnicate'\n" },
	{ "unknown setting that is near", "log-levle debug",
	  "f:1:1: unknown setting or block 'log-levle' (did you mean log-level?)\n" },
	{ "unknown setting with underscore", "UID_BASE 0",
	  "f:1:1: unknown setting or block 'UID_BASE' (did you mean uid-base?)\n" },
	{ "unknown block that is near", "listner a { port 25\n\nport 26 }",
	  "f:1:1: unknown setting or block 'listner' (did you mean listener?)\n" },
	{ "unknown setting in a block", "queue { memroy 1G }",
	  "f:1:9: unknown setting 'memroy' in queue (did you mean memory?)\n" },
	{ "setting of another block", "queue {\n\tbanner x\n}",
	  "f:2:2: unknown setting 'banner' in queue (it belongs into listener NAME { ... })\n" },
	{ "setting of another block without name", "expire 5d",
	  "f:1:1: unknown setting or block 'expire' (it belongs into queue { ... })\n" },
	{ "setting of the file in a block", "queue { hostname a.b }",
	  "f:1:9: unknown setting 'hostname' in queue (it belongs outside of any block)\n" },
	{ "setting with = behind it", "uid-base = 5",
	  "f:1:10: uid-base: no = stands between a setting and its "
	  "value\n" },
	{ "setting with = within", "uid-base=5",
	  "f:1:1: unknown setting or block 'uid-base=5' (write uid-base and its value without =)\n" },
	{ "value with a semicolon", "uid-base 5;", "f:1:10: uid-base: '5;' ends with ';' (leave it out)\n" },
	{ "values with commas", "admin root, joe", "f:1:7: admin: 'root,' ends with ',' (leave it out)\n" },
	{ "setting without value", "uid-base\n", "f:1:1: uid-base: the value is missing\n" },
	{ "setting without value in a block", "queue { memory }", "f:1:9: memory: the value is missing\n" },
	{ "setting with two values", "uid-base 5 6",
	  "f:1:12: uid-base: one value only, found '6' as well\n" },
	{ "setting twice", "uid-base 5\n\nuid-base 6", "f:3:1: uid-base: set twice (first at line 1)\n" },
	{ "list twice that may not be", "queue { retry 5m\nretry 6m }",
	  "f:2:1: retry: set twice (first at line 1)\n" },
	{ "setting used as a block", "uid-base { x }", "f:1:10: uid-base: a setting, not a block\n" },
	{ "string as a setting", "\"uid-base\" 5",
	  "f:1:1: expected the name of a setting, found the string 'uid-base'\n" },
	{ "too many values",
	  "queue { retry 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s "
	  "1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s }",
	  "f:1:111: retry: more than 32 values\n" },

	{ "block without name", "listener { port 25 }",
	  "f:1:10: listener: its name is missing (write listener NAME {)\n" },
	{ "block with two names", "listener a b { port 25 }",
	  "f:1:12: listener: one name only, found 'b'\n" },
	{ "block with a name that has none", "queue main { }",
	  "f:1:7: queue: it has no name, found 'main'\n" },
	{ "block without brace", "queue\nmemory 1G\n}", "f:1:6: queue: '{' is missing\n" },
	{ "block without anything", "queue", "f:1:6: queue: '{' is missing\n" },
	{ "brace on the next line", "queue\n{\nmemory 1G\n}",
	  "f:2:1: queue: the '{' must stand on the line of the block's name\n" },
	{ "block that is not closed", "queue {\nmemory 1G\n",
	  "f:1:1: queue: the block is not closed, its '}' is missing\n" },
	{ "block within a block", "queue {\nscan { slots 2 }\n",
	  "f:2:1: scan cannot stand within queue (is a '}' missing before it?)\n" },
	{ "brace too many", "queue { }\n}\nuid-base 0", "f:2:1: a '}' without a block\n" },
	{ "brace without name", "{ memory 1G }", "f:1:1: a '{' without a block\n" },
	{ "block twice", "queue { }\nqueue { memory 1G }",
	  "f:2:1: queue: there is one already, at line 1\n" },
	{ "named block twice", "listener a { }\nlistener a { port 1x }",
	  "f:2:1: listener 'a': there is one already, at line 1\n"
	  "f:2:19: port: expected a plain number, found '1x' (leave out 'x')\n" },
	{ "domain twice in other case", "domain a.b { }\ndomain A.B { }",
	  "f:2:1: domain 'a.b': there is one already, at line 1\n" },

	{ "string that is not closed", "state \"/var/x\nuid-base 0",
	  "f:1:7: the string is not closed before the end of the line\n" },
	{ "string with an unknown escape", "state \"/v\\n\"",
	  "f:1:10: a \\ within a string stands before \" or \\ only (write \\\\)\n" },
	{ "string that ends with a backslash", "state \"/v\\",
	  "f:1:7: the string is not closed before the end of the line\n" },
	{ "string with a word behind it", "state \"/v\"x", "f:1:11: a blank is missing after the string\n" },
	{ "quote within a word", "state /v\"x\"",
	  "f:1:9: '\"' within a word (put the whole value in double quotes)\n" },
	{ "number sign within a word", "state /v#x",
	  "f:1:9: '#' within a word (put a blank before a comment, or the value in double quotes)\n" },
	{ "columns count characters", "admin \xc3\xa9\xc3\xa9 a:b",
	  "f:1:7: admin: expected a user's name or number, found '\xc3\xa9\xc3\xa9'\n"
	  "f:1:10: admin: expected a user's name or number, found 'a:b'\n" },
	{ "file that is not UTF-8", "# caf\xe9\n",
	  "f:1:6: byte 0xe9 is not UTF-8 (save the file as UTF-8)\n" },
	{ "control character", "# a\001b\n", "f:1:4: control character 0x01 is not allowed\n" },
	{ "byte order mark", "\xef\xbb\xbfuid-base 0\n",
	  "f:1:1: the file begins with a byte order mark (save it without one)\n" },
	{ "carriage return within a line", "# a\rb\n", "f:1:4: control character 0x0d is not allowed\n" },

	{ "mistakes come in the order of the file, all of them",
	  "uid-base x\nqueue {\n\tmemory 5\n\tfoo 1\n}\n# \xff\nlog-level loud\n",
	  "f:1:10: uid-base: expected a number, found 'x'\n"
	  "f:3:9: memory: '5' has no unit (a size has B, K, M or G, for example 50M)\n"
	  "f:4:2: unknown setting 'foo' in queue\n"
	  "f:6:3: byte 0xff is not UTF-8 (save the file as UTF-8)\n"
	  "f:7:11: log-level: 'loud' is not one of: error, warning, info, debug\n" },
};

int main(void)
{
	return run_rows("grammar", rows, sizeof rows / sizeof *rows, test_part);
}
