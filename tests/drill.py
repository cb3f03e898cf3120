#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The containment drill as a test: as root and without, with the layers of Linux 6.1 only, and with single
rules, layers and checks left out (mutations), each of which must change a row that names it.

    tests/drill.py [--full | --mutations] [--build DIRECTORY]        prints TAP
"""

import argparse
import collections
import concurrent.futures
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOBODY = "65534"
UID_BASE = 64500
SANDBOX = ROOT / "src/sandbox"
# Whose sandbox shows that a row of calls.c is missing. posternd's own groups are not drilled: it reads nobody's bytes.
SHOWN_BY = {"BASE": "session room", "LOOP": "scan", "CHANNELS": "policy", "ACCEPT": "receive", "CONNECT": "deliver",
	"FILES": "audit", "DATABASE": "queue", "FORK": "compose zygote", "MAP_FILE": "message room", "RESOLVER": "resolver"}
POSTERND_ONLY = ("SUPERVISE", "MEMFD")
LIMITS = {"CPU": 0, "FSIZE": 1, "CORE": 4, "NPROC": 6, "NOFILE": 7, "MEMLOCK": 8, "AS": 9, "MSGQUEUE": 12}


class Tap:
	def __init__(self):
		self.number = self.failed = 0

	def row(self, is_good, name, detail=""):
		self.number += 1
		self.failed += not is_good
		print(f"{'ok' if is_good else 'not ok'} {self.number} - {name}", flush=True)
		for line in detail.splitlines()[:40]:
			print(f"# {line}")

	def end(self):
		print(f"1..{self.number}")
		return 1 if self.failed else 0


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


def kinds_of_mutations():
	names = re.findall(r"^\tSANDBOX_((?:WITHOUT|AS)_\w+)", (SANDBOX / "sandbox.h").read_text(), re.MULTILINE)
	return {name: number for number, name in enumerate(names)}


def rows_of_calls():
	return re.findall(r"^\t([A-Z_]+)\((\w+), (\w+)\)", (SANDBOX / "calls.c").read_text(), re.MULTILINE)


def mutations_of_calls():
	"""Each row left out, each condition lifted, and each call that a room loses not taken from it."""
	for index, (group, call, condition) in enumerate(rows_of_calls()):
		if group in POSTERND_ONLY:
			continue
		yield f"without {group} {call}", "WITHOUT_CALL", index, SHOWN_BY[group]
		if condition not in ("IF_ANY", "FAILS_ENOSYS"):
			process = "deliver" if condition == "IF_NO_FAST_OPEN" else SHOWN_BY[group]
			yield f"{group} {call} with any arguments", "WITHOUT_CONDITION", index, process
		if group == "FORK":
			yield f"a room keeps {call}", "WITHOUT_DENIAL", index, "compose room"


def mutations():
	yield from mutations_of_calls()
	for bit in range(16):
		yield f"Landlock without right {bit} of files", "WITHOUT_FILE_RIGHT", bit, "queue"
	for bit in range(2):
		yield f"Landlock without right {bit} of ports", "WITHOUT_PORT_RIGHT", bit, "deliver"
		yield f"Landlock without scope {bit}", "WITHOUT_SCOPE", bit, "policy"
	for name, number in LIMITS.items():
		yield f"without the limit {name}", "WITHOUT_LIMIT", number, "session room"
	yield "the bounding set stays", "WITHOUT_BOUNDING", 0, "session zygote"
	yield "memory may be read by the same user", "WITHOUT_UNDUMPABLE", 0, "session room"
	yield "descriptors are inherited", "WITHOUT_CLOSING", 0, "session room"
	yield "a resource that no manifest lists is taken", "WITHOUT_MANIFEST", 0, "policy"
	yield "a peer that no manifest lists is taken", "WITHOUT_MANIFEST", 1, "policy"
	yield "a room with more descriptors than its manifest", "WITHOUT_MANIFEST", 2, "session room"


def by_step(rows):
	return {(row.get("process") or row["group"], row.get("step") or row["what"]): (row["result"], row.get("layers")) for row in rows}


def run_mutated(build, process, kind, worker, value):
	"""Without layers one by one where the list of calls alone tells."""
	options = [] if kind in ("WITHOUT_CALL", "WITHOUT_DENIAL", "WITHOUT_CONDITION") else ["--ablate"]
	return by_step(run_drill(build, *options, "--only", process, "--uid-base", UID_BASE + 40 * worker, "--mutate", value)[1])


def check_mutations(tap, build, wanted):
	kinds = kinds_of_mutations()
	rows = [row for row in mutations() if wanted in row[0]]
	whole = sorted({("", kind, None, process) for _name, kind, _index, process in rows})
	free = queue.SimpleQueue()
	for worker in range(os.cpu_count() or 1):
		free.put(worker)

	def run(row):
		_name, kind, index, process = row
		worker = free.get()
		try:
			return run_mutated(build, process, kind, worker, 0 if index is None else kinds[kind] << 16 | index)
		finally:
			free.put(worker)

	with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
		plain = {(row[1], row[3]): found for row, found in zip(whole, pool.map(run, whole))}
		for row, changed in zip(rows, pool.map(run, rows)):
			before = plain[row[1], row[3]]
			differing = [key for key in before if changed.get(key) != before[key]]
			tap.row(bool(differing), f"mutation: {row[0]} ({row[3]}): {len(differing)} rows turn", "\n".join(map(str, differing[:5])))


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
	parser.add_argument("--full", action="store_true", help="also without root, and with the layers of Linux 6.1")
	parser.add_argument("--mutations", metavar="WORDS", nargs="?", const="", help="only the mutations (with these words)")
	arguments = parser.parse_args()
	build = arguments.build.resolve()
	tap = Tap()
	if arguments.mutations is not None:
		check_mutations(tap, build, arguments.mutations)
		return tap.end()
	name = "as root" if os.geteuid() == 0 else "without root"
	check_run(tap, name, run_drill(build, "--uid-base", UID_BASE))
	if arguments.full:
		check_run(tap, f"{name}, Linux 6.1", run_drill(build, "--kernel-6.1", "--uid-base", UID_BASE))
	if arguments.full and os.geteuid() == 0:
		without_root(tap, build)
	return tap.end()


if __name__ == "__main__":
	sys.exit(main())
