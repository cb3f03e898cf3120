# SPDX-License-Identifier: Apache-2.0
"""A room has its own stranger's bytes in its memory and nobody else's: tokens of which each belongs to one
client, one message or the keyring alone are looked for in the memory of living rooms. In each search the
room's own token is the control: where it is not found, nothing has been searched."""

import concurrent.futures
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import memory
import peers
import pytest
import storm

pytestmark = [pytest.mark.slow,  # a sanitizer has memory of its own
	pytest.mark.skipif(os.geteuid() != 0, reason="the memory of a room is root's to read")]


def token(name):
	return f"{name}-{os.urandom(8).hex()}"


def numbers_of(key):
	"""The secret number of a key as OpenSSL has it in memory: words of the machine, the lowest first."""
	text = subprocess.run(["openssl", "pkey", "-in", key, "-text", "-noout"], check=True, capture_output=True, text=True).stdout
	found = re.search(r"(?:priv|prime1):\s*\n((?:\s+[0-9a-f:]+\n)+)", text).group(1)
	return bytes.fromhex(re.sub(r"[\s:]", "", found)).lstrip(b"\0")[::-1]


def message(words, size=0):
	filler = "".join(f"line {n} of a long message\r\n" for n in range(size // 30))
	return f"Subject: {words}\r\n\r\n{words}\r\n{filler}"


def send(gw, words, recipient, size=0):
	with gw.smtp() as client:
		client.sendmail(f"{words}@elsewhere.example", [recipient], message(words, size))


def begin_message(client, words):
	"""A message without its end, so that its room stays."""
	client.docmd(f"MAIL FROM:<{words}@elsewhere.example>")
	client.docmd("RCPT TO:<anna@demo.example>")
	client.docmd("DATA")
	client.send(message(words, 3000))


def wait_found(pids, secret, seconds=10):
	end = time.monotonic() + seconds
	while time.monotonic() < end:
		for pid in pids():
			if memory.found_in(pid, secret):
				return pid
		time.sleep(0.05)
	raise AssertionError("no room has what it should have: the search finds nothing")


def test_session_room_has_nothing_of_other_clients_of_the_queue_or_of_the_keyring(start_gateway):
	gw = start_gateway()
	queued, other, own = (token(name).encode() for name in ("queued", "other", "own"))
	key = numbers_of(gw.home / "state/keyring/keys/smtp.pem")
	with gw.smtp() as first, gw.smtp() as second, gw.smtps() as third:
		first.sendmail(f"{queued.decode()}@elsewhere.example", ["bob@demo.example"], message(queued.decode()))
		begin_message(first, other.decode())
		wait_found(lambda: memory.rooms_of(gw, "session"), other)
		begin_message(second, own.decode())
		third.ehlo(own.decode())
		second_room = wait_found(lambda: memory.rooms_of(gw, "session"), own)
		tested = [pid for pid in memory.rooms_of(gw, "session") if memory.found_in(pid, own)]
		assert len(tested) == 2 and second_room in tested
		for pid in tested:
			assert memory.found_in(pid, queued, other, key, own) == {own}, "a room has what is not its client's"
		assert "keyring" in memory.holders_of(gw, key), "the search does not find the key where it is"
		for client in (first, second):
			client.close()
	gw.expect_log("session|connection")


def children_of(pid):
	try:
		return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
	except FileNotFoundError:
		return []


def stop_with(pid, own):
	"""Stops this room in a moment at which it has this token. False: it has ended before."""
	for _moment in range(50):
		try:
			os.kill(pid, signal.SIGSTOP)
			if memory.found_in(pid, own):
				return True
			os.kill(pid, signal.SIGCONT)
		except ProcessLookupError:
			return False
		time.sleep(0.002)
	return False


def hold_room(zygote, own, sent):
	"""The room that has this token, stopped; 0 when the message has been taken meanwhile."""
	while not sent.done():
		for pid in children_of(zygote):
			if stop_with(pid, own):
				return pid
	return 0


@pytest.mark.parametrize("kind", ["message", "authentication"])
def test_room_of_scan_has_nothing_of_other_messages_or_of_the_keyring(start_gateway, peer, kind):
	peer.answer("END", "451 4.3.0 later")
	gw = start_gateway({"domain next.example": {"next-hop": f"127.0.0.1:{peer.port}"}})
	before = token("before").encode()
	key = numbers_of(gw.home / "state/keyring/keys/smtp.pem")
	send(gw, before.decode(), "x@next.example")
	assert "queue" in memory.holders_of(gw, before), "the search does not find the other message where it is"
	zygote = next(pid for pid, name in storm.processes_of(gw.process.pid).items() if name == f"{kind} zygote")
	for attempt in range(20):
		own = token(f"own{attempt}").encode()
		with concurrent.futures.ThreadPoolExecutor(1) as pool:
			sent = pool.submit(send, gw, own.decode(), "bob@demo.example", 50000)
			room = hold_room(zygote, own, sent)
			if room:
				found = memory.found_in(room, before, own, key)
				os.kill(room, signal.SIGCONT)
		if room:
			assert found == {own}, "the room has more than its own message"
			return
	pytest.fail(f"no {kind} room was met in twenty messages")


def test_delivery_room_has_only_what_goes_to_its_next_server(start_gateway, make_peer):
	near, far = (make_peer().answer("END", peers.HANG) for _ in range(2))
	gw = start_gateway({"domain near.example": {"next-hop": f"127.0.0.1:{near.port}"},
		"domain far.example": {"next-hop": f"127.0.0.1:{far.port}"}})
	gw.expect_log("near.example|far.example|delivery")
	words = [token(name).encode() for name in ("near", "far")]
	send(gw, words[0].decode(), "x@near.example")
	send(gw, words[1].decode(), "x@far.example")
	for word in words:
		wait_found(lambda: memory.rooms_of(gw, "delivery"), word)
	found = [memory.found_in(pid, *words) for pid in memory.rooms_of(gw, "delivery")]
	assert sorted(found, key=sorted) == sorted(({word} for word in words), key=sorted)
