# SPDX-License-Identifier: Apache-2.0
"""The gateway as its administrator meets it: the configuration file, reload, start, failures of roles."""

import os
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import peers
import pytest
import storm
from conftest import BUILD, ROOT, free_port


def test_every_mistake_of_a_file_in_one_run(tmp_path):
	path = tmp_path / "postern.conf"
	path.write_text("hostnam mx.example.com\nlistener public { address 0.0.0.0 prot 26 }\ndomain example.com { }\n")
	result = subprocess.run([BUILD / "postern", "check", path], capture_output=True, text=True, check=False)
	assert result.returncode == 78
	text = result.stdout + result.stderr
	assert re.search(rf"{path}:1:1: .*did you mean hostname", text)
	assert re.search(rf"{path}:2:\d+: ", text) and re.search(rf"{path}:3:\d+: ", text)


def test_missing_file_is_one_clear_error():
	result = subprocess.run([BUILD / "postern", "check", "/nonexistent/postern.conf"], capture_output=True, text=True, check=False)
	assert result.returncode in (66, 78) and "/nonexistent/postern.conf" in result.stderr


def test_taken_port_is_one_clear_error(make_gateway):
	gw = make_gateway()
	with socket.socket() as taken:
		taken.bind(("127.0.0.1", gw.port))
		taken.listen()
		gw.expect_log("127.0.0.1")
		gw.start()
		assert gw.process.wait(20) != 0
	gw.process = None
	assert any(str(gw.port) in line and "in use" in line for line in gw.lines), gw.lines


def test_reload_takes_a_new_recipient(start_gateway):
	gw = start_gateway()
	with gw.smtp() as client:
		client.ehlo()
		client.mail("a@elsewhere.example")
		assert client.rcpt("carla@demo.example")[0] == 550
	gw.conf.write_text(gw.conf.read_text().replace("recipients anna", "recipients carla anna"))
	gw.cli("reload")
	with gw.smtp() as client:
		client.sendmail("a@elsewhere.example", ["carla@demo.example"], "Subject: x\r\n\r\nx\r\n")
	gw.maildir("carla", 1)


def test_reload_is_in_force_when_it_is_answered(start_gateway):
	gw = start_gateway()
	text = gw.conf.read_text()
	for size in (1, 2, 3, 4):
		gw.conf.write_text(text.replace("listener public {", f"listener public {{\n\tbanner \"Number {size}\"\n\tmax-message-size {size}M"))
		assert gw.cli("reload").strip() == "reloaded"
		with smtplib.SMTP() as client:
			assert b"Number %d" % size in client.connect("127.0.0.1", gw.port)[1]
			client.ehlo()
			assert client.esmtp_features["size"] == str(size << 20)


def test_reload_moves_the_next_server_to_another_port(start_gateway, make_peer):
	"""deliver's sandbox lists the ports, so it starts anew; what waits goes to the new one."""
	old, new = make_peer(), make_peer()
	old.answer("RCPT", "450 4.2.1 later")
	gw = start_gateway({"domain next.example": {"next-hop": f"127.0.0.1:{old.port}"}, "queue": {"retry": "1s 1s 2s"}})
	pid = role_pid(gw, "deliver")
	with gw.smtp() as client:
		client.sendmail("a@elsewhere.example", ["b@next.example"], "Subject: moved\r\n\r\nx\r\n")
	while not any(command.startswith("RCPT") for command in old.commands):
		time.sleep(0.05)
	gw.conf.write_text(gw.conf.read_text().replace(f":{old.port}", f":{new.port}"))
	gw.cli("reload")
	assert b"Subject: moved" in new.wait(1, 20)[0]["data"]
	assert role_pid(gw, "deliver") != pid


def test_reload_lets_a_delivery_under_way_end_before_deliver_starts_anew(start_gateway, make_peer):
	old, new = make_peer(), make_peer()
	old.answer("DATA", peers.HANG)
	gw = start_gateway({"domain next.example": {"next-hop": f"127.0.0.1:{old.port}"}})
	with gw.smtp() as client:
		client.sendmail("a@elsewhere.example", ["b@next.example"], "Subject: slow\r\n\r\nx\r\n")
	while "DATA" not in old.commands:
		time.sleep(0.05)
	gw.conf.write_text(gw.conf.read_text().replace(f":{old.port}", f":{new.port}"))
	began = time.monotonic()
	gw.cli("reload")
	assert 5 < time.monotonic() - began < 20  # and it does not wait for ever
	assert b"Subject: slow" in new.wait(1, 20)[0]["data"]


