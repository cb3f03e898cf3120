# SPDX-License-Identifier: Apache-2.0
"""A spool whose database is damaged: the command makes a new one of it, and the mail goes on."""

import os
import time

MESSAGE = "From: a@elsewhere.example\r\nSubject: number {}\r\n\r\n{}\r\n"
PAGE = 4096


def damage(path, *pages):
	with open(path, "r+b") as file:
		for page in pages:
			file.seek((page - 1) * PAGE)
			file.write(os.urandom(PAGE))


def fill(gw, sizes):
	with gw.smtp() as client:
		for number, size in enumerate(sizes):
			line = "x" * 70 + "\r\n"
			client.sendmail("a@elsewhere.example", ["b@next.example", "c@next.example"],
				MESSAGE.format(number, line * (size // len(line))))
	assert len(gw.cli("queue", "list", json=True)) == len(sizes)


def arrived(peer):
	"""Which message for whom; those for one message may come apart when they were tried apart before."""
	return sorted((int(m["data"].split(b"Subject: number ")[1].split()[0]), r.split()[0]) for m in peer.messages for r in m["recipients"])


def swap(old, new):
	old.rename(old.with_suffix(".damaged"))
	new.rename(old)


def test_mail_of_a_damaged_spool_is_delivered(start_gateway, peer, monkeypatch):
	peer.answer("RCPT", "450 4.2.1 later")
	gw = start_gateway({"domain next.example": {"next-hop": f"127.0.0.1:{peer.port}"}, "queue": {"retry": "10m"}})
	sizes = [100, 90000, 3000, 20000] * 3
	fill(gw, sizes)
	assert gw.stop() == 0
	spool, new = gw.home / "state" / "queue", gw.home / "state" / "queue.new"
	damage(spool / "spool.db", 1, 2)  # the schema and the first pointer map: SQLite opens nothing of this
	with monkeypatch.context() as without:  # behind its new root the command has no /proc, where leaks are looked for
		without.setitem(gw.environment, "ASAN_OPTIONS", "detect_leaks=0")
		found = gw.cli("queue", "salvage", spool, new, json=True)
	assert [row["outcome"] for row in found["messages"]] == ["whole"] * len(sizes)
	swap(spool, new)
	peer.answer("RCPT", "250 2.1.5 ok")
	gw.start().wait_ready()
	gw.cli("queue", "retry", "all")
	end = time.monotonic() + 30
	while len(arrived(peer)) < 2 * len(sizes) and time.monotonic() < end:
		time.sleep(0.1)
	assert arrived(peer) == sorted((number, f"<{who}@next.example>") for number in range(len(sizes)) for who in "bc")


def test_spool_in_use_is_left_alone(gw):
	spool = gw.home / "state" / "queue"
	result = gw.run_cli("queue", "salvage", spool, gw.home / "state" / "queue.other")
	assert result.returncode == 69 and "stop the gateway" in result.stderr
	assert not (gw.home / "state" / "queue.other").exists()


def test_directory_without_a_spool_is_one_clear_error(gw):
	result = gw.run_cli("queue", "salvage", gw.home / "state", gw.home / "state" / "queue.other")
	assert result.returncode == 66 and "no spool.db" in result.stderr
	assert not (gw.home / "state" / "queue.other").exists()
