# SPDX-License-Identifier: Apache-2.0
"""Subcommands that read what strangers made, without a gateway: aggregate reports, pictures and certificates."""

import gzip
import io
import json
import os
import resource
import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("POSTERN_BUILD") or ROOT / "build")
BIMI = ROOT / "tests" / "cases" / "bimi"

REPORT = b"""<?xml version="1.0"?>
<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0"><version>1.0</version>
<report_metadata><org_name>Receiver</org_name><email>a@example.org</email><report_id>1</report_id>
<date_range><begin>1669507200</begin><end>1669593599</end></date_range></report_metadata>
<policy_published><domain>example.com</domain><p>reject</p></policy_published>
<record><row><source_ip>192.0.2.1</source_ip><count>3</count><policy_evaluated><disposition>reject</disposition>
<dkim>fail</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>example.com</header_from></identifiers>
<auth_results><spf><domain>evil.test</domain><result>pass</result></spf></auth_results></record></feedback>
"""


def postern(*arguments, data=None):
	return subprocess.run([BUILD / "postern", *map(str, arguments)], input=data, capture_output=True, timeout=60, check=False)


def packed_as(kind):
	if kind == "gzip":
		return gzip.compress(REPORT)
	if kind == "zip":
		archive = io.BytesIO()
		with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
			out.writestr("a.xml", REPORT)
		return archive.getvalue()
	if kind == "mail":
		return b"MIME-Version: 1.0\r\nContent-Type: text/xml\r\n\r\n" + REPORT
	return REPORT


@pytest.mark.parametrize("kind", ["xml", "gzip", "zip", "mail"])
def test_a_report_is_read_however_it_is_packed(kind):
	run = postern("--json", "dmarc", "report", "-", data=packed_as(kind))
	assert run.returncode == 0, run.stderr
	report = json.loads(run.stdout)
	assert report["policy_published"]["p"] == "reject"
	assert report["messages"] == 3
	assert report["record"][0]["row"]["policy_evaluated"] == {"disposition": "reject", "dkim": "fail", "spf": "fail",
		"reason": []}


def test_a_report_is_a_table_for_people():
	run = postern("dmarc", "report", "-", data=REPORT)
	assert b"192.0.2.1  3         reject   fail  fail  example.com" in run.stdout
	assert b"spf=pass evil.test" in run.stdout


def test_several_files_are_one_array(tmp_path):
	for name in ("a", "b"):
		(tmp_path / name).write_bytes(REPORT)
	run = postern("--json", "dmarc", "report", tmp_path / "a", tmp_path / "b")
	assert [report["messages"] for report in json.loads(run.stdout)] == [3, 3]


@pytest.mark.parametrize("make, says", [
	(lambda: gzip.compress(b"<feedback>" + b"<x>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</x>\n" * 2500000), b"limit of the ratio"),
	(lambda: b"<feedback>" + b"<a>" * 100000, b"deeper within each other than the limit"),
	(lambda: b"<feedback><error>" + b"a" * 1000000, b"more text than its limit"),
	(lambda: b'<!DOCTYPE f [<!ENTITY a "aaaa">]><feedback>&a;</feedback>', b"declares a document type"),
	(lambda: b"hello", b"is no report"),
], ids=["bomb", "depth", "text", "entities", "no-report"])
def test_a_hostile_report_is_refused_with_one_line(make, says):
	data = make()
	before = resource.getrusage(resource.RUSAGE_CHILDREN)
	run = postern("dmarc", "report", "-", data=data)
	after = resource.getrusage(resource.RUSAGE_CHILDREN)
	assert run.returncode == 65
	assert says in run.stderr and run.stderr.count(b"\n") == 1
	assert run.stdout == b""
	assert after.ru_utime - before.ru_utime < 3


def test_a_picture_and_its_certificate(tmp_path):
	arguments = ["--certificate", BIMI / "mark.pem", "--roots", BIMI / "root.pem", "--domain", "example.com"]
	run = postern("bimi", "check", BIMI / "logo.svg", *arguments)
	assert run.returncode == 0, run.stderr
	assert b"the certificate is good" in run.stdout
	other = tmp_path / "other.svg"
	other.write_bytes((BIMI / "logo.svg").read_bytes().replace(b"<rect", b"<script/><rect"))
	run = postern("--json", "bimi", "check", other, *arguments)
	assert run.returncode == 1
	found = json.loads(run.stdout)
	assert found["svg"]["problems"] == ["script"]
	assert found["certificate"]["problems"] == ["other-picture"]
