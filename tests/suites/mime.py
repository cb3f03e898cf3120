#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Messages that mail programs disagree on, read by `postern inspect` and compared with what others expect.

stalwart: each message has its expected reading as JSON, for LF and for CRLF: structure, header fields, decoded
content are all compared. The others have messages only: they are compared with Python's email package, an
independent implementation, and must be read without a crash. Ham of the spam pack may be ambiguous in at most one
message of a thousand. Differences are listed in mime_differences.tsv with the section that decides.
"""

import argparse
import sys

import common
import mime_email
import mime_ham
import mime_stalwart

FOLDERS = ("python-test_email", "ruby-mail", "zbateson", "gmime", "spamassassin-t-data")


def main():
	parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
	parser.add_argument("--verbose", action="store_true", help="every difference, not three of each message")
	parser.add_argument("--only", help="one suite, such as stalwart or ruby-mail")
	arguments = parser.parse_args()
	root = common.cases("mime", "mime")
	suites = []
	if arguments.only in (None, "stalwart"):
		suites.append(mime_stalwart.run(root / "stalwart-mail-parser" / "resources" / "eml"))
	for folder in FOLDERS:
		if arguments.only in (None, folder):
			suites.append(mime_email.run(root / folder, folder))
	if arguments.only in (None, "ham"):
		suites.append(mime_ham.run(common.CASES / "spam-dev-compact.tar.zst"))
	status = common.finish([suite for suite in suites if suite], arguments.verbose)
	n_cases = sum(suite.n_cases for suite in suites if suite)
	n_equal = sum(suite.n_equal for suite in suites if suite)
	print(f"mime: {n_equal}/{n_cases}")
	return status


if __name__ == "__main__":
	sys.exit(main())
