/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the views of a page and its links, within small limits. The first byte says how it is read.
 * Checked beside memory safety: texts, lists and runs keep their limits and their order; a link that could be
 * parsed parses to itself; data: URIs decode to no more than they say; reading twice gives the same.
 */
#include "base/ensure.h"
#include "judge/view.h"

#define MEMORY ((size_t)8 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct view_limits limits_for_fuzzing(void)
{
	return (struct view_limits){ .text = 4096, .links = 40, .depth = 20, .rules = 20, .items = 10 };
}

static void check_runs(const struct html_view *view, const struct view_limits *limits)
{
	size_t at = 0;

	ASSERT(view->visible.n <= limits->text && view->hidden.n <= limits->text);
	ASSERT(view->n_runs <= 2 * limits->items); /* the place for them doubles */
	for (size_t i = 0; i < view->n_runs; i++) {
		ASSERT(view->runs[i].from >= at && view->runs[i].to >= view->runs[i].from);
		ASSERT(view->runs[i].how != HTML_VISIBLE && html_hidden_word(view->runs[i].how));
		at = view->runs[i].to;
	}
	ASSERT(at <= view->hidden.n);
}

static void check_data(const struct html_view *view)
{
	struct buf out;

	for (const struct html_data_uri *uri = view->data_uris; uri; uri = uri->next) {
		buf_init(&out, uri->size);
		ASSERT(html_data_uri_decode(uri, &out));
		buf_done(&out);
	}
}

static void check_links(const struct links *links, struct arena *arena)
{
	size_t n = 0;

	for (const struct message_link *link = links->first; link; link = link->next, n++) {
		struct url again;
		ASSERT(link_kind_word(link->kind));
		if (link->facts & (LINK_BROKEN | LINK_DATA))
			continue;
		ASSERT(link->url.scheme.n > 0 && text_is_ascii(link->url.normal));
		if (!url_parse(link->url.normal, NULL, arena, &again))
			continue; /* longer than it was, or the arena is full */
		ASSERT(text_is_equal(again.normal, link->url.normal));
	}
	ASSERT(n == links->n && n <= links->limits->links);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct view_limits limits = limits_for_fuzzing();
	struct message_view view, again;
	struct arena arena;

	if (n == 0)
		return 0;
	const struct view_source source = { .kind = data[0] & 1 ? VIEW_PLAIN : VIEW_HTML,
					    .is_attachment = data[0] & 2,
					    .form = { data[0] & 4, data[0] & 8 },
					    .text = text_from_bytes(data + 1, n - 1) };
	arena_init(&arena, MEMORY);
	message_view_init(&view, &limits, NULL, &arena);
	message_view_init(&again, &limits, NULL, &arena);
	ASSERT(message_view_add_text(&view, &source) && message_view_add_text(&again, &source));
	message_view_add_field(&view, (struct text)TEXT("List-Unsubscribe"), source.text);
	check_runs(&view.first->html, &limits);
	check_data(&view.first->html);
	check_links(&view.links, &arena);
	ASSERT(text_is_equal(buf_text(&view.first->html.visible), buf_text(&again.first->html.visible)));
	ASSERT(text_is_equal(buf_text(&view.first->text.normal), buf_text(&again.first->text.normal)));
	message_view_done(&view);
	message_view_done(&again);
	arena_reset(&arena);
	return 0;
}
