# SPDX-License-Identifier: Apache-2.0
"""What the suites of DKIM and ARC share: cases through `postern authenticate --batch`, and jobs for the signer."""

import base64
import importlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import common

SIGNER = common.BUILD / "tests" / "suites" / "signer"


def load_dkimpy():
	"""The module dkim of python3-dkim, which a suite beside this file has the name of; None when it is not installed."""
	here, path = str(Path(__file__).parent), sys.path[:]
	sys.path[:] = [entry for entry in path if str(Path(entry or ".").resolve()) != here]
	try:
		return importlib.import_module("dkim")
	except ImportError:
		return None
	finally:
		sys.path[:] = path


def with_crlf(message):
	"""A message of a file with LF, as it is on the wire."""
	return re.sub(rb"\r?\n", b"\r\n", message)


def case(name, message, zone, now):
	"""zone: {name: record or list of records or "TIMEOUT"} of TXT."""
	return {
		"id": name, "now": now, "message_base64": base64.b64encode(message).decode(),
		"zone": {owner: {"TXT": records} for owner, records in zone.items()},
	}


def answers_to(cases):
	"""One answer for each case, in order."""
	lines = "".join(json.dumps(case) + "\n" for case in cases)
	status, output, error = common.postern("authenticate", "--batch", "-", data=lines.encode())
	if status:
		raise RuntimeError(f"postern authenticate --batch: status {status}: {error.decode(errors='replace')}")
	return [json.loads(line) for line in output.decode().splitlines()]


def methods(answer, method):
	if "error" in answer:
		raise RuntimeError(answer["error"])
	return [entry for entry in answer["methods"] if entry["method"] == method]


class Signer:
	"""One signer for many jobs; use it with `with`."""

	def __enter__(self):
		self.folder = tempfile.TemporaryDirectory()
		self.process = subprocess.Popen([SIGNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
		self.n_files = 0
		return self

	def __exit__(self, *_):
		self.process.stdin.close()
		self.process.wait()
		self.process.stdout.close()
		self.folder.cleanup()

	def file(self, name, data):
		path = Path(self.folder.name) / name
		path.write_bytes(data)
		return str(path)

	def _ask(self, *fields):
		self.process.stdin.write("\t".join(fields).encode() + b"\n")
		self.process.stdin.flush()
		length = self.process.stdout.readline()
		if not length:
			raise RuntimeError(f"the signer ended at {fields}")
		return self.process.stdout.read(int(length))

	def sign(self, message, key, domain, selector, canonicalization="relaxed/relaxed", signed_at=-1, expires=-1,
			identity="-", choice="standard", oversigned="from"):
		"""The field that goes on top of the message; key: a file in PEM."""
		return self._ask("sign", str(key), domain, selector, canonicalization, str(signed_at), str(expires), identity,
			choice, oversigned, self.file("message", message))

	def seal(self, message, key, domain, selector, signed_at, names, results, zone):
		"""The three fields that go on top of the message; zone: {name: record}."""
		return self._ask("seal", str(key), domain, selector, str(signed_at), names, self.file("results", results),
			self.file("zone", master_file(zone)), self.file("message", message))


def master_file(zone):
	return "".join(f"{name.rstrip('.')}. 60 IN TXT {quote(record)}\n" for name, record in zone.items()).encode()


def quote(record):
	"""Strings of a master file: any byte, 200 at most in each."""
	pieces = [record[at:at + 200] for at in range(0, len(record), 200)] or [""]
	return " ".join('"' + "".join(c if c.isalnum() or c in " =/+._-" else f"\\{ord(c):03}" for c in piece) + '"'
		for piece in pieces)
