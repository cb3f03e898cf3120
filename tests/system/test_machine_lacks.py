# SPDX-License-Identifier: Apache-2.0
"""What an administrator reads where the machine lacks something: one line each, with the cure or with what is
weaker now, and a gateway that works or does not start."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import BUILD

WITHOUT = [sys.executable, str(Path(__file__).parent / "without.py")]
NO_NAMESPACES = [*WITHOUT, "unshare:EPERM", "--"]
NO_LANDLOCK = [*WITHOUT, "landlock_create_ruleset:ENOSYS", "--"]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user, or be refused something")


def refusal(gw, wrapper=()):
	"""The last line of a gateway that does not start, and its status."""
	gw.wrapper = list(wrapper)
	gw.expect_log(".")
	gw.start()
	status = gw.process.wait(30)
	gw.reader.join(5)
	gw.process = None
	return gw.lines[-1], status


def warnings_of(gw):
	return [line for line in gw.lines if re.search(r"(^|\s)warning ", line)]


def start_without(gw, wrapper):
	gw.wrapper = wrapper
	gw.expect_log("no namespaces here|no Landlock here|CAP_SYS_CHROOT")
	gw.start().wait_ready()
	with gw.smtp() as client:
		client.sendmail("a@elsewhere.example", ["anna@demo.example"], "Subject: x\r\n\r\nx\r\n")
	gw.maildir("anna", 1)
	return {row["process"]: set(row["layers"].split()) for row in gw.cli("status", json=True)["processes"]}


def test_no_namespaces_is_one_line_and_mail_goes_on(make_gateway):
	gw = make_gateway()
	layers = start_without(gw, NO_NAMESPACES)
	assert not any({"network", "ipc+uts"} & found for found in layers.values())
	cure = "CAP_SYS_ADMIN" if os.geteuid() == 0 else "user.max_user_namespaces"
	assert len(warnings_of(gw)) == 1 and re.search(rf"no namespaces here: .*{cure}.*only Landlock and the call filter", warnings_of(gw)[0])


def test_no_namespaces_where_they_are_required_is_the_end(make_gateway):
	line, status = refusal(make_gateway({"": {"require-namespaces": "yes"}}), NO_NAMESPACES)
	assert status == 69 and re.search("no namespaces here: .*require-namespaces no", line), line


@needs_root
def test_root_without_its_capabilities_is_one_line(make_gateway, tmp_path):
	gw = make_gateway({"": {"state": f'"{tmp_path}/state"'}})  # below a directory that is closed to its users
	layers = start_without(gw, ["setpriv", "--bounding-set", "-setpcap"])
	assert not any("root" in found for found in layers.values()) and all("user" in found for found in layers.values())
	assert len(warnings_of(gw)) == 1 and "give both to the container or unit" in warnings_of(gw)[0]


def test_kernel_below_the_minimum_does_not_start(make_gateway):
	line, status = refusal(make_gateway(), NO_LANDLOCK)
	assert status == 69 and re.search("Landlock version 0, and minimum-landlock is 2: use a newer kernel, .* lower", line), line


def test_no_landlock_is_one_line_where_it_is_allowed(make_gateway):
	gw = make_gateway({"": {"minimum-landlock": "0"}})
	layers = start_without(gw, NO_LANDLOCK)
	assert not any("landlock" in found for found in layers.values())
	assert len(warnings_of(gw)) == 1 and re.search("no Landlock here: use Linux 5.13 .*fewer layers", warnings_of(gw)[0])


def test_too_few_layers_is_the_end(make_gateway):
	gw = make_gateway({"": {"minimum-landlock": "0", "minimum-layers": "4"}})
	line, status = refusal(gw, NO_LANDLOCK)
	assert status == 69 and any(re.search("under too few layers .*minimum-layers asks for 4", found) for found in gw.lines), line


def test_address_that_is_not_of_this_machine(make_gateway):
	line, status = refusal(make_gateway({"listener public": {"address": "192.0.2.1:2525"}}))
	assert status == 69 and re.search(r"cannot listen on 192\.0\.2\.1:2525: .*address of this machine", line), line


@needs_root
def test_port_25_without_root(tmp_path):
	conf = Path(f"/tmp/postern-port-{os.getpid()}.conf")
	conf.write_text("hostname mx.example.com\nlistener a { address 127.0.0.1:25 }\ndomain example.com { next-hop 192.0.2.1 }\n", encoding="ascii")
	with open(BUILD / "posternd", "rb") as program:
		result = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", f"/proc/self/fd/{program.fileno()}",
			"--config", conf], pass_fds=[program.fileno()], capture_output=True, text=True, check=False, timeout=30)
	conf.unlink()
	assert result.returncode == 77
	assert re.search(r"127\.0\.0\.1:25 needs root or a socket unit: start as root, or use a port from 1024 on", result.stderr), result.stderr


@needs_root
def test_user_that_is_missing_names_the_command(make_gateway):
	gw = make_gateway({"": {"uid-base": "0"}})
	line, status = refusal(gw)
	assert status == 67 and re.search("no system user postern.*systemd-sysusers", line), line


def test_silent_dns_is_one_line(make_gateway):
	with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
		silent.bind(("127.0.0.1", 0))
		gw = make_gateway({"resolver": {"mode": "forward", "forwarder": f"127.0.0.1:{silent.getsockname()[1]}", "timeout": "1s", "dnssec": "no"}})
		gw.expect_log("no answer from any forwarder")
		gw.start().wait_ready()
		gw.wait_log("resolver +warning no answer from any forwarder: .*mail waits; check their addresses", 30)
		assert len(warnings_of(gw)) == 1
