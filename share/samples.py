# SPDX-License-Identifier: Apache-2.0
"""The sample messages of the demonstration, and what should become of each.

Used by share/demo.py (./run) and tests/system/test_first.py. A sample is sent over real SMTP; its
fate is the reply that the client sees and, for an accepted one, the Maildir file that holds it. Every
run has a token of its own, so that messages of earlier runs are not mistaken for this run's.
"""

import base64
import dataclasses
import email.message
import email.policy
import re
import smtplib
import socket
import ssl
import time
from pathlib import Path
from typing import Callable

SENDER = "someone@elsewhere.example"
DOMAIN = "demo.example"
# Both test strings are put together here, so that no scanner takes this file for what it tests.
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
EICAR = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@dataclasses.dataclass
class Target:
	"""Where to send: the gateway's addresses, and the Maildir root it delivers to."""
	host: str
	port: int
	tls_port: int
	mail: Path
	token: str


@dataclasses.dataclass
class Sample:
	name: str
	recipient: str  # local part
	send: Callable  # (Target, Sample) -> (code, text)
	expect: str     # regular expression on "code text"
	place: str      # "mail" or "refused"

	def message_id(self, target):
		return f"<{self.name.replace(' ', '-')}.{target.token}@elsewhere.example>"


@dataclasses.dataclass
class Fate:
	sample: Sample
	reply: str
	place: str
	ok: bool
	why: str = ""


def insecure_context():
	"""The demonstration's certificate is self-signed; what is shown here is TLS, not trust."""
	context = ssl.create_default_context()
	context.check_hostname = False
	context.verify_mode = ssl.CERT_NONE
	return context


def make_message(sample, target, subject, text):
	message = email.message.EmailMessage(policy=email.policy.SMTP)
	message["From"] = SENDER
	message["To"] = f"{sample.recipient}@{DOMAIN}"
	message["Subject"] = subject
	message["Date"] = email.utils.formatdate()
	message["Message-ID"] = sample.message_id(target)
	message.set_content(text)
	return message


def hand_over(client, sample, message):
	"""One transaction; the reply that decided it."""
	try:
		client.send_message(message, SENDER, [f"{sample.recipient}@{DOMAIN}"])
	except smtplib.SMTPRecipientsRefused as refused:
		code, text = next(iter(refused.recipients.values()))
		return code, text.decode("utf-8", "replace")
	except smtplib.SMTPResponseException as refused:
		text = refused.smtp_error
		return refused.smtp_code, text.decode("utf-8", "replace") if isinstance(text, bytes) else text
	return 250, "accepted"


def send_plain(sample, target, message):
	with smtplib.SMTP(target.host, target.port, "client.elsewhere.example", timeout=60) as client:
		return hand_over(client, sample, message)


def send_ordinary(target, sample):
	text = "Hello,\n\nthis is an ordinary message.\n.\n..and it has lines that begin with a dot.\n"
	return send_plain(sample, target, make_message(sample, target, "An ordinary message", text))


def send_html(target, sample):
	message = make_message(sample, target, "Minutes and a picture", "The minutes are attached.\n")
	message.add_alternative("<p>The <b>minutes</b> are attached.</p>\n", subtype="html")
	message.add_attachment(bytes(range(256)) * 300, maintype="application", subtype="octet-stream",
		filename="minutes.bin")
	with smtplib.SMTP(target.host, target.port, "client.elsewhere.example", timeout=60) as client:
		client.starttls(context=insecure_context())
		return hand_over(client, sample, message)


def send_utf8(target, sample):
	message = make_message(sample, target, "Grüße aus Köln", "Schöne Grüße.\n")
	with smtplib.SMTP_SSL(target.host, target.tls_port, "client.elsewhere.example", timeout=60,
			context=insecure_context()) as client:
		return hand_over(client, sample, message)


def send_gtube(target, sample):
	return send_plain(sample, target, make_message(sample, target, "Test for spam filters", GTUBE + "\n"))


def send_eicar(target, sample):
	message = make_message(sample, target, "Test for virus scanners", "See the attachment.\n")
	message.add_attachment(EICAR.encode(), maintype="application", subtype="octet-stream", filename="eicar.com")
	assert base64.b64encode(EICAR.encode())[:20] in message.as_bytes()
	return send_plain(sample, target, message)


def send_unknown(target, sample):
	return send_plain(sample, target, make_message(sample, target, "Is anybody there?", "Hello?\n"))


def smuggled_id(target):
	return f"<smuggled.{target.token}@elsewhere.example>"


