/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs and data: URIs in a page. Called by html_view.c and html_tags.c, on a stranger's page. A program
 * is not understood: its words are looked up in a table, each byte once. What matters is whether it can put
 * a file together and hand it to the reader ("HTML smuggling"). rfc2397 2 and 3
 */
#include "judge/html_reader.h"

#include "proto/base64.h"

#define PAYLOAD_MIN 1024 /* a run of base64 letters that is no name and no key */

static const struct {
	const char *word;
	enum html_script_word bit;
} words[] = {
	{ "Blob", HTML_SCRIPT_BLOB },
	{ "CryptoJS", HTML_SCRIPT_CRYPT },
	{ "Function", HTML_SCRIPT_EVAL },
	{ "Uint8Array", HTML_SCRIPT_BYTES },
	{ "XMLHttpRequest", HTML_SCRIPT_FETCH },
	{ "atob", HTML_SCRIPT_ATOB },
	{ "charCodeAt", HTML_SCRIPT_BYTES },
	{ "click", HTML_SCRIPT_CLICK },
	{ "createObjectURL", HTML_SCRIPT_OBJECT_URL },
	{ "decodeURIComponent", HTML_SCRIPT_UNESCAPE },
	{ "dispatchEvent", HTML_SCRIPT_CLICK },
	{ "download", HTML_SCRIPT_DOWNLOAD },
	{ "eval", HTML_SCRIPT_EVAL },
	{ "execScript", HTML_SCRIPT_EVAL },
	{ "fetch", HTML_SCRIPT_FETCH },
	{ "fromCharCode", HTML_SCRIPT_FROM_CHAR_CODE },
	{ "fromCodePoint", HTML_SCRIPT_FROM_CHAR_CODE },
	{ "innerHTML", HTML_SCRIPT_DOCUMENT_WRITE },
	{ "location", HTML_SCRIPT_LOCATION },
	{ "msSaveBlob", HTML_SCRIPT_SAVE_BLOB },
	{ "msSaveOrOpenBlob", HTML_SCRIPT_SAVE_BLOB },
	{ "saveAs", HTML_SCRIPT_SAVE_BLOB },
	{ "srcdoc", HTML_SCRIPT_DOCUMENT_WRITE },
	{ "subtle", HTML_SCRIPT_CRYPT },
	{ "unescape", HTML_SCRIPT_UNESCAPE },
	{ "write", HTML_SCRIPT_DOCUMENT_WRITE },
	{ "writeln", HTML_SCRIPT_DOCUMENT_WRITE },
};

const char *html_script_word_name(enum html_script_word word)
{
	static const char *const names[] = {
		"atob", "blob",     "object-url", "save-blob", "document-write", "unescape", "from-char-code",
		"eval", "location", "download",   "bytes",     "fetch",          "click",    "crypt",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (word == 1u << i)
			return names[i];
	return NULL;
}

static int compare(struct text name, const char *word)
{
	size_t n = strlen(word);
	int order = memcmp(name.p, word, name.n < n ? name.n : n);

	return order ? order : name.n < n ? -1 : name.n > n;
}

static unsigned find_word(struct text name)
{
	size_t low = 0, high = sizeof words / sizeof *words;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = compare(name, words[middle].word);
		if (order == 0)
			return words[middle].bit;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}

static bool is_name_byte(char c)
{
	char lower = text_lower_byte(c);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '$';
}

static bool is_base64_byte(char c)
{
	return (is_name_byte(c) && c != '$' && c != '_') || c == '+' || c == '/';
}

static void judge_words(struct html_facts *facts)
{
	unsigned has = facts->script_words;
	bool makes_file = (has & HTML_SCRIPT_BLOB && has & HTML_SCRIPT_OBJECT_URL) ||
			  has & HTML_SCRIPT_SAVE_BLOB ||
			  (has & HTML_SCRIPT_DOWNLOAD && has & HTML_SCRIPT_CLICK);
	bool has_content = facts->longest_base64 >= PAYLOAD_MIN ||
			   has & (HTML_SCRIPT_ATOB | HTML_SCRIPT_FROM_CHAR_CODE | HTML_SCRIPT_UNESCAPE |
				  HTML_SCRIPT_BYTES | HTML_SCRIPT_CRYPT);

	facts->is_smuggling |= makes_file && has_content;
}

void html_script_read(struct text script, struct html_facts *facts)
{
	size_t name_at = 0, base64_at = 0;

	facts->n_scripts++;
	facts->script_bytes += script.n;
	for (size_t at = 0; at <= script.n; at++) {
		char c = at < script.n ? script.p[at] : ' ';
		if (!is_name_byte(c)) {
			facts->script_words |= find_word(text_slice(script, name_at, at));
			name_at = at + 1;
		}
		if (!is_base64_byte(c)) {
			if (at - base64_at > facts->longest_base64)
				facts->longest_base64 = at - base64_at;
			base64_at = at + 1;
		}
	}
	judge_words(facts);
}

/* data:[<mediatype>][;base64],<data> */
bool html_data_uri_parse(struct text value, struct html_data_uri *ret_uri)
{
	static const struct text scheme = TEXT("data:"), base64 = TEXT("base64");
	struct text head, type, parameters;

	value = text_trim(value);
	if (!text_has_prefix_nocase(value, scheme) ||
	    !text_cut(text_skip(value, scheme.n), ',', &head, &ret_uri->data))
		return false;
	head = text_trim(head);
	ret_uri->is_base64 = text_has_suffix_nocase(head, base64);
	text_cut(head, ';', &type, &parameters);
	ret_uri->type =
		text_find_byte(type, '/') < type.n ? text_trim(type) : (struct text)TEXT("text/plain");
	ret_uri->size = ret_uri->is_base64 ? ret_uri->data.n / 4 * 3 + BASE64_SLACK : ret_uri->data.n;
	return true;
}

static unsigned hex_of(char c)
{
	c = text_lower_byte(c);
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

/* Percent-coding undone: also what base64 was put in. */
static bool add_undone(struct text t, struct buf *out)
{
	while (t.n) {
		size_t n = text_find_byte(t, '%');
		buf_add(out, text_slice(t, 0, n));
		t = text_skip(t, n);
		if (t.n > 2 && hex_of(t.p[1]) < 16 && hex_of(t.p[2]) < 16) {
			buf_add_byte(out, (char)(hex_of(t.p[1]) * 16 + hex_of(t.p[2])));
			t = text_skip(t, 3);
		} else if (t.n) {
			buf_add_byte(out, '%');
			t = text_skip(t, 1);
		}
	}
	return !out->overflow;
}

bool html_data_uri_decode(const struct html_data_uri *uri, struct buf *out)
{
	struct buf undone;
	bool ok;

	if (!uri->is_base64)
		return add_undone(uri->data, out);
	if (text_find_byte(uri->data, '%') == uri->data.n)
		return base64_decode(uri->data, out);
	buf_init(&undone, uri->data.n);
	ok = add_undone(uri->data, &undone) && base64_decode(buf_text(&undone), out);
	buf_done(&undone);
	return ok;
}
