# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the system tests: real gateways, real clients, real next hops.

    def test_something(start_gateway, peer):
        gw = start_gateway({"domain next.example": {"next-hop": f"127.0.0.1:{peer.port}"}})
        with gw.smtp() as client:
            client.sendmail("a@elsewhere.example", ["b@next.example"], "Subject: x\\r\\n\\r\\nx\\r\\n")
        peer.wait(1)

`gw` is a gateway with the base configuration that the tests of one file share; start_gateway makes one
for the test alone. Any warning or error in a gateway's log that the test has not announced by
gw.expect_log(regular expression) fails the test.

POSTERN_BUILD names the build directory (default build/). Everything is kept below
BUILD/system-tests/PID/ until the next run.
"""

import fcntl
import os
import random
import re
import shutil
import signal
import smtplib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "share"), str(Path(__file__).resolve().parent)]
import gateway  # noqa: E402
import peers  # noqa: E402
import samples  # noqa: E402
import settings  # noqa: E402

# For builds with sanitizers. Roles begin with an empty environment.
os.environ.setdefault("LSAN_OPTIONS", f"suppressions={ROOT}/tests/leaks.supp:print_suppressions=0")
BUILD = Path(os.environ.get("POSTERN_BUILD", ROOT / "build")).resolve()
WORK = BUILD / "system-tests" / str(os.getpid())
UID_FIRST, UID_RANGES = 63000, 32
BAD_LINE = re.compile(r"^(?:\S+\s+){0,2}(?:warning|error)\s")  # TIME PROCESS LEVEL text
SANITIZER_LINE = re.compile(r"Sanitizer|runtime error:")  # no test may expect it


def free_port():
	"""Below the range of outgoing connections, so that none of those takes it meanwhile."""
	while True:
		port = random.randrange(20000, 32000)
		if gateway.is_port_free(port):
			return port


class UidRange:
	"""32 user ids that no other gateway under test on this machine has at this moment."""

	def __init__(self):
		for number in range(UID_RANGES):
			self.file = open(f"/tmp/postern-test-uids-{os.geteuid()}-{number}", "w", encoding="ascii")
			try:
				fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
			except OSError:
				self.file.close()
				continue
			self.base = UID_FIRST + 32 * number
			return
		raise gateway.Failed("every range of user ids is in use")

	def close(self):
		self.file.close()


class TestGateway(gateway.Gateway):
	"""A private gateway, and what a test asks of it."""

	__test__ = False

	def __init__(self, home):
		super().__init__(home, BUILD)
		self.uids = UidRange()
		self.port, self.tls_port = free_port(), free_port()
		self.expected = []
		self.seen = 0

	def prepare(self, *tables):
		place = {
			"": {"state": f'"{self.home}/state"', "run": f'"{self.control}"', "admin": os.geteuid(),
				"uid-base": self.uids.base},
			"listener public": {"address": f"127.0.0.1:{self.port}"},
			"listener secure": {"address": f"127.0.0.1:{self.tls_port}"},
			"domain demo.example": {"maildir": f'"{self.mail}"'},
		}
		self.configure(settings.render(settings.merge(place, *tables)))
		return self

	def smtp(self, name="client.elsewhere.example", timeout=30):
		return smtplib.SMTP("127.0.0.1", self.port, name, timeout=timeout)

	def smtps(self, name="client.elsewhere.example", timeout=30):
		return smtplib.SMTP_SSL("127.0.0.1", self.tls_port, name, timeout=timeout, context=samples.insecure_context())

	def target(self):
		return samples.Target("127.0.0.1", self.port, self.tls_port, self.mail, os.urandom(6).hex())

	def cli(self, *arguments, json=False, status=0):
		"""The postern command; its output, or with json=True the decoded answer."""
		if json:
			return self.ask_cli(*arguments)
		result = self.run_cli(*arguments)
		assert result.returncode == status, f"postern {arguments}: {result.returncode}: {result.stderr or result.stdout}"
		return result.stdout

	def maildir(self, user, count=None, seconds=15):
		"""Delivered files of this user, oldest first; with a count, waits for so many."""
		folder = self.mail / user / "new"
		end = time.monotonic() + seconds
		while True:
			found = sorted(folder.glob("*"), key=lambda p: p.stat().st_mtime_ns)
			if count is None or len(found) >= count:
				return found
			assert time.monotonic() < end, f"{user} has {len(found)} of {count} messages"
			time.sleep(0.05)

	def expect_log(self, pattern):
		"""Warnings and errors that match are part of this test."""
		self.expected.append(re.compile(pattern))

	def wait_log(self, pattern, seconds=15):
		"""The first line since the test began that matches."""
		end = time.monotonic() + seconds
		while time.monotonic() < end:
			for line in self.lines[self.seen:]:
				if re.search(pattern, line):
					return line
			time.sleep(0.05)
		raise AssertionError(f"no line like {pattern} in the log; its end:\n" + "\n".join(self.lines[-15:]))

	def unexpected_lines(self):
		lines, self.seen = self.lines[self.seen:], len(self.lines)
		return [line for line in lines if SANITIZER_LINE.search(line)
			or BAD_LINE.search(line) and not any(pattern.search(line) for pattern in self.expected)]

	def check_log(self):
		bad = self.unexpected_lines()
		self.expected = []
		assert not bad, "the log has lines that the test did not expect:\n  " + "\n  ".join(bad[:20])

	def finish(self):
		try:
			status = self.stop()
			self.check_log()
			assert status == 0, f"posternd ended with status {status}"
		finally:
			self.uids.close()
			self.forget()


def pytest_configure(config):
	signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended from outside: the gateways end too
	config.addinivalue_line("markers", "slow: too slow for the run under sanitizers")


def pytest_sessionstart():
	WORK.mkdir(parents=True, exist_ok=True)
	for old in WORK.parent.iterdir():
		if not Path("/proc", old.name).exists():
			shutil.rmtree(old, ignore_errors=True)


def home_of(request, number=0):
	name = re.sub(r"[^A-Za-z0-9]+", "-", request.node.name).removeprefix("test-")[:24].strip("-")
	home = WORK / f"{name}-{number}" if number else WORK / name
	return home_of(request, number + 1) if home.exists() else home


@pytest.fixture(scope="module")
def shared_gateway(request):
	server = TestGateway(home_of(request)).prepare()
	try:
		server.start().wait_ready()
		yield server
	finally:
		server.finish()


@pytest.fixture
def gw(shared_gateway):
	yield shared_gateway
	shared_gateway.check_log()


@pytest.fixture
def make_gateway(request):
	"""Makes one that is configured and not started: make_gateway({block: {setting: value}}, ...)."""
	made = []

	def make(*tables):
		made.append(TestGateway(home_of(request)).prepare(*tables))
		return made[-1]

	yield make
	for server in made:
		server.finish()


@pytest.fixture
def start_gateway(make_gateway):
	def start(*tables):
		return make_gateway(*tables).start().wait_ready()

	return start


@pytest.fixture
def make_peer(certificate):
	made = []

	def make(is_lmtp=False, has_tls=False):
		made.append(peers.Peer(is_lmtp, certificate if has_tls else None))
		return made[-1]

	yield make
	for peer in made:
		peer.stop()


@pytest.fixture
def peer(make_peer):
	return make_peer()


@pytest.fixture
def make_names():
	"""A DNS server that knows this table (see peers.Names)."""
	made = []

	def make(table):
		made.append(peers.Names(table))
		return made[-1]

	yield make
	for names in made:
		names.stop()


@pytest.fixture
def sink(request):
	if not shutil.which("smtp-sink"):
		pytest.skip("smtp-sink is missing: tools/need test")
	server = peers.Sink(home_of(request).with_suffix(".sink"), free_port())
	yield server
	server.stop()


@pytest.fixture
def open_folder():
	"""A directory that every user can reach, wherever the source tree lies."""
	with tempfile.TemporaryDirectory(prefix="postern-test-") as name:
		os.chmod(name, 0o755)
		yield Path(name)


@pytest.fixture(scope="session")
def certificate():
	"""A PEM file with a self-signed certificate and its key, for next hops."""
	path = WORK / "peer.pem"
	subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
		"-subj", "/CN=peer.example", "-days", "2", "-keyout", path, "-out", WORK / "peer.crt"], check=True,
		capture_output=True)
	path.write_text(path.read_text() + (WORK / "peer.crt").read_text())
	return path
