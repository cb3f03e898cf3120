# SPDX-License-Identifier: Apache-2.0
"""Who sent a message: what is found out, what follows from it, and what the next server reads. The DNS is a
little server of the tests, signatures are those of dkimpy."""

import base64
import email
import os
import re
import signal
import smtplib
import time

import pytest

dkim = pytest.importorskip("dkim", reason="tools/need test")

from cryptography.hazmat.primitives import serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: E402

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
	serialization.NoEncryption())
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(serialization.Encoding.DER,
	serialization.PublicFormat.SubjectPublicKeyInfo)).decode()
HOSTNAME = "gateway.test.example"

NAMES = {
	"pass.test": {"TXT": ["v=spf1 ip4:127.0.0.1 -all"], "MX": []},
	"fail.test": {"TXT": ["v=spf1 -all"]},
	"explained.test": {"TXT": ["v=spf1 -all exp=why.explained.test"]},
	"why.explained.test": {"TXT": ["%{i} may not"]},
	"broken.test": {"TXT": None},
	"none.test": {"TXT": []},
	"s1._domainkey.signed.test": {"TXT": [f"v=DKIM1; k=rsa; p={PUBLIC}"]},
	"signed.test": {"TXT": []},
	"_dmarc.signed.test": {"TXT": ["v=DMARC1; p=reject"]},
	"reject.test": {"TXT": ["v=spf1 -all"]},
	"_dmarc.reject.test": {"TXT": ["v=DMARC1; p=reject"]},
	"quarantine.test": {"TXT": ["v=spf1 -all"]},
	"_dmarc.quarantine.test": {"TXT": ["v=DMARC1; p=quarantine"]},
	"s1._domainkey.list.test": {"TXT": [f"v=DKIM1; k=rsa; p={PUBLIC}"]},
	"list.test": {"TXT": ["v=spf1 ip4:127.0.0.1 -all"]},
	"1.0.0.127.in-addr.arpa": {"PTR": ["client.elsewhere.example"]},
	"client.elsewhere.example": {"A": ["127.0.0.1"], "TXT": []},
}


def zones(names):
	return {f"stub-zone {zone}": {"server": f"127.0.0.1:{names.port}"} for zone in ("test", "elsewhere.example", "127.in-addr.arpa")}


@pytest.fixture
def names(make_names):
	return make_names(NAMES)


@pytest.fixture
def start(start_gateway, names):
	"""A gateway whose resolvers know NAMES; with these settings of the block authentication default."""
	def start(**settings):
		rows = {name.replace("_", "-"): value for name, value in settings.items()}
		return start_gateway({
			**zones(names),
			"authentication default": rows,
			"scan": {"spam": "reject"},
		})
	return start


def message(domain="pass.test", **fields):
	head = {"From": f"Anna <anna@{domain}>", "To": "anna@demo.example", "Subject": "hello", "Date": "Tue, 24 Nov 2026 12:00:00 +0000",
		"Message-ID": f"<1@{domain}>", **fields}
	return ("".join(f"{name}: {value}\r\n" for name, value in head.items()) + "\r\nGood day.\r\n").encode()


def sign(data, domain):
	return dkim.sign(data, b"s1", domain.encode(), PEM, include_headers=[b"from", b"to", b"subject"]) + data


def send(gw, data, sender="anna@pass.test"):
	with gw.smtp() as client:
		return client.sendmail(sender, ["anna@demo.example"], data)


def refused(gw, data, sender):
	with pytest.raises(smtplib.SMTPDataError) as info:
		send(gw, data, sender)
	return info.value.smtp_code, info.value.smtp_error.decode()


def delivered(gw, count=1):
	return email.message_from_bytes(gw.maildir("anna", count)[-1].read_bytes())


def results(mail):
	"""Our Authentication-Results as one line."""
	found = [re.sub(r"\s+", " ", value) for value in mail.get_all("Authentication-Results", []) if value.strip().startswith(HOSTNAME)]
	assert len(found) == 1, mail.as_string()
	return found[0]


