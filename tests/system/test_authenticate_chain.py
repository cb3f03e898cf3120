# SPDX-License-Identifier: Apache-2.0
"""What the checks of a message make of each other: messages that another implementation (dkimpy) signs and seals, and
that a mailing list changes on their way. Needs no gateway.
"""

import base64
import json
import subprocess
import time

import pytest
from conftest import BUILD

dkim = pytest.importorskip("dkim")

MESSAGE = (b"From: Ann <ann@author.example>\r\nTo: all@list.example\r\nSubject: news\r\nBIMI-Selector: v=BIMI1; s=brand\r\n"
	b"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@author.example>\r\n\r\nHello\r\n")


@pytest.fixture(scope="module")
def key():
	"""(the private key in PEM, the record)."""
	pem = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], capture_output=True, check=True).stdout
	der = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=pem, capture_output=True, check=True).stdout
	return pem, "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode()


@pytest.fixture
def zone(key):
	return {
		"author.example": "v=spf1 ip4:192.0.2.1 -all",
		"_dmarc.author.example": "v=DMARC1; p=reject",
		"brand._bimi.author.example": "v=BIMI1; l=https://author.example/b.svg",
		"default._bimi.author.example": "v=BIMI1; l=https://author.example/d.svg",
		"s1._domainkey.author.example": key[1],
		"list.example": "v=spf1 ip4:192.0.2.2 -all",
		"s2._domainkey.list.example": key[1],
	}


def sign(key, message, headers=(b"from", b"to", b"subject", b"bimi-selector")):
	return dkim.sign(message, b"s1", b"author.example", key[0], include_headers=list(headers)) + message


def through_list(key, message, results=b"list.example; dmarc=pass header.from=author.example; spf=pass smtp.mailfrom=ann@author.example"):
	"""As a list sends it on: changed, and sealed with what it had found before."""
	message = b"Authentication-Results: " + results + b"\r\n" + message
	changed = message.replace(b"Subject: news", b"Subject: [all] news").replace(b"To: ", b"List-Id: <all.list.example>\r\nTo: ")
	seal = dkim.arc_sign(changed, b"s2", b"list.example", key[0], b"list.example", include_headers=[b"from", b"to", b"subject"])
	return b"".join(seal) + changed


def ask(zone, message, **fields):
	case = {"ip": "192.0.2.2", "helo": "list.example", "mail_from": "all-bounces@list.example", "receiver": "mx.example.net", "now": int(time.time()),
		"zone": zone, "message_base64": base64.b64encode(message).decode(), **fields}
	process = subprocess.run([BUILD / "postern", "authenticate", "--batch", "-"], input=json.dumps(case).encode(), capture_output=True,
		timeout=60, check=True)
	return json.loads(process.stdout)


def method(answer, name):
	return [m for m in answer["methods"] if m["method"] == name][-1]


def test_a_signed_message_passes_by_its_signature_alone(key, zone):
	answer = ask(zone, sign(key, MESSAGE))
	assert answer["results"] == {"iprev": "permerror", "spf.helo": "pass", "spf.mailfrom": "pass", "dkim": "pass", "arc": "none",
		"dmarc": "pass", "bimi": "pass"}
	assert (method(answer, "dmarc")["spf_aligned"], method(answer, "dmarc")["dkim_aligned"]) == (False, True)


def test_a_message_passes_by_spf_alone(zone):
	answer = ask(zone, MESSAGE, ip="192.0.2.1", mail_from="ann@author.example")
	assert (answer["results"]["dkim"], answer["results"]["dmarc"]) == ("none", "pass")


def test_the_picture_is_chosen_by_a_signed_field_only(key, zone):
	assert method(ask(zone, sign(key, MESSAGE)), "bimi")["location"] == "https://author.example/b.svg"
	answer = ask(zone, sign(key, MESSAGE, (b"from", b"to", b"subject")))
	assert method(answer, "bimi")["location"] == "https://author.example/d.svg"


def test_a_changed_message_fails_and_is_to_be_refused(key, zone):
	answer = ask(zone, sign(key, MESSAGE).replace(b"Hello", b"Hallo"))
	assert (answer["results"]["dkim"], answer["results"]["dmarc"], answer["results"]["bimi"]) == ("fail", "fail", "skipped")
	assert method(answer, "dmarc")["policy_applied"] == "reject"


def test_a_trusted_list_vouches_for_what_it_changed(key, zone):
	message = through_list(key, sign(key, MESSAGE))
	answer = ask(zone, message, trusted_sealers=["list.example"])
	assert (answer["results"]["arc"], answer["results"]["dmarc"]) == ("pass", "fail")
	dmarc = method(answer, "dmarc")
	assert (dmarc["policy_published"], dmarc["policy_applied"]) == ("reject", "none")
	assert dmarc["overrides"] == [{"type": "mailing_list", "comment": "arc=pass as[1].d=list.example as[1].s=s2"}]
	assert method(answer, "arc")["trusted_from"] == 1


def test_a_chain_of_a_stranger_vouches_for_nothing(key, zone):
	dmarc = method(ask(zone, through_list(key, sign(key, MESSAGE)), trusted_sealers=["other.example"]), "dmarc")
	assert "arc" not in json.dumps(dmarc["overrides"])


@pytest.mark.parametrize("results", [b"list.example; dmarc=fail header.from=author.example", b"list.example; dmarc=pass header.from=other.example",
	b"list.example; spf=pass smtp.mailfrom=author.example", b"list.example; none"])
def test_a_trusted_list_that_did_not_see_a_pass_vouches_for_nothing(key, zone, results):
	answer = ask(zone, through_list(key, sign(key, MESSAGE), results), trusted_sealers=["list.example"])
	assert answer["results"]["arc"] == "pass"
	assert "arc" not in json.dumps(method(answer, "dmarc")["overrides"])


def test_a_chain_that_was_broken_vouches_for_nothing(key, zone):
	message = through_list(key, sign(key, MESSAGE)).replace(b"Hello", b"Hallo")
	answer = ask(zone, message, trusted_sealers=["list.example"])
	assert answer["results"]["arc"] == "fail"
	assert method(answer, "arc")["trusted_from"] == 0


def test_a_key_that_does_not_come_is_no_failure_yet(key, zone):
	zone["s1._domainkey.author.example"] = "TIMEOUT"
	answer = ask(zone, sign(key, MESSAGE))
	assert (answer["results"]["dkim"], answer["results"]["dmarc"]) == ("temperror", "temperror")
	assert method(answer, "dmarc")["policy_applied"] == "none"


def test_each_question_is_asked_once(key, zone):
	answer = ask(zone, through_list(key, sign(key, MESSAGE)), helo="list.example")
	asked = [(q["name"], q["type"]) for q in answer["dns"]]
	assert len(asked) == len(set(asked))
