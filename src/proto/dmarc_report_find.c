/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds the report in the mail that carries it. Called on what strangers sent. Senders differ: the report is
 * the whole body or an attachment, its type is right or application/octet-stream, so the content decides: the
 * first part whose decoded bytes begin as gzip, zip, or XML that is not a page for people.
 */
#include "proto/dmarc_report.h"

#include "proto/mime_content.h"
#include "proto/mime_part.h"

static bool is_report(const struct mime_part *part, struct text content)
{
	if (!dmarc_report_is_file(content))
		return false;
	return text_find_byte(content, '<') > 0 ||
	       text_has_suffix_nocase(part->subtype, (struct text)TEXT("xml")) ||
	       text_find(content, (struct text)TEXT("<feedback")) != SIZE_MAX;
}

bool dmarc_report_find(struct text message, const struct mime_limits *limits, struct arena *arena,
		       struct buf *ret_file)
{
	struct mime_tree tree;

	mime_tree_read(message, limits, arena, &tree);
	for (const struct mime_part *part = tree.first; part; part = part->next) {
		if (part->kind != MIME_LEAF || !mime_part_is_first(part))
			continue;
		buf_reset(ret_file);
		if (mime_part_decode(part, part->encoding, ret_file) && is_report(part, buf_text(ret_file)))
			return true;
	}
	return false;
}
