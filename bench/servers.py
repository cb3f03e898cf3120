# SPDX-License-Identifier: Apache-2.0
"""The servers that are compared, each a relay on 127.0.0.1 that hands all mail on to the sink. A new one
is a class with `setup`, which writes a configuration below self.home and starts the server by
self.group.run(...).
"""

import os
import shutil
import subprocess

from measure import BUILD, WORK, Failed, Group, wait_port


def make_certificate():
	key, certificate = WORK / "key.pem", WORK / "cert.pem"
	if not certificate.exists():
		subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
			"-subj", "/CN=relay.example", "-days", "3650"], check=True, capture_output=True)
	return key, certificate


class Server:
	name = "?"
	needs = ()

	def __init__(self, port, sink, resolver, tls=False):
		self.port, self.sink, self.resolver, self.tls = port, sink, resolver, tls
		self.home = WORK / self.name
		self.group = Group(self.name)

	def start(self):
		for program in self.needs:
			if not shutil.which(program):
				raise Failed(f"{program} is missing: tools/need test bench")
		self.stop()
		shutil.rmtree(self.home, ignore_errors=True)
		self.home.mkdir(parents=True)
		try:
			self.setup()
			wait_port(self.port)
		except BaseException:
			self.stop()
			raise

	def stop(self):
		self.group.end()

	def setup(self):
		raise NotImplementedError


class Postern(Server):
	name = "postern"
	checks = "no"  # Postfix makes none

	def setup(self):
		conf = self.home / "postern.conf"
		conf.write_text(f"""hostname relay.example
state "{self.home}/state"
run "{self.home}/run"
uid-base 65000
log-level info
listener public {{
	address 127.0.0.1
	port {self.port}
	tls {"starttls" if self.tls else "off"}
	pregreet-wait 0
	rate-exempt 127.0.0.0/8
	max-messages 1000000
	max-connections 12000
	max-connections-per-client 12000
}}
domain sink.example {{
	next-hop 127.0.0.1:{self.sink}
}}
authentication default {{
	iprev {self.checks}
	spf {self.checks}
	spf-helo {self.checks}
	dkim {self.checks}
	arc {self.checks}
	dmarc {self.checks}
	bimi {self.checks}
}}
resolver {{
	mode stub
}}
""", encoding="ascii")
		self.group.run([BUILD / "posternd", "--config", conf], log=self.home / "log")


class PosternChecked(Postern):
	"""The same with every check of a message's origin; the DNS knows nobody, and says so at once."""
	name = "postern-checked"
	checks = "yes"


class Postfix(Server):
	"""As Debian delivers it, without name service."""
	name = "postfix"
	needs = ("postfix",)
	main = {}

	def setup(self):
		for folder in ("etc", "queue", "data", "log"):
			(self.home / folder).mkdir()
		self.home.chmod(0o755)
		shutil.chown(self.home / "data", "postfix")
		self.write_main()
		self.write_master()
		for name in ("dynamicmaps.cf", "postfix-files"):
			if os.path.exists(f"/etc/postfix/{name}"):
				shutil.copy(f"/etc/postfix/{name}", self.home / "etc")
		self.group.run(["postfix", "-c", self.home / "etc", "start"], log=self.home / "log/start", wait=True, resolver=self.resolver)

	def write_main(self):
		key, certificate = make_certificate()
		rows = {"compatibility_level": "3.6", "config_directory": self.home / "etc", "queue_directory": self.home / "queue",
			"data_directory": self.home / "data", "maillog_file": self.home / "log/mail.log", "maillog_file_prefixes": self.home,
			"myhostname": "relay.example", "mydestination": "", "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4",
			"mynetworks": "127.0.0.0/8", "relayhost": f"[127.0.0.1]:{self.sink}", "alias_maps": "", "local_recipient_maps": "",
			"message_size_limit": "52428800", "mailbox_size_limit": "0", "smtp_tls_security_level": "none",
			"smtpd_peername_lookup": "no", "smtp_dns_support_level": "disabled", **self.main}
		if self.tls:
			rows.update({"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": certificate, "smtpd_tls_key_file": key})
		(self.home / "etc/main.cf").write_text("".join(f"{name} = {value}\n" for name, value in rows.items()))

	def write_master(self):
		lines = []
		for line in open("/usr/share/postfix/master.cf.dist", encoding="ascii"):
			words = line.split()
			if line.startswith("#") or len(words) < 8 or words[1] not in ("inet", "unix", "unix-dgram"):
				continue
			if words[7] == "pipe":
				continue
			if words[:2] == ["smtp", "inet"]:
				words[0] = f"127.0.0.1:{self.port}"
			words[4] = "n"  # no chroot: the directory is not the packaged one
			lines.append(" ".join(words) + "\n")
		if not any(line.startswith("postlog") for line in lines):
			lines.append("postlog unix-dgram n - n - 1 postlogd\n")
		(self.home / "etc/master.cf").write_text("".join(lines))


