# SPDX-License-Identifier: Apache-2.0
"""The certificate as an administrator replaces it: while mail flows, and without the key leaving keyring."""

import os
import ssl
import subprocess
import time

import memory
import pytest


def make_pair(folder, *algorithm):
	"""A key and a certificate for it, as PEM texts."""
	key, certificate = folder / "new.key", folder / "new.crt"
	subprocess.run(["openssl", "req", "-x509", "-newkey", *algorithm, "-nodes", "-subj", "/CN=mx.test.example",
		"-days", "2", "-keyout", key, "-out", certificate], check=True, capture_output=True)
	return key.read_text(), certificate.read_text()


def put_key(gw, pem):
	"""As keys.h says: keys/NAME.pem, of the owner of its directory."""
	folder = gw.home / "state" / "keyring" / "keys"
	path = folder / "smtp.pem"
	path.unlink()
	path.touch(mode=0o600)
	path.write_text(pem)
	os.chown(path, folder.stat().st_uid, folder.stat().st_gid)


def shown(gw, version=ssl.TLSVersion.TLSv1_3):
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
	context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
	context.minimum_version = context.maximum_version = version
	with gw.smtp() as client:
		client.starttls(context=context)
		return ssl.DER_cert_to_PEM_cert(client.sock.getpeercert(True))


def wait_shown(gw, wanted, seconds=10):
	"""A room of an older zygote can still answer for a moment, and has no key then."""
	end = time.monotonic() + seconds
	while time.monotonic() < end:
		try:
			if wanted(shown(gw)):
				return
		except OSError:
			pass
		time.sleep(0.1)
	raise AssertionError("the new certificate is not shown")


@pytest.mark.slow  # the search of the memory, where a sanitizer has its own
def test_certificate_with_its_key_in_one_file_is_taken_at_a_reload(start_gateway, tmp_path, open_folder):
	gw = start_gateway()
	gw.expect_log("session|TLS|signature")
	own, plain = shown(gw), gw.conf.read_text()
	key, certificate = make_pair(tmp_path, "rsa:2048")
	combined = open_folder / "combined.pem"
	combined.write_text(certificate + key)
	put_key(gw, key)
	gw.conf.write_text(plain + f'\ntls {{ certificate "{combined}" }}\n')
	gw.cli("reload")
	wait_shown(gw, lambda now: now == certificate)
	assert shown(gw, ssl.TLSVersion.TLSv1_2) == certificate
	assert not memory.holders_of(gw, key.splitlines()[6].encode()), "the key file is in the memory of a process"
	found = memory.holders_of(gw, certificate.splitlines()[6].encode())
	assert {"keyring", "receive", "session zygote"} <= found, f"the search found the certificate only in {found}"
	gw.conf.write_text(plain)
	gw.cli("reload")
	wait_shown(gw, lambda now: now not in (own, certificate))


def test_certificate_that_does_not_fit_changes_nothing(start_gateway, tmp_path, open_folder):
	gw = start_gateway()
	own = shown(gw)
	wrong = open_folder / "wrong.pem"
	wrong.write_text(make_pair(tmp_path, "rsa:2048")[1])
	gw.expect_log("belongs to another key than keys/smtp.pem")
	gw.conf.write_text(gw.conf.read_text() + f'\ntls {{ certificate "{wrong}" }}\n')
	gw.cli("reload")
	gw.wait_log("belongs to another key than keys/smtp.pem")
	assert shown(gw) == own
