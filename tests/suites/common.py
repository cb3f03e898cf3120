# SPDX-License-Identifier: Apache-2.0
"""What all public suites share: where the cases are, how `postern` is called, how differences are told.

A suite compares what Postern says with what the authors of the cases expect. Where the two differ and a
standard decides for Postern, the difference is a row of a file beside the suite: tab-separated, the case, what
differs, the section that decides, why. A difference without a row is a failure, and so is a row without a
difference: both would make the printed numbers a lie.

    cases = common.cases("spf/openspf")          # or the suite ends here, saying SKIP
    answer = common.postern_json("inspect", "-", data=message)
    suite = common.Suite("mime", "stalwart", "mime_differences.tsv")
    suite.case("rfc/000.eml", [("0/subject", "expected", "got"), ...])
    sys.exit(common.finish([suite]))
"""

import concurrent.futures
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CASES = Path(os.environ.get("POSTERN_CASES") or ROOT.parent / "shared" / "cases")
BUILD = Path(os.environ.get("POSTERN_BUILD") or ROOT / "build")
SECONDS = 60


def cases(folder, suite):
	"""The folder of a public suite; without it the program ends, and the tests go on."""
	path = CASES / folder
	if not path.exists():
		print(f"ok 1 - {suite} # SKIP the cases are absent: {path} (set POSTERN_CASES)")
		sys.exit(0)
	return path


def postern(*arguments, data=None):
	"""(status, standard output, standard error) of the command."""
	run = subprocess.run([BUILD / "postern", *arguments], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
		timeout=SECONDS, check=False)
	return run.returncode, run.stdout, run.stderr


def postern_json(*arguments, data=None):
	"""What the command says with --json. An answer that is none is an error of the suite."""
	status, output, error = postern("--json", *arguments, data=data)
	if status != 0:
		raise RuntimeError(f"postern {' '.join(arguments)}: status {status}: {error.decode(errors='replace').strip()}")
	return json.loads(output)


def in_parallel(function, items):
	"""The results in the order of the items; each call waits for a process of its own."""
	with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
		return list(pool.map(function, items))


def read_differences(name):
	"""{(suite, case, place): (section, why)}; a case of * counts for all."""
	path = Path(__file__).parent / name
	rows = {}
	for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if path.exists() else ():
		if not line.strip() or line.startswith("#"):
			continue
		cells = line.split("\t")
		if len(cells) != 5:
			raise ValueError(f"{name}:{number}: {len(cells)} cells instead of suite, case, place, section, why")
		rows[tuple(cells[:3])] = (cells[3], cells[4])
	return rows


class Suite:
	"""Counts cases; a case is a list of differences (place, expected, got)."""

	def __init__(self, group, name, differences):
		self.group, self.name = group, name
		self.known = {key[1:]: why for key, why in read_differences(differences).items() if key[0] == name}
		self.used = set()
		self.n_cases = self.n_equal = self.n_explained = 0
		self.failures = []

	def case(self, name, differences):
		self.n_cases += 1
		bad = []
		for place, expected, got in differences:
			keys = [key for key in ((name, place), ("*", place)) if key in self.known]
			if keys:
				self.used.add(keys[0])
				self.n_explained += 1
			else:
				bad.append((place, expected, got))
		if bad:
			self.failures.append((name, bad))
		else:
			self.n_equal += 1

	def crash(self, name, error):
		self.n_cases += 1
		self.failures.append((name, [("crash", "an answer", error)]))

	def unused(self):
		return sorted(set(self.known) - self.used)

	def print_result(self, is_verbose=False):
		for name, bad in self.failures:
			for place, expected, got in bad if is_verbose else bad[:3]:
				print(f"  {name}: {place}: expected {short(expected)}, got {short(got)}")
		for name, place in self.unused():
			print(f"  {name}: {place}: listed as a difference, and there is none")
		if self.n_explained:
			print(f"  {self.n_explained} differences decided by a standard, see the file of differences")
		print(f"{self.group} {self.name}: {self.n_equal}/{self.n_cases}")

	def is_good(self):
		return not self.failures and not self.unused()


def short(value):
	text = value if isinstance(value, str) else repr(value)
	return repr(text if len(text) < 160 else text[:80] + " ... " + text[-60:])


def finish(suites, is_verbose=False):
	"""Prints, for the test runner, one TAP line for each suite, and then each; the status of the program."""
	for number, suite in enumerate(suites, 1):
		print(f"{'ok' if suite.is_good() else 'not ok'} {number} - {suite.group} {suite.name}")
	for suite in suites:
		suite.print_result(is_verbose)
	return 0 if all(suite.is_good() for suite in suites) else 1
