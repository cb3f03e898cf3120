# SPDX-License-Identifier: Apache-2.0
"""What DMARC found is counted, and the day after its owner gets a report that the gateway itself can read."""

import email
import re
import sqlite3
import time

import pytest

NAMES = {
	"pass.test": {"TXT": ["v=spf1 ip4:127.0.0.1 -all"]},
	"_dmarc.pass.test": {"TXT": ["v=DMARC1; p=reject; rua=mailto:anna@demo.example,mailto:anna@unasked.test"]},
	"unasked.test": {"TXT": []},
	"pass.test._report._dmarc.demo.example": {"TXT": ["v=DMARC1"]},
	"silent.test": {"TXT": ["v=spf1 ip4:127.0.0.1 -all"]},
	"_dmarc.silent.test": {"TXT": ["v=DMARC1; p=reject"]},
	"1.0.0.127.in-addr.arpa": {"PTR": ["client.elsewhere.example"]},
	"client.elsewhere.example": {"A": ["127.0.0.1"], "TXT": []},
}
ZONES = ("test", "example", "127.in-addr.arpa")


def send(gw, domain):
	with gw.smtp() as client:
		client.sendmail(f"b@{domain}", ["anna@demo.example"],
			f"From: b@{domain}\r\nTo: anna@demo.example\r\nSubject: hello\r\n\r\nGood day.\r\n")


def age(database):
	"""As if a day had gone by."""
	with sqlite3.connect(database) as db:
		for table in ("row", "destination"):
			db.execute(f"UPDATE {table} SET day = day - 1")
	db.close()


def wait_counter(gw, name, value, seconds=20):
	"""Of the role report."""
	end = time.monotonic() + seconds
	while True:
		counters = {(row["role"], row["counter"]): row["value"] for row in gw.cli("status", json=True)["counters"]}
		if counters.get(("report", name)) == value:
			return
		assert time.monotonic() < end, f"report has {counters.get(('report', name))} {name}, not {value}"
		time.sleep(0.1)


@pytest.fixture
def start(start_gateway, make_names):
	names = make_names(NAMES)
	def start():
		return start_gateway({
			**{f"stub-zone {zone}": {"server": f"127.0.0.1:{names.port}"} for zone in ZONES},
			"dmarc-report": {"send": "yes", "time": "0", "from": "reports@demo.example", "organisation": '"Demo & Sons"'},
		})
	return start


def test_the_owner_gets_a_report_the_day_after(start, tmp_path):
	gw = start()
	for domain in ("pass.test", "pass.test", "silent.test"):
		send(gw, domain)
	gw.maildir("anna", 3)
	wait_counter(gw, "evaluations", 2)
	gw.stop()
	age(gw.home / "state" / "report" / "report.db")
	gw.start().wait_ready()
	mails = [email.message_from_bytes(path.read_bytes()) for path in gw.maildir("anna", 4)]
	report = next(mail for mail in mails if mail["Subject"].startswith("Report Domain:"))
	assert re.sub(r"\s+", " ", report["Subject"]).startswith("Report Domain: pass.test Submitter: gateway.test.example Report-ID: <")
	assert report["From"] == "<reports@demo.example>"
	name = next(part.get_filename() for part in report.walk() if part.get_content_type() == "application/gzip")
	assert re.fullmatch(r"gateway\.test\.example!pass\.test!\d+!\d+!\w+\.xml\.gz", name)
	whole = tmp_path / "report.eml"
	whole.write_bytes(report.as_bytes())
	read = gw.cli("dmarc", "report", whole, json=True)
	assert read["report_metadata"]["org_name"] == "Demo & Sons"
	assert read["policy_published"]["domain"] == "pass.test" and read["policy_published"]["p"] == "reject"
	assert read["messages"] == 2 and len(read["record"]) == 1
	row = read["record"][0]["row"]
	assert row["source_ip"] == "127.0.0.1"
	assert row["policy_evaluated"] == {"disposition": "pass", "dkim": "fail", "spf": "pass", "reason": []}
	wait_counter(gw, "reports_sent", 1)