class PostfixTuned(Postfix):
	"""With the usual settings for much mail."""
	name = "postfix-tuned"
	main = {"in_flow_delay": "0s", "smtp_destination_concurrency_limit": "100", "initial_destination_concurrency": "50",
		"smtp_connection_cache_destinations": "127.0.0.1", "smtp_connection_reuse_time_limit": "300s",
		"default_process_limit": "300"}


class OpenSMTPD(Server):
	"""Unpacked from Debian's package, since it cannot be installed beside Postfix; without its limits of
	mails and of connections per route, and with unbrake.c. Its spool path is compiled in."""
	name = "opensmtpd"
	program = WORK / "opensmtpd-root/usr/sbin/smtpd"

	def unpack(self):
		if self.program.exists():
			return
		folder = WORK / "packages"
		folder.mkdir(parents=True, exist_ok=True)
		made = subprocess.run(["apt-get", "download", "opensmtpd"], cwd=folder, capture_output=True, text=True, check=False)
		packages = list(folder.glob("opensmtpd_*.deb"))
		if made.returncode or not packages:
			raise Failed(f"apt-get download opensmtpd: {made.stderr.strip()[-200:]}")
		subprocess.run(["dpkg", "-x", packages[0], WORK / "opensmtpd-root"], check=True)

	def prepare_system(self):
		for user in ("opensmtpd", "opensmtpq"):
			if subprocess.run(["getent", "passwd", user], capture_output=True, check=False).returncode:
				subprocess.run(["useradd", "-r", "-U", "-d", "/nonexistent", "-s", "/usr/sbin/nologin", user], check=True)
		os.makedirs("/var/lib/opensmtpd/empty", mode=0o755, exist_ok=True)
		shutil.rmtree("/var/spool/smtpd", ignore_errors=True)
		os.makedirs("/var/spool/smtpd")
		os.chmod("/var/spool/smtpd", 0o711)
		for folder, mode, user, group in (("queue", 0o700, "opensmtpq", "root"), ("corrupt", 0o700, "opensmtpq", "root"),
				("incoming", 0o700, "opensmtpq", "root"), ("purge", 0o700, "opensmtpq", "root"),
				("temporary", 0o700, "opensmtpq", "root"), ("offline", 0o770, "root", "opensmtpq")):
			path = f"/var/spool/smtpd/{folder}"
			os.makedirs(path)
			shutil.chown(path, user, group)
			os.chmod(path, mode)

	def setup(self):
		self.unpack()
		self.prepare_system()
		key, certificate = make_certificate()
		os.chmod(key, 0o600)
		conf = self.home / "smtpd.conf"
		tls = f'pki relay.example cert "{certificate}"\npki relay.example key "{key}"\n' if self.tls else ""
		conf.write_text(tls + "queue ttl 1d\nmta limit session-mail-max 1000000\nmta limit max-conn-per-route 50\n"
			"mta limit max-conn-per-host 50\nmta limit conn-delay-route 0\n"
			f"listen on 127.0.0.1 port {self.port}{' tls pki relay.example' if self.tls else ''}\n"
			f'action "out" relay host smtp://127.0.0.1:{self.sink}\nmatch from any for any action "out"\n')
		conf.chmod(0o600)
		self.group.run([self.program, "-d", "-f", conf], log=self.home / "log", resolver=self.resolver,
			environment=dict(os.environ, LD_PRELOAD=str(WORK / "bin/unbrake.so")))


SERVERS = {server.name: server for server in (Postern, PosternChecked, Postfix, PostfixTuned, OpenSMTPD)}
