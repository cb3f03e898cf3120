# SPDX-License-Identifier: Apache-2.0
"""What the checks of this folder share: which files are ours, and C source without its comments."""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SKIPPED_FOLDERS = re.compile(r"^(build($|-)|run$|\.git$|__pycache__$)")


def parse_arguments(text, *options):
	"""--help prints `text`; options are (name, keyword arguments) for argparse."""
	parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
	for name, keywords in options:
		parser.add_argument(name, **keywords)
	return parser.parse_args()


def walk_files():
	for folder, names, files in os.walk(ROOT):
		names[:] = [n for n in names if not SKIPPED_FOLDERS.match(n)]
		for name in files:
			yield (Path(folder) / name).relative_to(ROOT).as_posix()


def list_files(*suffixes, under=""):
	"""Paths from the root, sorted; what Git ignores is left out where there is a checkout."""
	result = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
		capture_output=True, check=False) if (ROOT / ".git").exists() else None
	if result is not None and result.returncode == 0:
		names = [n for n in result.stdout.decode().split("\0") if n]
	else:
		names = list(walk_files())
	return sorted(n for n in set(names) if n.endswith(suffixes) and n.startswith(under) and (ROOT / n).is_file())


def read(name):
	return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def room_kinds():
	"""Names of the kinds of room: the processes with a room's profile in src/role/process.def."""
	table = ROOT / "src/role/process.def"
	text = table.read_text(encoding="utf-8") if table.exists() else ""
	return re.findall(r'^PROCESS\(\w+, "([a-z]+)", \w+, "[^"]*", "', text, re.MULTILINE)


def is_of_room(name):
	"""Does a room run this source file? Protocols, judges, TLS, and the files of a role that bear a
	room's name: session.c, message_room.c (not rooms.c, the parent's side, and no zygote)."""
	if name.startswith(("src/proto/", "src/judge/", "src/role/tls")):
		return True
	last = name.rsplit("/", 1)[-1]
	words = "|".join(["room", *room_kinds()])
	return name.startswith("src/ro") and "zygote" not in last and bool(re.search(rf"(^|_)({words})(_|\.)", last))


TOKENS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def blank_comments(text, keep_strings=False):
	"""The same text, same line numbers, with comments (and the inside of strings) blanked."""

	def blank(match):
		found = match.group(0)
		if found[0] in "\"'":
			return found if keep_strings else found[0] + "_" * (len(found) - 2) + found[0]
		return re.sub(r"[^\n]", " ", found)

	return TOKENS.sub(blank, text)


class Findings:
	"""Collects violations; each is one line that names the place, the rule and the cure."""

	def __init__(self, tool):
		self.tool = tool
		self.count = 0

	def add(self, name, line, rule, cure):
		self.count += 1
		place = f"{name}:{line}" if line else name
		print(f"{place}: {rule}: {cure}")

	def finish(self, what):
		"""Ends the program: status 1 when anything was found."""
		if self.count:
			print(f"{self.tool}: {self.count} to mend")
			sys.exit(1)
		print(f"{self.tool}: {what}")
		sys.exit(0)
