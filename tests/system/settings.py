# SPDX-License-Identifier: Apache-2.0
"""The configuration of a gateway under test, as a table: block -> setting -> value (or None to leave
it out). A test changes rows of it; render() writes the text."""

import copy

BASE = {
	"": {
		"hostname": "gateway.test.example",
		"stop-time": "2s",
		"log-level": "debug",
	},
	"listener public": {
		"tls": "starttls",
		"pregreet-wait": "0",
		"rate-exempt": "127.0.0.0/8",
	},
	"listener secure": {
		"tls": "implicit",
		"pregreet-wait": "0",
		"rate-exempt": "127.0.0.0/8",
	},
	"domain demo.example": {
		"recipients": "anna bob jürgen",
	},
	"queue": {
		"reserve": "1M",
		"min-free": "0",
		"retry": "1s 1s 2s",
	},
	"resolver": {
		"mode": "stub",
	},
}


def merge(*tables):
	result = copy.deepcopy(BASE)
	for table in tables:
		for block, rows in table.items():
			if rows is None:
				result.pop(block, None)
			else:
				result.setdefault(block, {}).update(rows)
	return result


def render(table):
	lines = [f"{name} {value}" for name, value in table.get("", {}).items() if value is not None]
	for block, rows in table.items():
		if block:
			lines += ["", block + " {", *(f"\t{n} {v}" for n, v in rows.items() if v is not None), "}"]
	return "\n".join(lines) + "\n"
