#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Postern's SPF against independent implementations, pyspf (Debian's python3-spf) and mailauth (npm), on generated
cases.

    differential_spf.py [--cases N] [--seed N] [--verbose] [--mailauth DIRECTORY]

DIRECTORY is where `npm install mailauth` was called. Of mailauth only results are compared, of pyspf explanations too.

Every case is a zone of its own with records that hold all mechanisms, modifiers and macros, right and wrong, and
names that do not answer. Both get the same question and the same answers. Where they differ, a row of REASONS
must say why, decided by the text of the standard; a difference without a reason fails the run.
"""

import argparse
import collections
import json
import random
import re
import subprocess
import sys
from pathlib import Path

import common

BLOCK = 1000  # cases of one run of the command
CLIENTS = ["192.0.2.1", "192.0.2.77", "198.51.100.9", "2001:db8::1", "2001:db8:1::9", "::ffff:192.0.2.1"]
NAMES = [f"{letter}.example" for letter in "abcdef"] + ["x.a.example", "mail.b.example", "c-d.e.example"]
LOCALS = ["ann", "strong-bad", "a.b.c", "x+y", "", "\"q\"", "o'neill", "UPPER"]
MACROS = ["%{s}", "%{l}", "%{o}", "%{d}", "%{i}", "%{p}", "%{v}", "%{h}", "%{ir}", "%{d2}", "%{d1r}", "%{l1r+-}", "%{lr-}",
	"%{S}", "%{D}", "%%", "%_", "%-", "%{d3r.}", "%{o1}"]
BAD_MACROS = ["%{z}", "%{d0}", "%", "%{d", "%{c}", "%{t}", "%{r}", "%(d)", "%{d2x}"]
MISSED_MACROS = ["%{d2x}", "%{d.", "%{d", "%(d)"]  # pyspf takes them for text
BAD_TERMS = ["alll", "ip4:192.0.2", "ip4:192.0.2.1/33", "ip4:1.2.3.04", "ip6:2001:db8::g", "ip6:2001:db8::/129", "a/33", "a/08", "mx//129",
	"include", "exists", "exists:", "include:", "a:", "ptr:", "all:a.example", "all/8", "@all", "+-all", "redirect:a.example", "a:b", "a:b.12",
	"include:a.example/24", "ptr/24", "moo", "-exp=a.example", "exp=", "redirect=", "1x=y", "ip4", "ip6:", "=x", "a:a.example,", "ip4=192.0.2.1",
	"x.y_z-1=%{d}", "x=", "x=%{d", "MX:"]


class Cases:
	"""A stream of cases that a seed decides."""

	def __init__(self, seed):
		self.random = random.Random(seed)

	def chance(self, probability):
		return self.random.random() < probability

	def pick(self, options):
		return self.random.choice(options)

	def domain(self):
		kind = self.random.random()
		if kind < 0.7:
			return self.pick(NAMES)
		if kind < 0.96:
			return self.pick(MACROS) + self.pick(["", "."]).join(["", ""]) + self.pick([".", "._spf.", "-x."]) + self.pick(NAMES)
		return self.pick(BAD_MACROS) + ".a.example"

	def cidr(self):
		return self.pick(["", "", "", "/24", "/0", "/32", "/24//64", "//32", "//0", "/16//128"])

	def term(self):
		qualifier = self.pick(["", "", "+", "-", "~", "?"])
		kind = self.pick(["a", "a", "mx", "mx", "ptr", "ip4", "ip6", "exists", "include", "include", "all"])
		if kind in ("a", "mx"):
			return qualifier + kind + self.pick(["", ":" + self.domain()]) + self.cidr()
		if kind == "ptr":
			return qualifier + kind + self.pick(["", ":" + self.domain()])
		if kind == "ip4":
			return qualifier + "ip4:" + self.pick(["192.0.2.0", "192.0.2.1", "198.51.100.0", "203.0.113.5"]) + self.pick(["", "/24", "/25", "/8", "/0"])
		if kind == "ip6":
			return qualifier + "ip6:" + self.pick(["2001:db8::", "2001:db8::1", "::", "2001:DB8:1::"]) + self.pick(["", "/32", "/48", "/0", "/127"])
		if kind == "all":
			return qualifier + kind if self.chance(0.3) else "ip4:203.0.113.9"
		return qualifier + kind + ":" + self.domain()

	def record(self):
		terms = [self.term() for _ in range(self.random.randint(0, 6))]
		if self.chance(0.06):
			terms.insert(self.random.randint(0, len(terms)), self.pick(BAD_TERMS))
		if self.chance(0.15):
			terms.append("redirect=" + self.domain())
		elif self.chance(0.7):
			terms.append(self.pick(["-all", "~all", "?all", "all", "-ALL"]))
		if self.chance(0.3):
			terms.append("exp=" + self.pick(["exp.example", self.domain()]))
		if self.chance(0.02):
			terms += ["exp=exp.example", "exp=exp.example"]
		return self.pick(["v=spf1 ", "v=spf1 ", "v=spf1  ", "V=SPF1 "]) + " ".join(terms)

	def host(self):
		"""What one name has."""
		types = {}
		if self.chance(0.75):
			types["TXT"] = [self.record()]
		if self.chance(0.05):
			types.setdefault("TXT", []).append(self.pick([self.record(), "v=spf10 -all", "some text", "v=spf1"]))
		if self.chance(0.7):
			types["A"] = [self.pick(CLIENTS[:3] + ["203.0.113.7"]) for _ in range(self.random.randint(1, 2))]
		if self.chance(0.4):
			types["AAAA"] = [self.pick(CLIENTS[3:5] + ["2001:db8:9::7"])]
		if self.chance(0.4):
			types["MX"] = [[10 * number, self.pick(NAMES)] for number in range(self.random.randint(1, 3))]
		if self.chance(0.03):
			types["MX"] = [[number, f"m{number}.example"] for number in range(11)]
		if self.chance(0.03):
			types[self.pick(["TXT", "A", "MX"])] = "TIMEOUT"
		return types

	def case(self, number):
		zone = {name: self.host() for name in NAMES if self.chance(0.85)}
		zone["exp.example"] = {"TXT": [self.pick(["no %{i} for %{s}", "see %{c} %{t} %{r}", "bad %{z}", "100%", "\u00fc", "%{p} %{h} %{l1r-}", "plain"])]}
		for client in CLIENTS:
			if self.chance(0.6):
				zone[reverse(client)] = {"PTR": [self.pick(NAMES) for _ in range(self.random.randint(1, 3))]}
		return {"id": number, "ip": self.pick(CLIENTS), "helo": self.pick(NAMES + ["helo.invalid"]),
			"mail_from": self.pick(LOCALS) + "@" + self.pick(NAMES) if self.chance(0.95) else "", "receiver": "mx.example.net", "now": 1700000000, "zone": zone}


def reverse(client):
	import ipaddress
	address = ipaddress.ip_address(client)
	return (getattr(address, "ipv4_mapped", None) or address).reverse_pointer


# --- pyspf ---


def import_pyspf():
	"""Its module has the name of the suite beside this file."""
	sys.path = [folder for folder in sys.path if not (Path(folder) / "differential_spf.py").exists()]
	import spf
	return spf


def lookup_in(spf, zone):
	"""pyspf's way to ask, answered from a zone."""
	def lookup(name, kind, *_):
		values = zone.get(name.rstrip(".").lower(), {}).get(kind, [])
		if values == "TIMEOUT":
			raise spf.TempError("DNS timeout")
		return [((name, kind), form(kind, value)) for value in values]
	return lookup


