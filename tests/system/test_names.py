# SPDX-License-Identifier: Apache-2.0
"""Deliveries that the DNS leads: MX and addresses, domains in other scripts, and what the DNS denies."""

import email
import time

import pytest

MESSAGE = "Subject: by name\r\n\r\nx\r\n"


@pytest.fixture
def start(start_gateway, make_names, make_peer):
	"""A gateway that relays for us and finds `peer` by this DNS; bounces come to anna."""

	def begin(table, *more):
		names, peer = make_names(table), make_peer()
		gw = start_gateway({"listener public": {"relay-from": "127.0.0.0/8"},
			"deliver": {"port": peer.port, "allow": "127.0.0.0/8"},
			"resolver": {"timeout": "2s", "dnssec": "no"},
			"stub-zone test": {"server": f"127.0.0.1:{names.port}"},
			"stub-zone example.net": {"server": f"127.0.0.1:{names.port}"}}, *more)
		return gw, names, peer

	return begin


def send(gw, recipient, options=()):
	with gw.smtp() as client:
		client.sendmail("anna@demo.example", [recipient], MESSAGE, mail_options=list(options))


def bounce_of(gw):
	return email.message_from_bytes(gw.maildir("anna", 1)[0].read_bytes()).as_string()


def test_best_mx_gets_the_mail(start):
	gw, _, peer = start({"far.test": {"MX": [(20, "none.test"), (10, "mail.test")]}, "mail.test": {"A": ["127.0.0.1"]}})
	send(gw, "b@far.test")
	assert peer.wait(1)[0]["recipients"][0].startswith("<b@far.test>")


def test_without_mx_the_domain_itself_gets_the_mail(start):
	gw, _, peer = start({"far.test": {"A": ["127.0.0.1"]}})
	send(gw, "b@far.test")
	peer.wait(1)


def test_domain_in_another_script_is_looked_up_in_its_ascii_form(start):
	gw, names, peer = start({"xn--bcher-kva.test": {"MX": [(10, "xn--mller-kva.test")]}, "xn--mller-kva.test": {"A": ["127.0.0.1"]}})
	send(gw, "j\u00f6rg@B\u00fccher.test", ["SMTPUTF8"])
	assert peer.wait(1)[0]["recipients"][0].startswith("<j\u00f6rg@xn--bcher-kva.test>")
	assert ("xn--bcher-kva.test", "MX") in names.asked
	assert all(name.isascii() for name, _ in names.asked)


@pytest.mark.parametrize("table, code", [
	({}, "5.1.2"),
	({"far.test": {}}, "5.4.4"),
	({"far.test": {"MX": [(10, "gone.test")]}}, "5.4.4"),
	({"far.test": {"MX": [(10, "mail.test")]}, "mail.test": {}}, "5.4.4"),
	({"far.test": {"MX": [(0, ".")]}}, "5.1.10")],
	ids=["no such domain", "no records", "mx does not exist", "mx without address", "null mx"])
def test_what_the_dns_denies_comes_back_at_once(start, table, code):
	gw, _, peer = start(table)
	send(gw, "b@far.test")
	text = bounce_of(gw)
	assert f"Status: {code}" in text and "Action: failed" in text
	assert not peer.commands and not gw.cli("queue", "list", json=True)


@pytest.mark.parametrize("table", [{"far.test": {"MX": None}}, {"far.test": {"MX": [(10, "mail.test")]}, "mail.test": {"A": None, "AAAA": None}}],
	ids=["mx", "address"])
def test_what_the_dns_does_not_know_now_is_asked_again(start, table):
	gw, names, peer = start(table)
	send(gw, "b@far.test")
	end = time.monotonic() + 20
	while not (rows := gw.cli("queue", "list", json=True)) or "DNS" not in rows[0]["reason"]:
		assert time.monotonic() < end, rows
		time.sleep(0.1)
	names.table.update({"far.test": {"MX": [(10, "mail.test")]}, "mail.test": {"A": ["127.0.0.1"]}})
	peer.wait(1, 30)


def test_reload_takes_another_dns_server(start, make_names):
	gw, old, peer = start({"far.test": {"MX": None}})
	send(gw, "b@far.test")
	new = make_names({"far.test": {"A": ["127.0.0.1"]}})
	gw.conf.write_text(gw.conf.read_text().replace(f":{old.port}", f":{new.port}"))
	gw.cli("reload")
	peer.wait(1, 30)
