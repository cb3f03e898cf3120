# SPDX-License-Identifier: Apache-2.0
"""Bodies of header fields for differential_fields.py, made from a random.Random: most keep to the standards,
some have what mail programs get wrong.
"""

import base64

SAMPLES = {
	"utf-8": ("Grüße", "naïve café", "日本語テスト", "Привет, мир", "€ 5", "😀", "שלום"),
	"iso-8859-1": ("Grüße", "naïve café", "Ærø"),
	"iso-8859-2": ("Łódź", "příliš žluťoučký"),
	"iso-8859-15": ("€ 5", "œuvre"),
	"windows-1252": ("“quoted”", "€ 5", "naïve"),
	"windows-1251": ("Привет", "мир"),
	"koi8-r": ("Привет", "мир"),
	"shift_jis": ("日本語", "テスト"),
	"euc-jp": ("日本語", "テスト"),
	"iso-2022-jp": ("日本語", "テスト"),
	"gb2312": ("你好", "世界"),
	"big5": ("你好", "世界"),
	"euc-kr": ("안녕", "세계"),
	"us-ascii": ("plain", "words here"),
}
ATOMS = ("Re:", "hello", "World", "1,000", "(note)", "a=b", "=?", "?=", "_x_", "x@y", "--")
SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")


def encode_q(data, make, is_sloppy):
	out = []
	for byte in data:
		if byte == 0x20:
			out.append(" " if is_sloppy and make.random() < 0.3 else "_")
		elif byte in SAFE and make.random() < 0.95:
			out.append(chr(byte))
		else:
			out.append(f"={byte:02{make.choice('xX')}}")
	return "".join(out)


def word(make, is_sloppy=False):
	"""One encoded word, or two that have a character's bytes between them."""
	charset = make.choice(list(SAMPLES))
	data = make.choice(SAMPLES[charset]).encode(charset)
	label = charset.upper() if make.random() < 0.3 else charset
	if make.random() < 0.1:
		label += "*en"
	pieces = [data]
	if len(data) > 3 and make.random() < 0.2 and charset != "iso-2022-jp":
		cut = make.randrange(1, len(data))
		pieces = [data[:cut], data[cut:]]
	words = []
	for piece in pieces:
		if make.random() < 0.5:
			words.append(f"=?{label}?{make.choice('qQ')}?{encode_q(piece, make, is_sloppy)}?=")
			continue
		text = base64.b64encode(piece).decode()
		if is_sloppy and make.random() < 0.3:
			text = text.rstrip("=")
		words.append(f"=?{label}?{make.choice('bB')}?{text}?=")
	return make.choice((" ", "\r\n ", "  ", "\r\n\t")).join(words)


def words(make):
	"""A Subject."""
	is_sloppy = make.random() < 0.3
	pieces = []
	for _ in range(make.randint(1, 6)):
		pieces.append(word(make, is_sloppy) if make.random() < 0.6 else make.choice(ATOMS))
		glue = ("",) if is_sloppy and make.random() < 0.2 else (" ", " ", "\r\n ")
		pieces.append(make.choice(glue))
	return "".join(pieces).strip().encode()


def folding(make):
	return make.choice((" ", " ", " ", "\r\n ", " (note) ", " (a (nested) note) "))


def quoted(make):
	inside = "".join(make.choice(("a", "B", " ", ",", ";", ":", "<", ">", "@", "(", ")", "\\\"", "\\\\", "."))
		for _ in range(make.randint(1, 12)))
	return f'"x{inside}x"'


def name(make):
	kind = make.randrange(6)
	if kind == 0:
		return ""
	if kind == 1:
		return quoted(make)
	if kind == 2:
		return word(make)
	return " ".join(make.choice(("John", "Q.", "Public", "O'Neil", "Mary-Ann", "von", "x+y")) for _ in range(make.randint(1, 3)))


def dot_atom(make):
	return ".".join(make.choice(("a", "john", "x-y", "b_c", "1", "o'n", "q+tag")) for _ in range(make.randint(1, 3)))


def address(make):
	local = quoted(make) if make.random() < 0.05 else dot_atom(make)
	domain = make.choice(("example.com", "mail.example.org", "[192.0.2.1]", "[IPv6:2001:db8::1]", "x.test", "EXAMPLE.net"))
	if make.random() < 0.05:
		return f"{local} @ {domain}"
	return f"{local}@{domain}"


