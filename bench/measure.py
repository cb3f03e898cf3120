# SPDX-License-Identifier: Apache-2.0
"""What the comparisons measure with: a control group per server (CPU of every child, also of those that
have ended; memory with page tables and kernel), the light source and sink, and a local name server that
says at once that nothing exists. Linux, root, cgroup version 1 or 2.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = Path(os.environ.get("POSTERN_BUILD", ROOT / "build"))
WORK = Path(os.environ.get("POSTERN_BENCH", "/var/tmp/postern-bench"))
CGROUP = Path("/sys/fs/cgroup")
IS_V1 = (CGROUP / "cpuacct").is_dir()


class Failed(Exception):
	"""A comparison cannot be made; the text says why."""


def compile_tools():
	"""The source and the sink; small enough to be made anew each time."""
	(WORK / "bin").mkdir(parents=True, exist_ok=True)
	for name, libraries in (("source", ["-lssl", "-lcrypto"]), ("sink", [])):
		subprocess.run(["gcc", "-O2", "-D_GNU_SOURCE", HERE / f"{name}.c", "-o", WORK / "bin" / name, *libraries], check=True)
	subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-D_GNU_SOURCE", HERE / "unbrake.c", "-o", WORK / "bin/unbrake.so"], check=True)


class Group:
	"""A control group; run() starts a command inside of it."""

	def __init__(self, name):
		folder = f"postern-bench/{name}"
		self.places = [CGROUP / part / folder for part in ("cpuacct", "memory")] if IS_V1 else [CGROUP / folder]
		self.processes = []
		for place in self.places:
			place.mkdir(parents=True, exist_ok=True)

	def _enter(self):
		for place in self.places:
			(place / "cgroup.procs").write_text(str(os.getpid()))

	def run(self, command, log=None, wait=False, environment=None, resolver=None):
		if resolver:
			command = ["unshare", "-m", "sh", "-c", f'mount --bind {resolver} /etc/resolv.conf && exec "$@"', "sh", *command]
		output = open(log, "ab") if log else subprocess.DEVNULL
		process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
			preexec_fn=self._enter, start_new_session=True, env=environment)
		if wait and process.wait():
			raise Failed(f"{command[0]} ended with status {process.returncode}")
		self.processes.append(process)
		return process

	def pids(self):
		return [int(line) for line in (self.places[0] / "cgroup.procs").read_text().split()]

	def cpu(self):
		"""Seconds of everything that ever ran in the group."""
		if IS_V1:
			return int((self.places[0] / "cpuacct.usage").read_text()) / 1e9
		rows = dict(line.split() for line in (self.places[0] / "cpu.stat").read_text().splitlines())
		return int(rows["usage_usec"]) / 1e6

	def memory(self):
		"""Bytes, page tables, sockets and other kernel memory included, without the page cache of files."""
		place = self.places[-1]
		usage = int((place / ("memory.usage_in_bytes" if IS_V1 else "memory.current")).read_text())
		rows = dict(line.split() for line in (place / "memory.stat").read_text().splitlines())
		cached = int(rows.get("total_inactive_file", rows.get("inactive_file", 0)))
		return usage - cached

	def end(self, patience=10):
		start = time.monotonic()
		while pids := self.pids():
			number = signal.SIGTERM if time.monotonic() - start < patience else signal.SIGKILL
			for pid in pids:
				try:
					os.kill(pid, number)
				except ProcessLookupError:
					pass
			for process in self.processes:
				process.poll()
			time.sleep(0.2)
		self.processes = []


class Sink:
	def __init__(self, port):
		self.port = port
		self.process = subprocess.Popen([WORK / "bin/sink", str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
		wait_port(port)
		self.base = 0

	def _ask(self):
		self.process.stdin.write("\n")
		self.process.stdin.flush()
		return [int(word) for word in self.process.stdout.readline().split()]

	def count(self):
		"""Messages taken."""
		return self._ask()[0]

	def end(self):
		self.process.stdin.close()
		self.process.wait()


class Resolver:
	"""Knows localhost and nothing else, so that no server waits for names that strangers have."""

	def __init__(self):
		folder = WORK / "dns"
		folder.mkdir(parents=True, exist_ok=True)
		(folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
		(folder / "unbound.conf").write_text(f"""server:
  interface: 127.0.0.1
  do-ip6: no
  chroot: ""
  username: ""
  directory: "{folder}"
  pidfile: "{folder}/pid"
  use-syslog: no
  logfile: "{folder}/log"
  module-config: "iterator"
  local-zone: "." static
  local-data: "localhost. A 127.0.0.1"
  local-zone: "127.in-addr.arpa." static
  local-data-ptr: "127.0.0.1 localhost"
remote-control:
  control-enable: no
""")
		self.conf = folder / "resolv.conf"
		self.process = subprocess.Popen(["unbound", "-d", "-c", folder / "unbound.conf"], stderr=subprocess.DEVNULL)

	def end(self):
		self.process.terminate()
		self.process.wait()


def wait_port(port, seconds=30):
	end = time.monotonic() + seconds
	while time.monotonic() < end:
		try:
			socket.create_connection(("127.0.0.1", port), 2).close()
			return
		except OSError:
			time.sleep(0.1)
	raise Failed(f"no server on port {port}")


def median(values):
	ordered = sorted(values)
	middle = len(ordered) // 2
	return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def check_machine():
	if os.geteuid() != 0:
		raise Failed("the comparisons start other mail servers and read control groups: run them as root")
	if not (BUILD / "posternd").exists():
		raise Failed(f"{BUILD}/posternd is missing: make build")
	for program in ("gcc", "unbound", "openssl"):
		if not shutil.which(program):
			raise Failed(f"{program} is missing: tools/need build test bench")
	sys.stdout.reconfigure(line_buffering=True)
