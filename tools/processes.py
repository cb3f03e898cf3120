# SPDX-License-Identifier: Apache-2.0
"""The table of processes in ARCHITECTURE.md: what its columns must say by src/role/process.def (peers, what
is handed over) and src/sandbox/profiles.c (calls, root directory, network). Used by check-docs.
"""

import re

import common

DOCUMENT = "ARCHITECTURE.md"
HEAD = "| process | user | does | talks with | may call beside memory, time and its channels | stands in, is handed |"
CALLS = {
	"CHANNELS": "make channels",
	"ACCEPT": "accept connections",
	"CONNECT": "connect by TCP",
	"RESOLVER": "send by UDP",
	"FILES": "files below its directory",
	"DATABASE": "what SQLite needs beside",
	"MAP_FILE": "map the message",
	"MEMFD": "make sealed memory",
	"SUPERVISE": "accept commands, read files, wait for its children",
	"FORK": "fork, filter and end rooms",
}
THINGS = {
	"LISTENER": "listening sockets",
	"RECIPIENTS": "recipients",
	"CERTIFICATE": "the certificate",
	"TRUST_ANCHOR": "keys of the DNS root",
	"DIRECTORY": "Maildirs",
}


def read_profiles():
	"""{profile: (is its network its own, root, groups of calls)}"""
	text = common.blank_comments(common.read("src/sandbox/profiles.c"), keep_strings=True)
	zygote = re.search(r"#define ZYGOTE_CALLS\s*\(([^)]*)\)", text).group(1)
	result = {}
	for row in re.finditer(r'\{\s*"([a-z -]+)",\s*(true|false),\s*SANDBOX_ROOT_(\w+),([^}]*)\}', text):
		calls = row.group(4).replace("ZYGOTE_CALLS", zygote)
		result[row.group(1)] = row.group(2) == "true", row.group(3), re.findall(r"SANDBOX_CALLS_(\w+)", calls)
	return result


def read_table(macro):
	text = common.read("src/role/process.def")
	return [re.split(r",\s*", row.group(1)) for row in re.finditer(rf"^{macro}\((.*)\)$", text, re.MULTILINE)]


def peers_of(role):
	"""audit and posternd go without saying: everyone has a channel to them."""
	pairs = [(a, b) for a, b, _edge in read_table("PEERS") if role in (a, b)]
	names = {a if b == role else b for a, b in pairs} - {"AUDIT", "POSTERND"}
	return ", ".join(sorted(name.lower().replace("_", "-") for name in names)) or "every role"


def calls_text(own_network, groups):
	words = [CALLS[group] for group in CALLS if group in groups]
	return "; ".join([", ".join(words) or "nothing more", *([] if own_network else ["in the machine's network"])])


def place_text(name, root, identifier):
	place = {"EMPTY": "an empty directory", "STATE": f"`state/{name}`", "WHOLE": "the whole tree"}[root]
	things = [THINGS[thing] for process, thing in read_table("HAS") if process == identifier and thing in THINGS]
	return f"{place}; {', '.join(things)}" if things else place


def expected():
	"""{name in the table: {column: text}}; the columns of a room that only its role knows are left out."""
	profiles = read_profiles()
	result = {"posternd": {4: calls_text(*profiles["posternd"][::2]), 5: "the whole tree"}}
	for identifier, quoted, _owner, profile, room, _user in read_table("PROCESS"):
		name = quoted.strip('"')
		own_network, root, groups = profiles[(room if room != "NULL" else profile).strip('"')]
		row = {4: calls_text(own_network, groups)}
		if room == "NULL":
			row |= {3: peers_of(identifier), 5: place_text(name, root, identifier)}
		result[name if room == "NULL" else f"{name} room"] = row
	return result


def rows_of(lines):
	"""(line number from 0, name, cells) of each row of the table."""
	start = lines.index(HEAD) + 2 if HEAD in lines else len(lines)
	for number in range(start, len(lines)):
		if not lines[number].startswith("|"):
			return
		cells = [cell.strip() for cell in lines[number].strip().strip("|").split("|")]
		yield number, cells[0].replace("&nbsp;", "").strip("` "), cells


def check(found, is_fixing):
	lines = common.read(DOCUMENT).splitlines()
	wanted = expected()
	for number, name, cells in rows_of(lines):
		for column, text in wanted.pop(name, {}).items():
			if cells[column] != text and not is_fixing:
				found.add(DOCUMENT, number + 1, f"{name}: '{cells[column]}' is not what the tables say", "tools/check-docs --fix")
			cells[column] = text
		lines[number] = "| " + " | ".join(cells) + " |"
	for name in wanted:
		found.add(DOCUMENT, 0, f"the process {name} is not in the table", f"add a row below: {HEAD}")
	if is_fixing:
		(common.ROOT / DOCUMENT).write_text("\n".join(lines) + "\n", encoding="utf-8")
