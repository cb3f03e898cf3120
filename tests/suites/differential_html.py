#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares generated pages with html5lib, an independent implementation: their tokens, and which words are hidden.

    differential_html.py [--cases 10000] [--seed 1]

Tokens: pages put together from pieces that tokenizers disagree on, and from bytes taken out of and put into
them. html5lib's tokenizer is given the state that a start tag asks for, as its parser would. All must be equal.

Views: words in elements that begin and end anywhere, some of which are not displayed. Equal must be all but
VIEWS_APART of them, which differ for two reasons: a late end tag of a formatting element moves blocks out of
an element that was read before, in the whole page, and reading goes on from what it has read; and html5lib
forgets that it stands between the cells of a table when it closes an element that the page does not close.
"""

import argparse
import json
import os
import random
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("POSTERN_BUILD") or ROOT / "build")
SHOWN = 10
VIEWS_APART = 0.003

try:
	import html5lib
	from html5lib import _tokenizer, constants
except ImportError:
	print("ok 1 - html against html5lib # SKIP python3-html5lib is not installed")
	sys.exit(0)

PIECES = """<b> </b> <p <p> </p> <a href= <a href="x"> <a href='x y' title=z> <A HREF=X/Y> <br/> <br / > <img src=x alt='a&amp;b'>
<i a b=c d='e' f="g" =h> <i/j=k> <u a="1" a='2'> < > / = " ' & ; ! - -- --> --!> <!-- <!--> <!---> <!--x--> <!-- - -- --> <! <!x>
<!doctype <!DOCTYPE html> <![CDATA[ ]]> <? <?x> </ </> </ x> </b x=y> </b/> <3 <= <title> </title> <textarea> </textarea>
<style> </style> <STYLE> </Style > <style/> <script> </script> </script/> <script><!-- <script --> <xmp> </xmp> <iframe> </iframe>
<noscript> </noscript> <noframes> </noframes> <plaintext> <svg> </svg> <math> text more&more &amp; &amp &lt;b&gt; &notit; &not &notin;
&ampx= &copy= &AElig &#65; &#x41 &#x80; &#0; &#xD800; &#x110000; &#; &#x; &bogus; &nLt; &CounterClockwiseContourIntegral; é 漢 😀""".split()
BLANKS = [" ", "\n", "\t", "\f", "\r\n", "\r", "", "", ""]

STATES = {"title": "rcdataState", "textarea": "rcdataState", "style": "rawtextState", "xmp": "rawtextState",
	"iframe": "rawtextState", "noembed": "rawtextState", "noframes": "rawtextState", "script": "scriptDataState",
	"plaintext": "plaintextState"}


def page_of(random_):
	parts = []
	for _ in range(random_.randint(1, 24)):
		parts += [random_.choice(PIECES), random_.choice(BLANKS)]
	page = "".join(parts)
	for _ in range(random_.randint(0, 3)):
		at = random_.randint(0, len(page))
		page = page[:at] + random_.choice(["", random_.choice("<>/!-='\"& a\n")]) + page[at + random_.randint(0, 2):]
	return page


def theirs(page):
	"""Tokens of html5lib, in the form of html_dump."""
	tokens = []
	tokenizer = _tokenizer.HTMLTokenizer(page)
	kinds = constants.tokenTypes
	for token in tokenizer:
		kind = token["type"]
		if kind in (kinds["Characters"], kinds["SpaceCharacters"]):
			text = token["data"].replace("\0", "")
			if tokens and tokens[-1][0] == "T":
				tokens[-1][1] += text
			elif text:
				tokens.append(["T", text])
		elif kind in (kinds["StartTag"], kinds["EmptyTag"]):
			tokens.append(["S", token["name"], [[name, value] for name, value in token["data"].items()]])
			if token["name"] in STATES:
				tokenizer.state = getattr(tokenizer, STATES[token["name"]])
				tokenizer.currentToken = token
		elif kind == kinds["EndTag"]:
			tokens.append(["E", token["name"]])
		elif kind == kinds["Comment"]:
			tokens.append(["C", token["data"]])
		elif kind == kinds["Doctype"]:
			tokens.append(["D"])
	return tokens


def first_of_each(attributes):
	seen = {}
	for name, value in attributes:
		seen.setdefault(name, value)
	return [[name, value] for name, value in seen.items()]


def ours(line):
	"""As browsers do: the first attribute of a name counts; a document type is compared as being there."""
	tokens = json.loads(line)
	for token in tokens:
		if token[0] == "S":
			token[2] = first_of_each(token[2])
		if token[0] == "D":
			del token[1:]
		if token[0] == "C":
			token[1] = token[1].replace("\r\n", "\n").replace("\r", "\n")
	return tokens


def dump(pages, *options):
	data = b"".join(b"%d\n%b" % (len(page), page) for page in (text.encode() for text in pages))
	run = subprocess.run([BUILD / "tests" / "suites" / "html_dump", *options], input=data, stdout=subprocess.PIPE, check=True)
	return run.stdout.decode().split("\n")[:-1]


# Elements of which some are hidden, and what may stand between.
NESTED = "p div b i font span a table tr td tbody ul li h1 blockquote u em dl dt dd pre section code button".split()


def nested_page(random_):
	"""A page of words, each of its own, in elements that begin and end anywhere."""
	parts, n_words = [], 0
	for _ in range(random_.randint(2, 24)):
		name = random_.choice(NESTED)
		roll = random_.random()
		if roll < 0.45:
			hidden = ' style="display:none"' if random_.random() < 0.3 else ""
			parts.append(f"<{name}{hidden}>")
		elif roll < 0.75:
			parts.append(f"</{name}>")
		else:
			parts.append(f" w{n_words}w ")
			n_words += 1
	return "".join(parts)


def hidden_words(page):
	"""By html5lib's tree: the words within an element that is not displayed."""
	words = set()

	def walk(element, is_hidden):
		is_hidden = is_hidden or "display:none" in element.attrib.get("style", "")
		if is_hidden and element.text:
			words.update(element.text.split())
		for child in element:
			walk(child, is_hidden)
			if is_hidden and child.tail:
				words.update(child.tail.split())

	walk(html5lib.parse(page, namespaceHTMLElements=False), False)
	return words


def compare_tokens(pages):
	failed = []
	for page, line in zip(pages, dump(pages)):
		a, b = ours(line), theirs(page)
		if a != b:
			failed.append((page, a, b))
	return report("tokens", pages, failed)


def compare_views(pages):
	failed = []
	for page, line in zip(pages, dump(pages, "--views")):
		a, b = set(json.loads(line)[1].split()), hidden_words(page)
		if a != b:
			failed.append((page, a, b))
	apart = report("views", pages, failed)
	return max(0, apart - int(VIEWS_APART * len(pages)))


def report(name, pages, failed):
	for page, a, b in failed[:SHOWN]:
		print(f"# {page!r}\n#   ours   {a}\n#   theirs {b}")
	print(f"html {name}: {len(pages) - len(failed)}/{len(pages)}")
	return len(failed)


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--cases", type=int, default=10000, help="pages to generate (default 10000)")
	parser.add_argument("--seed", type=int, default=1, help="of the generator (default 1)")
	arguments = parser.parse_args()
	random_ = random.Random(arguments.seed)
	n_failed = compare_tokens([page_of(random_) for _ in range(arguments.cases)])
	n_failed += compare_views([nested_page(random_) for _ in range(arguments.cases)])
	return n_failed > 0


if __name__ == "__main__":
	sys.exit(main())
