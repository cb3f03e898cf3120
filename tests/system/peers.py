# SPDX-License-Identifier: Apache-2.0
"""Next hops for the system tests: smtp-sink, and a scripted server for what no real one does (refuse,
hang, drop the line in the middle of a message). And the DNS that leads to them."""

import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
import time

HANG = "hang"   # answer nothing until the other side goes or the test ends
DROP = "drop"   # close the connection
SINK_USER = "nobody"


class Script:
	"""What the server answers: per verb a list of actions, taken in turn; the last one stays. An action
	is a reply ("450 4.2.1 later"), HANG, DROP, or for the verb BODY a number of bytes after which the
	line is dropped."""

	DEFAULTS = {
		"CONNECT": ["220 peer.example ESMTP"],
		"EHLO": ["250-peer.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-SIZE 0\r\n250-DSN\r\n250 ENHANCEDSTATUSCODES"],
		"LHLO": ["250-peer.example\r\n250-PIPELINING\r\n250 8BITMIME"],
		"HELO": ["250 peer.example"],
		"MAIL": ["250 2.1.0 ok"],
		"RCPT": ["250 2.1.5 ok"],
		"DATA": ["354 go on"],
		"BODY": [None],
		"END": ["250 2.0.0 taken"],
		"RSET": ["250 2.0.0 ok"],
		"NOOP": ["250 2.0.0 ok"],
		"STARTTLS": ["220 2.0.0 go on"],
		"QUIT": ["221 2.0.0 bye"],
	}

	def __init__(self):
		self.lock = threading.Lock()
		self.actions = {verb: list(actions) for verb, actions in self.DEFAULTS.items()}

	def set(self, verb, *actions):
		with self.lock:
			self.actions[verb] = list(actions)

	def next(self, verb):
		with self.lock:
			actions = self.actions.get(verb, ["500 5.5.1 unknown"])
			return actions.pop(0) if len(actions) > 1 else actions[0]


class Dropped(Exception):
	"""The script closes the connection, or the other side has."""


class Session(socketserver.StreamRequestHandler):
	def act(self, verb):
		"""Carries out the next action for this verb; whether the reply was a positive one."""
		action = self.server.peer.script.next(verb)
		if action == DROP:
			raise Dropped
		if action == HANG:
			self.server.peer.stopped.wait()
			raise Dropped
		self.wfile.write(action.encode() + b"\r\n")
		self.wfile.flush()
		return action[0] in "23"

	def handle(self):
		self.server.peer.count_connection()
		self.envelope = None
		try:
			if self.act("CONNECT"):
				while self.command():
					pass
		except (Dropped, OSError):
			pass

	def command(self):
		line = self.rfile.readline(4096)
		if not line:
			return False
		text = line.decode("utf-8", "replace").strip()
		self.server.peer.commands.append(text)
		verb = text.split(" ", 1)[0].upper()
		if verb == "DATA" and not (self.envelope and self.envelope["recipients"]):
			self.wfile.write(b"554 5.5.1 no valid recipients\r\n")
			return True
		is_good = self.act(verb)
		if is_good:
			getattr(self, f"do_{verb.lower()}", lambda _text: None)(text)
		return verb != "QUIT"

	def do_mail(self, text):
		self.envelope = {"sender": text.split(":", 1)[1], "recipients": []}

	def do_rcpt(self, text):
		self.envelope["recipients"].append(text.split(":", 1)[1])

	def do_starttls(self, _text):
		context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		context.load_cert_chain(self.server.peer.certificate)
		self.request = context.wrap_socket(self.request, server_side=True)
		self.setup()
		self.envelope = None
		self.server.peer.tls_count += 1

	def do_data(self, _text):
		limit = self.server.peer.script.next("BODY")
		data = b""
		while not data.endswith(b"\r\n.\r\n") and data != b".\r\n":
			line = self.rfile.readline()
			data += line
			if not line or (limit is not None and len(data) >= limit):
				raise Dropped
		body = data[:-3].replace(b"\r\n..", b"\r\n.")
		body = body[1:] if body.startswith(b"..") else body
		is_lmtp = self.server.peer.is_lmtp
		answers = [self.act("END") for _ in (self.envelope["recipients"] if is_lmtp else [None])]
		if any(answers):
			self.server.peer.take({**self.envelope, "data": body, "answers": answers})
		self.envelope = None


class Server(socketserver.ThreadingTCPServer):
	allow_reuse_address = True
	daemon_threads = True
	request_queue_size = 128