def mailbox(make):
	text = address(make)
	label = name(make)
	if not label and make.random() < 0.5:
		return text + (" (Some Name)" if make.random() < 0.2 else "")
	route = "@relay.test,@other.test:" if make.random() < 0.05 else ""
	return f"{label}{folding(make)}<{route}{text}>"


def break_list(text, make):
	"""One of the things that mail programs get wrong."""
	at = make.randrange(len(text) + 1)
	return make.choice((
		lambda: text.replace(",", " ", 1), lambda: text.replace(",", ";", 1), lambda: text[:at] + '"' + text[at:],
		lambda: text[:at] + "(" + text[at:], lambda: text[:at] + "<" + text[at:], lambda: text.replace(">", "", 1),
		lambda: text[:at] + "@" + text[at:], lambda: text[:at] + ">" + text[at:]))()


def addresses(make):
	"""A To."""
	items = []
	for _ in range(make.randint(1, 4)):
		if make.random() < 0.1:
			inside = ", ".join(mailbox(make) for _ in range(make.randint(0, 3)))
			items.append(f"Group {make.choice(('A', 'B'))}: {inside};")
		else:
			items.append(mailbox(make))
	text = make.choice((", ", ",", ",\r\n ", ", , ")).join(items)
	if make.random() < 0.15:
		text = break_list(text, make)
	return text.encode()


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ZONES = ("GMT", "UT", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "Z", "A", "M", "CET", "JST")


def date(make):
	"""A Date."""
	year = make.choice((make.randint(1970, 2037), make.randint(1970, 2037), make.randint(1900, 2100)))
	year = f"{year % 100:02}" if make.random() < 0.1 else str(year)
	if make.random() < 0.02:
		year = str(make.randint(100, 130))
	day = make.randint(1, 28) if make.random() < 0.95 else make.randint(28, 33)
	month = make.choice(MONTHS)
	time = f"{make.randint(0, 23):02}:{make.randint(0, 59):02}"
	if make.random() < 0.8:
		time += f":{make.randint(0, 59):02}" if make.random() < 0.97 else ":60"
	zone = f"{make.choice('+-')}{make.randint(0, 14):02}{make.choice((0, 0, 0, 30, 45)):02}"
	if make.random() < 0.2:
		zone = make.choice(ZONES)
	if make.random() < 0.03:
		zone = ""
	week = make.choice((f"{make.choice(DAYS)}, ", ""))
	comment = make.choice(("", "", "", " (comment)", " (a (b) c)"))
	gap = make.choice((" ", " ", "  ", "\r\n "))
	return f"{week}{day}{gap}{month} {year} {time} {zone}{comment}".strip().encode()


def percent(text, charset, make):
	return "".join(chr(byte) if byte in SAFE - set(b"*'%") and make.random() < 0.9 else f"%{byte:02{make.choice('xX')}}"
		for byte in text.encode(charset))


def sections(make, text, charset):
	pieces = [text[i:i + 3] for i in range(0, len(text), 3)] or [""]
	result = []
	for number, piece in enumerate(pieces):
		head = f"{charset}'{make.choice(('', 'en'))}'" if number == 0 else ""
		result.append(f"x*{number}*={head}{percent(piece, charset, make)}")
	if make.random() < 0.3:
		make.shuffle(result)
	return result


def param(make):
	"""A field with the parameter x in one of its forms, seldom in two."""
	charset = make.choice(("utf-8", "iso-8859-1", "koi8-r", "utf-8"))
	text = make.choice(SAMPLES[charset])
	forms = (
		lambda: ["x=" + make.choice(("plain", "a.b.txt", "\"a b; c\"", "\"q\\\"r\""))],
		lambda: [f"x*={charset}'{make.choice(('', 'en'))}'{percent(text, charset, make)}"],
		lambda: sections(make, text, charset),
		lambda: ["x*0=\"abc \"", "x*1=def", "x*2=\"g;h\""],
		lambda: [f"x*0*={charset}''{percent(text, charset, make)}", "x*1=\"%41 b\""],
	)
	params = make.choice(forms)()
	if make.random() < 0.05:
		params = params[1:] + [make.choice(("x=other", "x*=utf-8''other", "x*0=other"))]
	params.insert(make.randrange(len(params) + 1), make.choice(("y=1", "charset=utf-8")))
	return (make.choice(("text/plain", "application/x-y")) + make.choice(("; ", ";", " ;\r\n ")) + "; ".join(params)).encode()


MAKERS = {"words": words, "addresses": addresses, "date": date, "param": param}
