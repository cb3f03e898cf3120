# SPDX-License-Identifier: Apache-2.0
"""The demonstration behind ./run: starts a complete gateway below build/run/, sends it the samples, prints
what became of each, and stays in the foreground with the log until Ctrl-C (or ends, with --once)."""

import argparse
import os
import secrets
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import gateway  # noqa: E402
import samples  # noqa: E402

UID_BASE = 64200


def parse_arguments():
	parser = argparse.ArgumentParser(prog="./run", description=__doc__)
	parser.add_argument("--once", action="store_true",
		help="send the samples and end; status 0 only if every sample ended as it should")
	parser.add_argument("--port", type=int, default=2525, help="SMTP port on 127.0.0.1 (default 2525)")
	parser.add_argument("--tls-port", type=int, help="port for TLS from the start (default: port - 60)")
	parser.add_argument("--home", type=Path, default=gateway.ROOT / "build" / "run",
		help="where everything is kept (default build/run/)")
	parser.add_argument("--build", type=Path, default=gateway.ROOT / "build", help=argparse.SUPPRESS)
	arguments = parser.parse_args()
	arguments.tls_port = arguments.tls_port or arguments.port - 60
	return arguments


def make_gateway(arguments, on_line):
	for port in (arguments.port, arguments.tls_port):
		if not gateway.is_port_free(port):
			raise gateway.Failed(f"port {port} on 127.0.0.1 is taken: end that program or choose --port")
	home = arguments.home.resolve()
	server = gateway.Gateway(home, arguments.build, on_line)
	server.configure(gateway.fill_template(gateway.ROOT / "share/demo.conf.in", server.values(
		PORT=arguments.port, TLS_PORT=arguments.tls_port, UID_BASE=UID_BASE)))
	return server


def short(path):
	try:
		return str(Path(path).relative_to(Path.cwd()))
	except ValueError:
		return str(path)


def clip(text, width):
	return text if len(text) <= width else text[:width - 3] + "..."


def print_fates(fates):
	print(f"\n  {'sample':<20}{'answer to the sender':<52}where it is now")
	print(f"  {'-' * 19:<20}{'-' * 51:<52}{'-' * 30}")
	for fate in fates:
		place = short(fate.place) if fate.place.startswith("/") else fate.place
		print(f"  {fate.sample.name:<20}{clip(fate.reply, 51):<52}{place}")
		if not fate.ok:
			print(f"  {'':<20}NOT AS IT SHOULD BE: {fate.why}")
	bad = sum(not fate.ok for fate in fates)
	print(f"\n{bad} of {len(fates)} samples did not end as they should.\n" if bad else
		f"\nAll {len(fates)} samples ended as they should.\n")


def play_samples(server, arguments):
	target = samples.Target("127.0.0.1", arguments.port, arguments.tls_port, server.mail, secrets.token_hex(6))
	fates = []
	for sample in samples.SAMPLES:
		try:
			fates.append(samples.play(target, sample))
		except OSError as error:
			fates.append(samples.Fate(sample, f"{type(error).__name__}: {error}", "not found", False, "no answer"))
	return fates


def print_advice(arguments):
	conf = short(arguments.home.resolve() / "postern.conf")
	print(f"""Try next:
  swaks --server 127.0.0.1:{arguments.port} --to anna@demo.example     a message of your own, by this or any client
  build/postern --config {conf} status      the processes and their sandboxes
  build/postern --config {conf} queue list  what waits, and why
  build/postern --config {conf} audit show  what happened
  build/postern --config {conf} drill       what a taken-over process could reach
Mail arrives below {short(arguments.home.resolve() / 'mail')}/USER/new. Ctrl-C ends the gateway.
""")


def stay(server):
	"""Until Ctrl-C, SIGTERM, or the gateway's own end."""
	while server.process.poll() is None:
		time.sleep(0.2)
	raise gateway.Failed(f"posternd ended by itself with status {server.process.returncode}")


def interrupt(_signal, _frame):
	raise KeyboardInterrupt


def main():
	arguments = parse_arguments()
	signal.signal(signal.SIGTERM, interrupt)
	server = make_gateway(arguments, lambda line: print(line, file=sys.stderr, flush=True))
	status = 1
	try:
		print(f"Starting a gateway on 127.0.0.1:{arguments.port} and sending it {len(samples.SAMPLES)} samples. Its log:", flush=True)
		server.start().wait_ready()
		fates = play_samples(server, arguments)
		time.sleep(0.2)  # the log of the last sample comes before the table
		print_fates(fates)
		status = 0 if all(fate.ok for fate in fates) else 1
		if not arguments.once:
			print_advice(arguments)
			sys.stdout.flush()
			stay(server)
	except KeyboardInterrupt:
		print()
	finally:
		status = server.stop() or status
		server.forget()
	return status


if __name__ == "__main__":
	try:
		sys.exit(main())
	except gateway.Failed as failed:
		print(f"run: {failed}", file=sys.stderr)
		sys.exit(1)