def form(kind, value):
	if kind == "AAAA":
		import ipaddress
		return ipaddress.ip_address(value).packed
	if kind == "TXT":
		return [value.encode("latin-1", "replace")]
	return tuple(value) if kind == "MX" else value


def ask_pyspf(spf, case):
	spf.DNSLookup = lookup_in(spf, case["zone"])
	query = spf.query(i=case["ip"], s=case["mail_from"], h=case["helo"], receiver=case["receiver"], strict=True)
	query.set_default_explanation("")
	query.t = str(case["now"])
	result, _, explanation = query.check()
	return result, explanation if result == "fail" else "", explanation


def ask_postern(cases):
	lines = "".join(json.dumps(case) + "\n" for case in cases)
	status, output, error = common.postern("authenticate", "--batch", "-", data=lines.encode())
	if status:
		raise RuntimeError(error.decode(errors="replace"))
	return [json.loads(line) for line in output.decode().splitlines()]


# --- reasons ---


class Difference:
	"""One case in which the two are not of one mind."""

	def __init__(self, case, ours, theirs):
		self.case, self.ours = case, ours
		self.result, self.explanation, self.said = theirs

	def record_has(self, *pieces):
		"""Is one of these in any record of the zone?"""
		texts = [text for types in self.case["zone"].values() for text in types.get("TXT", [])]
		return any(piece in text for piece in pieces for text in texts)

	def includes_bare_ptr(self):
		"""Does an included record have a ptr without a domain?"""
		return any(self.record_has("include:" + name) and any(re.search(r"ptr( |$)", text) for text in types.get("TXT", []))
			for name, types in self.case["zone"].items())

	def mechanism(self):
		return self.ours["mechanism"].lstrip("+-~?").lower()

	def has_slow_client_name(self):
		"""Does a name of the client not answer when asked for its addresses?"""
		names = self.case["zone"].get(reverse(self.case["ip"]), {}).get("PTR", [])
		return any("TIMEOUT" in (self.case["zone"].get(name, {}).get(kind) for kind in ("A", "AAAA")) for name in names)


