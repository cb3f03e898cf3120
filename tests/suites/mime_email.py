# SPDX-License-Identifier: Apache-2.0
"""Messages without an expectation of their own, compared with Python's email package.

Compared are the tree of parts, their types, the names of their header fields, and their decoded content. Where
the two differ in a way that a section of a standard decides, the way is a row of CLASSES with a function that
recognises it; all else must be a row of mime_differences.tsv.
"""

import email
import email.policy
import hashlib
import re

import common
from mime_stalwart import Tree

ENCODINGS = ("7bit", "8bit", "binary", "base64", "quoted-printable")


def payload_of(part):
	"""The bytes that a program with the package would save."""
	data = part.get_payload(decode=True)
	return b"" if data is None else data


def encoding_of(part):
	return str(part.get("content-transfer-encoding", "7bit")).split(";")[0].split("(")[0].strip().lower()


def same_but_for_blanks(a, b):
	"""Blanks at line ends are no content of quoted-printable."""
	strip = lambda data: re.sub(rb"[ \t]+(?=\r?\n|$)", b"", data)
	return strip(a) == strip(b)


def content_class(part, ours):
	"""Why the content differs, or None."""
	raw = part.get_payload()
	raw = raw.encode("ascii", "surrogateescape") if isinstance(raw, str) else b""
	encoding, theirs = encoding_of(part), payload_of(part)
	if ours is not None and ours in (theirs + b"\n", theirs + b"\r\n"):
		return "line end at the end"
	if encoding == "quoted-printable":
		return "quoted-printable blanks" if ours is not None and same_but_for_blanks(theirs, ours) else "quoted-printable junk"
	if encoding == "base64":
		digits = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
		if re.search(rb"=[^=]*[A-Za-z0-9+/]", raw):
			return "base64 behind padding"
		if len(digits) % 4:
			return "base64 cut short"
		if re.search(rb"[^A-Za-z0-9+/=\s]", raw):
			return "base64 junk"
	if encoding in ("x-uuencode", "uuencode", "uue", "x-uue"):
		return "uuencode"
	return None


# Our reading, and the section that decides for it.
CLASSES = {
	"nested boundary": ("rfc2046 5.1.2", "a multipart within that has the boundary of the one around it gets the delimiters until its close"),
	"line end at the end": ("rfc2046 5.1.1", "a line end belongs to the delimiter behind it only where there is one"),
	"quoted-printable blanks": ("rfc2045 6.7", "blanks at the end of a line were added by transport and are dropped"),
	"quoted-printable junk": ("rfc2045 6.7", "a soft line break may have blanks behind it; what is no code stays"),
	"base64 behind padding": ("rfc2045 6.8", "decoding goes on behind padding; the other reading is yielded too"),
	"base64 cut short": ("rfc2045 6.8", "a group cut short gives its whole bytes; the package gives the text undecoded"),
	"base64 junk": ("rfc2045 6.8", "characters outside of the alphabet are passed over"),
	"uuencode": ("rfc2045 6.3", "an encoding of no standard; the files in it are decoded, what stands around them is not"),
	"header ends at junk": ("rfc5322 2.2", "a line that is no field is passed over, the header ends with an empty line"),
	"blank before colon": ("rfc5322 4.5", "an obsolete field may have blanks before its colon"),
	"encoded message": ("rfc2045 6.4", "a message under an encoding is decoded, the package reads it as it stands"),
	"digest of one type": ("rfc2046 5.1.5", "a part of a digest without a type is a message"),
	"no message within": ("rfc2046 5.2", "what holds no message of its own (partial, external-body, delivery-status) is a leaf"),
	"multipart without parts": ("rfc2046 5.1.1", "a multipart in which no delimiter stands has no part"),
	"type malformed": ("rfc2045 5.2", "a type that cannot be read is the default"),
	"empty part at the end": ("rfc2046 5.1.1", "behind the last delimiter without a close stands nothing"),
}


