#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every test of Postern and counts. Called by ./test, which has installed what is needed.

Each step is a row of STEPS: what it runs, which steps must have succeeded before, and how its output
is counted. At most two steps run at once. The whole output of each is kept below build/test-logs/,
the end of a failed one is printed. The last line is "N passed, N failed".
"""

import argparse
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test-logs"
TAIL_LINES = 40


@dataclasses.dataclass
class Step:
	name: str
	command: list
	count: str = "status"     # status, tap, meson, pytest
	after: tuple = ()
	alone: bool = False       # uses both processors, or measures time
	is_long: bool = False     # not with --quick
	is_patient: bool = False  # gives way to what runs beside it: a build beside tests that mostly wait
	seconds: int = 300        # limit
	environment: dict = dataclasses.field(default_factory=dict)


def check(name, *arguments, **fields):
	return Step(f"check-{name}", [f"tools/check-{name}", *arguments], **{"seconds": 120, **fields})


def pytest(name, folder, build, options=(), environment=None, **fields):
	report = LOGS / f"{name}.xml"
	return Step(name, ["pytest-3", "-q", "-rs", "-p", "no:cacheprovider", f"--junitxml={report}", *options, folder],
		count="pytest", environment={"POSTERN_BUILD": str(ROOT / build), **(environment or {})}, **{"seconds": 1500, **fields})


def meson(name, build, suites, **fields):
	chosen = [part for suite in suites for part in ("--suite", suite)]
	return Step(name, ["meson", "test", "-C", build, "--no-rebuild", "--num-processes", "2", "--logbase", name, *chosen],
		count="meson", seconds=900, **fields)


def suite(name):
	"""Public cases, read through the command line; skipped when they are not beside the project."""
	return Step(f"suite-{name}", ["/usr/bin/python3", f"tests/suites/{name}.py"], count="tap", after=("build",), seconds=600)


def comparison(name, count, *options):
	"""Generated cases, read by us and by an implementation of others: the short form of what the script does alone."""
	return Step(f"differential-{name}", ["/usr/bin/python3", f"tests/suites/differential_{name}.py", *options], count=count,
		after=("build",), seconds=600)


# The order is that in which they are taken: what only builds stands beside what mostly waits, and nothing
# long is begun last.
STEPS = [
	Step("build", ["tools/build", "build"], alone=True, seconds=600),
	check("layers"),
	check("size"),
	check("format"),
	pytest("tools", "tests/tools", "build", seconds=120),
	check("docs", after=("build",)),
	check("symbols", after=("build",)),
	meson("unit", "build", ("unit", "seeds"), after=("build",)),
	meson("script", "build", ("script",), after=("build",)),
	*(suite(name) for name in ("mime", "spf", "dkim", "arc", "dmarc")),
	pytest("system", "tests/system", "build", after=("build",)),
	Step("asan-build", ["tools/build", "build-asan"], seconds=1500, is_long=True, is_patient=True),
	Step("fuzz-build", ["tools/build", "build-fuzz"], seconds=1500, is_long=True, is_patient=True),
	check("warnings", seconds=1200, is_patient=True),
	comparison("mime", "status", "--count", "2000"),
	comparison("fields", "tap", "--cases", "4000"),
	comparison("html", "status", "--cases", "2000"),
	comparison("spf", "tap", "--cases", "4000"),
	comparison("dkim", "tap"),
	comparison("dmarc", "tap", "--cases", "4000"),
	pytest("asan-system", "tests/system", "build-asan", ("-m", "not slow"), {"POSTERN_KILL_ROUNDS": "8"},
		after=("asan-build",), seconds=1800, is_long=True),
	Step("demo", ["/usr/bin/python3", "share/demo.py", "--once", "--port", "2725", "--home", "build/demo"], after=("build",)),
	Step("drill", ["/usr/bin/python3", "tests/drill.py"], count="tap", after=("build",), seconds=1200),
	pytest("install", "tests/install", "build", after=("build",), seconds=600),
	meson("asan-unit", "build-asan", ("unit", "seeds", "script"), after=("asan-build",), is_long=True),
	Step("fuzz", ["tools/fuzz", "--build", "build-fuzz", "--seconds", "2", "--jobs", "1"], count="tap", after=("fuzz-build",),
		is_long=True, is_patient=True),
]


@dataclasses.dataclass
class Result:
	step: Step
	passed: int = 0
	failed: int = 0
	skipped: int = 0
	seconds: float = 0.0
	why: str = ""


def count_tap(text):
	passed = len(re.findall(r"(?m)^\s*ok\b(?!.*# SKIP)", text))
	skipped = len(re.findall(r"(?m)^\s*(?:not )?ok\b.*# SKIP", text))  # cmocka says "not ok" of what it skips
	return passed, len(re.findall(r"(?m)^\s*not ok\b(?!.*# SKIP)", text)), skipped


def count_meson(step):
	"""Each TAP test of each program; a program that died counts as one failure more."""
	build = step.command[step.command.index("-C") + 1]
	log = ROOT / build / "meson-logs" / f"{step.name}.json"
	passed = failed = skipped = 0
	for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
		program = json.loads(line)
		is_bad = program["result"] not in ("OK", "SKIP", "EXPECTEDFAIL")
		counts = count_tap(program.get("stdout") or "")
		if sum(counts) == 0:
			counts = (int(not is_bad), int(is_bad), 0)
		elif is_bad and counts[1] == 0:
			counts = (counts[0], 1, counts[2])
		if is_bad:
			append_program(step, program)
		passed, failed, skipped = passed + counts[0], failed + counts[1], skipped + counts[2]
	return passed, failed, skipped


def append_program(step, program):
	"""Meson does not show the output of a TAP program; its end is what one needs."""
	lines = [line for line in (program.get("stdout") or "").splitlines() if not line.startswith("ok ")]
	with open(LOGS / f"{step.name}.log", "a", encoding="utf-8") as log:
		print(f"{program['name']}: {program['result']}", *lines[-20:], *(program.get("stderr") or "").splitlines()[-20:],
			sep="\n  ", file=log)


def count_pytest(step):
	report = next(a.split("=", 1)[1] for a in step.command if a.startswith("--junitxml="))
	passed = failed = skipped = 0
	for suite in ElementTree.parse(report).getroot().iter("testsuite"):
		number = {key: int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")}
		bad = number["failures"] + number["errors"]
		passed += max(number["tests"] - bad - number["skipped"], 0)
		failed, skipped = failed + bad, skipped + number["skipped"]
	return passed, failed, skipped


def count_output(step, status, text):
	is_ok = status == 0 or (step.count == "pytest" and status == 5)  # 5: no tests collected
	if step.count == "status":
		return int(is_ok), int(not is_ok), 0
	try:
		if step.count == "tap":
			counts = count_tap(text)
		else:
			counts = count_meson(step) if step.count == "meson" else count_pytest(step)
	except (OSError, ValueError, ElementTree.ParseError):
		counts = (0, 0, 0)
	if not is_ok and counts[1] == 0:
		return counts[0], 1, counts[2]
	return counts


def end_process(process):
	"""Only the step's own group, which it began."""
	for number in (signal.SIGTERM, signal.SIGKILL):
		try:
			os.killpg(process.pid, number)
			process.wait(10)
			return
		except ProcessLookupError:
			return
		except subprocess.TimeoutExpired:
			continue


