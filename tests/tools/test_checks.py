# SPDX-License-Identifier: Apache-2.0
"""The checks of tools/ find what they are for: each is run over a small tree with one fault in it."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def tree(tmp_path):
	"""A source tree of its own, in a path with a space: the tools and nothing else."""
	home = tmp_path / "a tree"
	shutil.copytree(ROOT / "tools", home / "tools", ignore=shutil.ignore_patterns("__pycache__"))
	return home


def put(tree, name, text):
	path = tree / name
	path.parent.mkdir(parents=True, exist_ok=True)
	path.write_text(text, encoding="utf-8")


def run(tree, tool, *arguments):
	result = subprocess.run([tree / "tools" / tool, *arguments], capture_output=True, text=True, timeout=60, check=False)
	return result.returncode, result.stdout


LAYER_FAULTS = {
	"upwards": ("src/base/a.c", '#include "proto/b.h"', "base includes proto"),
	"sideways in the middle": ("src/store/a.c", '#include "judge/b.h"', "store includes judge"),
	"role of another role": ("src/roles/queue/a.c", '#include "roles/scan/b.h"', "role queue includes role scan"),
	"cli of a role": ("src/cli/a.c", '#include "roles/queue/b.h"', "cli includes roles"),
	"not written from src": ("src/conf/a.c", '#include "b.h"', "not written from src/"),
	"descriptors in proto": ("src/proto/a.c", "#include <unistd.h>", "<unistd.h> in src/proto"),
	"clock in proto": ("src/proto/a.c", "#  include <time.h>", "<time.h> in src/proto"),
	"event loop in a room": ("src/roles/scan/message_room.c", "#include <event2/event.h>", "in a room"),
	"unknown layer": ("src/misc/a.c", "", "unknown layer"),
}


@pytest.mark.parametrize("fault", LAYER_FAULTS)
def test_layers_finds(tree, fault):
	name, text, wanted = LAYER_FAULTS[fault]
	put(tree, name, text + "\n")
	status, output = run(tree, "check-layers")
	assert status == 1 and wanted in output and output.startswith(name)


def test_layers_accepts_the_arrow_and_ignores_comments(tree):
	put(tree, "src/roles/queue/a.c", '#include "role/role.h"\n#include "proto/x.h"\n#include <event2/event.h>\n')
	put(tree, "src/base/b.c", '/* #include "proto/x.h" */\n#include "base/text.h"\n#include <time.h>\n')
	assert run(tree, "check-layers")[0] == 0


def function(body, name="f"):
	return f"int {name}(int a)\n{{\n{body}\n\treturn a;\n}}\n"


DEEP = "\tif (a) {\n\t\tfor (;;) {\n\t\t\twhile (a) {\n\t\t\t\tif (a)\n\t\t\t\t\ta++;\n\t\t\t}\n\t\t}\n\t}"
DEEP_BARE = "\tif (a)\n\t\tfor (;;)\n\t\t\twhile (a)\n\t\t\t\tif (a)\n\t\t\t\t\ta++;"
DEEP_MACRO = "\tif (a) {\n\t\tLIST_FOREACH(x, list, next) {\n\t\t\tswitch (a) {\n\t\t\tcase 1:\n\t\t\t\tif (a)\n\t\t\t\t\ta++;\n\t\t\t}\n\t\t}\n\t}"
CHAIN = "".join(f"\t{'else ' if i else ''}if (a == {i}) {{\n\t\tg({i});\n\t}}\n" for i in range(9))
FLAT = "\tstruct s x = (struct s){ .a = { 1, 2 } };\n\tif (a) {\n\t\tfor (;;) {\n\t\t\tdo {\n\t\t\t\ta = \"}}}\"[0];\n\t\t\t} while (a);\n\t\t}\n\t}"


@pytest.mark.parametrize("body", [DEEP, DEEP_BARE, DEEP_MACRO], ids=["braces", "without braces", "macro loop and switch"])
def test_size_finds_a_fourth_level(tree, body):
	put(tree, "src/base/a.c", function(body))
	status, output = run(tree, "check-size")
	assert status == 1 and "f nests 4 deep" in output


@pytest.mark.parametrize("body", [CHAIN, FLAT], ids=["else-if chain", "three levels"])
def test_size_accepts(tree, body):
	put(tree, "src/base/a.c", function(body))
	status, output = run(tree, "check-size")
	assert status == 0, output


def test_size_counts_lines_of_functions_and_files(tree):
	put(tree, "src/base/a.c", function("\n".join("\ta++;" for _ in range(56))) + function("\n".join("\ta++;" for _ in range(57)), "g"))
	put(tree, "src/base/b.h", "\n" * 601)
	status, output = run(tree, "check-size")
	assert status == 1 and "g has 61 lines" in output and "f has" not in output and "601 lines" in output


def test_format_finds_spaces(tree):
	if not (shutil.which("clang-format-14") or shutil.which("clang-format")):
		pytest.skip("clang-format is missing: tools/need lint")
	shutil.copy(ROOT / ".clang-format", tree)
	put(tree, "src/base/a.c", "int   a;\n")
	(tree / "tests").mkdir()
	(tree / "bench").mkdir()
	assert run(tree, "check-format")[0] == 1
	assert run(tree, "check-format", "--fix")[0] == 0
	assert run(tree, "check-format")[0] == 0


def test_symbols_finds_a_room_that_could_connect(tree):
	put(tree, "room.c", "int connect(int, const void *, unsigned);\nint f(void) { return connect(0, 0, 0); }\n")
	put(tree, "src/role/process.def", 'PROCESS(SESSION, "session", X, "session zygote", "session room", 1)\n'
		'PROCESS(X, "x", X, "x", NULL, 2)\n')
	folder = tree / "build/postern-x.p"
	folder.mkdir(parents=True)
	for name in ("src_roles_x_session.c.o", "src_roles_x_session_zygote.c.o", "src_roles_x_x.c.o", "src_role_rooms.c.o"):
		subprocess.run(["gcc", "-c", tree / "room.c", "-o", folder / name], check=True)
	status, output = run(tree, "check-symbols")
	assert status == 1 and "src/roles/x/session.c: a room imports connect" in output
	assert output.count("imports connect") == 1


def test_docs_finds_rfc_and_file_that_are_not_there(tree):
	put(tree, "src/proto/a.c", "/* rfc5321 4.1.1.2 and rfc9999 1.2, 3.4 */\n")
	put(tree, "docs/rfc-status.md", "| 5321 | SMTP |  |  |\n| 1234 | other |  |  |\n")
	put(tree, "src/conf/schema.def", 'TOP(host, "host", X)\n')
	put(tree, "HACKING.md", "See `src/proto/gone.c`, `src/proto/a.c` and `src/roles/NAME/x.c`.\n")
	status, output = run(tree, "check-docs")
	for wanted in ("RFC 9999 has no row", "RFC 1234 is in no file", "RFC 5321: sections differ", "src/proto/gone.c does not exist",
			"README.md: missing"):
		assert wanted in output
	assert status == 1 and "NAME" not in output and "src/proto/a.c does not" not in output
	run(tree, "check-docs", "--fix")
	assert "| proto/a.c 4.1.1.2 |" in (tree / "docs/rfc-status.md").read_text()


@pytest.mark.parametrize("tool", ["check-layers", "check-size", "check-docs", "check-symbols", "check-format", "check-warnings",
	"need", "build", "fuzz", "make-sysusers"])
def test_every_tool_has_help(tree, tool):
	status, output = run(tree, tool, "--help")
	assert status == 0 and output


def test_need_tells_the_one_command_without_root(tree, tmp_path):
	"""With a dpkg-query that knows nothing and an id that is not root."""
	for name, text in (("dpkg-query", "exit 1"), ("id", "echo 1000")):
		put(tmp_path, f"bin/{name}", f"#!/bin/sh\n{text}\n")
		(tmp_path / "bin" / name).chmod(0o755)
	result = subprocess.run([tree / "tools/need", "build"], capture_output=True, text=True, check=False,
		env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin"})
	assert result.returncode == 69
	assert "apt-get install --no-install-recommends" in result.stderr and "meson" in result.stderr
