/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks for GTUBE and EICAR in every part of a message. Called by judge.c in a message room, on a
 * stranger's bytes. Each content is searched as it is, with NULs left out (UTF-16), and, when it may
 * be HTML, with tags left out and entities undone; files uuencoded in it are searched too. Linear in
 * the decoded bytes. The strings stand here in two halves, so that neither this file nor the program
 * made of it is taken for the test file itself.
 */
#include "judge/teststring.h"

#include "judge/html_text.h"
#include "proto/uuencode.h"

#define BIT(encoding) (1U << (encoding))

static const struct needle {
	struct text head, tail; /* one behind the other, 68 bytes each */
	const char *symbol;
	enum judge_finding finding;
} needles[] = {
	{ TEXT("XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE"), TEXT("-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"), "GTUBE",
	  JUDGE_SPAM },
	{ TEXT("X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR"), TEXT("-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"), "EICAR",
	  JUDGE_VIRUS },
};

#define N_NEEDLES (sizeof needles / sizeof *needles)

struct search {
	struct judge_work *work;
	struct buf view;   /* content without NULs, or HTML as text */
	struct buf nested; /* a uuencoded file */
	size_t n_found;
	bool found[N_NEEDLES];
};

static bool has_needle(struct text t, const struct needle *needle)
{
	for (;;) {
		size_t at = text_find(t, needle->head);
		if (at == SIZE_MAX)
			return false;
		t = text_skip(t, at + needle->head.n);
		if (text_has_prefix(t, needle->tail))
			return true;
	}
}

static void look_at(struct search *s, struct text t)
{
	for (size_t i = 0; i < N_NEEDLES; i++) {
		if (s->found[i] || !has_needle(t, &needles[i]))
			continue;
		s->found[i] = true;
		s->n_found++;
		judge_add(s->work, "teststring", needles[i].symbol, needles[i].finding, 100);
	}
}

/* Whatever order its bytes have: a letter of UTF-16 or UTF-32 is itself and NULs. */
static void look_without_nuls(struct search *s, struct text t)
{
	char *at;

	if (text_find_byte(t, 0) == t.n)
		return;
	buf_reset(&s->view);
	at = buf_reserve(&s->view, t.n);
	if (!at) {
		judge_add_trouble(s->work, MIME_TROUBLE_DECODED);
		return;
	}
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i])
			at[s->view.n++] = t.p[i];
	look_at(s, text_from_bytes(at, s->view.n));
	s->view.n = 0;
}

static void look_as_html(struct search *s, struct text t)
{
	if (text_find_byte(t, '<') == t.n && text_find_byte(t, '&') == t.n)
		return;
	buf_reset(&s->view);
	if (html_text_add(t, &s->view))
		look_at(s, buf_text(&s->view));
	else
		judge_add_trouble(s->work, MIME_TROUBLE_DECODED);
}

static void look_at_files(struct search *s, struct text t)
{
	struct uuencode_file file;
	size_t at = 0;

	while (uuencode_find(t, &at, &file)) {
		buf_reset(&s->nested);
		if (!uuencode_decode(&file, &s->nested)) {
			judge_add_trouble(s->work, MIME_TROUBLE_DECODED);
			return;
		}
		look_at(s, buf_text(&s->nested));
		look_without_nuls(s, buf_text(&s->nested));
	}
}

static bool may_be_html(const struct mime_part *part)
{
	return part->type.n == 0 || text_is_cstr_nocase(part->type, "text");
}

static void look_at_content(struct search *s, const struct mime_part *part, struct text content)
{
	look_at(s, content);
	look_without_nuls(s, content);
	if (may_be_html(part))
		look_as_html(s, content);
	look_at_files(s, content);
}

static void look_at_part(struct search *s, const struct mime_part *part)
{
	struct text content;

	look_at_content(s, part, part->body);
	for (enum mime_encoding e = MIME_BASE64; e < MIME_ENCODING_COUNT; e++)
		if ((part->encodings & BIT(e)) && judge_decode(s->work, part, e, &content))
			look_at_content(s, part, content);
}

void teststring_run(struct judge_work *work)
{
	struct search s = { .work = work };

	buf_init(&s.view, judge_view_max(work->input));
	buf_init(&s.nested, judge_view_max(work->input));
	look_at(&s, work->input->message);
	for (const struct mime_part *p = work->tree->first; p && s.n_found < N_NEEDLES; p = p->next)
		if (p->kind != MIME_MULTIPART && p->kind != MIME_MESSAGE)
			look_at_part(&s, p);
	buf_done(&s.view);
	buf_done(&s.nested);
}
