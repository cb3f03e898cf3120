#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The public suites of ARC: the chains of arc_test_suite through `postern authenticate`, its signing tests through
the signer, and the chains of mail-auth.

The signing tests compare every tag, and the signature of the message byte for byte. The signature of a seal covers
how the signature before it is folded, which no standard fixes: there the sealed message must be a chain that passes.
"""

import argparse
import json
import re
import sys

import authentication
import common

DIFFERENCES = "arc_differences.tsv"
NOW = 1484000000 # the suite is of January 2017


def run_validation(folder):
	suite = common.Suite("arc", "validation", DIFFERENCES)
	cases, wanted = [], []
	for document in json.loads((folder / "arc-validation.dev.json").read_text(encoding="utf-8")):
		for name, test in document["tests"].items():
			message = test["message"].encode().replace(b"\n", b"\r\n")
			cases.append(authentication.case(name, message, document["txt-records"], NOW))
			wanted.append(test["cv"].lower())
	for case, cv, answer in zip(cases, wanted, authentication.answers_to(cases), strict=True):
		arc = authentication.methods(answer, "arc")[0]
		suite.case(case["id"], [] if arc["cv"] == cv else [("cv", cv, f"{arc['cv']} ({arc['reason']})")])
	return suite


def tags(field):
	"""{name: value without white space}"""
	pairs = (tag.split("=", 1) for tag in field.strip().strip(";").split(";"))
	return {name.strip(): re.sub(r"\s", "", value) for name, value in pairs}


def squeeze(text):
	return re.sub(r"\s+", " ", text).strip()


def own_results(message, server):
	"""All Authentication-Results of our name, as one: that is what a set holds. rfc8617 5.1"""
	fields = re.findall(r"(?im)^authentication-results:\s*(.*(?:\n[ \t].*)*)", message.split("\n\n")[0])
	own = [field.split(";", 1) for field in fields if field.strip().startswith(server)]
	return server + "".join(";" + rest.rstrip().rstrip(";") for _, rest in own)


def compare_set(test, fields):
	found = []
	message, seal = tags(fields["ARC-Message-Signature"]), tags(fields["ARC-Seal"])
	wanted = tags(test["AS"])
	wanted.pop("b")
	seal.pop("b")
	if message != tags(test["AMS"]):
		found.append(("AMS", tags(test["AMS"]), message))
	if seal != wanted:
		found.append(("AS", wanted, seal))
	results = squeeze(fields["ARC-Authentication-Results"]).replace("; ", ";")
	if results != squeeze(test["AAR"]).replace("; ", ";"):
		found.append(("AAR", test["AAR"], results))
	return found


def seal_one(signer, document, test):
	"""(differences, the sealed message)"""
	message = test["message"].encode().replace(b"\n", b"\r\n")
	key = signer.file("key.pem", document["privatekey"].encode())
	results = own_results(test["message"], test["srv-id"]).replace("\n", "\r\n").encode()
	out = signer.seal(message, key, document["domain"], document["sel"], test["t"], test["sig-headers"], results,
		document["txt-records"])
	if not test["AS"]:
		return ([] if not out else [("set", "none", out)]), None
	fields = dict(re.findall(r"(?m)^(ARC-[A-Za-z-]+): (.*(?:\n[ \t].*)*)", out.decode().replace("\r\n", "\n")))
	return compare_set(test, fields), out + message


def run_signing(folder):
	suite = common.Suite("arc", "signing", DIFFERENCES)
	path = folder / "arc_test_suite" / "tests" / "arc-draft-sign-tests.json"
	tests = [(document, name, test) for document in json.loads(path.read_text(encoding="utf-8"))
		for name, test in document["tests"].items()]
	with authentication.Signer() as signer:
		made = [seal_one(signer, document, test) for document, _, test in tests]
	cases = [authentication.case(name, message or b"", document["txt-records"], NOW)
		for (document, name, _), (_, message) in zip(tests, made, strict=True)]
	for (_, name, test), (found, message), answer in zip(tests, made, authentication.answers_to(cases), strict=True):
		cv = authentication.methods(answer, "arc")[0]["cv"]
		fails = "cv=fail" in squeeze(test["AS"])
		if message and (cv == "pass") == fails:
			found.append(("chain", "fail" if fails else "pass", cv))
		suite.case(name, found)
	return suite


def run_mail_auth(folder):
	"""Zone lines, an empty line, the message; each chain is valid."""
	suite = common.Suite("arc", "mail-auth", DIFFERENCES)
	for path in sorted((folder / "mail-auth" / "resources" / "arc").glob("*.txt")):
		head, message = path.read_bytes().split(b"\n\n", 1)
		zone = dict(line.split(" ", 1) for line in head.decode().splitlines())
		case = authentication.case(path.name, authentication.with_crlf(message), zone, 1674137914)
		arc = authentication.methods(authentication.answers_to([case])[0], "arc")[0]
		suite.case(path.name, [] if arc["cv"] == "pass" else [("cv", "pass", f"{arc['cv']} ({arc['reason']})")])
	return suite


def main():
	parser = argparse.ArgumentParser(description=__doc__)
	parser.add_argument("--verbose", action="store_true", help="every difference")
	options = parser.parse_args()
	folder = common.cases("arc", "suite-arc")
	return common.finish([run_mail_auth(folder), run_signing(folder), run_validation(folder)], options.verbose)


if __name__ == "__main__":
	sys.exit(main())
