# SPDX-License-Identifier: Apache-2.0
"""Signing of outgoing mail: keys from the first command to the signature that the next server verifies, and what is
not signed."""

import json
import os
import smtplib

import pytest

dkim = pytest.importorskip("dkim", reason="tools/need test")

DOMAIN = "demo.example"


@pytest.fixture
def start(start_gateway):
	"""A gateway that signs for DOMAIN, with relaying from here."""
	def start(*tables):
		return start_gateway({
			"listener public": {"relay-from": "127.0.0.0/8"},
			"dkim demo": {"domain": DOMAIN},
		}, *tables)
	return start


def make_key(gw, *options, selector="s1"):
	"""Makes, publishes and activates a key; its record."""
	row = gw.cli("dkim", "rotate", "demo", "--selector", selector, *options, json=True)[0]
	zone = gw.home / "zone.json"
	known = json.loads(zone.read_text()) if zone.exists() else {}
	known[row["name"]] = {"TXT": [row["record"]]}
	zone.write_text(json.dumps(known))
	zone.chmod(0o644)
	gw.cli("dkim", "activate", "demo", selector, "--zone", str(zone))
	gw.cli("reload")
	return row["record"]


def message(sender="anna@demo.example", **fields):
	head = {"From": f"Anna <{sender}>", "To": "anna@demo.example", "Subject": "hello", "Date": "Tue, 24 Nov 2026 12:00:00 +0000",
		"Message-ID": "<1@demo.example>", **fields}
	return ("".join(f"{name}: {value}\r\n" for name, value in head.items()) + "\r\nGood  day.\r\n\r\n").encode()


def send(gw, data, sender="anna@demo.example"):
	with gw.smtp() as client:
		return client.sendmail(sender, ["anna@demo.example"], data)


def delivered(gw, count=1):
	"""The last message, from the first field that is not of the delivery itself."""
	data = gw.maildir("anna", count)[-1].read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
	return data.split(b"\r\n", 2)[2] if data.startswith(b"Return-Path") else data


def verifies(data, records, index=0):
	return dkim.DKIM(data).verify(idx=index, dnsfunc=lambda name, timeout=5: records.get(name.decode().rstrip(".").split(".")[0],
		"").encode())


def test_mail_of_a_domain_is_signed_by_each_of_its_keys(start):
	gw = start()
	records = {"s1": make_key(gw), "s2": make_key(gw, "--type", "ed25519", selector="s2")}
	send(gw, message())
	data = delivered(gw)
	assert data.count(b"DKIM-Signature:") == 2
	assert verifies(data, records) and verifies(data, records, 1)
	assert b"d=demo.example; s=s1" in data and b"a=ed25519-sha256" in data
	assert gw.cli("audit", "show", "--kind", "message_signed").strip()


def test_a_large_message_is_signed_too(start):
	gw = start({"dkim demo": {"canonicalization": "simple/simple", "headers": "all", "identity": "@demo.example"}})
	records = {"s1": make_key(gw)}
	send(gw, message(**{"X-Folded": "one\r\n two"}) + b"line of text\r\n" * 20000)
	data = delivered(gw)
	assert verifies(data, records)
	assert b"c=simple/simple" in data and b"x-folded" in data and b"i=@demo.example" in data


def test_nothing_is_signed_for_others(start):
	gw = start()
	gw.expect_log("was not signed")
	make_key(gw)
	send(gw, message(), "eve@elsewhere.example")
	assert b"DKIM-Signature" not in delivered(gw)
	send(gw, message("eve@elsewhere.example"), "anna@demo.example")
	assert b"DKIM-Signature" not in delivered(gw, 2)


def test_mail_from_outside_is_not_signed(start_gateway):
	gw = start_gateway({"dkim demo": {"domain": DOMAIN}, "authentication default": {"dmarc": "no"}})
	make_key(gw)
	send(gw, message())
	assert b"DKIM-Signature" not in delivered(gw)


def test_without_a_key_mail_goes_out_unsigned(start):
	gw = start()
	gw.expect_log("was not signed")
	send(gw, message())
	assert b"DKIM-Signature" not in delivered(gw)
	assert gw.cli("audit", "show", "--kind", "signature_refused").strip()


def test_a_key_signs_only_when_the_dns_has_it(start):
	gw = start()
	gw.expect_log("was not signed")
	record = gw.cli("dkim", "rotate", "demo.example", "--selector", "new", json=True)[0]["record"]
	zone = gw.home / "zone"
	zone.write_text(json.dumps({"new._domainkey.demo.example": {"TXT": [record[:-9]]}}))
	zone.chmod(0o644)
	assert "another key" in gw.run_cli("dkim", "activate", "demo", "new", "--zone", str(zone)).stderr
	gw.cli("dkim", "check", "demo", "--zone", str(zone), status=os.EX_UNAVAILABLE)
	gw.cli("reload")
	send(gw, message())
	assert b"DKIM-Signature" not in delivered(gw)
	zone.write_text(json.dumps({"new._domainkey.demo.example": {"TXT": [record]}}))
	gw.cli("dkim", "activate", "demo", "new", "--zone", str(zone))
	gw.cli("dkim", "check", "demo", "--zone", str(zone))
	gw.cli("reload")
	send(gw, message())
	assert verifies(delivered(gw, 2), {"new": record})
	gw.cli("dkim", "retire", "demo", "new")
	gw.cli("reload")
	send(gw, message())
	assert b"DKIM-Signature" not in delivered(gw, 3)


def test_a_key_has_its_owner_and_no_reader(start):
	gw = start()
	make_key(gw)
	path = gw.home / "state" / "keyring" / "keys" / "dkim" / "demo" / "s1.pem"
	assert path.stat().st_mode & 0o777 == 0o600
	assert path.stat().st_uid == (gw.home / "state" / "keyring").stat().st_uid


def test_a_link_in_keyrings_directory_leads_nowhere(start):
	if os.geteuid() != 0:
		pytest.skip("only root is somebody else than the owner")
	gw = start()
	target = gw.home / "elsewhere"
	target.mkdir(mode=0o700)
	folder = gw.home / "state" / "keyring" / "keys" / "dkim"
	folder.symlink_to(target)
	assert gw.run_cli("dkim", "rotate", "demo").returncode != 0
	assert not list(target.iterdir())


def test_a_signature_that_the_client_brought_stays(start):
	gw = start()
	records = {"s1": make_key(gw)}
	send(gw, b"DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s; h=from; bh=YWJj; b=YWJj\r\n" + message())
	data = delivered(gw)
	assert data.count(b"DKIM-Signature:") == 2 and verifies(data, records)


def test_a_message_that_claims_two_authors_is_not_signed(start):
	gw = start()
	gw.expect_log("was not signed")
	make_key(gw)
	with gw.smtp() as client:
		try:
			client.sendmail("anna@demo.example", ["anna@demo.example"], b"From: eve@elsewhere.example\r\n" + message())
		except smtplib.SMTPDataError:
			return
	assert b"DKIM-Signature" not in delivered(gw)


def test_a_bounce_is_signed(start, peer):
	gw = start({"domain away.example": {"next-hop": f"127.0.0.1:{peer.port}"}, "": {"postmaster": "postmaster@demo.example"}})
	records = {"s1": make_key(gw)}
	peer.script.set("RCPT", "550 5.1.1 unknown")
	with gw.smtp() as client:
		client.sendmail("anna@demo.example", ["nobody@away.example"], message(To="nobody@away.example"))
	data = delivered(gw)
	assert b"Mail Delivery System" in data and verifies(data, records)