def field_names(part):
	return [name.lower() for name in part.keys()]


def header_class(part, got):
	names, ours = field_names(part), [f["name"].lower() for f in got["headers"]]
	if names == ours[:len(names)]:
		return "header ends at junk" if "header-line-no-field" in got["defects"] else None
	return "blank before colon" if "blank-before-colon" in got["reasons"] else None


def is_message(part):
	return part.is_multipart() and part.get_content_maintype() == "message"


def compare(part, tree, path, result):
	"""Adds (place, expected, got, class or None) for each difference below this part."""
	got = tree.parts[path]
	children = tree.children(path)
	names, ours = field_names(part), [f["name"].lower() for f in got["headers"]]
	if names != ours:
		result.append((f"{path} header", names, ours, header_class(part, got)))
		if names != ours:
			return
	if part.get_content_type() != got["type"]:
		result.append((f"{path} type", part.get_content_type(), got["type"],
			"type malformed" if "field-malformed" in got["defects"] or not part.get("content-type") else None))
	theirs = part.get_payload() if part.is_multipart() else []
	if len(theirs) != len(children) or part.is_multipart() != (got["kind"] != "leaf"):
		result.append((f"{path} structure", f"{part.get_content_type()} of {len(theirs)}", f"{got['kind']} of {len(children)}",
			structure_class(part, theirs, got, children)))
		return
	for child, child_path in zip(theirs, children):
		compare(child, tree, child_path, result)
	if not theirs and got["kind"] == "leaf":
		compare_content(part, got, path, result)


def structure_class(part, theirs, got, children):
	if got["type"].startswith("message/") and encoding_of(part) not in ("7bit", "8bit", "binary"):
		return "encoded message"
	if got["type"].startswith("message/") and got["type"] != "message/rfc822":
		return "no message within"
	if len(theirs) == len(children) + 1 and not theirs[-1].keys() and not payload_of(theirs[-1]):
		return "empty part at the end"
	if part.get_content_maintype() == "multipart" and not theirs:
		return "multipart without parts"
	return None


def compare_content(part, got, path, result):
	theirs = payload_of(part)
	if hashlib.sha256(theirs).hexdigest() == got.get("sha256"):
		return
	ours = got["text"].encode() if "text" in got else None
	result.append((f"{path} content", f"{len(theirs)} bytes {theirs[:60]!r}",
		f"{got.get('decoded_size')} bytes {got.get('text', '')[:60]!r}", content_class(part, ours)))


def run_case(data):
	"""Differences, or the text of an error."""
	try:
		answer = common.postern_json("inspect", "-", data=data)
	except (RuntimeError, ValueError) as error:
		return str(error)
	if answer["trouble"]:
		return []
	result = []
	compare(email.message_from_bytes(data, policy=email.policy.compat32), Tree(answer), "0", result)
	reasons = {a["reason"] for a in answer["ambiguities"]}
	if "nested-boundary" in reasons:
		result = [(*d[:3], d[3] or "nested boundary") for d in result]
	return result


def is_mail(path):
	return path.is_file() and path.suffix.lower() in (".eml", ".txt", ".msg", "") and b":" in path.read_bytes()[:2000] \
		and not path.name.startswith((".", "COPYING", "LICENSE"))


def run(folder, name):
	suite = common.Suite("mime", name, "mime_differences.tsv")
	files = [path for path in sorted(folder.rglob("*")) if is_mail(path)]
	counted = {}
	for file, result in zip(files, common.in_parallel(run_case, [file.read_bytes() for file in files])):
		case = str(file.relative_to(folder))
		if isinstance(result, str):
			suite.crash(case, result)
			continue
		for difference in result:
			if difference[3]:
				counted[difference[3]] = counted.get(difference[3], 0) + 1
		suite.case(case, [d[:3] for d in result if not d[3]])
	for key, n in sorted(counted.items()):
		print(f"  {name}: {n} x {key}: {CLASSES[key][1]} ({CLASSES[key][0]})")
	return suite
