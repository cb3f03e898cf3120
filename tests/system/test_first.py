# SPDX-License-Identifier: Apache-2.0
"""The first things anyone tries: the sample messages of ./run, each with its expected fate, and the
way to an SMTP next hop."""

import shutil
import subprocess

import pytest
import samples

MESSAGE = "From: a@elsewhere.example\r\nSubject: to the next hop\r\n\r\n.a line with a dot\r\n"


@pytest.mark.parametrize("sample", samples.SAMPLES, ids=lambda sample: sample.name)
def test_sample(gw, sample):
	fate = samples.play(gw.target(), sample)
	assert fate.ok, f"{fate.why}: {fate.reply}, {fate.place}"


def test_queue_is_empty_after_delivery(gw):
	with gw.smtp() as client:
		client.sendmail("a@elsewhere.example", ["bob@demo.example"], MESSAGE)
	gw.maildir("bob", 1)
	assert gw.cli("queue", "list", json=True) is not None


def test_status_names_every_process(gw):
	text = gw.cli("status")
	for role in ("audit", "keyring", "resolver", "scan", "deliver", "queue", "policy", "receive"):
		assert role in text


def test_delivery_to_smtp_sink(start_gateway, sink):
	gw = start_gateway({"domain next.example": {"next-hop": f"127.0.0.1:{sink.port}"}})
	with gw.smtp() as client:
		client.sendmail("a@elsewhere.example", ["b@next.example"], MESSAGE)
	assert b"to the next hop" in sink.wait(1)[0].read_bytes()


def test_what_arrives_is_what_was_sent_with_headers_before_it(start_gateway, peer):
	gw = start_gateway({"domain next.example": {"next-hop": f"127.0.0.1:{peer.port}"}})
	with gw.smtp() as client:
		client.sendmail("a@elsewhere.example", ["b@next.example"], MESSAGE)
	message = peer.wait(1)[0]
	assert message["data"].endswith(MESSAGE.encode())
	assert message["data"].startswith(b"Authentication-Results: ")
	assert message["sender"].startswith("<a@elsewhere.example>")


def test_domain_in_another_script_is_the_one_that_is_configured(start_gateway, peer):
	gw = start_gateway({"domain xn--bcher-kva.example": {"next-hop": f"127.0.0.1:{peer.port}"}})
	with gw.smtp() as client:
		client.sendmail("a@elsewhere.example", ["bob@b\u00fccher.example"], MESSAGE, mail_options=["SMTPUTF8"])
	assert [r.split()[0] for r in peer.wait(1)[0]["recipients"]] == ["<bob@xn--bcher-kva.example>"]


def test_temporary_refusal_is_tried_again(start_gateway, peer):
	peer.answer("RCPT", "450 4.2.1 later", "250 2.1.5 ok")
	gw = start_gateway({"domain next.example": {"next-hop": f"127.0.0.1:{peer.port}"}})
	with gw.smtp() as client:
		client.sendmail("a@elsewhere.example", ["b@next.example"], MESSAGE)
	peer.wait(1)
	assert [r.split()[0] for r in peer.messages[0]["recipients"]] == ["<b@next.example>"]


def test_line_dropped_in_the_middle_of_a_message_is_tried_again(start_gateway, peer):
	peer.answer("BODY", 20, None)
	gw = start_gateway({"domain next.example": {"next-hop": f"127.0.0.1:{peer.port}"}})
	with gw.smtp() as client:
		client.sendmail("a@elsewhere.example", ["b@next.example"], MESSAGE + "x" * 70 + "\r\n")
	assert len(peer.wait(1)) == 1
	assert peer.connections == 2


def test_permanent_refusal_is_bounced(start_gateway, make_peer):
	bad, home = make_peer().answer("RCPT", "550 5.1.1 no such user"), make_peer()
	gw = start_gateway({"domain next.example": {"next-hop": f"127.0.0.1:{bad.port}"},
		"domain elsewhere.example": {"next-hop": f"127.0.0.1:{home.port}"}})
	with gw.smtp() as client:
		client.sendmail("a@elsewhere.example", ["b@next.example"], MESSAGE)
	bounce = home.wait(1)[0]
	assert bounce["sender"].startswith("<>")
	assert b"multipart/report" in bounce["data"] and b"Final-Recipient: rfc822;b@next.example" in bounce["data"].replace(b"; ", b";")


@pytest.mark.parametrize("ending", ["starttls", "implicit"])
def test_swaks_delivers_over_tls(gw, ending):
	if not shutil.which("swaks"):
		pytest.skip("swaks is missing: tools/need test")
	tls = ["--tls", "--port", str(gw.port)] if ending == "starttls" else ["--tlsc", "--port", str(gw.tls_port)]
	result = subprocess.run(["swaks", "--server", "127.0.0.1", *tls, "--to", "anna@demo.example", "--from",
		"a@elsewhere.example", "--helo", "client.elsewhere.example"], capture_output=True, text=True, timeout=60, check=False)
	assert result.returncode == 0, result.stdout


def test_private_gateway_ends_cleanly_and_starts_again(start_gateway):
	gw = start_gateway()
	assert gw.stop() == 0
	gw.start().wait_ready()
	with gw.smtp() as client:
		assert client.ehlo()[0] == 250
