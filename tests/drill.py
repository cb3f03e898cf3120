#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The containment drill as a test. Prints TAP: a row for each process.

    tests/drill.py                 as this user and (started as root) as nobody; as on this kernel and as on Linux 6.1;
                                   and one rule, layer or check left out at a time: a row must turn red
    tests/drill.py --mutations     only the last
    tests/drill.py --full          also under each layer alone, and each left out in each process that has it
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOBODY = "65534"
UID_BASE = 64500
SECONDS = 1500
MUTATIONS_MIN = 150  # fewer: the drill has forgotten some
PROCESSES = [f"{kind} {part}" for kind in ("session", "message", "compose", "authentication", "delivery", "maildir") for part in ("zygote", "room")] \
	+ ["audit", "keyring", "resolver", "judge-resolver", "report", "scan", "deliver", "queue", "policy", "receive"]
BAD = ("ALLOWED", "REFUSED", "WEAK", "UNCLEAR", "FAILED")


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


def run_drill(programs, options, user):
	command = [programs / "postern-drill", "--json", "--uid-base", str(UID_BASE), *options]
	if user:
		command = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", *command]
	try:
		result = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, cwd="/")
		return result.returncode, json.loads(result.stdout), result.stderr
	except subprocess.TimeoutExpired:
		return 70, [], f"not finished after {SECONDS} s"
	except ValueError:
		return 70, [], f"status {result.returncode}: {result.stdout[-500:]} {result.stderr[-1500:]}"


def is_complaint(line):
	return any(f" {level} " in f" {line}" for level in ("warning", "error"))


@dataclasses.dataclass
class Run:
	name: str
	programs: Path
	options: list
	user: str
	seconds: float = 0.0


def execute(run):
	start = time.monotonic()
	outcome = run_drill(run.programs, run.options, run.user)
	run.seconds = time.monotonic() - start
	return outcome


def check_outcome(tap, run, outcome):
	status, rows, errors = outcome
	groups = collections.defaultdict(list)
	for row in rows:
		groups[row.get("process") or row["group"]].append(row)
	for group, found in groups.items():
		bad = [row for row in found if row["result"] in BAD]
		tap.row(not bad, f"{run.name}: {group}: {len(found)} rows", "\n".join(json.dumps(row) for row in bad))
	mutated = [row for row in rows if "without it a row turns" in row.get("what", "")]
	if mutated:
		tap.row(len(mutated) >= MUTATIONS_MIN or "--only" in run.options, f"{run.name}: {len(mutated)} rules, layers and checks")
	complaints = [line for line in errors.splitlines() if is_complaint(line)]
	tap.row(not complaints, f"{run.name}: no warning", "\n".join(complaints))
	tap.row(status == 0 and rows, f"{run.name}: status 0 after {run.seconds:.0f} s", errors if status else "")


def copy_programs(build, place):
	"""Where another user may reach them."""
	os.chmod(place, 0o755)
	for program in [*build.glob("postern-*"), build / "postern", build / "posternd"]:
		if program.is_file():
			shutil.copy(program, place)


def runs_of(programs, who, user, arguments):
	options = ["--ablate"] if arguments.full else []
	if not arguments.mutations:
		yield Run(who, programs, options, user)
		yield Run(f"{who}, as on Linux 6.1", programs, ["--kernel-6.1", *options], user)
	if arguments.full:
		for process in PROCESSES:
			yield Run(f"{who}, mutations of {process}", programs, ["--mutate", "--only", process], user)
	elif not user:
		yield Run(f"{who}, mutations", programs, ["--mutate"], user)


def check_all(tap, runs):
	"""Those of root one after another, since they have one range of users; those without root beside them."""
	lock = threading.Lock()

	def check_half(half):
		for run in half:
			outcome = execute(run)
			with lock:
				check_outcome(tap, run, outcome)

	halves = [[run for run in runs if run.user], [run for run in runs if not run.user]]
	with concurrent.futures.ThreadPoolExecutor(len(halves)) as pool:
		list(pool.map(check_half, halves))


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--build", type=Path, default=ROOT / "build")
	parser.add_argument("--full", action="store_true", help="also under each layer alone; mutations in each process")
	parser.add_argument("--mutations", action="store_true", help="only these: what is left out must be seen")
	arguments = parser.parse_args()
	build = arguments.build.resolve()
	is_root = os.geteuid() == 0
	tap = Tap()
	with tempfile.TemporaryDirectory(prefix="postern-user-") as place:
		runs = list(runs_of(build, "as root" if is_root else "without root", None, arguments))
		if is_root and (arguments.full or not arguments.mutations):
			copy_programs(build, place)
			runs += runs_of(Path(place), "without root", NOBODY, arguments)
		check_all(tap, runs)
	return tap.end()


if __name__ == "__main__":
	sys.exit(main())