# (what is different, the section that decides for Postern, does that explain this difference?)
REASONS = [
	("void lookups are counted for terms; pyspf counts each question for a server's or a client's name", "rfc7208 4.6.4",
		lambda d: "Void lookup limit" in d.said and d.ours["void_lookups"] <= 2),
	("a macro that is malformed is an error of the record; pyspf leaves it as it is", "rfc7208 7.1 and 4.6",
		lambda d: d.ours["reason"].startswith("not a domain, or a macro is malformed") and
			any(bad in d.ours["reason"] for bad in MISSED_MACROS)),
	("a text with a malformed macro explains nothing; pyspf leaves the macro in it", "rfc7208 6.2",
		lambda d: d.result == d.ours["result"] == "fail" and not d.ours["explanation"] and d.record_has(*MISSED_MACROS)),
	("a name of the client that does not answer is passed over; pyspf ends with an error", "rfc7208 5.5",
		lambda d: d.result == "temperror" and d.has_slow_client_name()),
	("the sender without a local part is postmaster in the macro s too; pyspf has it empty there", "rfc7208 4.3",
		lambda d: d.case["mail_from"].startswith("@") and d.ours["explanation"].replace("postmaster@", "@") == d.explanation),
	("a question in vain for an explanation counts against no limit; pyspf then gives none", "rfc7208 4.6.4",
		lambda d: d.result == d.ours["result"] == "fail" and not d.explanation and "unknown" in d.ours["explanation"]),
	("only names are cut to 253 bytes; pyspf cuts explanations too", "rfc7208 7.3",
		lambda d: len(d.ours["explanation"]) > 253 and d.ours["explanation"].endswith("." + d.explanation)),
	("an include of the domain itself is an error when it is reached, by the limit of lookups; pyspf refuses the record", "rfc7208 5.2",
		lambda d: "trivial recursion" in d.said),
	("the servers of mx are asked one after another until one matches; pyspf asks all, and fails with the last", "rfc7208 5.4",
		lambda d: d.result == "temperror" and d.mechanism().startswith("mx")),
]


def malformed(difference):
	"""Does Postern refuse the record for its form?"""
	said = ("a macro is malformed", "an argument", "not an IP address", "not the length", "a modifier that may", "unknown mechanism", "a byte that")
	return any(piece in difference.ours["reason"] for piece in said)