class Line:
	"""A connection spoken by hand, for what no honest client says."""

	def __init__(self, target):
		self.socket = socket.create_connection((target.host, target.port), timeout=60)
		self.file = self.socket.makefile("rb")
		self.replies = []

	def reply(self):
		lines = []
		while True:
			line = self.file.readline()
			if not line:
				return 0, "connection closed"
			lines.append(line.decode("utf-8", "replace").rstrip("\r\n"))
			if lines[-1][3:4] != "-":
				self.replies.append(lines[-1])
				return int(lines[-1][:3]), lines[-1][4:]

	def say(self, data):
		self.socket.sendall(data)
		return self.reply()

	def close(self):
		self.file.close()
		self.socket.close()


def send_smuggled(target, sample):
	"""A second message behind <LF>.<LF>, as in SMTP smuggling (CVE-2023-51764 and its kin). To us it
	is text of the first; a gateway that took it for an end would let the sender forge the second."""
	to = f"{sample.recipient}@{DOMAIN}".encode()
	inner = (b"MAIL FROM:<director@demo.example>\r\nRCPT TO:<" + to + b">\r\nDATA\r\n"
		b"From: director@demo.example\r\nTo: " + to + b"\r\nSubject: Pay this at once\r\n"
		b"Message-ID: " + smuggled_id(target).encode() + b"\r\n\r\nsmuggled\r\n.\r\n")
	outer = make_message(sample, target, "Two in one", "first\n").as_bytes()
	line = Line(target)
	try:
		for command in (None, b"EHLO client.elsewhere.example\r\n", b"MAIL FROM:<" + SENDER.encode() + b">\r\n",
				b"RCPT TO:<" + to + b">\r\n", b"DATA\r\n"):
			code, text = line.say(command) if command else line.reply()
			if code >= 400 or code == 0:
				return code, text
		code, text = line.say(outer + b"\n.\n" + inner)
		return code, text
	finally:
		line.close()


SAMPLES = [
	Sample("ordinary", "anna", send_ordinary, r"^250 ", "mail"),
	Sample("html and attachment", "bob", send_html, r"^250 ", "mail"),
	Sample("smtputf8", "jürgen", send_utf8, r"^250 ", "mail"),
	Sample("gtube", "anna", send_gtube, r"^550 5\.7\.1 ", "refused"),
	Sample("eicar", "bob", send_eicar, r"^550 5\.7\.1 ", "refused"),
	Sample("unknown recipient", "nobody", send_unknown, r"^550 5\.1\.1 ", "refused"),
	Sample("smuggling", "anna", send_smuggled, r"^250 ", "mail"),
]


def header_of(path):
	"""The header block, with LF line ends, whatever the delivery used."""
	return path.read_bytes().replace(b"\r\n", b"\n").split(b"\n\n", 1)[0]


def find_mail(mail, message_id, seconds=0):
	"""Every delivered file whose own header has this Message-ID; waits for the first."""
	wanted = re.compile(rb"(?mi)^Message-ID:\s*" + re.escape(message_id.encode()) + rb"\s*$")
	end = time.monotonic() + seconds
	while True:
		found = [p for p in Path(mail).glob("*/new/*") if wanted.search(header_of(p))]
		if found or time.monotonic() >= end:
			return found
		time.sleep(0.05)


def judge_smuggling(target, path):
	if find_mail(target.mail, smuggled_id(target), 1):
		return "the smuggled message was delivered"
	data = path.read_bytes()
	if re.search(rb"\r(?!\n)", data) or (b"\r\n" in data and re.search(rb"(?<!\r)\n", data)):
		return "delivered with bare CR or LF"
	if b"director@demo.example" not in data:
		return "the text behind the false end is missing"
	return ""


def play(target, sample):
	"""Sends one sample and says what became of it."""
	code, text = sample.send(target, sample)
	reply = f"{code} {text}".strip()
	found = find_mail(target.mail, sample.message_id(target), 20 if sample.place == "mail" else 0)
	place = str(found[0]) if found else ("refused" if code >= 400 else "not found")
	why = ""
	if not re.search(sample.expect, reply):
		why = f"expected a reply like {sample.expect}"
	elif sample.place == "mail" and len(found) != 1:
		why = f"expected in one Maildir file, found in {len(found)}"
	elif sample.place == "refused" and found:
		why = "refused, and delivered all the same"
	elif sample.name == "smuggling":
		why = judge_smuggling(target, found[0])
	return Fate(sample, reply, place, not why, why)
