#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""DKIM and ARC against two other implementations: dkimpy (python3-dkim) and Mail::DKIM (libmail-dkim-perl).

Messages with odd headers and bodies are signed by dkimpy or by Postern, in all forms, with RSA and Ed25519 keys, some
with l=, and changed on the way; then all three verify them. Chains of ARC are sealed by either, in turns. They must
agree on what passes. Where they do not, a rule below says which standard decides, or the case is a failure; how often
each rule was needed is printed.

	differential_dkim.py --cases 10000 --seed 1
"""

import argparse
import base64
import collections
import dataclasses
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import authentication
import common

dkim = authentication.load_dkimpy()
PERL = Path(__file__).parent / "mail_dkim.pl"
FORMS = ("simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed")
NAMES = ("From", "To", "Subject", "Date", "Message-ID", "Cc", "X-Mailer", "MIME-Version", "Content-Type", "Reply-To", "List-Id")
WORDS = ("one", "two", "a@example.com", "<b@example.net>", "=?utf-8?q?=C3=A9?=", "x" * 90, ":", "(note)", '"q"', "caf\xe9", ";", "=")
BLANKS = (" ", "  ", "\t", " \t", "\r\n ", "\r\n\t", " \r\n  ")


class Keys:
	"""Private keys in files, their records, and what dkimpy wants of them."""

	def __init__(self, folder):
		self.keys = {}
		self.zone = {}
		for selector, make in (("r1", ("RSA", 1024)), ("r2", ("RSA", 2048)), ("ed", ("ED25519", None))):
			path = folder / f"{selector}.pem"
			options = ["-pkeyopt", f"rsa_keygen_bits:{make[1]}"] if make[1] else []
			subprocess.run(["openssl", "genpkey", "-algorithm", make[0], *options, "-out", path], check=True,
				stderr=subprocess.DEVNULL)
			public = subprocess.check_output(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"])
			if make[1]:
				record = "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()
				secret = path.read_bytes()
			else:
				record = "v=DKIM1; k=ed25519; p=" + base64.b64encode(public[-32:]).decode()
				der = subprocess.check_output(["openssl", "pkey", "-in", path, "-outform", "DER"])
				secret = base64.b64encode(der[-32:])
			self.keys[selector] = (path, secret, "rsa-sha256" if make[1] else "ed25519-sha256")
			for domain in ("example.com", "list.example"):
				self.zone[f"{selector}._domainkey.{domain}"] = record

	def dns(self, name, timeout=5):
		return self.zone.get(name.decode().rstrip("."), "").encode() or None


# ---- messages ----

def make_field(rng):
	name = rng.choice(NAMES) if rng.random() < 0.05 else rng.choice(NAMES[1:])
	value = rng.choice(("", " ")) + "".join(rng.choice(WORDS) + rng.choice(BLANKS + (" ",) * 6) for _ in range(rng.randint(0, 6)))
	value = re.sub(r"(\r\n[ \t]+)+$", "", value) # a line of blanks only is no part of a field for some readers
	value = re.sub(r"(\r\n[ \t]*)+(\r\n)", r"\2", value)
	return f"{name}:{value}\r\n"


def make_body(rng):
	lines = []
	for _ in range(rng.choice((0, 1, 3, 3, 10, 40))):
		lines.append("".join(rng.choice(WORDS) + rng.choice((" ", " ", "  ", "\t", "")) for _ in range(rng.randint(0, 8))))
		if rng.random() < 0.2:
			lines.append(rng.choice(("", " ", "\t", ".", "--")))
	body = "\r\n".join(lines)
	return body + rng.choice(("\r\n",) * 12 + ("\r\n\r\n\r\n", " \r\n", "", "\t"))


def make_message(rng):
	fields = [make_field(rng) for _ in range(rng.randint(0, 12))]
	fields.insert(rng.randint(0, len(fields)), rng.choice(("From: a@example.com\r\n", "from:\r\n\ta@example.com \r\n")))
	return ("".join(fields) + "\r\n" + make_body(rng)).encode("latin-1")


# ---- changes on the way ----

def split(message):
	head, _, body = message.partition(b"\r\n\r\n")
	return re.findall(rb"[^\r\n][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", head + b"\r\n"), body


def change_none(_, fields, body):
	return fields, body


def change_body(rng, fields, body):
	at = rng.randint(0, len(body))
	return fields, body[:at] + rng.choice((b"x", b" ", b"\r\n", b"  ", b"\t")) + body[at:]


def change_end(rng, fields, body):
	return fields, body + rng.choice((b"more\r\n", b"\r\n", b"\r\n\r\n", b" ", b" \r\n"))


def change_value(rng, fields, body):
	at = rng.randrange(len(fields))
	field = fields[at]
	place = rng.randint(field.index(b":") + 1, len(field) - 2)
	fields[at] = field[:place] + rng.choice((b"x", b" ", b"\t", b"\r\n ")) + field[place:]
	return fields, body


def change_name(rng, fields, body):
	at = rng.randrange(len(fields))
	name, value = fields[at].split(b":", 1)
	fields[at] = (name.swapcase() if rng.random() < 0.5 else name + b" ") + b":" + value
	return fields, body


def change_order(rng, fields, body):
	rng.shuffle(fields)
	return fields, body


def change_add(rng, fields, body):
	fields.insert(rng.randint(0, len(fields)), make_field(rng).encode("latin-1"))
	return fields, body


def change_drop(rng, fields, body):
	if len(fields) > 1:
		fields.pop(rng.randrange(len(fields)))
	return fields, body


CHANGES = (change_none,) * 5 + (change_body, change_end, change_value, change_value, change_name, change_order, change_add,
	change_drop)


def change(rng, message):
	"""(name of the change, the message)"""
	how = rng.choice(CHANGES)
	fields, body = how(rng, *split(message))
	return how.__name__, b"".join(fields) + b"\r\n" + body


# ---- signing ----

def names_to_sign(rng, message):
	there = [field.split(b":", 1)[0].strip().lower() for field in split(message)[0]]
	names = [name for name in there if rng.random() < 0.7 and name != b"from"] + [b"from"]
	if rng.random() < 0.3:
		names += rng.choices((b"from", b"subject", b"x-absent", b"to"), k=2)
	rng.shuffle(names)
	return names


def sign(rng, signer, keys, message):
	"""(who, a description, the signed message)"""
	selector, form = rng.choice(list(keys.keys)), rng.choice(FORMS)
	path, secret, algorithm = keys.keys[selector]
	if rng.random() < 0.5:
		field = signer.sign(message, path, "example.com", selector, form, int(time.time()) - rng.randint(0, 9),
			int(time.time()) + 9999 if rng.random() < 0.3 else -1, rng.choice(("-", "u@example.com", "@sub.example.com")),
			rng.choice(("standard", "all")), rng.choice(("", "from", "from:subject:to")))
		return f"postern {selector} {form}", field + message
	length = rng.random() < 0.15
	header, body = form.encode().split(b"/")
	field = dkim.sign(message, selector.encode(), b"example.com", secret, canonicalize=(header, body),
		signature_algorithm=algorithm.encode(), include_headers=names_to_sign(rng, message), length=length)
	return f"dkimpy {selector} {form}{' l=' if length else ''}", field + message


def seal(rng, signer, keys, message):
	"""One to three sets, each by either, the message changed between them now and then."""
	who = []
	for _ in range(rng.randint(1, 3)):
		selector, domain = rng.choice(("r1", "r2")), rng.choice(("example.com", "list.example"))
		path, secret, _ = keys.keys[selector]
		results = b"mx.example; spf=pass smtp.mailfrom=a@example.com"
		if rng.random() < 0.5:
			who.append("postern")
			message = signer.seal(message, path, domain, selector, int(time.time()), "from:to:subject:date", results, keys.zone) + message
		else:
			who.append("dkimpy")
			with_results = b"Authentication-Results: " + results + b"\r\n" + message
			fields = dkim.arc_sign(with_results, selector.encode(), domain.encode(), secret, b"mx.example",
				include_headers=[b"from", b"to", b"subject", b"date"])
			message = b"".join(fields) + with_results
	return "+".join(who), message


# ---- verdicts ----

def by_dkimpy(message, keys, kind):
	try:
		if kind == "arc":
			return dkim.arc_verify(message, dnsfunc=keys.dns)[0] == dkim.CV_Pass
		return dkim.DKIM(message).verify(dnsfunc=keys.dns)
	except Exception as error: # whatever it raises is no pass
		return f"{type(error).__name__}: {error}"


def by_perl(made, folder, keys):
	zone = folder / "zone"
	zone.write_text("".join(f"{name}\t{record}\n" for name, record in keys.zone.items()))
	lines = [f"{zone}\n"]
	for number, (kind, _, message) in enumerate(made):
		path = folder / f"m{number}"
		path.write_bytes(message)
		lines.append(f"{kind}\t{path}\n")
	run = subprocess.run(["/usr/bin/perl", PERL], input="".join(lines).encode(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
		check=True)
	return [line.split("\t", 1) for line in run.stdout.decode(errors="replace").splitlines()]


def by_postern(made, keys):
	answers = []
	for at in range(0, len(made), 500):
		cases = [authentication.case(str(number), message, keys.zone, int(time.time()))
			for number, (_, _, message) in enumerate(made[at:at + 500])]
		answers += authentication.answers_to(cases)
	return [authentication.methods(answer, kind)[0] for (kind, _, _), answer in zip(made, answers, strict=True)]


# ---- what a standard decides ----

def body_of(message):
	return message.partition(b"\r\n\r\n")[2]


def head_of(message):
	return message.partition(b"\r\n\r\n")[0]


def count_from(message):
	return len(re.findall(rb"(?im)^from[ \t]*:", head_of(message)))


# Who differs (None: either), what decides, when it holds.
RULES = (
	(None, "rfc6376 8.2: l= leaves out a part of the body; Postern says policy", lambda d:
		d.ours.get("reason_word") == "part-of-body" and d.other is True),
	(None, "rfc6376 3.4.4: white space at the end of a last line without CRLF is ignored", lambda d:
		re.search(rb"[ \t]$", body_of(d.message)) and ("/relaxed" in d.what or d.kind == "arc")),
	(None, "rfc6376 3.4.3: a body without CRLF at its end gets one", lambda d: not d.message.endswith(b"\r\n")),
	("Mail::DKIM", "rfc6376 2.10: base64 ends with its padding", lambda d: d.ours.get("reason_word") == "base64"),
	("dkimpy", "rfc6376 5.4.2: of several From, dkimpy takes one more than h= names", lambda d: count_from(d.message) > 1),
	(None, "rfc5322 4.5: a field may have blanks before its colon", lambda d: re.search(rb"(?m)^[!-9;-~]+[ \t]+:", head_of(d.message))),
	(None, "rfc6376 2.8: a CR that ends no line is no white space", lambda d: re.search(rb"\r(?!\n)", head_of(d.message))),
	("dkimpy", "rfc8617 5.1.1: a seal covers the sets in the order of their instances, wherever they stand", lambda d:
		d.kind == "arc" and "change_order" in d.what),
)


@dataclasses.dataclass
class Difference:
	who: str
	kind: str
	what: str
	message: bytes
	ours: dict
	other: object


def explain(difference):
	for who, name, holds in RULES:
		if who in (None, difference.who) and holds(difference):
			return name
	return None


class Tally:
	def __init__(self):
		self.n = self.n_pass = 0
		self.rules = collections.Counter()
		self.failures = []

	def add(self, who, case, is_pass, other):
		kind, what, message = case[0]
		ours = case[1]
		self.n += 1
		self.n_pass += is_pass
		if (other is True) == is_pass:
			return
		rule = explain(Difference(who, kind, what, message, ours, other))
		if rule:
			self.rules[f"{who}: {rule}"] += 1
		else:
			self.failures.append((what, f"Postern {ours['result']} ({ours['reason']})", f"{who} {other}", message))


def compare(made, folder, keys):
	tally = Tally()
	ours, perl = by_postern(made, keys), by_perl(made, folder, keys)
	for case, mine, theirs in zip(made, ours, perl, strict=True):
		is_pass = mine["result"] == "pass"
		tally.add("dkimpy", (case, mine), is_pass, by_dkimpy(case[2], keys, case[0]))
		if "ed" not in case[1].split(" ")[1:2]: # Mail::DKIM of Debian 12 knows RSA only
			tally.add("Mail::DKIM", (case, mine), is_pass, True if theirs[0] == "pass" else theirs)
	return tally


def main():
	parser = argparse.ArgumentParser(description=__doc__)
	parser.add_argument("--cases", type=int, default=300)
	parser.add_argument("--seed", type=int, default=1)
	parser.add_argument("--keep", help="a folder for the messages of failures")
	options = parser.parse_args()
	if not dkim or subprocess.run(["/usr/bin/perl", "-MMail::DKIM", "-e", "1"], stderr=subprocess.DEVNULL, check=False).returncode:
		print("ok 1 - differential dkim # SKIP python3-dkim or libmail-dkim-perl is not installed")
		return 0
	rng = random.Random(options.seed)
	with tempfile.TemporaryDirectory() as folder, authentication.Signer() as signer:
		folder = Path(folder)
		keys = Keys(folder)
		made = []
		for number in range(options.cases):
			kind, signing = ("arc", seal) if number % 8 == 0 else ("dkim", sign)
			what, message = signing(rng, signer, keys, make_message(rng))
			how, message = change(rng, message)
			made.append((kind, f"{what} {how}", message))
		tally = compare(made, folder, keys)
	return tell(tally, options)


def tell(tally, options):
	for number, (what, ours, other, message) in enumerate(tally.failures):
		if number < 20:
			print(f"  {what}: {ours}, {other}")
		if options.keep:
			Path(options.keep).mkdir(exist_ok=True)
			(Path(options.keep) / f"{number}.eml").write_bytes(message)
	for rule, n in sorted(tally.rules.items()):
		print(f"  {n} times: {rule}")
	agreed = tally.n - len(tally.failures)
	print(f"differential dkim: {agreed}/{tally.n} verdicts of {options.cases} messages ({tally.n_pass} pass)")
	print(f"{'not ok' if tally.failures else 'ok'} 1 - differential dkim")
	return 1 if tally.failures else 0


if __name__ == "__main__":
	sys.exit(main())
