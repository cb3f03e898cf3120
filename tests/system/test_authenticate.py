# SPDX-License-Identifier: Apache-2.0
"""postern authenticate: every form in which a case, a zone or a message may be given, and what is answered to
mistakes. What the checks themselves find is in the unit tests and in the public suites. Needs no gateway.
"""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import BUILD

SPF = {"a.example": {"TXT": "v=spf1 ip4:192.0.2.1 -all"}}
MESSAGE = "From: ann@a.example\nTo: bob@b.example\nSubject: x\n\nHello\n"


def run(*arguments, data=""):
	process = subprocess.run([BUILD / "postern", "authenticate", *arguments], input=data, capture_output=True, text=True,
		timeout=60, check=False)
	return process.returncode, process.stdout, process.stderr


def batch(*cases, options=()):
	"""The answers to cases; a text is a line as it is."""
	lines = [case if isinstance(case, str) else json.dumps(case) for case in cases]
	status, output, error = run("--batch", "-", *options, data="\n".join(lines) + "\n")
	assert (status, error) == (0, "")
	return [json.loads(line) for line in output.splitlines()]


def ask(zone, **fields):
	"""The answer to one case about a.example."""
	return batch({"ip": "192.0.2.1", "mail_from": "ann@a.example", "zone": zone, **fields})[0]


def spf_of(answer):
	return answer["results"]["spf.mailfrom"]


@pytest.mark.parametrize("zone", [
	{"a.example": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]}},
	{"A.Example.": {"txt": "v=spf1 ip4:192.0.2.1 -all"}},
	{"a.example": {"TXT": [["v=spf1 ip4:192.0", ".2.1 -all"]]}},
	{"a.example": [{"TXT": ["v=spf1 ip4:192.0", ".2.1 -all"]}]},
	{"a.example": "v=spf1 ip4:192.0.2.1 -all"},
	{"a.example": ["something", "v=spf1 ip4:192.0.2.1 -all"]},
	{"a.example": {"CNAME": "b.example."}, "b.example": "v=spf1 ip4:192.0.2.1 -all"},
	{"*.example": "v=spf1 ip4:192.0.2.1 -all"},
	{"a.example": {"TXT": "v=spf1 mx -all", "MX": [10, "m.example"]}, "m.example": {"A": "192.0.2.1"}},
	{"a.example": {"TXT": "v=spf1 mx -all", "MX": ["10 m.example."]}, "m.example": {"A": ["192.0.2.1"]}},
	{"a.example": {"TXT": "v=spf1 mx -all", "MX": [{"priority": 1, "exchange": "m.example"}]}, "m.example": [{"A": "192.0.2.1"}]},
	{"a.example": {"TXT": "v=spf1 ptr -all"}, "1.2.0.192.in-addr.arpa": {"PTR": "x.a.example"}, "x.a.example": {"A": "192.0.2.1"}},
	"$ORIGIN example.\na TXT ( \"v=spf1 ip4:192.0\"\n \".2.1 -all\" )\n",
	"a.example. 3600 IN TXT \"v=spf1 ip4:192.0.2.1 -all\"",
	'{"a.example": {"TXT": "v=spf1 ip4:192.0.2.1 -all"}}',
])
def test_a_zone_has_many_forms(zone):
	assert spf_of(ask(zone)) == "pass"


@pytest.mark.parametrize("zone", [
	{"a.example": "TIMEOUT"}, {"a.example": {"TXT": "TIMEOUT"}}, {"a.example": {"TIMEOUT": True}}, {"a.example": ["TIMEOUT"]},
	{"a.example": [{"A": "192.0.2.1"}, {"TIMEOUT": True}]}, {"a.example": {"TXT": ["SERVFAIL"]}}, "$TIMEOUT a.example. TXT\n", "$TIMEOUT a.example.\n",
])
def test_a_name_can_be_said_not_to_answer(zone):
	answer = ask(zone)
	assert spf_of(answer) == "temperror"
	assert answer["dns"][-1]["status"] == "failed"


