# SPDX-License-Identifier: Apache-2.0
"""An administrator's first hour, on a machine with systemd as its first process: the commands of README.md in
their order, the six lines of its configuration, mail on port 25, and a process that fails. The tests of this
file follow one another on one machine.
"""

import json
import re
import signal
from pathlib import Path

CLIENT = """
import smtplib, sys
with smtplib.SMTP(sys.argv[1], int(sys.argv[2]), "client.elsewhere.example", timeout=30) as client:
	print(client.sendmail("ann@elsewhere.example", ["anna@example.com"], "Subject: " + sys.argv[3] + "\\r\\n\\r\\nhello\\r\\n"))
"""
WARNING = re.compile(r"^\S+ +(?:warning|error) .*", re.MULTILINE)
NEXT_HOP = "11.0.0.2"
NEXT_HOP_PROGRAM = Path(__file__).parent / "nexthop.py"


def send(host, subject, address="127.0.0.1", port=25):
	return host.run("/usr/bin/python3", "-c", CLIENT, address, port, subject)


def commands_of(readme):
	"""Every command of the section behind `make install`, without the remark at its end."""
	lines = [line.split("  #")[0].strip() for block in readme for line in block if not block[0].startswith("hostname")]
	return [line for line in lines if line and not line.startswith("make ")]


def warnings_of(host):
	return [line for line in WARNING.findall(host.journal()) if "root servers" not in line]


def status_of(host):
	return {row["process"]: row for row in json.loads(host.run("postern", "status", "--json").stdout)["processes"]}


def test_commands_of_the_readme_in_their_order(host, readme):
	commands = commands_of(readme)
	assert any("systemctl enable --now" in line for line in commands)
	for line in commands:
		# The whole drill is a step of ./test; here is whether the installed one finds its programs.
		line = line + ' --only "session room"' if line.startswith("postern drill") else line
		host.run("sh", "-ec", line, seconds=300)
	assert warnings_of(host) == []


def test_units_have_no_fault(host):
	units = ("postern.service", "postern-smtp.socket", "postern-smtps.socket")
	result = host.run("systemd-analyze", "verify", *(f"/lib/systemd/system/{unit}" for unit in units), check=False)
	assert not [line for line in result.stderr.splitlines() if "postern" in line], result.stderr
	text = host.run("systemd-analyze", "security", "--no-pager", "--threshold=40", "postern.service", check=False)
	assert text.returncode == 0, text.stdout[-300:]
	for unit, setting in (("postern.service", "Type=notify"), ("postern.service", "NRestarts=0"),
			("postern-smtp.socket", "ActiveState=active"), ("postern-smtps.socket", "ActiveState=inactive")):
		assert host.run("systemctl", "show", "-p", setting.split("=")[0], unit).stdout.strip() == setting
	assert int(host.run("systemctl", "show", "-p", "TasksMax", "--value", "postern.service").stdout) == 20000


def test_every_process_has_its_user_and_every_layer(host):
	rows = status_of(host)
	assert len({row["user"] for row in rows.values()}) == len(rows) == 16
	for name, row in rows.items():
		assert {"user", "root", "caps", "seccomp", "landlock"} <= set(row["layers"].split()), (name, row["layers"])
		assert ("network" in row["layers"].split()) == (name not in ("deliver", "resolver", "judge-resolver")), name
	main = host.run("systemctl", "show", "-p", "MainPID", "--value", "postern.service").stdout.strip()
	user = host.run("id", "-u", "postern").stdout.strip()
	text = host.run("cat", f"/proc/{main}/status").stdout
	assert f"Uid:\t{user}\t{user}\t{user}\t{user}" in text and "CapEff:\t0000000000000000" in text


def test_mail_is_accepted_on_port_25_and_waits_while_the_dns_is_silent(host):
	send(host, "first")
	host.wait("a queue that says why", lambda: "no answer from the DNS" in host.run("postern", "queue", "list").stdout)
	host.wait("a line about the DNS", lambda: "root servers of the DNS" in host.journal())


def test_mail_reaches_the_next_hop_when_its_name_is_known(host, config_text):
	peer = host.start("unshare", "-n", "/usr/bin/python3", "-c", NEXT_HOP_PROGRAM.read_text(encoding="utf-8"),
		f"{NEXT_HOP}/24", "/tmp/sink/%s")
	try:
		host.run("mkdir", "-p", "/tmp/sink")
		host.run("ip", "link", "add", "name", "wire0", "type", "veth", "peer", "name", "wire1", "netns", host.pid_in(peer))
		host.run("ip", "address", "add", "11.0.0.1/24", "dev", "wire0")
		host.run("ip", "link", "set", "wire0", "up")
		host.write("/etc/postern/postern.conf", config_text
			+ f"resolver {{ mode stub }}\nstub-zone example.com {{ server {NEXT_HOP} }}\n")
		host.run("systemctl", "reload", "postern.service")
		host.wait("a resolver with the new settings", lambda: status_of(host)["resolver"]["restarts"] == 1)
		host.run("postern", "queue", "retry", "all")
		host.wait("the mail at the next hop", lambda: "Subject: first" in host.run("sh", "-c", "cat /tmp/sink/* 2>/dev/null", check=False).stdout)
		send(host, "second", "::1")
		host.wait("the second", lambda: "Subject: second" in host.run("sh", "-c", "cat /tmp/sink/*").stdout)
	finally:
		peer.kill()
		peer.wait(10)


def test_core_process_that_fails_comes_back_while_clients_wait(host):
	pid = status_of(host)["queue"]["pid"]
	host.run("kill", "-KILL", pid)
	send(host, "third")  # systemd holds the port: the client waits instead of failing
	host.wait("a new queue", lambda: status_of(host)["queue"]["pid"] != pid)
	assert host.run("systemctl", "show", "-p", "NRestarts", "--value", "postern.service").stdout.strip() == "1"


def test_socket_that_no_listener_names_is_told(host):
	host.run("systemctl", "stop", "postern.service")
	host.run("systemctl", "start", "postern-smtps.socket", "postern.service")
	assert "a socket unit holds 0.0.0.0:465, which no listener names" in host.journal()
	host.run("systemctl", "stop", "postern-smtps.socket")


def test_stop_is_clean_and_the_record_whole(host):
	host.run("systemctl", "stop", "postern.service", "postern-smtp.socket")
	assert host.run("systemctl", "show", "-p", "Result", "--value", "postern.service").stdout.strip() == "success"
	assert "every record is there" in host.run("postern", "audit", "verify").stdout
	assert host.run("pgrep", "-c", "posternd", check=False).stdout.strip() == "0"


def test_port_that_another_program_has_is_one_line_with_the_cure(host):
	other = host.start("/usr/bin/python3", "-c", "import socket, time; s = socket.create_server(('0.0.0.0', 25)); time.sleep(60)")
	host.wait("the other program", lambda: ":0019 00000000:0000 0A" in host.run("cat", "/proc/net/tcp").stdout)
	result = host.run("posternd", "--config", "/etc/postern/postern.conf", check=False)
	other.send_signal(signal.SIGKILL)
	other.wait(10)
	assert result.returncode == 69
	assert re.fullmatch(r"error 0\.0\.0\.0:25 is in use by another program: .*ss -ltnp.*\n", result.stderr), result.stderr
