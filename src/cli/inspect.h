/* SPDX-License-Identifier: Apache-2.0
 *
 * inspect - what `postern inspect` prints: inspect.c reads the message, inspect_view.c makes what is
 * shown of it, inspect_json.c and inspect_text.c print it for programs and for people.
 */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include "base/json_writer.h"
#include "cli/room.h"
#include "proto/charset.h"
#include "proto/mime_header.h"
#include "proto/mime_part.h"
#include "proto/mime_value.h"

struct lookalike;

struct inspect {
	struct text message;
	struct mime_limits limits;
	struct mime_tree tree;
	struct arena arena; /* the tree and the paths */
	struct charset_cache *charsets;
	struct inspect_part *parts; /* in the order of the tree */
	size_t n_parts;
	struct buf content;                /* of the part at hand, decoded */
	struct buf text;                   /* of what is shown at hand, as UTF-8 */
	const char *file;                  /* named in the output; NULL: it is the only one */
	bool has_raw;                      /* --raw: header fields as they are, too */
	bool is_summary;                   /* --summary: a line, no parts */
	const struct lookalike *lookalike; /* NULL: no skeletons */
	struct room_out *out;
};

struct inspect_part {
	const struct mime_part *part;
	struct text path; /* "1.2"; "0" is the message itself */
	size_t n_children;
};

/* Reads the message into the tree and gives each part its path. */
void inspect_read(struct inspect *in, struct text message);
const struct inspect_part *inspect_find(const struct inspect *in, const struct mime_part *part);

/* The content of a part under an encoding; false when it is larger than the limits allow. */
bool inspect_decode(struct inspect *in, const struct mime_part *part, enum mime_encoding encoding,
		    struct text *ret_content);
/* The same as UTF-8: what a part of text says. Both until the next call. */
struct text inspect_to_utf8(struct inspect *in, const struct mime_part *part, struct text content);
/* A field's text, encoded words decoded, unfolded. */
struct text inspect_field_text(struct inspect *in, struct text body);
/* A name of an attachment. */
struct text inspect_name_text(struct inspect *in, const struct mime_name *name);
void inspect_sha256(struct text content, char out[65]);

const char *inspect_kind_word(enum mime_kind kind);
const char *inspect_encoding_word(enum mime_encoding encoding);

void inspect_print_json(struct inspect *in);
void inspect_print_text(struct inspect *in);

#endif
