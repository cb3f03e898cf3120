# SPDX-License-Identifier: Apache-2.0
"""Runs a command where the only server of names is one that knows a table:

    unshare --net --mount names_alone.py TABLE.json COMMAND ...

TABLE.json is {name: {"TXT": ["text"], "A": ["192.0.2.1"], "PTR": ["name"], "MX": [[10, "name"]]}}; null in place of a
list is a server failure. /etc/resolv.conf is another file for the command, and 127.0.0.1 its server.
"""

import json
import subprocess
import sys
import tempfile

import peers


class Names(peers.Names):
	"""With the kinds that the checks of a message ask for, on the port of names."""

	KINDS = {**peers.Names.KINDS, 12: "PTR", 16: "TXT"}

	def __init__(self, table):
		self.port_wanted = 53
		super().__init__(table)

	def server_bind(self):
		self.server_address = ("127.0.0.1", self.port_wanted)
		super().server_bind()

	def answer(self, name, kind):
		if kind not in (12, 16) or not self.table.get(name, {}).get(self.KINDS[kind]):
			return super().answer(name, kind)
		rows = self.table[name][self.KINDS[kind]]
		return 0, [peers.wire_name(row) if kind == 12 else bytes([len(row)]) + row.encode() for row in rows]


def main():
	subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
	with tempfile.NamedTemporaryFile("w") as file:
		file.write("nameserver 127.0.0.1\n")
		file.flush()
		subprocess.run(["mount", "--bind", file.name, "/etc/resolv.conf"], check=True)
		with open(sys.argv[1], encoding="utf-8") as table:
			names = Names(json.load(table))
		status = subprocess.run(sys.argv[2:], check=False).returncode
		names.stop()
	return status


if __name__ == "__main__":
	sys.exit(main())