MAILAUTH_REASONS = [
	("a mistake anywhere is an error before anything is evaluated; mailauth finds it when it gets there, or not", "rfc7208 4.6", malformed),
	("a name that macros made and DNS cannot hold matches nothing; mailauth makes it an error, which is allowed", "rfc7208 4.8",
		lambda d: "Invalid domain" in d.said or "Invalid redirect target" in d.said),
	("void lookups are counted for terms, of the type that is asked for; mailauth asks both types, and counts servers", "rfc7208 4.6.4",
		lambda d: "void" in d.said or "without an answer" in d.ours["reason"]),
	("ip6 with the length 0 matches every IPv6 client; to mailauth 0 is no length", "rfc7208 5.6",
		lambda d: ":" in d.case["ip"] and d.mechanism().startswith(("ip6", "include")) and d.record_has("::/0", "::1/0")),
	("ptr in an included record is about that record's domain; mailauth takes the sender's", "rfc7208 5.2 and 5.5",
		lambda d: "error" not in d.result + d.ours["result"] and d.includes_bare_ptr()),
	("a modifier that is not known may be empty", "rfc7208 4.6.1 and 7.1", lambda d: "Empty modifier" in d.said),
	("an include or redirect that is not reached needs no record", "rfc7208 5.2 and 6.1", lambda d: "no SPF records found" in d.said),
	("each term is one lookup, whatever its servers are; mailauth counts more", "rfc7208 4.6.4", lambda d: "Too many DNS requests" in d.said),
	("a name of the client that does not answer is passed over", "rfc7208 5.5",
		lambda d: d.result == "temperror" and d.has_slow_client_name()),
	("the servers of mx are asked one after another until one matches", "rfc7208 5.4",
		lambda d: d.result == "temperror" and d.mechanism().startswith("mx")),
]


def ask_mailauth(directory, block):
	lines = "".join(json.dumps(case) + "\n" for case in block)
	node = subprocess.run(["node", Path(__file__).parent / "mailauth_spf.mjs", directory], input=lines.encode(), stdout=subprocess.PIPE, check=True)
	return [(answer["result"], None, answer["said"]) for answer in map(json.loads, node.stdout.decode().splitlines())]


class Comparison:
	"""With one other implementation."""

	def __init__(self, name, reasons, is_verbose):
		self.name, self.reasons, self.is_verbose = name, reasons, is_verbose
		self.counts, self.n = collections.Counter(), 0

	def case(self, case, answer, theirs):
		ours = answer["methods"][-1]
		self.n += 1
		if ours["result"] == theirs[0] and theirs[1] in (None, ours["explanation"]):
			self.counts["same"] += 1
			return
		difference = Difference(case, ours, theirs)
		reason = next((name for name, _, explains in self.reasons if explains(difference)), "unexplained")
		self.counts[reason] += 1
		if reason == "unexplained":
			print(f"case {case['id']}: Postern {ours['result']} {ours['reason']!r} {ours['explanation']!r}, {self.name} {theirs}")
			if self.is_verbose:
				print("  ", json.dumps(case), "\n  ", json.dumps(answer))

	def finish(self, number):
		for name, section, _ in self.reasons:
			print(f"  {self.counts[name]} differ: {name} ({section})")
		bad = self.counts["unexplained"]
		print(f"spf {self.name}: {self.n - bad}/{self.n} ({self.counts['same']} the same)")
		print(f"{'not ok' if bad else 'ok'} {number} - spf beside {self.name}")
		return bad == 0


def parse_arguments():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--cases", type=int, default=10000)
	parser.add_argument("--seed", type=int, default=7208)
	parser.add_argument("--mailauth", metavar="DIRECTORY")
	parser.add_argument("--verbose", action="store_true", help="each unexplained case whole")
	return parser.parse_args()


def main():
	options = parse_arguments()
	try:
		spf = import_pyspf()
	except ImportError:
		print("ok 1 - spf beside pyspf # SKIP it is absent: Debian's package python3-spf")
		return 0
	cases = Cases(options.seed)
	pyspf = Comparison("pyspf", REASONS, options.verbose)
	mailauth = Comparison("mailauth", MAILAUTH_REASONS, options.verbose)
	for first in range(0, options.cases, BLOCK):
		block = [cases.case(number) for number in range(first, min(first + BLOCK, options.cases))]
		answers = ask_postern(block)
		for case, answer in zip(block, answers, strict=True):
			pyspf.case(case, answer, ask_pyspf(spf, case))
		for row in zip(block, answers, ask_mailauth(options.mailauth, block), strict=True) if options.mailauth else ():
			mailauth.case(*row)
	compared = [pyspf, mailauth] if options.mailauth else [pyspf]
	return 0 if all([one.finish(number) for number, one in enumerate(compared, 1)]) else 1


if __name__ == "__main__":
	sys.exit(main())