def test_reload_with_domains_that_came_and_went(start_gateway, make_peer, open_folder):
	"""Whoever still has the old configuration means the same domains: none of the mail goes to another's server."""
	first, second = make_peer(), make_peer()
	people = open_folder / "people"
	people.write_text("carl\n")
	second.answer("RCPT", "450 4.2.1 later", "250 2.1.5 ok")
	gw = start_gateway({"domain first.example": {"next-hop": f"127.0.0.1:{first.port}"},
		"domain second.example": {"next-hop": f"127.0.0.1:{second.port}"}, "queue": {"retry": "1s 1s 2s"}})
	with gw.smtp() as client:
		client.sendmail("a@elsewhere.example", ["b@second.example"], "Subject: waits\r\n\r\nx\r\n")
		while not any(command.startswith("RCPT") for command in second.commands):
			time.sleep(0.05)
		text = gw.conf.read_text().replace("domain first.example", f"domain new.example {{\n\tnext-hop 127.0.0.1:{first.port}\n"
			f"\trecipients-file {people}\n}}\ndomain later.example")
		gw.conf.write_text(text)
		assert gw.cli("reload").strip() == "reloaded"
		with pytest.raises(smtplib.SMTPRecipientsRefused):
			client.sendmail("a@elsewhere.example", ["b@first.example"], "Subject: gone\r\n\r\nx\r\n")
		with pytest.raises(smtplib.SMTPRecipientsRefused):
			client.sendmail("a@elsewhere.example", ["b@new.example"], "Subject: nobody\r\n\r\nx\r\n")
		client.sendmail("a@elsewhere.example", ["carl@new.example"], "Subject: new\r\n\r\nx\r\n")
	assert b"Subject: new" in first.wait(1, 20)[0]["data"]
	assert b"Subject: waits" in second.wait(1, 20)[0]["data"]
	assert len(first.messages) == 1


def test_more_files_of_recipients_than_a_process_has_room_for_at_first(start_gateway, open_folder):
	people = open_folder / "people"
	people.write_text("carl@number1499.example\n")
	gw = start_gateway({f"domain number{n}.example": {"mx": "yes", "recipients-file": str(people)} for n in range(1500)})
	with gw.smtp() as client:
		client.ehlo()
		client.mail("a@elsewhere.example")
		assert client.rcpt("carl@number1499.example")[0] == 250
		assert client.rcpt("carl@number1498.example")[0] == 550


def test_reload_says_all_that_needs_a_restart(start_gateway):
	gw = start_gateway()
	right = gw.conf.read_text()
	gw.expect_log("needs restart")
	gw.conf.write_text(right + "deliver { max-connections 7 }\nscan { slots 3 }\npostmaster p@demo.example\n")
	result = gw.run_cli("reload")
	assert result.returncode != 0
	assert "needs restart: scan slots, deliver max-connections" in result.stderr
	while "configuration_refused" not in [row["kind"] for row in gw.cli("audit", "show", json=True)]:
		time.sleep(0.05)
	gw.conf.write_text(right + "postmaster p@demo.example\n")
	assert gw.cli("reload").strip() == "reloaded"


def test_reload_by_signal_is_in_the_record_first(start_gateway):
	gw = start_gateway()
	gw.conf.write_text(gw.conf.read_text().replace("recipients anna", "recipients carla anna"))
	os.kill(gw.process.pid, signal.SIGHUP)
	gw.wait_log("the configuration was read again")
	rows = gw.cli("audit", "show", json=True)
	assert any(row["kind"] == "admin_reload" and "signal=HUP" in row["detail"] for row in rows)


def test_what_an_administrator_does_is_in_the_record_first(start_gateway, peer):
	peer.answer("RCPT", "450 4.2.1 later")
	gw = start_gateway({"domain next.example": {"next-hop": f"127.0.0.1:{peer.port}"}})
	gw.cli("reload")
	with gw.smtp() as client:
		client.sendmail("a@elsewhere.example", ["b@next.example"], "Subject: x\r\n\r\nx\r\n")
	while not any(command.startswith("RCPT") for command in peer.commands):
		time.sleep(0.05)
	number = gw.cli("queue", "list", json=True)[0]["id"]
	for act in ("hold", "show", "release", "retry", "hold", "delete"):
		gw.run_cli("queue", act, number)
	rows = gw.cli("audit", "show", json=True)
	kinds = [row["kind"] for row in rows]
	assert kinds.index("admin_reload") < len(kinds) - 1 - kinds[::-1].index("configuration_loaded")
	acts = [row["kind"] for row in rows if row["subject"] == number and row["kind"].startswith("admin_")]
	assert acts == [f"admin_queue_{act}" for act in ("hold", "show", "release", "retry", "hold", "delete")]
	assert all(f"uid={os.geteuid()}" in row["detail"] for row in rows if row["kind"].startswith("admin_"))
	gw.cli("stop")
	gw.process.wait(20)
	kinds = [row["kind"] for row in gw.cli("audit", "show", json=True)]
	assert kinds.index("admin_stop") < kinds.index("stopped")


