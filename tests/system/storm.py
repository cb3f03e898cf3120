# SPDX-License-Identifier: Apache-2.0
"""A storm of mail and of violence: senders that keep account of what was promised to them, a next hop
that keeps account of what it took, and a killer that ends processes of the gateway at random.

A promise is a 250 after the end of a message. The ledger knows for every message who promised it, when
the next hop accepted it, and when processes were killed."""

import collections
import os
import random
import signal
import socket
import threading
import time
from pathlib import Path

DOMAIN = "storm.example"
ZYGOTES = ("message", "compose", "authentication", "delivery", "maildir", "session")


class Ledger:
	def __init__(self):
		self.lock = threading.Lock()
		self.promised = {}                                 # token -> time of the 250
		self.taken = collections.defaultdict(list)         # token -> times at which the next hop said 250
		self.kills = []                                    # (time, what)
		self.answers = collections.Counter()               # what the senders got: "2", a refusal's text, or "lost"

	def promise(self, token):
		with self.lock:
			self.promised[token] = time.monotonic()

	def take(self, token):
		with self.lock:
			self.taken[token].append(time.monotonic())

	def count(self, what):
		with self.lock:
			self.answers[what] += 1

	def missing(self):
		with self.lock:
			return sorted(set(self.promised) - set(self.taken))

	def duplicates(self):
		"""token -> times, of those that the next hop took more than once."""
		with self.lock:
			return {token: times for token, times in self.taken.items() if len(times) > 1}

	def unexplained(self, since=0.5, until=12):
		"""Duplicates whose first copy was not followed by a kill or a loss near enough to be its reason."""
		reasons = [at for at, _what in self.kills]
		return [token for token, times in self.duplicates().items()
			if not any(times[0] - since <= at <= times[-1] + until for at in reasons)]

	def report(self):
		killed = collections.Counter(what for _at, what in self.kills)
		return (f"{len(self.promised)} promised, {len(self.missing())} missing, {len(self.duplicates())} twice; "
			f"answers {dict(self.answers)}; {len(self.kills)} killed: {dict(sorted(killed.items()))}")


class Line:
	"""One SMTP connection, without frills, so that twenty of them cost little."""

	def __init__(self, port):
		self.socket = socket.create_connection(("127.0.0.1", port), 20)
		self.file = self.socket.makefile("rb")
		self.expect("2")
		self.say("EHLO storm.elsewhere.example", "2")

	def reply(self):
		while True:
			line = self.file.readline()
			if not line.endswith(b"\n"):
				raise ConnectionError("closed")
			if line[3:4] != b"-":
				return line.decode("ascii", "replace")

	def expect(self, first):
		answer = self.reply()
		if answer[0] not in first:
			raise ConnectionRefusedError(answer)
		return answer

	def say(self, command, first):
		self.socket.sendall(command.encode() + b"\r\n")
		return self.expect(first)

	def close(self):
		self.file.close()
		self.socket.close()


class Sender(threading.Thread):
	"""Sends until told to stop, and begins a new connection whenever one is lost."""

	def __init__(self, ledger, port, name, body_size=2000, recipient=f"a@{DOMAIN}", pause=0.0):
		super().__init__(daemon=True)
		self.ledger, self.port, self.label, self.pause = ledger, port, name, pause
		self.body = b"".join(b"%076d\r\n" % n for n in range(body_size // 78 + 1))
		self.recipient = recipient
		self.stopped = threading.Event()
		self.number = 0

	def run(self):
		while not self.stopped.is_set():
			try:
				line = Line(self.port)
			except OSError as refusal:
				self.ledger.count(f"no greeting: {str(refusal).strip()[:60]}")
				time.sleep(0.05)
				continue
			self.talk(line)
			line.close()

	def talk(self, line):
		try:
			for _ in range(20):
				self.send(line)
				time.sleep(self.pause)
				if self.stopped.is_set():
					return
		except ConnectionRefusedError as refusal:
			self.ledger.count(str(refusal).strip()[:60])
			time.sleep(0.05)
		except OSError:
			self.ledger.count("lost")

	def send(self, line):
		token = f"{self.label}-{self.number}"
		self.number += 1
		line.say(f"MAIL FROM:<{self.label}@elsewhere.example>", "2")
		line.say(f"RCPT TO:<{self.recipient}>", "2")
		line.say("DATA", "3")
		line.socket.sendall(b"Subject: storm\r\nX-Token: %s\r\n\r\n%s.\r\n" % (token.encode(), self.body))
		line.expect("2")
		self.ledger.promise(token)
		self.ledger.count("2")


def parent_of(pid):
	try:
		text = Path("/proc", str(pid), "stat").read_text(encoding="ascii", errors="replace")
	except OSError:
		return 0
	return int(text.rsplit(")", 1)[1].split()[1])


def name_of(pid):
	"""What a process is: `queue`, `session zygote`, `session room`, `posternd`, or `starter`."""
	try:
		words = Path("/proc", str(pid), "cmdline").read_bytes().split(b"\0")
	except OSError:
		return None
	if len(words) < 2 or not words[0]:
		return None
	program, kind = Path(words[0].decode()).name, words[1].decode()
	if not program.startswith("postern-"):
		return "posternd"
	if kind == "role":
		return program.removeprefix("postern-")
	siblings = Path("/proc", str(parent_of(pid)), "cmdline").read_bytes().split(b"\0")
	return f"{kind} room" if siblings[1:2] == words[1:2] and siblings[0] == words[0] else f"{kind} zygote"


def processes_of(root):
	"""pid -> name, of every descendant of the gateway's own parent."""
	parents = {int(p.name): parent_of(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()}
	found = {}
	for pid in parents:
		up = parents.get(pid)
		while up and up != root:
			up = parents.get(up)
		if up != root:
			continue
		try:
			name = name_of(pid)
		except (OSError, IndexError):
			continue
		if name:
			found[pid] = name
	return found


class Killer:
	"""Chooses a kind of process first, so that posternd is hit as often as the many rooms are."""

	def __init__(self, ledger, root, seed):
		self.ledger, self.root, self.random = ledger, root, random.Random(seed)

	def strike(self, only=None):
		by_name = collections.defaultdict(list)
		for pid, name in processes_of(self.root).items():
			if only is None or name in only:
				by_name[name].append(pid)
		if not by_name:
			return None
		name = self.random.choice(sorted(by_name))
		pid = self.random.choice(by_name[name])
		try:
			os.kill(pid, signal.SIGKILL)
		except ProcessLookupError:
			return None
		with self.ledger.lock:
			self.ledger.kills.append((time.monotonic(), name))
		return name
