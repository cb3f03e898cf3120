# SPDX-License-Identifier: Apache-2.0
"""Ordinary mail must not be called ambiguous: at most one in a thousand of the ham of the spam pack."""

import collections
import shutil
import subprocess
import tempfile
from pathlib import Path

import common

MOST = 0.001


def read_all(files):
	"""[(limit that was met or "-", reasons)] of each file."""
	program = common.BUILD / "tests" / "suites" / "mime_dump"
	run = subprocess.run([program], input="\n".join(map(str, files)), stdout=subprocess.PIPE, text=True, errors="replace", check=True)
	return [(line.split("\t")[1], line.split("\t")[2].split()) for line in run.stdout.splitlines()]


def run(archive):
	suite = common.Suite("mime", "ham", "mime_differences.tsv")
	if not archive.exists() or not shutil.which("zstd"):
		print(f"  SKIP ham: {archive} or zstd is absent")
		return None
	with tempfile.TemporaryDirectory(prefix="postern-ham-") as folder:
		unpack = subprocess.Popen(["zstd", "-dc", "--long=27", archive], stdout=subprocess.PIPE)
		subprocess.run(["tar", "x", "-C", folder], stdin=unpack.stdout, check=True)
		unpack.wait()
		files = sorted((Path(folder) / "ham").rglob("*.eml"))
		found = [reasons for _, reasons in read_all(files)]
	n_ambiguous = sum(1 for reasons in found if reasons)
	counted = collections.Counter(reason for reasons in found for reason in set(reasons))
	print(f"ambiguous ham: {n_ambiguous} of {len(files)}",
		"(" + ", ".join(f"{reason} {n}" for reason, n in counted.most_common()) + ")")
	is_good = n_ambiguous <= MOST * len(files)
	suite.case("ham", [] if is_good else [("ambiguous", f"at most {MOST * len(files):.0f}", n_ambiguous)])
	return suite
