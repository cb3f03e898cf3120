#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The containment drill as a test: as root and without, with the layers of Linux 6.1 only, and with single
rules, layers and checks left out (mutations), each of which must change a row that names it.

    tests/drill.py [--build DIRECTORY]        prints TAP
"""

import argparse
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOBODY = "65534"
UID_BASE = 64500
# enum sandbox_mutation of src/sandbox/sandbox.h: kind, index, process, options, what must be seen.
WITHOUT_CALL, WITHOUT_CONDITION, WITHOUT_FILE_RIGHT, WITHOUT_PORT_RIGHT, WITHOUT_SCOPE, WITHOUT_LIMIT = 1, 2, 3, 4, 5, 6
RLIMIT_FSIZE, RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_AS = 1, 6, 7, 9


class Tap:
	def __init__(self):
		self.number = self.failed = 0

	def row(self, is_good, name, detail=""):
		self.number += 1
		self.failed += not is_good
		print(f"{'ok' if is_good else 'not ok'} {self.number} - {name}", flush=True)
		for line in detail.splitlines()[:40]:
			print(f"# {line}")


def run_drill(build, *options, user=None):
	command = [build / "postern-drill", "--json", *map(str, options)]
	if user:
		command = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", *command]
	result = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, cwd="/")
	try:
		return result.returncode, json.loads(result.stdout), result.stderr
	except ValueError:
		return 70, [], f"status {result.returncode}: {result.stdout[-500:]} {result.stderr[-1500:]}"


def is_bad(row):
	return row["result"] in ("ALLOWED", "UNCLEAR", "FAILED")


def check_run(tap, name, outcome):
	status, rows, errors = outcome
	groups = collections.defaultdict(list)
	for row in rows:
		groups[row.get("process") or row.get("group")].append(row)
	for group, found in groups.items():
		bad = [row for row in found if is_bad(row)]
		tap.row(not bad, f"{name}: {group}: {len(found)} rows", "\n".join(json.dumps(row) for row in bad))
	tap.row(status == 0 and rows, f"{name}: status 0", errors)


def rows_of_calls(build_source, *names):
	"""Index of a row of calls.c by its text."""
	rows = re.findall(r"^\t([A-Z_]+)\((\w+), (\w+)\)", build_source.read_text(), re.MULTILINE)
	return {f"{group}({call}, {condition})": index for index, (group, call, condition) in enumerate(rows)}


def mutations():
	calls = rows_of_calls(ROOT / "src/sandbox/calls.c")
	yield "a listed call is taken away", WITHOUT_CALL, calls["BASE(recvmsg, IF_ANY)"], "session room"
	yield "memory may become code", WITHOUT_CONDITION, calls["BASE(mmap, IF_NOT_EXEC)"], "session room"
	yield "written memory may become code", WITHOUT_CONDITION, calls["BASE(mprotect, IF_NOT_EXEC)"], "session room"
	yield "any socket", WITHOUT_CONDITION, next(index for text, index in calls.items() if text.startswith("CONNECT(socket")), "deliver"
	yield "files may be read", WITHOUT_FILE_RIGHT, 2, "queue"
	yield "files may be made", WITHOUT_FILE_RIGHT, 8, "queue"
	yield "any port", WITHOUT_PORT_RIGHT, 1, "deliver"
	yield "signals to all", WITHOUT_SCOPE, 1, "session zygote"
	yield "files of any size", WITHOUT_LIMIT, RLIMIT_FSIZE, "session room"
	yield "processes", WITHOUT_LIMIT, RLIMIT_NPROC, "session room"
	yield "descriptors", WITHOUT_LIMIT, RLIMIT_NOFILE, "session room"
	yield "memory", WITHOUT_LIMIT, RLIMIT_AS, "session room"
	yield "descriptors are inherited", 9, 0, "session room"


def by_step(rows):
	return {(row.get("process") or row["group"], row.get("step") or row["what"]): (row["result"], row.get("layers")) for row in rows}


def check_mutations(tap, build):
	plain = {}
	for name, kind, index, process in mutations():
		options = ["--ablate", "--only", process, "--uid-base", UID_BASE]
		if process not in plain:
			plain[process] = by_step(run_drill(build, *options)[1])
		changed = by_step(run_drill(build, *options, "--mutate", kind << 16 | index)[1])
		differing = [key for key in plain[process] if changed.get(key) != plain[process][key]]
		tap.row(bool(differing), f"mutation: {name} ({process}): {len(differing)} rows turn", "\n".join(map(str, differing[:5])))


def without_root(tap, build):
	"""Below /tmp, where another user may reach the programs."""
	with tempfile.TemporaryDirectory(prefix="postern-user-") as place:
		os.chmod(place, 0o755)
		for program in [*build.glob("postern-*"), build / "postern", build / "posternd"]:
			if program.is_file():
				shutil.copy(program, place)
		check_run(tap, "without root", run_drill(Path(place), user=NOBODY))


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--build", type=Path, default=ROOT / "build")
	parser.add_argument("--full", action="store_true", help="also without root, with the layers of Linux 6.1, and mutations")
	arguments = parser.parse_args()
	build = arguments.build.resolve()
	tap = Tap()
	name = "as root" if os.geteuid() == 0 else "without root"
	check_run(tap, name, run_drill(build, "--uid-base", UID_BASE))
	if arguments.full:
		check_run(tap, f"{name}, Linux 6.1", run_drill(build, "--kernel-6.1", "--uid-base", UID_BASE))
		check_mutations(tap, build)
	if arguments.full and os.geteuid() == 0:
		without_root(tap, build)
	print(f"1..{tap.number}")
	return 1 if tap.failed else 0


if __name__ == "__main__":
	sys.exit(main())
