/* SPDX-License-Identifier: Apache-2.0
 *
 * What is shown of a message: paths of parts, decoded content, text as UTF-8. Called by inspect_json.c
 * and inspect_text.c in the room of `postern inspect`, on a stranger's bytes. Trusts nothing but the
 * tree's own invariants. Everything is bounded by the limits of the reader, and by the message's size.
 */
#include "base/ensure.h"
#include "cli/inspect.h"
#include "proto/encoded_word.h"
#include "proto/mime_content.h"
#include "proto/mime_name.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#define UTF8_GROWTH 4 /* bytes that one byte of a character set becomes at most */

const char *inspect_kind_word(enum mime_kind kind)
{
	static const char *const words[] = {
		[MIME_LEAF] = "leaf", [MIME_MULTIPART] = "multipart", [MIME_MESSAGE] = "message",
		[MIME_GAP] = "gap",   [MIME_FILE] = "file",
	};

	return words[kind];
}

const char *inspect_encoding_word(enum mime_encoding encoding)
{
	static const char *const words[MIME_ENCODING_COUNT] = {
		[MIME_IDENTITY] = "identity",
		[MIME_BASE64] = "base64",
		[MIME_QUOTED_PRINTABLE] = "quoted-printable",
		[MIME_UUENCODE] = "uuencode",
		[MIME_YENC] = "yenc",
		[MIME_BASE64_TO_PADDING] = "base64-to-padding",
		[MIME_BASE64_RUN_ON] = "base64-run-on",
		[MIME_BASE64_TO_JUNK] = "base64-to-junk",
		[MIME_BASE64_URL] = "base64-url",
	};

	return words[encoding];
}

const struct inspect_part *inspect_find(const struct inspect *in, const struct mime_part *part)
{
	for (size_t i = 0; i < in->n_parts; i++)
		if (in->parts[i].part == part)
			return &in->parts[i];
	return NULL;
}

/* How many of the same parent, way and kind of number stand before it. */
static size_t number_of(const struct inspect *in, const struct mime_part *part)
{
	size_t n = 1;

	for (size_t i = 0; i < in->n_parts && in->parts[i].part != part; i++) {
		const struct mime_part *p = in->parts[i].part;
		bool is_same = p->parent == part->parent && p->way == part->way;
		n += is_same && (p->kind == MIME_GAP) == (part->kind == MIME_GAP) &&
		     (p->kind == MIME_FILE) == (part->kind == MIME_FILE);
	}
	return n;
}

/* "1.2"; "1.g1" is a gap of part 1, "1.f1" a file within its text, "1~1.2" is of another reading. */
static struct text path_of(struct inspect *in, const struct mime_part *part)
{
	const char *sort = part->kind == MIME_GAP ? "g" : part->kind == MIME_FILE ? "f" : "";
	const struct inspect_part *parent = part->parent ? inspect_find(in, part->parent) : NULL;
	struct text path = TEXT("0");
	struct buf b;

	if (!parent)
		return path;
	buf_init(&b, 4096);
	if (parent->part->parent || part->way)
		buf_add(&b, parent->path);
	if (part->way)
		buf_printf(&b, "~%u", part->way);
	if (b.n)
		buf_add_byte(&b, '.');
	buf_printf(&b, "%s%zu", sort, number_of(in, part));
	ASSERT(arena_copy(&in->arena, buf_text(&b), &path));
	buf_done(&b);
	return path;
}

void inspect_read(struct inspect *in, struct text message)
{
	in->message = message;
	arena_init(&in->arena, SIZE_MAX / 2);
	buf_init(&in->content, mime_content_max(message));
	buf_init(&in->text, UTF8_GROWTH * mime_content_max(message));
	in->charsets = charset_cache_new();
	mime_tree_read(message, &in->limits, &in->arena, &in->tree);
	in->parts = mem_zalloc(in->tree.n_parts + 1, sizeof *in->parts);
	for (const struct mime_part *p = in->tree.first; p; p = p->next) {
		struct inspect_part *view = &in->parts[in->n_parts];
		view->part = p;
		view->path = path_of(in, p);
		in->n_parts++;
	}
}

bool inspect_decode(struct inspect *in, const struct mime_part *part, enum mime_encoding encoding,
		    struct text *ret_content)
{
	buf_reset(&in->content);
	*ret_content = part->body;
	if (encoding == MIME_IDENTITY)
		return true;
	if (!mime_part_decode(part, encoding, &in->content))
		return false;
	*ret_content = buf_text(&in->content);
	return true;
}

struct text inspect_to_utf8(struct inspect *in, const struct mime_part *part, struct text content)
{
	unsigned defects = 0;

	buf_reset(&in->text);
	charset_decode(in->charsets, part->charset, content, &in->text, &defects);
	return buf_text(&in->text);
}

struct text inspect_field_text(struct inspect *in, struct text body)
{
	unsigned defects = 0;

	buf_reset(&in->text);
	encoded_word_decode_text(in->charsets, body, &in->text, &defects);
	return text_trim(buf_text(&in->text));
}

struct text inspect_name_text(struct inspect *in, const struct mime_name *name)
{
	buf_reset(&in->text);
	(void)!mime_name_decode(name, in->charsets, &in->text);
	return buf_text(&in->text);
}

void inspect_sha256(struct text content, char out[65])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	ASSERT(EVP_Digest(content.p ? content.p : "", content.n, digest, &n, EVP_sha256(), NULL) == 1);
	for (unsigned i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* Nobody may be there any more to read it. */