RUNNING = set()  # processes of steps


def end_all():
	"""Interrupted: each step has a session of its own and would go on."""
	signal.signal(signal.SIGINT, signal.SIG_IGN)
	signal.signal(signal.SIGTERM, signal.SIG_IGN)
	for process in list(RUNNING):
		end_process(process)


def run_command(step, log):
	environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", **step.environment)
	command = ["nice", "-n", "10", *step.command] if step.is_patient else step.command
	with open(log, "wb") as output:
		process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output,
			stderr=subprocess.STDOUT, env=environment, start_new_session=True)
		RUNNING.add(process)
		try:
			return process.wait(step.seconds), ""
		except subprocess.TimeoutExpired:
			end_process(process)
			return 124, f"not finished after {step.seconds} s"
		finally:
			RUNNING.discard(process)


def remove_reports(step):
	"""A report of an earlier run must not be counted as this one's."""
	for path in (LOGS / f"{step.name}.xml", ROOT / "build" / "meson-logs" / f"{step.name}.json",
			ROOT / "build-asan" / "meson-logs" / f"{step.name}.json"):
		path.unlink(missing_ok=True)


def run_step(step):
	start = time.monotonic()
	log = LOGS / f"{step.name}.log"
	remove_reports(step)
	try:
		status, why = run_command(step, log)
	except OSError as error:
		log.write_text(f"{step.command[0]}: {error.strerror}\n", encoding="utf-8")
		status, why = 127, ""
	text = log.read_text(encoding="utf-8", errors="replace")
	passed, failed, skipped = count_output(step, status, text)
	return Result(step, passed, failed, skipped, time.monotonic() - start, why)


