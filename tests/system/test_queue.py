# SPDX-License-Identifier: Apache-2.0
"""What an administrator does with the queue, and what becomes of mail that does not go out at once."""

import re
import time

MESSAGE = "From: a@elsewhere.example\r\nSubject: waiting\r\n\r\ntext\r\n"


def send(gw, to="b@next.example", message=MESSAGE):
	with gw.smtp() as client:
		client.sendmail("a@elsewhere.example", [to], message)


def rows(gw):
	return gw.cli("queue", "list", json=True)


def wait_rows(gw, wanted, seconds=10):
	end = time.monotonic() + seconds
	while True:
		found = rows(gw)
		if wanted(found):
			return found
		assert time.monotonic() < end, f"the queue is {found}"
		time.sleep(0.1)


def next_hop(peer, **queue):
	return {"domain next.example": {"next-hop": f"127.0.0.1:{peer.port}"}, "queue": {"retry": "10m", **queue}}


def test_deferred_message_is_listed_with_the_reason_and_retried_on_demand(start_gateway, peer):
	peer.answer("RCPT", "450 4.2.1 mailbox busy", "250 2.1.5 ok")
	gw = start_gateway(next_hop(peer))
	send(gw)
	row = wait_rows(gw, lambda found: found and found[0]["reason"])[0]
	assert "busy" in row["reason"]
	assert "busy" in gw.cli("queue", "show", row["id"])
	assert gw.cli("queue", "retry", row["id"]).startswith("due: 1")
	peer.wait(1)
	wait_rows(gw, lambda found: not found)


def test_held_message_waits_until_it_is_released(start_gateway, peer):
	peer.answer("RCPT", "450 4.2.1 later", "250 2.1.5 ok")
	gw = start_gateway(next_hop(peer))
	send(gw)
	row = wait_rows(gw, lambda found: found and found[0]["state"] == "deferred")[0]
	gw.cli("queue", "hold", row["id"])
	assert wait_rows(gw, lambda found: found[0]["state"] == "held")[0]["reason"] == "held by an administrator"
	gw.cli("queue", "release", "all")
	assert peer.wait(1)[0]["data"].endswith(MESSAGE.encode())
	assert re.search(r"admin_queue_release\s+all", gw.cli("audit", "show", "--kind", "admin_queue_release"))


def test_held_message_survives_a_restart(start_gateway, peer):
	peer.answer("RCPT", "450 4.2.1 later", "250 2.1.5 ok")
	gw = start_gateway(next_hop(peer))
	send(gw)
	row = wait_rows(gw, lambda found: found and found[0]["state"] == "deferred")[0]
	gw.cli("queue", "hold", row["id"])
	assert gw.stop() == 0
	gw.start().wait_ready()
	assert rows(gw)[0]["id"] == row["id"] and rows(gw)[0]["state"] == "held"
	gw.cli("queue", "delete", row["id"])
	wait_rows(gw, lambda found: not found)
	assert peer.messages == []


def test_message_itself_can_be_shown(start_gateway, peer):
	peer.answer("CONNECT", "hang")
	gw = start_gateway(next_hop(peer))
	send(gw, message=MESSAGE + "x" * 70 + "\r\n")
	row = wait_rows(gw, lambda found: found)[0]
	text = gw.cli("queue", "show", row["id"], "--message")
	assert "Received: from" in text and "Subject: waiting" in text and "x" * 70 in text


def test_unknown_id_is_one_clear_error(gw):
	result = gw.run_cli("queue", "show", "1m86er6bd0007")
	assert result.returncode == 65 and "there is no such message" in result.stderr
	result = gw.run_cli("queue", "delete", "nonsense!")
	assert result.returncode == 65 and "not a message id" in result.stderr


def test_message_that_expires_is_bounced(start_gateway, make_peer):
	bad, home = make_peer().answer("RCPT", "450 4.2.1 never"), make_peer()
	gw = start_gateway(next_hop(bad, expire="2s", retry="1s"),
		{"domain elsewhere.example": {"next-hop": f"127.0.0.1:{home.port}"}})
	send(gw)
	bounce = home.wait(1, 30)[0]
	assert b"Status: 5.4.7" in bounce["data"] and b"450" in bounce["data"]


def test_next_hop_that_is_away_defers(start_gateway):
	gw = start_gateway({"domain next.example": {"next-hop": "127.0.0.1:1"}, "queue": {"retry": "10m"}})
	send(gw)
	row = wait_rows(gw, lambda found: found and found[0]["state"] == "deferred")[0]
	assert "connection refused" in row["reason"]


def test_lmtp_answers_for_each_recipient(start_gateway, make_peer):
	peer = make_peer(is_lmtp=True).answer("END", "250 2.0.0 taken", "452 4.2.2 full", "250 2.0.0 taken")
	gw = start_gateway({"domain next.example": {"lmtp": f"127.0.0.1:{peer.port}"}, "queue": {"retry": "1s"}})
	with gw.smtp() as client:
		client.sendmail("a@elsewhere.example", ["b@next.example", "c@next.example"], MESSAGE)
	messages = peer.wait(2)
	assert [len(m["recipients"]) for m in messages] == [2, 1]
	assert "c@next.example" in messages[1]["recipients"][0]


def test_starttls_to_the_next_hop_is_used_and_can_be_required(start_gateway, make_peer):
	peer = make_peer(has_tls=True)
	gw = start_gateway({"domain next.example": {"next-hop": f"127.0.0.1:{peer.port}", "tls": "required"}})
	send(gw)
	peer.wait(1)
	assert peer.tls_count == 1


def test_required_tls_that_is_not_offered_defers(start_gateway, peer):
	gw = start_gateway({"domain next.example": {"next-hop": f"127.0.0.1:{peer.port}", "tls": "required"},
		"queue": {"retry": "10m"}})
	send(gw)
	assert "TLS is required" in wait_rows(gw, lambda found: found and found[0]["reason"])[0]["reason"]
	assert peer.messages == []


def test_connection_is_used_again(start_gateway, peer):
	gw = start_gateway(next_hop(peer))
	with gw.smtp() as client:
		for _ in range(5):
			client.sendmail("a@elsewhere.example", ["b@next.example"], MESSAGE)
	peer.wait(5)
	assert peer.connections < 5


def test_spam_test_string_is_held_where_the_configuration_says_so(start_gateway):
	gtube = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
	gw = start_gateway({"scan": {"spam": "quarantine"}})
	send(gw, "anna@demo.example", f"Subject: x\r\n\r\n{gtube}\r\n")
	row = wait_rows(gw, lambda found: found)[0]
	assert row["state"] == "held" and row["reason"] == "spam"
	gw.cli("queue", "release", row["id"])
	gw.maildir("anna", 1)
