#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The readers of header fields beside Python's email package: encoded words, addresses, dates and the
parameters of rfc2231. Cases are generated from a seed, valid ones and such as mail programs send against the
standards. Where the two differ, a row of REASONS has to name the section that decides; a difference that none
names fails the suite. Each row is printed with its number.

    tests/suites/differential_fields.py [--cases 12000] [--seed 1] [--only words] [--verbose]
"""

import argparse
import collections
import os
import random
import subprocess
import sys

import common
import fields_cases
import fields_reference

KINDS = ("words", "addresses", "date", "param")


def answers(kind, bodies):
	"""What our readers say, a line for each body."""
	lines = "".join(f"{kind} {body.hex()}\n" for body in bodies)
	run = subprocess.run([common.BUILD / "tests" / "suites" / "fields"], input=lines, capture_output=True, text=True,
		timeout=600, check=True)
	return run.stdout.splitlines()


def compare(kind, n_cases, seed, is_verbose):
	"""(cases, differences by row, those that no row names)."""
	make = random.Random(f"{kind} {seed}")
	bodies = [fields_cases.MAKERS[kind](make) for _ in range(n_cases)]
	differences, unexplained = collections.Counter(), []
	for body, line in zip(bodies, answers(kind, bodies), strict=True):
		expected, got = fields_reference.EXPECTED[kind](body), fields_reference.PARSED[kind](line)
		if expected == got:
			continue
		reason = fields_reference.reason_of(kind, body, expected, got)
		if reason is None:
			unexplained.append((body, expected, got))
			continue
		differences[reason] += 1
		if is_verbose:
			print(f"  {reason}: {body!r}\n    Python {expected!r}\n    Postern {got!r}")
	return n_cases, differences, unexplained


def print_result(kind, n_cases, differences, unexplained):
	for body, expected, got in unexplained[:10]:
		print(f"  {kind} {body!r}\n    Python  {expected!r}\n    Postern {got!r}")
	for (section, why), number in differences.most_common():
		print(f"  {number} by {section}: {why}")
	n_differ = sum(differences.values()) + len(unexplained)
	print(f"differential {kind}: {n_cases} cases, {n_cases - n_differ} equal, {n_differ - len(unexplained)} decided by a "
		f"standard, {len(unexplained)} open")


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--cases", type=int, default=12000, help="of each kind")
	parser.add_argument("--seed", type=int, default=1)
	parser.add_argument("--only", choices=KINDS)
	parser.add_argument("--verbose", action="store_true", help="print each difference")
	options = parser.parse_args()
	os.environ["TZ"] = "UTC"
	is_good = True
	for number, kind in enumerate([options.only] if options.only else KINDS, 1):
		n_cases, differences, unexplained = compare(kind, options.cases, options.seed, options.verbose)
		print_result(kind, n_cases, differences, unexplained)
		print(f"{'not ok' if unexplained else 'ok'} {number} - differential {kind}")
		is_good = is_good and not unexplained
	sys.exit(0 if is_good else 1)


if __name__ == "__main__":
	main()
