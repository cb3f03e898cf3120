#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""DMARC: whole messages through `postern authenticate --batch`, and aggregate reports through `postern dmarc report`.

tests/cases/dmarc/rfc9989.jsonl is our own: a line is {"section": what decides it, "case": a case of --batch,
"expect": {"result", "applied", and what else matters}}. The examples of rfc9989 4.10 and B.4 are in it with the
questions that they ask of the DNS. The reports are public cases, with the reading that their author expects.
"""

import argparse
import json
import subprocess
import sys

import common

FOLDER = "reports/mail-auth/resources/dmarc-feedback"
DIFFERENCES = "dmarc_differences.tsv"
OURS = common.ROOT / "tests" / "cases" / "dmarc" / "rfc9989.jsonl"


def seen(answer):
	"""What an answer says, under the names of `expect`."""
	dmarc = next(method for method in answer["methods"] if method["method"] == "dmarc")
	return {
		"result": dmarc["result"], "applied": dmarc.get("policy_applied", "none"),
		"published": dmarc.get("policy_published"), "tag": dmarc.get("policy_tag"),
		"spf": dmarc.get("spf_aligned", False), "dkim": dmarc.get("dkim_aligned", False),
		"organization": dmarc.get("organization"), "discovery": dmarc.get("discovery"),
		"from": dmarc["properties"].get("header.from"),
		"overrides": [override["type"] for override in dmarc.get("overrides", [])],
		"queries": [query["name"] for query in answer["dns"] if query["name"].startswith("_dmarc.")],
	}


def run_ours(suite):
	lines = [json.loads(line) for line in OURS.read_text(encoding="utf-8").splitlines()]
	batch = "".join(json.dumps(line["case"]) + "\n" for line in lines).encode()
	status, output, error = common.postern("authenticate", "--batch", "-", data=batch)
	answers = [json.loads(line) for line in output.splitlines()]
	if status != 0 or len(answers) != len(lines):
		raise RuntimeError(f"authenticate --batch: status {status}: {error.decode(errors='replace')}")
	for line, answer in zip(lines, answers):
		if "error" in answer:
			suite.crash(line["case"]["id"], answer["error"])
			continue
		got = seen(answer)
		suite.case(line["case"]["id"], [(key, value, got[key]) for key, value in line["expect"].items()
			if got[key] != value])


# --- reports: their author's JSON in the words of ours ---

ABSENT = (None, "Unspecified", "")


def word(value):
	"""Their words are names of types: of all but one the standard's in other letters."""
	return None if value in ABSENT else {"mailfrom": "mfrom"}.get(value.lower(), value.lower())


def auth_of(entries):
	return [(e["domain"], e.get("selector") or None, word(e.get("scope")), word(e["result"]), e["human_result"] or None)
		for e in entries]


def expected_record(record):
	row, ids, auth = record["row"], record["identifiers"], record["auth_results"]
	policy = row["policy_evaluated"]
	return {
		"source_ip": row["source_ip"], "count": row["count"], "disposition": word(policy["disposition"]),
		"dkim": word(policy["dkim"]), "spf": word(policy["spf"]),
		"reason": [(reason["type_"], reason["comment"]) for reason in policy["reason"]],
		"header_from": ids["header_from"], "envelope_from": ids["envelope_from"] or None,
		"envelope_to": ids["envelope_to"], "auth dkim": auth_of(auth["dkim"]), "auth spf": auth_of(auth["spf"]),
	}


REASONS = {"local_policy": "LocalPolicy", "mailing_list": "MailingList", "other": "Other",
	"policy_test_mode": "PolicyTestMode", "trusted_forwarder": "TrustedForwarder", "forwarded": "Other",
	"sampled_out": "Other"}


def got_record(record):
	row, ids, auth = record["row"], record["identifiers"], record["auth_results"]
	policy = row["policy_evaluated"]
	return {
		"source_ip": row["source_ip"], "count": row["count"], "disposition": policy["disposition"],
		"dkim": policy["dkim"], "spf": policy["spf"],
		"reason": [(REASONS.get(reason["type"]), reason["comment"]) for reason in policy["reason"]],
		"header_from": ids["header_from"], "envelope_from": ids["envelope_from"] or None,
		"envelope_to": ids["envelope_to"], "auth dkim": auth_of(auth["dkim"]), "auth spf": auth_of(auth["spf"]),
	}


def head_of(report, is_theirs):
	meta, policy = report["report_metadata"], report["policy_published"]
	letter = {"relaxed": "r", "strict": "s"}
	head = {key: meta.get(key) or None for key in ("org_name", "email", "extra_contact_info", "report_id")}
	head.update({"begin": meta["date_range"]["begin"], "end": meta["date_range"]["end"], "error": meta["error"],
		"domain": policy["domain"], "fo": policy["fo"], "version": float(report["version"] or 0)})
	for key in ("p", "sp"):
		head[key] = word(policy[key])
	for key in ("adkim", "aspf"):
		head[key] = letter.get(word(policy[key]), word(policy[key]))
	head["testing"] = policy["testing"] if is_theirs else policy["testing"] == "y"
	for key in ("np", "discovery_method"):
		if is_theirs and key not in policy:
			continue
		head[key] = word(policy.get(key))
	return head


def compare(expected, got):
	theirs, ours = head_of(expected, True), head_of(got, False)
	differences = [(key, value, ours[key]) for key, value in theirs.items() if ours[key] != value]
	if len(expected["record"]) != len(got["record"]):
		differences.append(("records", len(expected["record"]), len(got["record"])))
	for number, (their, our) in enumerate(zip(expected["record"], got["record"])):
		want, have = expected_record(their), got_record(our)
		differences += [(f"record {number} {key}", value, have[key]) for key, value in want.items()
			if have[key] != value]
	return differences


def run_reports(suite, folder):
	for answer in sorted(folder.glob("*.json")):
		source = next(path for path in (answer.with_suffix(".xml"), answer.with_suffix(".eml")) if path.exists())
		try:
			got = common.postern_json("dmarc", "report", str(source))
		except (RuntimeError, ValueError, subprocess.TimeoutExpired) as error:
			suite.crash(source.name, str(error))
			continue
		suite.case(source.name, compare(json.loads(answer.read_text(encoding="utf-8")), got))


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--verbose", action="store_true", help="every difference, not the first three of a case")
	options = parser.parse_args()
	ours = common.Suite("dmarc", "rfc9989", DIFFERENCES)
	run_ours(ours)
	suites = [ours]
	folder = common.CASES / FOLDER
	if folder.exists():
		reports = common.Suite("dmarc", "reports", DIFFERENCES)
		run_reports(reports, folder)
		suites.append(reports)
	else:
		print(f"# SKIP reports: the cases are absent: {folder} (set POSTERN_CASES)")
	return common.finish(suites, options.verbose)


if __name__ == "__main__":
	sys.exit(main())
