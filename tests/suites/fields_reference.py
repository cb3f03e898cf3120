# SPDX-License-Identifier: Apache-2.0
"""What Python's email package reads in the cases of fields_cases.py, and why ours may differ."""

import email.header
import email.message
import email.policy
import email.utils
import re

# ADDRESS_DEFECT_ of src/proto/address_list.h.
SYNTAX, NO_DOMAIN, ROUTE, NAME = 1 << 8, 1 << 9, 1 << 10, 1 << 11
OPEN, TWO_AT, NO_COMMA, BARE_NAME, ENCODED = 1 << 13, 1 << 14, 1 << 15, 1 << 16, 1 << 17
AMBIGUOUS = OPEN | TWO_AT | NO_COMMA | BARE_NAME | ENCODED
REFUSED = "refused"


class Addresses(list):
	"""(name, address) of each, and what was marked in any."""

	defects = 0


def squeeze(text):
	return " ".join(text.split())


def unhex(text):
	return bytes.fromhex(text).decode("utf-8")


def expected_words(body):
	body = re.sub(rb"\*en\?", b"?", body)  # rfc2231 5, which Python's reader does not know
	try:
		pieces = email.header.decode_header(re.sub(r"[ \t]*\r\n[ \t]+", " ", body.decode()))
		text = "".join(piece if isinstance(piece, str) else piece.decode(charset or "utf-8", "replace")
			for piece, charset in pieces)
	except (email.errors.HeaderParseError, LookupError):
		return REFUSED
	return squeeze(text)


def unquoted(address):
	"""The local part without the quotes that a program may leave out or put in."""
	local, at, domain = address.rpartition("@")
	if local.startswith('"') and local.endswith('"'):
		local = re.sub(r"\\(.)", r"\1", local[1:-1])
	return f"{local}{at}{domain}"


def expected_addresses(body):
	try:
		header = email.policy.default.header_factory("To", body.decode().replace("\r\n", ""))
		return [(squeeze(a.display_name), unquoted(f"{a.username}@{a.domain}")) for a in header.addresses]
	except Exception:  # pylint: disable=broad-except; its parser raises what comes
		return REFUSED


def expected_date(body):
	parsed = email.utils.parsedate_tz(body.decode().replace("\r\n", ""))
	try:
		return email.utils.mktime_tz(parsed) if parsed else None
	except (ValueError, OverflowError):
		return None


def expected_param(body):
	message = email.message.Message()
	message["Content-Type"] = body.decode()
	try:
		value = message.get_param("x")
	except TypeError:  # it sorts what it cannot compare
		return REFUSED
	if value is None:
		return []
	return [email.utils.collapse_rfc2231_value(value)]


def parsed_addresses(line):
	result = Addresses()
	defects, *items = line.split()
	result.defects = int(defects, 16)
	for item in items:
		name, address = item.split(",")
		result.append((squeeze(unhex(name)), unquoted(unhex(address))))
	return result


def parsed_date(line):
	return None if line == "none" else int(line.split()[0])


EXPECTED = {"words": expected_words, "addresses": expected_addresses, "date": expected_date, "param": expected_param}
PARSED = {
	"words": lambda line: squeeze(unhex(line)), "addresses": parsed_addresses, "date": parsed_date,
	"param": lambda line: [unhex(item) for item in line.split()],
}

def is_refused(_body, expected, _got):
	return expected == REFUSED


def has_comment_as_name(_body, expected, got):
	return (len(expected) == len(got) and all(a[1] == b[1] and (a[0] == b[0] or not a[0]) for a, b in zip(expected, got)))


def has_words_in_a_row(body, expected, got):
	return re.search(rb"\?=\s+=\?", body) and [a[1] for a in expected] == [a[1] for a in got]


def year_of(body):
	match = re.search(rb"(?:[A-Z][a-z]{2}) (\d+) \d\d:", body)
	return match.group(1) if match else b""


def day_of(body):
	return int(re.search(rb"\d+", body).group())


REASONS = {
	"words": [
		("rfc2047 6.2", "Python refuses the whole field for one word that it cannot decode", is_refused),
	],
	"addresses": [
		("rfc5322 3.4", "Python's reader fails", is_refused),
		("rfc5322 3.4", "a comment behind or before an address without a name is its name", has_comment_as_name),
		("rfc5322 3.4", "no address-list by the grammar, and marked as what readers take in different ways",
			lambda body, expected, got: got.defects & AMBIGUOUS),
		("rfc5322 3.4", "semicolons between addresses, or words too many: the addresses are found and the syntax marked",
			lambda body, expected, got: got.defects & (SYNTAX | NO_DOMAIN)),
		("rfc5322 3.2.4", "quotes around what another reader takes for addresses, which is marked",
			lambda body, expected, got: got.defects & NAME),
		("rfc2047 6.2", "blanks between two encoded words of a name are none; a character's bytes may be in both",
			has_words_in_a_row),
		("rfc5322 4.4", "a route without its comma is passed over all the same", lambda body, expected, got: got.defects & ROUTE),
	],
	"date": [
		("rfc5322 4.3", "years of two digits from 50 on are of the 20th century, those of three count from 1900",
			lambda body, expected, got: len(year_of(body)) < 4),
		("rfc5322 3.3", "a day that the month has not is no date; Python counts on into the next month",
			lambda body, expected, got: got is None and day_of(body) > 28),
	],
	"param": [
		("rfc2231 4", "no charset is named: bytes above ASCII are UTF-8 if they can be, where Python gives U+FFFD",
			lambda body, expected, got: any("\ufffd" in text for text in expected) and b"'" not in body),
		("rfc2231 3", "Python fails where a parameter is there both in sections and whole", is_refused),
		("rfc2231 3", "two sections of one number: readings with the first, the last and both; Python loses the charset",
			lambda body, expected, got: len(got) > 1 and len(re.findall(rb"x\*0\*?=", body)) > 1),
		("rfc2231 4", "several forms at once: the extended one first, that of Python among the readings",
			lambda body, expected, got: len(got) > 1 and expected and expected[0] in got),
	],
}


def reason_of(kind, body, expected, got):
	"""(section, why) of the first row that fits; None: none does."""
	for section, why, fits in REASONS[kind]:
		if fits(body, expected, got):
			return section, why
	return None