def test_a_message_has_its_results_before_all_else(start):
	gw = start()
	send(gw, message())
	mail = delivered(gw)
	assert mail.keys()[:3] == ["Return-Path", "Delivered-To", "Authentication-Results"]
	line = results(mail)
	assert "iprev=pass" in line and "policy.iprev=127.0.0.1" in line
	assert "spf=pass smtp.mailfrom=anna@pass.test" in line and "dkim=none" in line and "arc=none" in line
	assert [value.split()[0] for value in mail.get_all("Received-SPF")] == ["none", "pass"]
	assert "receiver=gateway.test.example" in mail.get_all("Received-SPF")[1]


def test_spf_fail_is_recorded_and_refused_where_the_settings_say_so(start):
	gw = start()
	send(gw, message("fail.test"), "anna@fail.test")
	assert "spf=fail" in results(delivered(gw))


def test_spf_refuses(start):
	gw = start(spf_refuse="fail temperror", spf_explanation="yes")
	assert refused(gw, message("fail.test"), "anna@fail.test") == (550, "5.7.1 SPF unauthorized mail is prohibited.")
	assert refused(gw, message("broken.test"), "anna@broken.test") == (451, "4.4.3 Temporary error occurred during SPF verification.")
	code, text = refused(gw, message("explained.test"), "anna@explained.test")
	assert code == 550 and text.endswith("explains: 127.0.0.1 may not")
	send(gw, message())
	assert "spf=pass" in results(delivered(gw))


def test_a_signature_of_another_implementation_passes(start):
	gw = start()
	send(gw, sign(message("signed.test"), "signed.test"), "bounce@none.test")
	line = results(delivered(gw))
	assert "dkim=pass header.d=signed.test header.s=s1" in line and "header.a=rsa-sha256" in line
	assert "dmarc=pass header.from=signed.test" in line


def test_dmarc_reject_is_refused_and_quarantine_is_held(start):
	gw = start()
	assert refused(gw, message("reject.test"), "anna@reject.test") == (550, "5.7.1 DMARC unauthenticated mail is prohibited.")
	send(gw, message("quarantine.test"), "anna@quarantine.test")
	rows = gw.cli("queue", "list", json=True)
	assert [row["state"] for row in rows] == ["held"] and rows[0]["reason"].startswith("dmarc")
	shown = gw.cli("queue", "show", rows[0]["id"])
	assert re.search(r"dmarc\s+fail", shown) and "quarantine" in shown
	gw.cli("queue", "release", rows[0]["id"])
	assert "dmarc=fail" in results(delivered(gw))


def test_dmarc_actions_can_be_milder(start):
	gw = start(dmarc_reject="none", dmarc_quarantine="none")
	send(gw, message("reject.test"), "anna@reject.test")
	assert "dmarc=fail" in results(delivered(gw))


def test_dmarc_spares_exempt_senders_and_known_forwarders(start):
	gw = start(dmarc_exempt="reject.test")
	send(gw, message("reject.test"), "anna@reject.test")
	assert "dmarc=fail" in results(delivered(gw))
	assert refused(gw, message("reject.test"), "anna@fail.test")[0] == 550


def test_dmarc_spares_known_forwarders(start):
	gw = start(known_forwarder="127.0.0.0/8")
	send(gw, message("reject.test"), "anna@reject.test")
	assert "dmarc=fail" in results(delivered(gw))


def seal(data, domain, results_before):
	"""As a mailing list that saw it pass, changed it, and sealed what it had seen."""
	fields = dkim.arc_sign(results_before + data, b"s1", domain.encode(), PEM, domain.encode(),
		include_headers=[b"from", b"to", b"subject"])
	return b"".join(fields) + results_before + data


