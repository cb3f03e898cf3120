#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads generated messages with Postern, Python's email package and GMime, and compares the leaves of the first
reading: path, type, decoded content. The messages come from a seed: trees of parts under all encodings, and in
most of them a few of the faults of real and hostile mail.

    tests/suites/differential_mime.py [--count 10000] [--seed 1] [--keep DIRECTORY]

Where another program reads a message otherwise, Postern must have said why it is ambiguous, or the way they
differ must be one of CLASSES, each with the section that decides. What is neither is a failure, and printed.
"""

import argparse
import base64
import collections
import email
import email.policy
import hashlib
import quopri
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import common
from mime_email import payload_of

# What the other programs do that a standard decides against, by how a difference looks.
CLASSES = {
	"line end at the end": "rfc2046 5.1.1: a line end belongs to the delimiter behind it only where there is one",
	"blanks of quoted-printable": "rfc2045 6.7: blanks at the end of a line are no content",
	"base64 that is none": "rfc2045 6.8: a group cut short gives its whole bytes; others show the text undecoded or drop it",
	"uuencode around a file": "rfc2045 6.3: an encoding of no standard",
	"junk in a header": "rfc5322 2.2: a line that is no field is passed over; where no field of MIME follows, only its text is shown or not",
	"a field without a name": "rfc5322 2.2: a line that begins with a colon is no field",
	"an empty part": "rfc2046 5.1.1: each delimiter has a line end of its own, what is nothing between two is no part",
	"a multipart without parts": "rfc2046 5.1.1: a multipart in which no delimiter stands is text",
	"a message without a header": "rfc2046 5.2.1: a message within that has no header has a body",
	"a type malformed": "rfc2045 5.2: a type that cannot be read is text/plain",
	"a message under an encoding": "rfc2045 6.4: a message under an encoding is decoded",
}

WORDS = ("From the gate", "a letter of two pages", "\u00fcber die Br\u00fccke", "--", "-- ", "begin again", "=3D", "MIME-Version", "line " * 12)


class Generator:
	"""One message from its number."""

	def __init__(self, seed, number):
		self.random = random.Random(f"{seed}/{number}")
		self.faults = self.random.random() < 0.6
		self.end = b"\n" if self.random.random() < 0.3 else b"\r\n"
		self.n_boundaries = 0

	def has_fault(self, chance=0.04):
		return self.faults and self.random.random() < chance

	def text(self):
		lines = [self.random.choice(WORDS) for _ in range(self.random.randint(0, 8))]
		return self.end.join(line.encode() for line in lines) + (self.end if self.random.random() < 0.7 else b"")

	def content(self, encoding):
		if encoding == "base64":
			data = base64.encodebytes(self.random.randbytes(self.random.randint(0, 200))).replace(b"\n", self.end)
			return self.spoil(data, (b"=", b"!", b"-", b" ", b"\x00"))
		if encoding == "quoted-printable":
			data = quopri.encodestring(self.text().replace(b"\r\n", b"\n")).replace(b"\n", self.end)
			return self.spoil(data, (b"=", b"=z", b"= ", b" " + self.end, b"=" + self.end))
		return self.text()

	def spoil(self, data, pieces):
		if not self.has_fault(0.15):
			return data
		at = self.random.randint(0, len(data))
		return data[:at] + self.random.choice(pieces) + data[at + self.random.randint(0, 2):]

	def boundary(self, outer):
		self.n_boundaries += 1
		if outer and self.has_fault(0.1):
			return self.random.choice((outer, outer + "x", outer[:-1] or "b"))
		return f"b{self.n_boundaries}" if self.random.random() < 0.5 else f"----=_Part_{self.n_boundaries}_{self.random.randint(0, 99999)}"

	def header(self, fields):
		lines = [f"{name}: {value}".encode() for name, value in fields]
		self.random.shuffle(lines)
		if self.has_fault():
			lines.insert(self.random.randint(0, len(lines)), self.random.choice((b"no field at all", b" ", b"X y: z", b"Subject : x", b": x")))
		if self.has_fault(0.02) and lines:
			lines.append(self.random.choice(lines))
		end = b"" if self.has_fault(0.03) else self.end
		return b"".join(line + self.end for line in lines) + end

	def leaf(self):
		encoding = self.random.choice(("7bit", "8bit", "base64", "quoted-printable", None))
		fields = [("Content-Transfer-Encoding", encoding)] if encoding else []
		if self.has_fault():
			fields.append(("Content-Transfer-Encoding", self.random.choice(("base64", "7bit", "x-none"))))
		kind = self.random.choice(("text/plain; charset=utf-8", "text/html", "application/octet-stream; name=a.bin", None))
		if kind:
			fields.append(("Content-Type", kind if not self.has_fault() else self.random.choice(("text", "text/", "/plain", "text plain"))))
		return self.header(fields) + self.content(encoding)

	def multipart(self, depth, outer):
		boundary = self.boundary(outer)
		named = boundary if not self.has_fault(0.03) else self.random.choice(("other", boundary + " ", boundary.upper()))
		quoted = f'"{named}"' if self.random.random() < 0.7 or "=" in named else named
		fields = [("Content-Type", f"multipart/{self.random.choice(('mixed', 'alternative', 'related'))}; boundary={quoted}")]
		result = self.header(fields)
		line = b"--" + boundary.encode()
		if self.random.random() < 0.3:
			result += b"This is a multi-part message." + self.end
		for _ in range(self.random.randint(0 if self.has_fault(0.1) else 1, 3)):
			result += line + (b" " if self.has_fault() else b"") + self.end + self.entity(depth + 1, boundary)
			if not self.has_fault(0.02):
				result += self.end
		if not self.has_fault(0.08):
			result += line + b"--" + self.end
		if self.random.random() < 0.2:
			result += b"Epilogue." + self.end
		return result

	def entity(self, depth, outer):
		kind = self.random.random()
		if depth < 4 and kind < 0.35:
			return self.multipart(depth, outer)
		if depth < 4 and kind < 0.42:
			return self.header([("Content-Type", "message/rfc822")]) + self.header([("Subject", "within")])[:-len(self.end)] + self.entity(depth + 1, outer)
		return self.leaf()

	def message(self):
		top = b"From: a@example.com" + self.end + b"MIME-Version: 1.0" + self.end
		return top + self.multipart(0, None) if self.random.random() < 0.8 else top + self.leaf()


def leaves_of_python(part, path="0"):
	if part.is_multipart():
		return [leaf for number, child in enumerate(part.get_payload(), 1) for leaf in leaves_of_python(child, f"{path}.{number}")]
	data = payload_of(part)
	return [(path, part.get_content_type(), len(data), hashlib.sha256(data).hexdigest(), data)]


def run_dump(program, files, *options):
	"""{file: (limit, reasons, leaves)}"""
	run = subprocess.run([program, *options], input="\n".join(map(str, files)), stdout=subprocess.PIPE, text=True, errors="replace", check=True)
	result = {}
	for line in run.stdout.splitlines():
		cells = line.split("\t")
		if len(cells) == 3:
			current = result[cells[0]] = (cells[1], cells[2].split(), [])
		else:
			current[2].append((cells[0], cells[1], int(cells[2]), cells[3]))
	return result


def class_of(message, ours, theirs):
	"""The class of the first place where two lists of leaves differ, or None."""
	if re.search(rb"(?m)^: x", message):
		return "a field without a name"
	ours_by_path, theirs_by_path = {leaf[0]: leaf for leaf in ours}, {leaf[0]: leaf for leaf in theirs}
	if set(ours_by_path) != set(theirs_by_path):
		return class_of_structure(message, ours, theirs)
	for path, leaf in ours_by_path.items():
		other = theirs_by_path[path]
		if len(other) > 4 and leaf[2] < other[2] and any(is_tail(leaf, other[4] + end) for end in (b"", b"\n", b"\r\n")):
			return "junk in a header"
		if leaf[3] == other[3] and leaf[1] == other[1]:
			continue
		if {leaf[1], other[1]} == {"text/", "text/plain"}:
			return "a type malformed"
		if leaf[1] != other[1]:
			return "a type malformed" if re.search(rb"(?mi)^content-type: *(text *\r?$|text/\r?$|/plain|text plain)", message) else \
				"a multipart without parts" if "multipart/" in leaf[1] + other[1] else None
		if abs(leaf[2] - other[2]) in (1, 2):
			return "line end at the end"
		if re.search(rb"(?i)quoted-printable", message):
			return "blanks of quoted-printable"
		return "base64 that is none" if re.search(rb"(?i)base64", message) else None
	return None


def is_tail(leaf, data):
	return hashlib.sha256(data[len(data) - leaf[2]:]).hexdigest() == leaf[3]


def class_of_structure(message, ours, theirs):
	empty = hashlib.sha256(b"").hexdigest()
	strip = lambda leaves: [leaf[3] for leaf in leaves if leaf[3] != empty]
	if strip(ours) == strip(theirs):
		return "an empty part"
	if any("multipart/" in leaf[1] for leaf in ours + theirs):
		return "a multipart without parts"
	if re.search(rb"(?i)message/rfc822", message):
		return "a message without a header"
	return None


class Tally:
	def __init__(self, name):
		self.name, self.n_equal, self.n_all = name, 0, 0
		self.by_reason, self.by_class, self.unknown = collections.Counter(), collections.Counter(), []

	def add(self, file, message, answer, theirs):
		limit, reasons, ours = answer
		self.n_all += 1
		if [leaf[:4] for leaf in ours] == [leaf[:4] for leaf in theirs]:
			self.n_equal += 1
		elif limit != "-":
			self.by_reason[f"limit {limit}"] += 1
		elif reasons:
			self.by_reason[" ".join(reasons)] += 1
		elif kind := class_of(message, ours, theirs):
			self.by_class[kind] += 1
		else:
			self.unknown.append((file, ours, theirs))

	def print_result(self):
		n_told = sum(self.by_reason.values())
		print(f"differential {self.name}: {self.n_all} messages, {self.n_equal} equal, {n_told} differ and were called ambiguous, "
			f"{sum(self.by_class.values())} differ by a class, {len(self.unknown)} unexplained")
		words = collections.Counter()
		for reasons, n in self.by_reason.items():
			words.update({word: n for word in reasons.split()})
		for word, n in words.most_common():
			print(f"  {n:6} {word}")
		for kind, n in self.by_class.most_common():
			print(f"  {n:6} {kind}: {CLASSES[kind]}")
		for file, ours, theirs in self.unknown[:5]:
			print(f"  unexplained {file.name}\n    ours   {[leaf[:3] for leaf in ours]}\n    theirs {[leaf[:3] for leaf in theirs]}")


def compile_gmime(folder):
	flags = subprocess.run(["pkg-config", "--cflags", "--libs", "gmime-3.0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
	if flags.returncode != 0 or not shutil.which("gcc"):
		return None
	source = Path(__file__).parent / "mime_dump_gmime.c"
	subprocess.run(["gcc", "-O2", source, "-o", folder / "gmime", *flags.stdout.split()], check=True)
	return folder / "gmime"


def compare(folder, count, seed):
	files = [folder / f"{seed}-{number}.eml" for number in range(count)]
	for number, file in enumerate(files):
		file.write_bytes(Generator(seed, number).message())
	answers = run_dump(common.BUILD / "tests" / "suites" / "mime_dump", files, "--tree")
	tallies = [Tally("python")]
	for file in files:
		message = file.read_bytes()
		tallies[0].add(file, message, answers[str(file)], leaves_of_python(email.message_from_bytes(message, policy=email.policy.compat32)))
	gmime = compile_gmime(folder)
	if gmime is None:
		print("differential gmime: SKIP, libgmime-3.0-dev is absent")
		return tallies
	tallies.append(Tally("gmime"))
	theirs = run_dump(gmime, files)
	for file in files:
		tallies[1].add(file, file.read_bytes(), answers[str(file)], theirs.get(str(file), ("-", [], []))[2])
	return tallies


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--count", type=int, default=10000)
	parser.add_argument("--seed", type=int, default=1)
	parser.add_argument("--keep", type=Path, help="write the messages here and leave them")
	arguments = parser.parse_args()
	with tempfile.TemporaryDirectory(prefix="postern-differential-") as name:
		folder = arguments.keep or Path(name)
		folder.mkdir(parents=True, exist_ok=True)
		tallies = compare(folder, arguments.count, arguments.seed)
	for tally in tallies:
		tally.print_result()
	return 1 if any(tally.unknown for tally in tallies) else 0


if __name__ == "__main__":
	sys.exit(main())
