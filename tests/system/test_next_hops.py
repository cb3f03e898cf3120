# SPDX-License-Identifier: Apache-2.0
"""Real next servers: Postfix by SMTP with STARTTLS, Dovecot by LMTP. What they refuse comes back as a bounce."""

import os
import shutil
import signal
import socket
import subprocess
import time

import pytest
from conftest import free_port

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Postfix and Dovecot start as root only")
NOBODY = 65534
BODY = "From: bob@demo.example\r\nSubject: to a real one\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" \
	"Grüße,\r\n.a line that begins with a dot\r\n" + "x" * 2000 + "\r\n"


def await_port(port):
	end = time.monotonic() + 30
	while time.monotonic() < end:
		try:
			return socket.create_connection(("127.0.0.1", port), 1).close()
		except OSError:
			time.sleep(0.1)
	raise AssertionError(f"nobody listens on port {port}")


def wait_files(folder, count):
	end = time.monotonic() + 20
	while time.monotonic() < end:
		found = list(folder.glob("new/*"))
		if len(found) >= count:
			return found
		time.sleep(0.1)
	raise AssertionError(f"{folder} has {len(found)} of {count} messages")


def make_mail(folder):
	folder.mkdir()
	os.chown(folder, NOBODY, NOBODY)
	return folder


@pytest.fixture
def postfix(open_folder, certificate):
	"""It knows anna only and takes 100,000 bytes."""
	for name in ("etc", "queue", "data"):
		(open_folder / name).mkdir()
	shutil.chown(open_folder / "data", "postfix")
	port, mail, pem = free_port(), make_mail(open_folder / "mail"), open_folder / "peer.pem"
	shutil.copy(certificate, pem)
	pem.chmod(0o600)
	rows = {"compatibility_level": "3.6", "queue_directory": open_folder / "queue", "data_directory": open_folder / "data",
		"maillog_file": open_folder / "mail.log", "maillog_file_prefixes": open_folder, "myhostname": "postfix.example",
		"mydestination": "", "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4", "mynetworks": "127.0.0.0/8", "alias_maps": "",
		"virtual_mailbox_domains": "next.example", "virtual_mailbox_base": mail, "virtual_mailbox_maps": "inline:{anna@next.example=anna/}",
		"virtual_uid_maps": f"static:{NOBODY}", "virtual_gid_maps": f"static:{NOBODY}", "message_size_limit": "100000",
		"smtpd_tls_security_level": "may", "smtpd_tls_chain_files": pem, "smtpd_tls_received_header": "yes", "smtpd_peername_lookup": "no"}
	(open_folder / "etc/main.cf").write_text("".join(f"{name} = {value}\n" for name, value in rows.items()))
	services = [f"127.0.0.1:{port} inet n - n - - smtpd", "cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr",
		"rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce", "defer unix - - n - 0 bounce", "error unix - - n - - error",
		"virtual unix - n n - - virtual", "proxymap unix - - n - - proxymap", "tlsmgr unix - - n 1000? 1 tlsmgr", "anvil unix - - n - 1 anvil",
		"postlog unix-dgram n - n - 1 postlogd"]
	(open_folder / "etc/master.cf").write_text("\n".join(services) + "\n")
	for name in ("dynamicmaps.cf", "postfix-files"):
		if os.path.exists(f"/etc/postfix/{name}"):
			shutil.copy(f"/etc/postfix/{name}", open_folder / "etc")
	made = subprocess.run(["postfix", "-c", open_folder / "etc", "start"], capture_output=True, text=True, check=False)
	assert made.returncode == 0, made.stderr
	await_port(port)
	yield port, mail
	subprocess.run(["postfix", "-c", open_folder / "etc", "abort"], capture_output=True, check=False)


@pytest.fixture
def dovecot(open_folder):
	"""It knows anna and carl only."""
	port, mail = free_port(), make_mail(open_folder / "mail")
	(open_folder / "users").write_text("".join(f"{user}::{NOBODY}:{NOBODY}::{mail}/{user}::\n" for user in ("anna", "carl")))
	(open_folder / "dovecot.conf").write_text(f"""protocols = lmtp
base_dir = {open_folder}/run
state_dir = {open_folder}/state
log_path = {open_folder}/log
ssl = no
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
mail_location = maildir:~
first_valid_uid = {NOBODY}
last_valid_uid = {NOBODY}
auth_username_format = %n
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = passwd-file
  args = {open_folder}/users
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
service stats {{
  client_limit = 100
}}
""")
	process = subprocess.Popen(["dovecot", "-F", "-c", open_folder / "dovecot.conf"], stdin=subprocess.DEVNULL,
		stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
	await_port(port)
	yield port, mail
	process.send_signal(signal.SIGTERM)
	process.wait(20)


def send(gw, recipients, body=BODY):
	with gw.smtp() as client:
		client.sendmail("bob@demo.example", recipients, body.encode(), mail_options=["BODY=8BITMIME"])


def bounce_of(gw):
	return gw.maildir("bob", 1)[0].read_bytes()


def check_whole(message):
	assert "Grüße,\n.a line that begins with a dot\n" + "x" * 2000 in message.decode()


def test_postfix_takes_one_recipient_by_tls_and_refuses_the_other(start_gateway, postfix):
	port, mail = postfix
	gw = start_gateway({"domain next.example": {"next-hop": f"127.0.0.1:{port}", "tls": "required"}})
	send(gw, ["anna@next.example", "nobody@next.example"])
	message = wait_files(mail / "anna", 1)[0].read_bytes()
	check_whole(message)
	assert b"(using TLSv1.3 with cipher" in message and b"by postfix.example (Postfix) with ESMTPS" in message
	bounce = bounce_of(gw)
	assert b"Final-Recipient: rfc822;nobody@next.example" in bounce and b"Status: 5.1.1" in bounce
	assert b"Recipient address rejected: User unknown" in bounce and b"<anna@next.example>" not in bounce.split(b"message/rfc822")[0]


def test_postfix_is_not_sent_what_is_larger_than_it_takes(start_gateway, postfix):
	gw = start_gateway({"domain next.example": {"next-hop": f"127.0.0.1:{postfix[0]}"}})
	send(gw, ["anna@next.example"], BODY + "y" * 70 + "\r\n" + ("z" * 70 + "\r\n") * 2000)
	assert b"Status: 5.3.4" in bounce_of(gw)


def test_dovecot_answers_for_each_recipient(start_gateway, dovecot):
	port, mail = dovecot
	gw = start_gateway({"domain next.example": {"lmtp": f"127.0.0.1:{port}"}})
	send(gw, ["anna@next.example", "nobody@next.example", "carl@next.example"])
	for user in ("anna", "carl"):
		check_whole(wait_files(mail / user, 1)[0].read_bytes())
	bounce = bounce_of(gw)
	assert b"Final-Recipient: rfc822;nobody@next.example" in bounce and b"Status: 5.1.1" in bounce
