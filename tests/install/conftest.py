# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the installation tests: what `make install` leaves in a directory, and a machine with it."""

import os
import re
import subprocess
from pathlib import Path

import machine
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def make(*words):
	return subprocess.run(["make", "-s", *words], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
	"""The directory that `make install PREFIX=/usr DESTDIR=...` has filled."""
	folder = tmp_path_factory.mktemp("tree")
	result = make("install", "PREFIX=/usr", f"DESTDIR={folder}")
	assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
	return folder


@pytest.fixture(scope="session")
def readme():
	"""The section of README.md about a real gateway: its indented blocks, as lists of lines."""
	text = (ROOT / "README.md").read_text(encoding="utf-8")
	section = text[text.index("## A real gateway"):].split("\n## ")[0]
	blocks = re.findall(r"(?m)(?:^    .*\n)+", section)
	return [[line[4:] for line in block.splitlines()] for block in blocks]


@pytest.fixture(scope="session")
def config_text(readme):
	"""The configuration of README.md, letter for letter."""
	return "\n".join(next(block for block in readme if block[0].startswith("hostname"))) + "\n"


@pytest.fixture(scope="session")
def host(tree, config_text, tmp_path_factory):
	"""A machine on which an administrator has installed Postern and written the six lines."""
	if os.geteuid() != 0:
		pytest.skip("only root can make a machine")
	if reason := machine.why_not():
		pytest.skip(reason)
	made = machine.Machine(tmp_path_factory.mktemp("machine"), {"/usr": tree / "usr", "/etc/postern": tree / "etc/postern"})
	made.write("/etc/postern/postern.conf", config_text)
	made.write("/etc/postern/recipients", "anna\nbob\n")
	yield made
	made.end()
