#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The public suites of SPF, through `postern authenticate --batch`: results and explanations.

Both must agree in every case: that of rfc7208, and the older one of rfc4408, whose cases allow what the newer
standard asks for. A difference that a standard decides would be a row of spf_differences.tsv; there is none.
"""

import argparse
import json
import sys

import common
import yaml

FOLDER = "spf/openspf"
DIFFERENCES = "spf_differences.tsv"


class Loader(yaml.SafeLoader):
	"""Addresses such as 1:2:3 and words such as NONE stay texts."""


Loader.yaml_implicit_resolvers = {}


def records_of(name, entries):
	"""The entries of one name. As the suite asks of its drivers, SPF records are TXT records too, unless the
	name has some of its own; NONE is no record, and says that it has."""
	entries = [entry if isinstance(entry, dict) else {entry: True} for entry in entries]
	entries = [{"TIMEOUT": True} if "TIMEOUT" in entry else entry for entry in entries]
	entries = [{"CNAME": name} if "CNAMELOOP" in entry else entry for entry in entries]
	if not any("TXT" in entry for entry in entries):
		entries += [{"TXT": entry["SPF"]} for entry in entries if "SPF" in entry]
	kept = [entry for entry in entries if list(entry.values()) != ["NONE"]]
	return [{kind: server(value) if kind == "MX" else value for kind, value in entry.items()} for entry in kept]


def server(value):
	"""Preference and name; the loader leaves numbers as texts."""
	return [int(value[0]), value[1]]


def read_cases(path):
	"""(name, case for Postern, what the suite expects)."""
	with open(path, encoding="latin-1") as file:
		documents = [document for document in yaml.load_all(file, Loader) if document]
	for document in documents:
		zone = {name: records_of(name, entries or []) for name, entries in document["zonedata"].items()}
		for name, test in document["tests"].items():
			yield name, {
				"id": name, "ip": test["host"], "helo": test["helo"], "mail_from": test["mailfrom"],
				"receiver": test.get("receiver", "receiver.example"), "zone": zone,
			}, test


def compare(test, answer):
	if "error" in answer:
		return [("error", "an answer", answer["error"])]
	spf = [method for method in answer["methods"] if method["method"] == "spf" and method["identity"] == "mailfrom"][0]
	wanted = test["result"] if isinstance(test["result"], list) else [test["result"]]
	found = []
	if spf["result"] not in wanted:
		found.append(("result", " or ".join(wanted), f"{spf['result']} ({spf['reason']})"))
	explanation = test.get("explanation")
	if explanation and spf["result"] == "fail":
		explanation = "" if explanation == "DEFAULT" else explanation
		if spf["explanation"] != explanation:
			found.append(("explanation", explanation, spf["explanation"]))
	return found


def answers_to(cases):
	lines = "".join(json.dumps(case) + "\n" for case in cases)
	status, output, error = common.postern("authenticate", "--batch", "-", data=lines.encode())
	if status:
		raise RuntimeError(f"postern authenticate --batch: status {status}: {error.decode(errors='replace')}")
	return [json.loads(line) for line in output.decode().splitlines()]


def run(folder, name):
	suite = common.Suite("spf", name, DIFFERENCES)
	cases = list(read_cases(folder / f"{name}-tests.yml"))
	for (case, _, test), answer in zip(cases, answers_to([case for _, case, _ in cases]), strict=True):
		suite.case(case, compare(test, answer))
	return suite


def main():
	parser = argparse.ArgumentParser(description=__doc__)
	parser.add_argument("--verbose", action="store_true", help="every difference")
	options = parser.parse_args()
	folder = common.cases(FOLDER, "suite-spf")
	return common.finish([run(folder, "rfc4408"), run(folder, "rfc7208")], options.verbose)


if __name__ == "__main__":
	sys.exit(main())
