#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The public vectors of DKIM, through `postern authenticate --batch`: the messages of mail-auth and of chasquid with
what their authors expect, and dkimpy's messages and keys.

dkimpy's messages are signed by its tests, not in its files: here they are signed with its keys, by Postern and by
dkimpy where that is installed, and verified with each of its records. What a record comes to is told in its tests.
"""

import argparse
import base64
import itertools
import json
import re
import subprocess
import sys

import authentication
import common

dkim = authentication.load_dkimpy()

DIFFERENCES = "dkim_differences.tsv"
NOW = 1528638000


def signed_at(message):
	"""The latest t= of the signatures, so that no x= has passed."""
	times = [int(time) for time in re.findall(rb"[;\s]t=(\d{9,10})", message.split(b"\n\n")[0])]
	return max(times, default=NOW)


# ---- mail-auth: zone lines, an empty line, a message; every signature is valid ----

def run_mail_auth(folder):
	suite = common.Suite("dkim", "mail-auth", DIFFERENCES)
	cases = []
	for path in sorted((folder / "mail-auth" / "resources" / "dkim").glob("*.txt")):
		head, message = path.read_bytes().split(b"\n\n", 1)
		zone = dict(line.split(" ", 1) for line in head.decode().splitlines())
		cases.append(authentication.case(path.name, authentication.with_crlf(message), zone, signed_at(message)))
	for case, answer in zip(cases, authentication.answers_to(cases), strict=True):
		signatures = authentication.methods(answer, "dkim")
		suite.case(case["id"], [(f"signature {i}", "pass", f"{s['result']} ({s['reason']})")
			for i, s in enumerate(signatures, 1) if s["result"] != "pass"] +
			([] if signatures else [("signatures", "one", "none")]))
	return suite


# ---- chasquid: NN.msg, NN.dns, NN.result; what is not there is a link to that of 01, or of 08 ----

SAME_AS = {"09-limited_body.dns": "08-our_signature.dns"}

STATES = {"SUCCESS": ("pass",), "TEMPFAIL": ("temperror",), "PERMFAIL": ("fail", "permerror", "policy", "neutral")}


def chasquid_zone(text):
	"""name: value, continued by a backslash at the end of a line."""
	zone = {}
	for line in text.replace("\\\n", " ").splitlines():
		name, colon, value = line.partition(":")
		value = value.strip()
		if not colon:
			continue
		if value in ("TEMPERROR", "PERMERROR"):
			zone[name] = "TIMEOUT" if value == "TEMPERROR" else []
		else:
			zone.setdefault(name, []).append(value)
	return zone


def chasquid_cases(folder):
	for path in sorted(folder.glob("*.result")):
		name = path.name.removesuffix(".result")
		files = {kind: folder / f"{name}.{kind}" for kind in ("msg", "dns")}
		for kind, file in files.items():
			files[kind] = file if file.exists() else folder / SAME_AS.get(file.name, f"01-rfc8463.{kind}")
		message = authentication.with_crlf(files["msg"].read_bytes())
		yield authentication.case(name, message, chasquid_zone(files["dns"].read_text()), signed_at(message)), \
			json.loads(path.read_text())


def compare_chasquid(wanted, signatures):
	found = []
	if len(signatures) != wanted["Found"]:
		found.append(("found", wanted["Found"], len(signatures)))
	for i, (expected, got) in enumerate(zip(wanted["Results"], signatures), 1):
		properties = got["properties"]
		if got["result"] not in STATES[expected["State"]]:
			found.append((f"signature {i}", expected["State"], f"{got['result']} ({got['reason']})"))
		if expected["Domain"] and properties.get("header.d") != expected["Domain"]:
			found.append((f"domain {i}", expected["Domain"], properties.get("header.d")))
		if expected["Selector"] and properties.get("header.s") != expected["Selector"]:
			found.append((f"selector {i}", expected["Selector"], properties.get("header.s")))
		if expected["B"] and not expected["B"].startswith(properties.get("header.b", "?")):
			found.append((f"b {i}", expected["B"], properties.get("header.b")))
	return found


def run_chasquid(folder):
	suite = common.Suite("dkim", "chasquid", DIFFERENCES)
	cases = list(chasquid_cases(folder / "chasquid" / "internal" / "dkim" / "testdata"))
	for (case, wanted), answer in zip(cases, authentication.answers_to([case for case, _ in cases]), strict=True):
		suite.case(case["id"], compare_chasquid(wanted, authentication.methods(answer, "dkim")))
	return suite


# ---- dkimpy ----

# Its messages that come signed: file, records, results of the signatures from the top.
BRISBANE = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
SIGNED = (
	("rfc6376.signed.msg", {"brisbane._domainkey.football.example.com": BRISBANE,
		"test._domainkey.football.example.com": "test2.txt"}, ["pass", "pass"]),
	("rfc6376.signed.rsa.msg", {"test._domainkey.football.example.com": "test2.txt"}, ["pass"]),
	("rfc6376.signed.no_t.msg", {"test._domainkey.football.example.com": "test2.txt"}, ["fail"]),
	("ed25519test2.msg", {"sed._domainkey.test.ex": "eximtest.dns"}, ["pass"]),
)

# Record, key, what a signature with the key comes to.
RECORDS = (
	("test.txt", "test.private", "pass"),
	("test2.txt", "test.private", "pass"),
	("1024_testkey_wo_markers.pub.txt", "1024_testkey.key", "pass"),
	("1024_testkey_wo_markers.pub.rsa.txt", "1024_testkey.key", "pass"),
	("2048_testkey_wo_markers.pub.txt", "2048_testkey.key", "pass"),
	("2048_testkey_wo_markers.pub.rsa.txt", "2048_testkey.key", "pass"),
	("2048_testkey_PKCS8.key.pub.txt", "2048_testkey_PKCS8.key", "pass"),
	("1024_testkey_wo_markers.pub.txt", "2048_testkey.key", "fail"),
	("ed25519test.dns", "ed25519test.key", "pass"),
	("badk.txt", "test.private", "permerror"),
	("badversion.txt", "test.private", "permerror"),
	("test_bad.txt", "test.private", "permerror"),
	("test_tlsrpt.txt", "test.private", "permerror"),
)
UNSIGNED = ("test.message", "test_extra.message", "rfc6376.msg", "ed25519test.msg", "rfc6376.w1258.msg")
FORMS = ("simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed")


def pem_of(path):
	"""dkimpy keeps Ed25519 keys as 32 bytes in base64."""
	data = path.read_bytes()
	if data.startswith(b"-----"):
		return data
	der = bytes.fromhex("302e020100300506032b657004220420") + base64.b64decode(data)
	return b"-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(der) + b"-----END PRIVATE KEY-----\n"


def run_signed(folder):
	suite = common.Suite("dkim", "dkimpy-signed", DIFFERENCES)
	cases = []
	for name, records, _ in SIGNED:
		zone = {owner: (folder / record).read_text().strip() if record.endswith((".txt", ".dns")) else record
			for owner, record in records.items()}
		message = authentication.with_crlf((folder / name).read_bytes())
		cases.append(authentication.case(name, message, zone, signed_at(message)))
	for (name, _, wanted), answer in zip(SIGNED, authentication.answers_to(cases), strict=True):
		got = [signature["result"] for signature in authentication.methods(answer, "dkim")]
		suite.case(name, [] if got == wanted else [("results", wanted, authentication.methods(answer, "dkim"))])
	return suite


def sign_by_dkimpy(message, key, form):
	header, body = form.encode().split(b"/")
	algorithm = b"rsa-sha256" if b"-----" in key[:5] else b"ed25519-sha256"
	return dkim.sign(message, b"test", b"example.com", key, canonicalize=(header, body), signature_algorithm=algorithm)


def sign_all(folder, signer):
	"""(name, message, record, result) for each message, form, key and signer."""
	for (record, key, wanted), name, form in itertools.product(RECORDS, UNSIGNED, FORMS):
		message = authentication.with_crlf((folder / name).read_bytes())
		pem = signer.file(f"{key}.pem", pem_of(folder / key))
		field = signer.sign(message, pem, "example.com", "test", form, NOW)
		yield f"{name} {form} {record} {key}", field + message, record, wanted
		if dkim:
			field = sign_by_dkimpy(message, (folder / key).read_bytes(), form)
			yield f"{name} {form} {record} {key} by dkimpy", field + message, record, wanted


def run_records(folder):
	suite = common.Suite("dkim", "dkimpy-keys", DIFFERENCES)
	with authentication.Signer() as signer:
		made = list(sign_all(folder, signer))
	now = int(subprocess.check_output(["date", "+%s"]))
	cases = [authentication.case(name, message, {"test._domainkey.example.com": (folder / record).read_text().strip()}, now)
		for name, message, record, _ in made]
	for (name, _, _, wanted), answer in zip(made, authentication.answers_to(cases), strict=True):
		got = authentication.methods(answer, "dkim")[0]
		suite.case(name, [] if got["result"] == wanted else [("result", wanted, f"{got['result']} ({got['reason']})")])
	return suite


def main():
	parser = argparse.ArgumentParser(description=__doc__)
	parser.add_argument("--verbose", action="store_true", help="every difference")
	options = parser.parse_args()
	folder = common.cases("dkim", "suite-dkim")
	dkimpy = folder / "dkimpy" / "tests" / "data"
	suites = [run_signed(dkimpy), run_records(dkimpy), run_chasquid(folder), run_mail_auth(folder)]
	return common.finish(suites, options.verbose)


if __name__ == "__main__":
	sys.exit(main())
