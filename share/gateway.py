# SPDX-License-Identifier: Apache-2.0
"""Runs one gateway of its own from the build directory: makes its configuration, starts posternd,
waits until it is ready, keeps its log, and ends it. Used by ./run and by the system tests.

The home directory holds everything: postern.conf, state/, control/, mail/, posternd.log.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READY = re.compile(r"\bready\b")
READY_SECONDS = 60
END_SECONDS = 30
CONTROL_MAX = 80  # the bound of the setting run


class Failed(Exception):
	"""The gateway did not start or did not end; the text says why."""


def fill_template(path, values):
	text = Path(path).read_text(encoding="utf-8")
	return re.sub(r"@([A-Z_]+)@", lambda m: str(values[m.group(1)]), text)


def is_port_free(port, host="127.0.0.1"):
	with socket.socket() as probe:
		probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		try:
			probe.bind((host, port))
		except OSError:
			return False
		return True


class Gateway:
	def __init__(self, home, build, on_line=None):
		self.home = Path(home)
		self.build = Path(build)
		self.conf = self.home / "postern.conf"
		self.mail = self.home / "mail"
		self.control = self._choose_control()
		self.on_line = on_line
		self.wrapper = []  # a command that runs posternd
		self.lines = []
		self.process = None
		self.reader = None
		self.is_ready = threading.Event()
		self.environment = dict(os.environ)

	def _choose_control(self):
		"""Paths of sockets are short: below a long home the directory lies in /tmp."""
		control = self.home / "control"
		return control if len(str(control)) <= CONTROL_MAX else Path(tempfile.mkdtemp(prefix="postern-"))

	def values(self, **more):
		"""What a template may name. Texts are quoted as postern.conf wants them."""
		quoted = {key: str(path).replace("\\", "\\\\").replace('"', '\\"')
			for key, path in (("HOME", self.home), ("CONTROL", self.control), ("ROOT", ROOT))}
		return {**quoted, "ADMIN": os.geteuid(), **more}

	def configure(self, text):
		for path in (self.home / "state", self.mail, self.control):
			path.mkdir(parents=True, exist_ok=True)
		self.conf.write_text(text, encoding="utf-8")

	def start(self):
		program = self.build / "posternd"
		if not program.exists():
			raise Failed(f"{program} is missing: build first")
		self.is_ready.clear()
		self.process = subprocess.Popen([*self.wrapper, program, "--config", self.conf], stdin=subprocess.DEVNULL,
			stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True, env=self.environment)
		self.reader = threading.Thread(target=self._read_log, args=(self.process,), daemon=True)
		self.reader.start()
		return self

	def _read_log(self, process):
		with open(self.home / "posternd.log", "ab") as copy:
			for raw in process.stderr:
				copy.write(raw)
				copy.flush()
				line = raw.decode("utf-8", "replace").rstrip("\n")
				self.lines.append(line)
				if self.on_line:
					self.on_line(line)
				if READY.search(line):
					self.is_ready.set()
		self.is_ready.set()

	def wait_ready(self, seconds=READY_SECONDS):
		end = time.monotonic() + seconds
		self.is_ready.wait(seconds)
		while time.monotonic() < end and self.process.poll() is None:
			if self.run_cli("status", seconds=10).returncode == 0:
				return self
			time.sleep(0.1)
		status = self.process.poll()
		what = "did not become ready" if status is None else f"ended with status {status}"
		tail = "\n".join("  " + line for line in self.lines[-15:])
		raise Failed(f"posternd {what}; its log:\n{tail or '  (empty)'}")

	def run_cli(self, *arguments, seconds=60):
		"""The postern command on this gateway's configuration; stdout and stderr as text."""
		command = [self.build / "postern", "--config", self.conf, *map(str, arguments)]
		try:
			return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
				timeout=seconds, env=self.environment)
		except subprocess.TimeoutExpired:
			return subprocess.CompletedProcess(command, 75, "", "timed out")
		except OSError as error:
			raise Failed(f"{command[0]}: {error.strerror}") from None

	def ask_cli(self, *arguments, seconds=60):
		"""The same with --json; the decoded answer."""
		result = self.run_cli(*arguments, "--json", seconds=seconds)
		if not result.stdout.strip():
			raise Failed(f"postern {' '.join(map(str, arguments))}: {result.stderr.strip() or 'no answer'}")
		return json.loads(result.stdout)

	def stop(self, seconds=END_SECONDS):
		"""Ends it with SIGTERM; posternd's exit status. A gateway that does not end is killed and
		counts as failed."""
		if self.process is None:
			return 0
		process, self.process = self.process, None
		if process.poll() is None:
			process.send_signal(signal.SIGTERM)
		try:
			status = process.wait(seconds)
		except subprocess.TimeoutExpired:
			self._kill_group(process)
			raise Failed(f"posternd did not end within {seconds} s after SIGTERM") from None
		finally:
			self.reader.join(5)
		self._kill_group(process)
		return status

	def forget(self):
		"""Removes what lies outside of the home."""
		if self.home not in self.control.parents:
			shutil.rmtree(self.control, ignore_errors=True)

	def kill(self):
		"""Power off: every process at once."""
		process, self.process = self.process, None
		if process is not None:
			self._kill_group(process)
			self.reader.join(5)

	@staticmethod
	def _kill_group(process):
		try:
			os.killpg(process.pid, signal.SIGKILL)
		except (ProcessLookupError, PermissionError):
			pass
		process.wait()