def test_list_mail_that_a_trusted_chain_vouches_for_is_not_refused(start):
	data = message("reject.test", Subject="[list] hello")
	before = b"Authentication-Results: list.test; dmarc=pass header.from=reject.test\r\n"
	sealed = seal(data, "list.test", before)
	gw = start(trusted_sealer="list.test")
	send(gw, sealed, "bounce@list.test")
	line = results(delivered(gw))
	assert "arc=pass" in line and "dmarc=fail" in line


def test_the_same_mail_of_a_sealer_that_nobody_trusts_is_refused(start):
	data = message("reject.test", Subject="[list] hello")
	before = b"Authentication-Results: list.test; dmarc=pass header.from=reject.test\r\n"
	assert refused(start(), seal(data, "list.test", before), "bounce@list.test")[0] == 550


@pytest.mark.parametrize("size", [10, 100000])
def test_forged_results_of_our_name_are_not_delivered(start, size):
	forged = (b"Authentication-Results: " + HOSTNAME.encode() + b"; dmarc=pass header.from=bank.example\r\n"
		b"X-One: 1\r\n"
		b"authentication-results : (comment)\r\n \"" + HOSTNAME.upper().encode() + b"\" 1; spf=pass\r\n"
		b"Received-SPF: pass (all is well) receiver=" + HOSTNAME.encode() + b"; client-ip=192.0.2.1\r\n"
		b"Authentication-Results: elsewhere.example; spf=pass\r\n")
	gw = start()
	send(gw, forged + message() + b"x" * size + b"\r\nend\r\n")
	mail = delivered(gw)
	assert "bank.example" not in mail.as_string() and mail["X-One"] == "1"
	assert "spf=pass smtp.mailfrom" in results(mail)
	assert len(mail.get_all("Authentication-Results")) == 2 and len(mail.get_all("Received-SPF")) == 2
	assert mail.get_payload().endswith("end\n") and mail["Subject"] == "hello"


def test_without_dns_nothing_is_refused(start_gateway):
	gw = start_gateway({"authentication default": {}})  # mode stub without zones: no name is found
	send(gw, message("reject.test"), "anna@reject.test")
	line = results(delivered(gw))
	assert "spf=temperror" in line and "dmarc=temperror" in line


def test_dmarc_temperror_defers_where_the_settings_say_so(start_gateway):
	gw = start_gateway({"authentication default": {"dmarc-temperror": "refuse"}})
	assert refused(gw, message("reject.test"), "anna@reject.test") == (451, "4.7.1 Unable to perform DMARC verification.")


def count(gw, role, name):
	return next(row["value"] for row in gw.cli("status", json=True)["counters"] if (row["role"], row["counter"]) == (role, name))


def test_with_everything_off_no_room_is_made(start):
	off = dict.fromkeys(("iprev", "spf", "spf_helo", "dkim", "arc", "dmarc", "bimi"), "no")
	gw = start(**off)
	send(gw, message())
	mail = delivered(gw)
	assert mail["Authentication-Results"] is None
	assert count(gw, "scan", "messages_authenticated") == 0 and count(gw, "scan", "messages_judged") == 1


def test_those_who_may_relay_are_not_checked(start_gateway, names):
	gw = start_gateway({"listener public": {"relay-from": "127.0.0.1"}, **zones(names)})
	send(gw, message("reject.test"), "anna@reject.test")
	assert delivered(gw)["Authentication-Results"] is None


def pid_of(gw, name):
	return next(row["pid"] for row in gw.cli("status", json=True)["processes"] if row["process"] == name)


def test_a_resolver_that_dies_takes_nothing_with_it(start):
	gw = start()
	gw.expect_log("resolver|ended|gone")
	pid = pid_of(gw, "judge-resolver")
	os.kill(pid, signal.SIGKILL)
	send(gw, message("reject.test"), "anna@pass.test")  # the DNS is away: nothing is refused
	delivered(gw)
	end = time.monotonic() + 15
	while pid_of(gw, "judge-resolver") in (0, pid) and time.monotonic() < end:
		time.sleep(0.05)
	assert refused(gw, message("reject.test"), "anna@reject.test")[0] == 550