def test_names_are_told_from_names_without_data():
	answer = batch({"ip": "192.0.2.1", "mail_from": "ann@a.example", "zone": {"a.example": {"TXT": []}}},
		{"ip": "192.0.2.1", "mail_from": "ann@a.example", "zone": {}})
	assert [a["dns"][-1]["status"] for a in answer] == ["no-data", "no-name"]
	assert [spf_of(a) for a in answer] == ["none", "none"]


@pytest.mark.parametrize("zone, what", [
	({"a.example": {"BOGUS": "x"}}, "no type of records that is known"), ({"a.example": {"A": "x"}}, "not an address"),
	({"a.example": {"MX": "m.example"}}, "not a preference and a name"), ({"a..b": "x"}, "a name that DNS cannot hold"),
	({"a.example": 7}, "neither an object"), ({"a.example": {"TXT": 7}}, "neither a text nor"), ([], "not an object of names"),
	("a.example. A x\n", "zone:1:14: not an IPv4 address"), ("{", "zone:1:1"),
])
def test_a_mistake_in_a_zone_is_told(zone, what):
	answer = ask(zone, id="mine")
	assert what in answer["error"]
	assert (answer["id"], answer["line"]) == ("mine", 1)


def test_a_line_with_a_mistake_does_not_end_the_batch():
	answers = batch("{", "[]", "", {"ip": "x"}, {"id": 7, "now": "late"}, {"id": "good", "ip": "192.0.2.1", "mail_from": "a@a.example", "zone": SPF})
	assert ["error" in answer for answer in answers] == [True, True, True, True, False]
	assert [answer["line"] for answer in answers[:4]] == [1, 2, 4, 5]
	assert (answers[3]["id"], answers[4]["id"]) == (7, "good")
	assert spf_of(answers[4]) == "pass"


def test_unknown_keys_are_told():
	assert ask(SPF, comment="x", mailfrom="y")["unknown_keys"] == ["comment", "mailfrom"]


def test_only_what_is_given_is_checked():
	answers = batch({"zone": SPF, "helo": "a.example", "ip": "192.0.2.1"}, {"zone": SPF, "message": MESSAGE},
		{"zone": SPF, "ip": "192.0.2.1", "helo": "a.example", "mail_from": "", "message": None})
	assert list(answers[0]["results"]) == ["iprev", "spf.helo"]
	assert list(answers[1]["results"]) == ["dkim", "arc", "dmarc", "bimi"]
	assert list(answers[2]["results"]) == ["iprev", "spf.helo", "spf.mailfrom"]
	assert answers[2]["methods"][-1]["properties"] == {"smtp.mailfrom": "postmaster@a.example"}


def test_a_message_has_many_forms(tmp_path):
	file = tmp_path / "mail.eml"
	file.write_text(MESSAGE, encoding="utf-8")
	forms = ({"message": MESSAGE}, {"message": MESSAGE.replace("\n", "\r\n")}, {"message_file": str(file)},
		{"message_base64": base64.b64encode(MESSAGE.encode()).decode()})
	zone = {"_dmarc.a.example": "v=DMARC1; p=reject"}
	for answer in batch(*({"zone": zone, **form} for form in forms)):
		assert answer["results"]["dmarc"] == "fail"
		assert answer["methods"][2]["properties"] == {"header.from": "a.example", "policy.dmarc": "reject"}


def test_options_are_the_defaults_of_a_batch(tmp_path):
	zone = tmp_path / "zone"
	zone.write_text("a.example. TXT \"v=spf1 -all exp=e.example\"\ne.example. TXT \"%{r} %{t}\"\n", encoding="utf-8")
	options = ("--zone", str(zone), "--ip", "192.0.2.9", "--receiver", "mx.b.example", "--time", "1700000000", "--mail-from", "x@a.example")
	answers = batch({}, {"now": 1, "receiver": "c.example"}, {"zone": str(zone), "ip": "192.0.2.8"}, options=options)
	assert [a["methods"][-1]["explanation"] for a in answers] == ["mx.b.example 1700000000", "c.example 1", "mx.b.example 1700000000"]
	assert answers[0]["authentication_results"].startswith("Authentication-Results: mx.b.example;")
	assert "client-ip=192.0.2.8;" in answers[2]["received_spf"][0]