class Board:
	"""Chooses the next step for each of two workers; holds the results."""

	def __init__(self, steps):
		self.waiting = list(steps)
		self.running = []
		self.results = []
		self.changed = threading.Condition()
		self.is_interrupted = False

	def is_done_well(self, name):
		return any(r.step.name == name and r.failed == 0 for r in self.results)

	def drop_hopeless(self):
		bad = {r.step.name for r in self.results if r.failed}
		for step in [s for s in self.waiting if bad & set(s.after)]:
			self.waiting.remove(step)
			self.finish(Result(step, failed=1, why=f"not run: {' '.join(bad & set(step.after))} failed"))

	def choose(self):
		names = {s.name for s in self.waiting} | {s.name for s in self.running}
		for step in self.waiting:
			if any(name in names or not self.is_done_well(name) for name in step.after):
				continue
			if any(s.alone for s in self.running) or (step.alone and self.running):
				return None
			return step
		return None

	def take(self):
		"""The next step, or None when nothing is left."""
		with self.changed:
			while True:
				self.drop_hopeless()
				if not self.waiting or self.is_interrupted:
					return None
				step = self.choose()
				if step:
					self.waiting.remove(step)
					self.running.append(step)
					return step
				self.changed.wait()

	def finish(self, result):
		with self.changed:
			if result.step in self.running:
				self.running.remove(result.step)
			self.results.append(result)
			print_result(result)
			self.changed.notify_all()


def print_result(result):
	mark = "FAILED" if result.failed else "ok"
	skipped = f", {result.skipped} skipped" if result.skipped else ""
	why = f"  ({result.why})" if result.why else ""
	print(f"{mark:<7}{result.step.name:<16}{result.seconds:7.1f} s  {result.passed} passed, {result.failed} failed{skipped}{why}", flush=True)


def print_failures(results):
	for result in results:
		log = LOGS / f"{result.step.name}.log"
		if not result.failed or result.why.startswith("not run") or not log.exists():
			continue
		lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
		print(f"\n--- {result.step.name}: last lines of {log.relative_to(ROOT)}")
		print("\n".join("  " + line for line in lines[-TAIL_LINES:]))


def select_steps(names, is_quick):
	by_name = {step.name: step for step in STEPS}
	for name in names:
		if name not in by_name:
			sys.exit(f"test: no step {name}; ./test --list shows them")
	wanted = set(names) or {step.name for step in STEPS if not (is_quick and step.is_long)}
	for step in reversed(STEPS):
		if step.name in wanted:
			wanted |= set(step.after)
	return [step for step in STEPS if step.name in wanted]


def work(board):
	while step := board.take():
		try:
			board.finish(run_step(step))
		except Exception as error:  # a fault of this file must not look like success
			board.finish(Result(step, failed=1, why=repr(error)))


def main():
	parser = argparse.ArgumentParser(prog="./test", description="Builds and runs every test, or the steps named.")
	parser.add_argument("--list", action="store_true", help="print the steps")
	parser.add_argument("--quick", action="store_true", help="without the sanitizers and fuzzing")
	parser.add_argument("step", nargs="*", help="run only these, and what they need")
	arguments = parser.parse_args()
	if arguments.list:
		for step in STEPS:
			print(f"{step.name:<16}{' '.join(map(str, step.command)).replace(str(ROOT) + '/', '')}")
		return 0
	LOGS.mkdir(parents=True, exist_ok=True)
	board = Board(select_steps(arguments.step, arguments.quick))
	workers = [threading.Thread(target=work, args=(board,), daemon=True) for _ in range(2)]
	for worker in workers:
		worker.start()
	try:
		for worker in workers:
			while worker.is_alive():
				worker.join(1)
	except KeyboardInterrupt:
		board.is_interrupted = True
		end_all()
		return 130
	print_failures(board.results)
	passed, failed = (sum(getattr(r, key) for r in board.results) for key in ("passed", "failed"))
	print(f"\n{passed} passed, {failed} failed")
	return 1 if failed or not passed else 0


if __name__ == "__main__":
	signal.signal(signal.SIGTERM, signal.default_int_handler)
	sys.exit(main())
