#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Postern's DMARC against Mail::DMARC (libmail-dmarc-perl), an independent implementation, on generated cases.

    differential_dmarc.py [--cases N] [--seed N] [--verbose]

Mail::DMARC knows the replaced RFC 7489, so Postern is asked with the public suffix list (org_domain psl) and the
cases have the tags of both standards. Each is a whole message with its DNS: SPF and DKIM are really checked here,
and given as results there. Where the two differ, a row of REASONS must say why, decided by the text of the
standard; a difference without a reason fails the run.
"""

import argparse
import base64
import collections
import hashlib
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import common

BLOCK = 1000
AUTHORS = ["example.com", "a.example.com", "b.a.example.com", "example.co.uk", "a.example.co.uk", "co.uk",
	"x.user.github.io", "example.org"]
SIGNERS = ["example.com", "a.example.com", "c.example.com", "example.co.uk", "b.example.co.uk", "evil.co.uk", "co.uk",
	"other.github.io", "example.net", "badexample.com"]
BODY = "Hello.\r\n"
TAGS = [("p", ["none", "quarantine", "reject", "Reject", "reject", "quarantine", "bad"]),
	("sp", ["none", "quarantine", "reject", "bad"]), ("adkim", ["r", "s", "x"]), ("aspf", ["r", "s", "S"]),
	("rua", ["mailto:a@example.com", "mailto:a@example.com!10m", "nobody"]), ("fo", ["0", "1:d:s", "x"]),
	("pct", ["100", "0"]), ("ri", ["3600"]), ("x", ["y"])]


def relaxed(field):
	name, body = field.split(":", 1)
	return name.lower().strip() + ":" + re.sub(r"[ \t]+", " ", body.replace("\r\n", "")).strip()


class Signer:
	"""Signatures over From, each made once: what the cases have of DKIM is which domains signed."""

	def __init__(self, folder):
		self.key = Path(folder) / "key.pem"
		subprocess.run(["openssl", "genrsa", "-out", self.key, "1024"], check=True, stderr=subprocess.DEVNULL)
		public = subprocess.run(["openssl", "rsa", "-in", self.key, "-pubout", "-outform", "DER"], check=True,
			stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
		self.record = "v=DKIM1; p=" + base64.b64encode(public).decode()
		self.made = {}

	def sign(self, author, domain):
		if (author, domain) not in self.made:
			digest = base64.b64encode(hashlib.sha256(BODY.encode()).digest()).decode()
			field = f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=s; h=from; bh={digest}; b="
			data = relaxed(f"From: a@{author}") + "\r\n" + relaxed(field)
			signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=data.encode(), check=True,
				stdout=subprocess.PIPE).stdout
			self.made[author, domain] = field + base64.b64encode(signed).decode()
		return self.made[author, domain]


class Cases:
	"""A stream of cases that a seed decides."""

	def __init__(self, seed):
		self.random = random.Random(seed)

	def pick(self, options):
		return self.random.choice(options)

	def chance(self, probability):
		return self.random.random() < probability

	def record(self):
		version = self.pick(["v=DMARC1"] * 20 + ["v=dmarc1", "v=DMARC2", "v=spf1 -all", "p=reject; v=DMARC1"])
		tags = [(name, self.pick(values)) for name, values in TAGS if self.chance(0.9 if name == "p" else 0.25)]
		if self.chance(0.1):
			self.random.shuffle(tags)
		if tags and self.chance(0.03):
			tags.append((tags[0][0], self.pick(["none", "reject"])))
		text = version + "".join(self.pick(["; ", ";", " ; "]) + f"{name}={value}" for name, value in tags)
		return text + self.pick(["", "", ";", "; "])

	def case(self):
		author = self.pick(AUTHORS)
		names = [".".join(author.split(".")[start:]) for start in range(author.count(".") + 1)]
		records = {}
		for name in names:
			if self.chance(0.6 if name == author else 0.4):
				records[f"_dmarc.{name}"] = [self.record() for _ in range(2 if self.chance(0.04) else 1)]
		return {
			"from": author, "records": records, "spf": self.pick(SIGNERS + [author]),
			"spf_result": self.pick(["pass", "pass", "fail", "softfail"]),
			"dkim": self.random.sample(SIGNERS, self.pick([0, 0, 1, 1, 2])),
		}


def for_postern(number, case, signer):
	ending = {"pass": "ip4:192.0.2.1 -all", "fail": "-all", "softfail": "~all"}[case["spf_result"]]
	zone = {name: {"TXT": records} for name, records in case["records"].items()}
	zone.setdefault(case["spf"], {})["TXT"] = ["v=spf1 " + ending]
	zone.setdefault(case["from"], {})["A"] = ["192.0.2.9"]
	for domain in case["dkim"]:
		zone[f"s._domainkey.{domain}"] = {"TXT": [signer.record]}
	signatures = [signer.sign(case["from"], domain) for domain in case["dkim"]]
	message = "\r\n".join(signatures + [f"From: a@{case['from']}", "Subject: x", "", BODY])
	return {"id": str(number), "ip": "192.0.2.1", "helo": "mx.test", "mail_from": "b@" + case["spf"], "zone": zone,
		"message": message, "org_domain": "psl"}


def ours_of(answer):
	dmarc = next(method for method in answer["methods"] if method["method"] == "dmarc")
	return {"result": dmarc["result"], "disposition": dmarc.get("policy_applied", "none"),
		"spf": "pass" if dmarc.get("spf_aligned") else "fail", "dkim": "pass" if dmarc.get("dkim_aligned") else "fail"}


# --- why they may differ: (name, section, does it explain this case?) ---


def used(case):
	"""The records that somebody could take."""
	return [record for records in case["records"].values() for record in records]


def has(pattern):
	return lambda case, ours, theirs: any(re.search(pattern, record) for record in used(case))


def is_twice(case, ours, theirs):
	return any(len(set(names)) < len(names) for names in
		([part.split("=")[0].strip() for part in record.split(";") if "=" in part] for record in used(case)))


REASONS = [
	("a version in lower case is none", "rfc9989 4.7", has(r"^v=dmarc1")),
	("several records at a name are passed over, not an end of the search", "rfc9989 4.10 step 2",
		lambda case, ours, theirs: any(len(records) > 1 for records in case["records"].values())),
	("a tag that is there twice counts once, the first", "rfc9989 4.8", is_twice),
	("a wrong p or sp without anybody to tell is permerror there is none of in the other's results",
		"rfc9989 4.10.1 and 9.2", lambda case, ours, theirs: ours["result"] == "permerror"),
	("a wrong p or sp makes all policies none", "rfc9989 4.10.1", has(r"\b(p|sp) *= *bad")),
	("a record without p counts as none", "rfc9989 4.7",
		lambda case, ours, theirs: any(not re.search(r";\s*p\s*=", record) for record in used(case))),
	("pct is no more", "rfc9989 C.5.2", has(r"\bpct=0")),
	("a wrong value of a tag counts as its default", "rfc9989 4.8", has(r"\b(adkim=x|fo=x|rua=nobody|aspf=S)")),
	("words of policies in any case", "rfc9989 4.8", has(r"Reject")),
]


def compare(case, ours, theirs, counts, is_verbose):
	"""True where the two agree or a reason explains why not."""
	keys = ["result", "disposition"] + (["spf", "dkim"] if ours["result"] in ("pass", "fail") else [])
	if all(ours[key] == theirs.get(key, "fail").lower() for key in keys):
		counts["equal"] += 1
		return True
	for name, section, explains in REASONS:
		if explains(case, ours, theirs):
			counts[f"{name} ({section})"] += 1
			return True
	counts["not explained"] += 1
	if is_verbose or counts["not explained"] <= 5:
		print(f"  {json.dumps(case)}\n    postern {json.dumps(ours)}\n    Mail::DMARC {json.dumps(theirs)}")
	return False


def run_block(cases, signer, counts, is_verbose):
	batch = "".join(json.dumps(for_postern(number, case, signer)) + "\n" for number, case in enumerate(cases)).encode()
	status, output, error = common.postern("authenticate", "--batch", "-", data=batch)
	answers = [json.loads(line) for line in output.splitlines()]
	if status != 0 or len(answers) != len(cases):
		raise RuntimeError(f"authenticate --batch: status {status}: {error.decode(errors='replace')}")
	perl = subprocess.run(["perl", Path(__file__).with_suffix(".pl")], check=True, stdout=subprocess.PIPE,
		input="".join(json.dumps(case) + "\n" for case in cases).encode())
	others = [json.loads(line) for line in perl.stdout.splitlines()]
	for case, answer, theirs in zip(cases, answers, others):
		compare(case, ours_of(answer), theirs, counts, is_verbose)


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--cases", type=int, default=10000)
	parser.add_argument("--seed", type=int, default=1)
	parser.add_argument("--verbose", action="store_true")
	options = parser.parse_args()
	if not shutil.which("perl") or subprocess.run(["perl", "-MMail::DMARC", "-e", "1"], stderr=subprocess.DEVNULL,
		check=False).returncode:
		print("ok 1 - dmarc differential # SKIP Mail::DMARC is absent (libmail-dmarc-perl)")
		return 0
	counts, stream = collections.Counter(), Cases(options.seed)
	with tempfile.TemporaryDirectory() as folder:
		signer = Signer(folder)
		for start in range(0, options.cases, BLOCK):
			cases = [stream.case() for _ in range(min(BLOCK, options.cases - start))]
			run_block(cases, signer, counts, options.verbose)
	for name, count in counts.most_common():
		print(f"  {count:6} {name}")
	explained = options.cases - counts["not explained"]
	print(f"dmarc differential Mail::DMARC: {explained}/{options.cases}")
	print(f"{'ok' if explained == options.cases else 'not ok'} 1 - dmarc differential")
	return 0 if explained == options.cases else 1


if __name__ == "__main__":
	sys.exit(main())