def test_a_person_reads_what_was_asked(tmp_path):
	zone, mail = tmp_path / "zone.json", tmp_path / "mail.eml"
	zone.write_text(json.dumps(SPF), encoding="utf-8")
	mail.write_text(MESSAGE, encoding="utf-8")
	status, output, error = run(str(mail), "--ip", "192.0.2.2", "--mail-from", "x\x1b@a.example", "--zone", str(zone))
	assert (status, error) == (0, "")
	assert "spf    fail" in output and "by \"-all\" of a.example" in output
	assert "a.example TXT: found" in output
	assert "\x1b" not in output


@pytest.mark.parametrize("arguments, status, what", [
	(("--ip", "x"), 64, "--ip x is not an IP address"), (("--time", "soon"), 64, "--time takes seconds"), ((), 64, "a message, or --ip"),
	(("a", "b"), 64, "one file"), (("/nonexistent", "--zone", "/dev/null"), 65, "/nonexistent"), (("--zone", "/nonexistent"), 65, "/nonexistent"),
	(("--batch", "/nonexistent"), 66, "/nonexistent"), (("--org-domain", "x", "--zone", "/dev/null"), 64, "treewalk"),
])
def test_a_wrong_command_line_is_told(arguments, status, what):
	result = run(*arguments)
	assert result[0] == status
	assert what in result[2]


def test_a_quoted_local_part_is_quoted_once():
	answer = ask(SPF, mail_from="\"a \\\"b\"@a.example")
	assert answer["methods"][-1]["properties"] == {"smtp.mailfrom": "a \"b@a.example"}
	assert "smtp.mailfrom=\"a \\\"b\"@a.example" in answer["authentication_results"]


def ask_network(folder, table, *arguments):
	"""The answer, with a server of names in /etc/resolv.conf that knows only the table."""
	file = folder / "table.json"
	file.write_text(json.dumps(table), encoding="utf-8")
	process = subprocess.run(["unshare", "--net", "--mount", sys.executable, Path(__file__).parent / "names_alone.py", file,
		BUILD / "postern", "authenticate", "--json", *arguments], capture_output=True, text=True, timeout=120, check=False)
	assert (process.returncode, process.stderr) == (0, "")
	return json.loads(process.stdout)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs namespaces, and so root")
def test_without_a_zone_the_servers_of_this_machine_are_asked(tmp_path):
	table = {
		"a.test": {"TXT": ["v=spf1 mx exists:%{ir}.x.test -all"], "MX": [[10, "mx.a.test"]]},
		"mx.a.test": {"A": ["192.168.7.1"]},
		"1.7.168.192.in-addr.arpa": {"PTR": ["mx.a.test"]},
		"broken.test": {"TXT": None},
	}
	answer = ask_network(tmp_path, table, "--ip", "192.168.7.1", "--helo", "nowhere.test", "--mail-from", "x@a.test")
	assert answer["results"] == {"iprev": "pass", "spf.helo": "none", "spf.mailfrom": "pass"}
	assert [(q["name"], q["type"], q["status"], q["values"]) for q in answer["dns"]] == [
		("1.7.168.192.in-addr.arpa", "PTR", "found", ["mx.a.test"]), ("mx.a.test", "A", "found", ["192.168.7.1"]),
		("nowhere.test", "TXT", "no-name", []), ("a.test", "TXT", "found", ["v=spf1 mx exists:%{ir}.x.test -all"]),
		("a.test", "MX", "found", ["10 mx.a.test"])]
	answer = ask_network(tmp_path, table, "--ip", "192.168.7.2", "--mail-from", "x@broken.test")
	assert answer["results"] == {"iprev": "permerror", "spf.mailfrom": "temperror"}
