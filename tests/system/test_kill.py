# SPDX-License-Identifier: Apache-2.0
"""A promise is kept: whatever is killed, whatever the next hop does and whether or not the disk is full,
every message that got 250 reaches the next hop, or is in the spool.

POSTERN_KILL_ROUNDS sets how many processes each test kills (by default 200 of the first, 40 of the
others). A message may come twice only where the next hop had accepted it and the answer was lost, so
every duplicate must lie next to a kill (or, with a next hop that drops lines, to a drop)."""

import os
import random
import shutil
import subprocess
import threading
import time

import pytest
import storm

ROUNDS = int(os.environ.get("POSTERN_KILL_ROUNDS", "0"))
SESSIONS = 20
SETTLE_SECONDS = 90
STORM_LOG = r"."  # a storm is full of warnings; the accounts are what counts


class Storm:
	"""A gateway, its next hop, twenty senders, and the accounts."""

	def __init__(self, gw, peer, seed):
		self.gw, self.peer = gw, peer
		self.ledger = storm.Ledger()
		peer.on_message = lambda message: self.ledger.take(token_of(message["data"]))
		self.killer = storm.Killer(self.ledger, gw.process.pid, seed)
		self.senders = [storm.Sender(self.ledger, gw.port, f"s{n}", 200 if n % 4 else 90000, pause=0.01)
			for n in range(SESSIONS)]

	def rage(self, rounds, only=None):
		"""Kills one process a round; between the rounds mail must flow again."""
		for sender in self.senders:
			sender.start()
		self.wait_progress(20)
		for _ in range(rounds):
			self.killer.strike(only)
			time.sleep(self.killer.random.uniform(0.05, 0.4))
			self.wait_progress(3)
		for sender in self.senders:
			sender.stopped.set()
		for sender in self.senders:
			sender.join(30)

	def wait_progress(self, count, seconds=60):
		before, end = len(self.ledger.promised), time.monotonic() + seconds
		while len(self.ledger.promised) < before + count:
			if time.monotonic() > end:
				pytest.fail(f"no mail flows any more; {self.ledger.report()}\n" + "\n".join(self.gw.lines[-40:])
					+ self.gw.run_cli("status").stdout)
			time.sleep(0.02)

	def settle(self):
		"""Waits until everything promised has arrived; what is still in the spool then is shown."""
		self.gw.wait_ready()
		end = time.monotonic() + SETTLE_SECONDS
		while self.ledger.missing() and time.monotonic() < end:
			self.gw.run_cli("queue", "retry", "all")
			time.sleep(0.5)
		missing = self.ledger.missing()
		print(self.ledger.report())
		assert not missing, f"lost: {missing[:10]}; {self.ledger.report()}\n{self.gw.run_cli('queue', 'list').stdout[:2000]}"


def token_of(data):
	for line in data.split(b"\r\n"):
		if line.startswith(b"X-Token: "):
			return line[9:].decode()
	return "none"


@pytest.fixture
def make_storm(start_gateway, peer):
	def make(seed=1, **more):
		gw = start_gateway({"": {"log-level": "info", "restart-delay": "10ms", "restart-delay-max": "1s"},
			f"domain {storm.DOMAIN}": {"next-hop": f"127.0.0.1:{peer.port}"},
			"listener public": {"max-messages": 1000000}, "queue": {"retry": "1s"},
			"policy": {"crash-pause": "1ms", "crash-pause-max": "1s"}}, *more.values())
		gw.expect_log(STORM_LOG)
		return Storm(gw, peer, seed)

	return make


def test_every_promise_is_kept_while_processes_are_killed(make_storm):
	storm_ = make_storm(1)
	storm_.rage(ROUNDS or 200)
	storm_.settle()
	assert not storm_.ledger.unexplained(), storm_.ledger.report()


def test_every_promise_is_kept_while_the_next_hop_refuses_hangs_and_drops(make_storm):
	storm_ = make_storm(2, rows={"deliver": {"final-timeout": "2s", "command-timeout": "2s", "block-timeout": "2s"}})
	actions = random.Random(2)
	done = threading.Event()

	def annoy():
		while not done.is_set():
			storm_.peer.answer("RCPT", *actions.sample(["450 4.2.1 later", "drop", "hang", "250 2.1.5 ok"], 3), "250 2.1.5 ok")
			storm_.peer.answer("BODY", *actions.sample([100, 20, None], 2), None)
			storm_.peer.answer("END", *actions.sample(["drop", "451 4.3.0 no", "250 2.0.0 taken"], 2), "250 2.0.0 taken")
			done.wait(0.2)

	worker = threading.Thread(target=annoy, daemon=True)
	worker.start()
	storm_.rage(ROUNDS or 40)
	done.set()
	worker.join()
	for verb, action in (("RCPT", "250 2.1.5 ok"), ("BODY", None), ("END", "250 2.0.0 taken")):
		storm_.peer.answer(verb, action)
	storm_.settle()


@pytest.fixture
def small_disk(tmp_path):
	"""A file system of 24 MB of its own for the spool."""
	if os.geteuid() != 0:
		pytest.skip("a small file system can be mounted by root only")
	place = tmp_path / "disk"
	place.mkdir()
	made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=755", "tmpfs", place], capture_output=True, text=True, check=False)
	if made.returncode:
		pytest.skip(f"cannot mount a tmpfs here: {made.stderr.strip()}")
	yield place
	subprocess.run(["umount", "-l", place], check=False)


def fill_up(path, done):
	with open(path, "wb", buffering=0) as file:
		try:
			while not done.is_set():
				file.write(bytes(65536))
		except OSError:
			pass


def test_every_promise_is_kept_while_the_disk_is_full(make_storm, small_disk):
	storm_ = make_storm(3, rows={"": {"state": f'"{small_disk}/state"'}, "queue": {"reserve": "1M", "min-free": "0", "retry": "1s"}})
	done = threading.Event()

	def fill():
		"""Takes all free room, and gives it back after a while, again and again."""
		ballast = small_disk / "ballast"
		while not done.is_set():
			fill_up(ballast, done)
			done.wait(1)
			ballast.unlink()
			done.wait(6)  # the spool takes its reserve back after 4 s

	worker = threading.Thread(target=fill, daemon=True)
	worker.start()
	storm_.rage(ROUNDS or 40)
	done.set()
	worker.join()
	shutil.rmtree(small_disk / "ballast", ignore_errors=True)
	storm_.settle()
	print(storm_.gw.run_cli("status").stdout)
	assert any(answer.startswith("4") for answer in storm_.ledger.answers), "the disk was never full"
	assert not storm_.ledger.unexplained(), storm_.ledger.report()
