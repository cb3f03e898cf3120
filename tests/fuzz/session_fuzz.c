/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the whole session room with everybody whom it talks to (tests/script/world.h). The first
 * byte is the size of the client's pieces (0: all at once), the second chooses what policy refuses and
 * the outcome of the first message, the rest is what the client sends. Checked beside memory safety: the
 * room keeps the rules of its channels and ends; what it says are replies, until TLS begins; what queue
 * got has neither NUL nor bare newline.
 */
#include "../script/world.h"

#include "base/ensure.h"
#include "ipc/policy_session.h"
#include "ipc/session_queue.h"
#include "proto/smtp_reply.h"

#include <fcntl.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct world *begin_world(void)
{
	static struct world w;
	static bool is_begun;
	int here;

	if (is_begun)
		return &w;
	here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* world_init leaves it */
	w.file = "fuzz";
	w.address = (struct addr){ { [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 7 } };
	world_init(&w, text_from_cstr(""));
	ASSERT(fchdir(here) == 0);
	close(here);
	is_begun = true;
	return &w;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void check_reply_line(struct text line)
{
	ASSERT(line.n >= 5 && line.n < SMTP_REPLY_LINE_MAX && line.p[line.n - 1] == '\r');
	ASSERT(line.p[0] >= '2' && line.p[0] <= '5' && is_digit(line.p[1]) && is_digit(line.p[2]));
	ASSERT(line.p[3] == ' ' || line.p[3] == '-');
	for (size_t i = 4; i + 1 < line.n; i++)
		ASSERT((unsigned char)line.p[i] >= ' ' && line.p[i] != 0x7f);
}

/* The second 220 is the answer to STARTTLS: what follows is a handshake's. */
static void check_replies(struct text heard)
{
	struct text line;
	unsigned n_ready = 0;

	while (n_ready < 2 && text_cut(heard, '\n', &line, &heard)) {
		check_reply_line(line);
		n_ready += text_has_prefix(line, text_from_cstr("220 "));
	}
	ASSERT(n_ready == 2 || heard.n == 0);
}

static void check_message(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		ASSERT(t.p[i] != '\0');
		ASSERT(t.p[i] != '\n' || (i > 0 && t.p[i - 1] == '\r'));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct world *w = begin_world();

	if (n < 2)
		return 0;
	for (unsigned i = 0; i < WORLD_QUESTIONS; i++) {
		bool is_refused = data[1] >> i & 1;
		w->verdicts[i] = is_refused ? POLICY_SESSION_VERDICT_TRY_LATER : POLICY_SESSION_VERDICT_OK;
	}
	w->outcome = data[1] >> 4 & 3;
	w->piece = data[0];
	world_connect(w);
	world_send(w, text_from_bytes(data + 2, n - 2));
	world_close_half(w);
	check_replies(buf_text(&w->heard));
	check_message(buf_text(&w->message));
	world_close(w);
	buf_reset(&w->heard);
	buf_reset(&w->message);
	for (enum other other = 0; other < OTHER_COUNT; other++)
		buf_reset(&w->others[other].said);
	return 0;
}