def test_reload_of_a_wrong_file_changes_nothing(start_gateway):
	gw = start_gateway()
	right = gw.conf.read_text()
	gw.conf.write_text(right + "\nnonsense yes\n")
	gw.expect_log("nonsense|configuration")
	result = gw.run_cli("reload")
	assert result.returncode != 0 and "nonsense" in result.stderr
	gw.conf.write_text(right)
	with gw.smtp() as client:
		assert client.ehlo()[0] == 250


def role_pid(gw, name):
	return next(pid for pid, found in storm.processes_of(gw.process.pid).items() if found == name)


@pytest.mark.parametrize("role", ["scan", "deliver", "resolver", "judge-resolver", "report"])
def test_role_that_fails_starts_again_alone_while_clients_stay(start_gateway, role):
	gw = start_gateway()
	gw.expect_log(role + "|ended|gone|message|delivery|maildir|compose")
	with gw.smtp() as client:
		client.ehlo()
		os.kill(role_pid(gw, role), signal.SIGKILL)
		gw.wait_log(rf"{role} .*ended by signal 9")
		client.sendmail("a@elsewhere.example", ["anna@demo.example"], "Subject: x\r\n\r\nx\r\n")
	gw.maildir("anna", 1, 30)


def test_core_role_that_fails_brings_the_gateway_back(start_gateway):
	gw = start_gateway()
	gw.expect_log(".")
	os.kill(role_pid(gw, "queue"), signal.SIGKILL)
	gw.wait_log("starting it again")
	end = time.monotonic() + 20
	while gw.run_cli("status").returncode != 0:
		assert time.monotonic() < end
		time.sleep(0.1)
	with gw.smtp() as client:
		client.sendmail("a@elsewhere.example", ["anna@demo.example"], "Subject: x\r\n\r\nx\r\n")
	gw.maildir("anna", 1, 30)


def test_audit_record_is_whole_and_a_change_is_found(start_gateway):
	gw = start_gateway()
	with gw.smtp() as client:
		client.sendmail("a@elsewhere.example", ["anna@demo.example"], "Subject: x\r\n\r\nx\r\n")
	gw.maildir("anna", 1)
	assert gw.stop() == 0
	head = re.search(r"head (\S+)", gw.cli("audit", "verify"))[1]
	segment = next((gw.home / "state/audit").glob("*.log"))
	lines = segment.read_text().splitlines(keepends=True)
	segment.write_text("".join(line for line in lines if "message_accepted" not in line))
	result = gw.run_cli("audit", "verify", "--head", head)
	assert result.returncode == 65 and "removed" in result.stdout + result.stderr


def test_status_shows_the_layers_of_every_process(gw):
	for row in gw.cli("status", json=True)["processes"]:
		assert "seccomp" in row["layers"] and "landlock" in row["layers"], row


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_gateway_runs_without_root():
	"""Below /tmp, since the places of the tests may be closed to other users; so may the programs."""
	with tempfile.TemporaryDirectory(prefix="postern-user-") as home:
		Path(home, "build").mkdir()
		for program in [BUILD / "postern", BUILD / "posternd", *BUILD.glob("postern-*")]:
			if program.is_file():
				shutil.copy(program, Path(home, "build"))
		shutil.copytree(ROOT / "share", Path(home, "share"))
		shutil.copy(ROOT / "tests/leaks.supp", home)
		for path in (home, f"{home}/build", f"{home}/share"):
			os.chown(path, 65534, 65534)
		result = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "/usr/bin/python3",
			"share/demo.py", "--once", "--home", f"{home}/build/demo", "--port", str(free_port()), "--build", f"{home}/build"],
			capture_output=True, text=True, cwd=home, timeout=120, check=False,
			env={**os.environ, "LSAN_OPTIONS": f"suppressions={home}/leaks.supp:print_suppressions=0"})
	assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
