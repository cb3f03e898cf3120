# SPDX-License-Identifier: Apache-2.0
"""The other end of a test's wire, in a network namespace of its own: answers every question for an IPv4
address with its own, and runs smtp-sink on port 25. Arguments: address with its length, file for what comes.
"""

import socket
import subprocess
import sys
import time


def wait_for_wire():
	while subprocess.run(["ip", "link", "show", "wire1"], capture_output=True, check=False).returncode != 0:
		time.sleep(0.1)
	for words in ("link set lo up", f"address add {sys.argv[1]} dev wire1", "link set wire1 up"):
		subprocess.run(["ip", *words.split()], check=True)


def answer(question, address):
	end = 12
	while question[end]:
		end += question[end] + 1
	kind, end = question[end + 1:end + 3], end + 5
	records = b"" if kind != b"\0\1" else b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(address)
	return question[:2] + b"\x84\0\0\1" + (b"\0\1" if records else b"\0\0") + bytes(4) + question[12:end] + records


def main():
	wait_for_wire()
	address = sys.argv[1].split("/")[0]
	with subprocess.Popen(["smtp-sink", "-u", "root", "-D", sys.argv[2], f"{address}:25", "100"]):
		with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
			server.bind((address, 53))
			while True:
				question, client = server.recvfrom(2000)
				server.sendto(answer(question, address), client)


main()
