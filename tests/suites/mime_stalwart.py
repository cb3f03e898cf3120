# SPDX-License-Identifier: Apache-2.0
"""The suite of stalwart's mail-parser: NAME.eml with NAME.json (lines end with LF) and NAME.crlf.json (CRLF)."""

import hashlib
import json

import common

SKIPPED_FIELDS = ("received",)  # trace fields: compared as they are written only


def name_of(field):
	name = field["name"]
	return name["other"].lower() if isinstance(name, dict) else name.lower().replace("_", "-")


def date_of(value):
	sign = "-" if value["tz_before_gmt"] else "+"
	return "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}".format(**value) + \
		f"{sign}{value['tz_hour']:02}:{value['tz_minute']:02}"


def addresses_of(value):
	if "List" in value:
		return [[a["name"], a["address"]] for a in value["List"]]
	return [[a["name"], a["address"]] for group in value["Group"] for a in group["addresses"]]


def address_pair(address):
	"""Ours in the form of the cases: a comment stands behind the name, a word without a domain is a name."""
	name, comment, text = address["name"], address.get("comment"), address["address"]
	if comment and name and comment != name:
		name = f"{name} ({comment})"
	if text and "@" not in text and not name:
		name, text = text, None
	return [name, text]


def structured_of(value):
	name = value["c_type"] + ("/" + value["c_subtype"] if value["c_subtype"] else "")
	return name.lower(), sorted((a["name"].lower(), a["value"]) for a in value["attributes"] or ())


def field_differences(place, expected, got):
	"""One header field against ours."""
	sort, value = (expected["value"], None) if isinstance(expected["value"], str) else next(iter(expected["value"].items()))
	if sort == "Text":
		ours = got["text"]
		if got.get("ids"):
			ours = got["ids"][0]
		elif name_of(expected) == "return-path" or name_of(expected).startswith("list-"):
			ours = ours.strip("<>")
		ours, value = ours.lower() if name_of(expected) == "content-transfer-encoding" else ours, value.strip()
		if name_of(expected) == "content-transfer-encoding":
			value = value.lower()
		pair = (" ".join(value.split()), " ".join(ours.split()))  # some fields are given folded, some not
	elif sort == "TextList":
		pair = (value, got.get("ids"))
	elif sort == "Address" and name_of(expected).startswith("list-"):
		pair = ([], [a for _, a in addresses_of(value) if a not in got["text"]])  # rfc2369: kept as text
	elif sort == "Address":
		pair = (addresses_of(value), [address_pair(a) for a in got.get("addresses", ())])
	elif sort == "DateTime":
		pair = (date_of(value), got.get("date"))
	elif sort == "ContentType":
		pair = (structured_of(value), (got.get("value", "").lower(),
			sorted((p["name"].lower(), p["value"]) for p in got.get("parameters", ()))))
	elif sort == "Empty":
		return []
	else:
		return []
	if pair[0] != pair[1] and is_eight_bit(repr(pair[0]), repr(pair[1])):
		place = "a field with bytes above 0x7f"
	return [(place, *pair)] if pair[0] != pair[1] else []


def is_eight_bit(expected, got):
	"""Equal but for U+FFFD where we have a letter."""
	return len(expected) == len(got) and all(a == b or (a == "\ufffd" and ord(b) > 0x7f) for a, b in zip(expected, got))


def header_differences(place, expected, got):
	theirs, ours = [name_of(f) for f in expected], [f["name"].lower() for f in got]
	if theirs != ours:
		return [(f"{place} header", theirs, ours)]
	result = []
	for their, our in zip(expected, got):
		if name_of(their) not in SKIPPED_FIELDS:
			result += field_differences(f"{place} {name_of(their)}", their, our)
	return result


def content_differences(place, body, got):
	sort, value = next(iter(body.items()))
	if sort in ("Text", "Html"):
		ours = got.get("text")
		if ours is not None and ours != value and is_eight_bit(value, ours):
			place = "us-ascii with bytes above 0x7f in"
		return [(f"{place} text", value, ours)] if value != ours else []
	if sort in ("Binary", "InlineBinary"):
		digest = hashlib.sha256(bytes(value)).hexdigest()
		return [(f"{place} content", f"{len(value)} bytes {bytes(value[:60])!r}", f"{got.get('decoded_size')} bytes {got.get('text')!r}")] \
			if digest != got.get("sha256") else []
	return []


class Tree:
	"""Our first reading: parts by path, children in order, without gaps and files within text."""

	def __init__(self, answer):
		self.parts = {p["path"]: p for p in answer["parts"] if p["is_first_reading"] and p["kind"] not in ("gap", "file")}

	def children(self, path):
		return [p["path"] for p in self.parts.values() if p["parent"] == path]


def part_differences(message, index, tree, path):
	expected, got = message["parts"][index], tree.parts[path]
	result = header_differences(path, expected["headers"], got["headers"])
	body = expected["body"]
	children = tree.children(path)
	if "Multipart" in body:
		if got["kind"] != "multipart" or len(children) != len(body["Multipart"]):
			return result + [(f"{path} structure", f"{len(body['Multipart'])} parts", f"{got['kind']} of {len(children)} parts")]
		for child, child_path in zip(body["Multipart"], children):
			result += part_differences(message, child, tree, child_path)
		return result
	if "Message" in body:
		if got["kind"] != "message" or len(children) != 1:
			return result + [(f"{path} structure", "message", f"{got['kind']} of {len(children)} parts")]
		return result + part_differences(body["Message"], 0, tree, children[0])
	if got["kind"] != "leaf":
		return result + [(f"{path} structure", next(iter(body)), f"{got['kind']} of {len(children)} parts")]
	return result + content_differences(path, body, got)


def run_case(job):
	file, expected_file, is_crlf = job
	data = file.read_bytes()
	data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") if is_crlf else data.replace(b"\r", b"")
	try:
		answer = common.postern_json("inspect", "-", data=data)
	except (RuntimeError, ValueError) as error:
		return str(error)
	return part_differences(json.loads(expected_file.read_text(encoding="utf-8")), 0, Tree(answer), "0")


def run(folder):
	suite = common.Suite("mime", "stalwart", "mime_differences.tsv")
	jobs = []
	for file in sorted(folder.rglob("*.eml")):
		for suffix, is_crlf in ((".json", False), (".crlf.json", True)):
			expected = file.with_suffix("").with_name(file.stem + suffix)
			if expected.exists():
				jobs.append((file, expected, is_crlf))
	for (file, _, is_crlf), result in zip(jobs, common.in_parallel(run_case, jobs)):
		name = str(file.relative_to(folder)) + (" crlf" if is_crlf else "")
		if isinstance(result, str):
			suite.crash(name, result)
		else:
			suite.case(name, result)
	return suite
