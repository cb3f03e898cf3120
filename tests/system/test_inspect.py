# SPDX-License-Identifier: Apache-2.0
"""postern inspect, which needs no gateway: what it shows of one message, and that a message cannot move the
terminal of the administrator who looks at it."""

import json
import os
import subprocess
from pathlib import Path

BUILD = Path(os.environ.get("POSTERN_BUILD", Path(__file__).resolve().parents[2] / "build"))

MESSAGE = b"""From: =?utf-8?q?Ann_=C3=84?= <ann@example.com>\r
Subject: two readings\r
Content-Type: multipart/mixed; boundary=a; boundary=b\r
\r
--a\r
Content-Type: text/plain\r
\r
see https://example.org/x\r
--b\r
Content-Disposition: attachment; filename=x.exe\r
Content-Transfer-Encoding: base64\r
\r
TVo=\r
--a--\r
--b--\r
"""


def inspect(*arguments, data=MESSAGE):
	return subprocess.run([BUILD / "postern", "inspect", *arguments, "-"], input=data, stdout=subprocess.PIPE,
		stderr=subprocess.PIPE, timeout=60, check=False)


def test_both_readings_are_shown_and_why():
	answer = json.loads(inspect("--json").stdout)
	assert answer["ambiguities"][0]["reason"] == "two-boundaries"
	assert any(p["is_first_reading"] and p.get("text", "").startswith("see") for p in answer["parts"])
	assert any(p.get("name") == "x.exe" and not p["is_first_reading"] for p in answer["parts"])
	assert any(link["domain"] == "example.org" for link in answer["links"])
	assert answer["parts"][0]["headers"][0]["addresses"][0] == {"name": "Ann Ä", "address": "ann@example.com", "is_ambiguous": False}


def test_text_for_people_says_the_same():
	output = inspect().stdout.decode()
	assert "ambiguous: two-boundaries, part 0" in output
	assert "From: Ann Ä <ann@example.com>" in output


def test_no_control_byte_reaches_the_terminal():
	data = b"Subject: \x1b]0;owned\x07\x9b2J\r\nX-\x1b: y\r\n\r\n\x1b[2J\x00\x08\x7f text \xc2\x9b\r\n"
	for arguments in ((), ("--json",), ("--raw",), ("--raw", "--json")):
		output = inspect(*arguments, data=data).stdout
		assert output
		assert not [byte for byte in output.decode() if (ord(byte) < 32 and byte != "\n") or 0x7f <= ord(byte) < 0xa0]


def test_a_limit_is_told():
	data = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\na\r\n" * 5000
	assert json.loads(inspect("--json", "--summary", data=data).stdout)["trouble"] == "parts"


def test_a_file_that_is_not_there_is_told(tmp_path):
	run = subprocess.run([BUILD / "postern", "inspect", tmp_path / "none"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
	assert run.returncode == 66 and b"No such file" in run.stderr
