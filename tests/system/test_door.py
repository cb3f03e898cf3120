# SPDX-License-Identifier: Apache-2.0
"""Clients that are turned away before they may speak: receive answers them itself, and goes on."""

import os
import signal
import socket
import time

import pytest
import storm

PUBLIC = "listener public"


def receive_of(gw):
	return next(pid for pid, name in storm.processes_of(gw.process.pid).items() if name == "receive")


def connect(gw, says=b""):
	client = socket.create_connection(("127.0.0.1", gw.port), 10)
	if says:
		client.sendall(says)
	return client


def reply_of(client):
	"""All that the server says until it closes."""
	with client:
		return client.makefile("rb").read().decode()


def greeting(client):
	return client.recv(200).decode()


def check_serves_on(gw, pid, **smtp):
	assert receive_of(gw) == pid, "receive was started again"
	with gw.smtp(**smtp) as client:
		assert client.noop()[0] == 250


def test_client_that_speaks_before_the_greeting(start_gateway):
	gw = start_gateway({PUBLIC: {"pregreet-wait": "1s"}})
	pid = receive_of(gw)
	for _ in range(3):
		with connect(gw, b"EHLO early.example\r\n") as client:
			assert greeting(client).startswith("554 5.5.0 ")  # then a reset: receive reads nothing that a client says
	check_serves_on(gw, pid)


def test_client_whose_room_has_died_must_wait(start_gateway):
	gw = start_gateway({"policy": {"crash-pause": "3s"}})
	gw.expect_log(r"a session room \(process \d+\) ended by signal 9")
	pid = receive_of(gw)
	with connect(gw) as client:
		assert greeting(client).startswith("220 ")
		room, = (pid for pid, name in storm.processes_of(gw.process.pid).items() if name == "session room")
		os.kill(room, signal.SIGKILL)
		assert client.recv(200) == b""
	time.sleep(0.3)  # until receive and policy have heard of it
	assert reply_of(connect(gw)).startswith("421 4.7.0 ")
	time.sleep(3.1)
	check_serves_on(gw, pid)


def test_client_with_too_many_connections(start_gateway):
	gw = start_gateway({PUBLIC: {"rate-exempt": None, "max-connections-per-client": "2"}})
	pid = receive_of(gw)
	held = [connect(gw) for _ in range(2)]
	assert all(greeting(client).startswith("220 ") for client in held)
	assert reply_of(connect(gw)).startswith("421 4.7.0 ")
	for client in held:
		client.close()
	time.sleep(0.3)
	check_serves_on(gw, pid)


def test_client_that_comes_too_often(start_gateway):
	gw = start_gateway({PUBLIC: {"rate-exempt": None, "connection-rate": "2/1h"}})
	pid = receive_of(gw)
	replies = [greeting(connect(gw)) for _ in range(4)]
	assert [reply.split()[0] for reply in replies] == ["220", "220", "421", "421"]
	assert receive_of(gw) == pid


def test_full_listener(start_gateway):
	gw = start_gateway({PUBLIC: {"max-connections": "2", "max-connections-per-client": "2"}})
	pid = receive_of(gw)
	held = [connect(gw) for _ in range(2)]
	assert all(greeting(client).startswith("220 ") for client in held)
	assert reply_of(connect(gw)).startswith("421 4.3.2 ")
	for client in held:
		client.close()
	time.sleep(0.3)
	check_serves_on(gw, pid)


@pytest.mark.parametrize("role", ["receive", "policy", "keyring"])
def test_role_may_open_a_file_for_each_connection(start_gateway, role):
	gw = start_gateway({PUBLIC: {"max-connections": "3000"}})
	pid = next(pid for pid, name in storm.processes_of(gw.process.pid).items() if name == role)
	with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
		files = next(int(line.split()[3]) for line in limits if line.startswith("Max open files"))
	assert files > 3000