class Peer:
	"""A scripted SMTP (or LMTP) server in a thread."""

	def __init__(self, is_lmtp=False, certificate=None, host="127.0.0.1"):
		self.script = Script()
		self.is_lmtp = is_lmtp
		self.certificate = certificate
		self.messages, self.commands = [], []
		self.connections = self.tls_count = 0
		self.on_message = None  # takes the messages instead of keeping them
		self.changed = threading.Condition()
		self.stopped = threading.Event()
		if certificate:
			self.script.set("EHLO", Script.DEFAULTS["EHLO"][0].replace("250-PIPELINING", "250-STARTTLS\r\n250-PIPELINING"))
		self.server = Server((host, 0), Session)
		self.server.peer = self
		self.host, self.port = self.server.server_address[:2]
		threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

	def answer(self, verb, *actions):
		self.script.set(verb, *actions)
		return self

	def count_connection(self):
		with self.changed:
			self.connections += 1
			self.changed.notify_all()

	def take(self, message):
		if self.on_message:
			self.on_message(message)
			return
		with self.changed:
			self.messages.append(message)
			self.changed.notify_all()

	def wait(self, count=1, seconds=15):
		"""The messages, once there are `count`; fails the test otherwise."""
		with self.changed:
			is_there = self.changed.wait_for(lambda: len(self.messages) >= count, seconds)
		assert is_there, f"next hop got {len(self.messages)} of {count} messages; commands: {self.commands[-20:]}"
		return self.messages

	def stop(self):
		self.stopped.set()
		self.server.shutdown()
		self.server.server_close()


class Sink:
	"""smtp-sink of Postfix; every message it takes is a file in `folder`."""

	def __init__(self, folder, port, options=()):
		self.folder, self.host, self.port = folder, "127.0.0.1", port
		folder.mkdir(parents=True, exist_ok=True)
		user = []
		if folder.owner() == "root":
			shutil.chown(folder, SINK_USER)
			user = ["-u", SINK_USER]
		self.process = subprocess.Popen(["smtp-sink", *user, "-d", "%M.", *options, f"127.0.0.1:{port}", "1000"],
			cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
		self._wait_port()

	def _wait_port(self):
		end = time.monotonic() + 10
		while time.monotonic() < end and self.process.poll() is None:
			try:
				socket.create_connection((self.host, self.port), 1).close()
				return
			except OSError:
				time.sleep(0.05)
		raise AssertionError(f"smtp-sink does not start: {self.process.stderr.read().decode() if self.process.poll() else ''}")

	def files(self):
		"""Complete messages only: smtp-sink writes the body as it comes."""
		return [p for p in self.folder.iterdir() if p.stat().st_size > 0]

	def wait(self, count=1, seconds=15):
		end = time.monotonic() + seconds
		while len(self.files()) < count and time.monotonic() < end:
			time.sleep(0.05)
		found = self.files()
		assert len(found) >= count, f"smtp-sink got {len(found)} of {count} messages"
		return found

	def stop(self):
		self.process.terminate()
		self.process.wait(10)
		self.process.stderr.close()


def wire_name(name):
	labels = [label.encode() for label in name.rstrip(".").split(".") if label]
	return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def wire_strings(data):
	pieces = [data[at:at + 255] for at in range(0, len(data), 255)] or [b""]
	return b"".join(bytes([len(piece)]) + piece for piece in pieces)


class NameHandler(socketserver.BaseRequestHandler):
	def handle(self):
		query, reply_to = self.request
		end = query.index(0, 12) + 5
		name, at = [], 12
		while query[at]:
			name.append(query[at + 1:at + 1 + query[at]].decode().lower())
			at += 1 + query[at]
		kind = struct.unpack(">H", query[end - 4:end - 2])[0]
		code, records = self.server.answer(".".join(name), kind)
		answers = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data for data in records)
		soa = b"\0" + struct.pack(">HHIH", 6, 1, 1, 22) + b"\0\0" + struct.pack(">IIIII", 1, 1, 1, 1, 1)
		head = query[:2] + struct.pack(">HHHHH", 0x8400 | code, 1, len(records), 0 if records else 1, 0)
		reply_to.sendto(head + query[12:end] + (answers or soa), self.client_address)


class Names(socketserver.ThreadingUDPServer):
	"""An authoritative DNS server of everything: {name: {"MX": [(10, "mail.example")], "A": ["127.0.0.1"]}}.
	A name that is not there does not exist; a kind that is not there has no records; None instead of
	a list is a server failure. `asked` holds (name, kind) of every question."""

	KINDS = {1: "A", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA"}
	daemon_threads = True

	def __init__(self, table):
		super().__init__(("127.0.0.1", 0), NameHandler)
		self.table, self.asked = table, []
		self.port = self.server_address[1]
		threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

	def answer(self, name, kind):
		"""The code and the records' data."""
		self.asked.append((name, self.KINDS.get(kind, kind)))
		if name not in self.table:
			return 3, []
		rows = self.table[name].get(self.KINDS.get(kind), [])
		if rows is None:
			return 2, []
		if kind == 15:
			return 0, [struct.pack(">H", preference) + wire_name(host) for preference, host in rows]
		if kind == 12:
			return 0, [wire_name(host) for host in rows]
		if kind == 16:
			return 0, [wire_strings(row.encode()) for row in rows]
		return 0, [socket.inet_pton(socket.AF_INET if kind == 1 else socket.AF_INET6, row) for row in rows]

	def stop(self):
		self.shutdown()
		self.server_close()
