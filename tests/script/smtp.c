/* SPDX-License-Identifier: Apache-2.0
 *
 * Plays SMTP dialogues against the real code of the session room: smtp-script FILE.smtp. A script has
 * one step a line (tests/script/README.md); this file reads and plays it. Ends with 0 when all happened
 * as written, else with a line that says where it did not.
 */
#include "world.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SCRIPT_MAX ((size_t)1 << 20)
#define SEND_MAX   ((size_t)128 << 20)

struct script {
	struct world world;
	struct text rest;  /* lines to come */
	struct buf send;   /* of a group of C lines */
	struct buf wanted; /* of a group of M lines */
};

/* ---- bytes ---- */

static unsigned hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c = text_lower_byte(c);
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* \r \n \t \0 \\ \xNN */
static void add_escape(struct script *s, struct text t, size_t *at, struct buf *out)
{
	static const char names[] = "rnt0\\", bytes[] = "\r\n\t\0\\";
	char c = *at + 1 < t.n ? t.p[*at + 1] : 0;
	const char *found = c ? strchr(names, c) : NULL;

	if (found) {
		buf_add_byte(out, bytes[found - names]);
		*at += 1;
		return;
	}
	if (c != 'x' || *at + 3 >= t.n || hex_of(t.p[*at + 2]) > 15 || hex_of(t.p[*at + 3]) > 15)
		world_fail(&s->world, "unknown escape");
	buf_add_byte(out, (char)(hex_of(t.p[*at + 2]) << 4 | hex_of(t.p[*at + 3])));
	*at += 3;
}

static void add_bytes(struct script *s, struct text t, struct buf *out)
{
	for (size_t i = 0; i < t.n; i++) {
		if (t.p[i] == '\\')
			add_escape(s, t, &i, out);
		else
			buf_add_byte(out, t.p[i]);
	}
}

/* What stands behind "C" or "M": a line (:), bytes (~) or bytes a number of times (*). */
static void add_piece(struct script *s, char kind, struct text t, struct buf *out)
{
	struct text number;
	uint64_t n = 1;

	if (kind == ':') {
		buf_add(out, t);
		buf_add_cstr(out, "\r\n");
		return;
	}
	if (kind == '*') {
		text_cut(t, ' ', &number, &t);
		if (!text_parse_u64(number, SEND_MAX, &n))
			world_fail(&s->world, "how many times?");
	}
	while (n--)
		add_bytes(s, t, out);
	if (out->overflow)
		world_fail(&s->world, "too much");
}

/* ---- what the client hears ---- */

static struct text next_line(struct script *s)
{
	struct text all = buf_text(&s->world.heard);
	size_t n = text_find_byte(all, '\n');

	if (n == all.n)
		world_fail(&s->world, "the client hears nothing more%s", s->world.is_ended ? ": closed" : "");
	if (n == 0 || all.p[n - 1] != '\r')
		world_fail(&s->world, "a reply ends without CR LF");
	return text_slice(all, 0, n - 1);
}

static bool is_like(struct text got, struct text wanted)
{
	if (wanted.n >= 3 && text_is_cstr(text_skip(wanted, wanted.n - 3), "..."))
		return text_has_prefix(got, text_slice(wanted, 0, wanted.n - 3));
	return text_is_equal(got, wanted);
}

static void hear_line(struct script *s, struct text wanted)
{
	struct text line = next_line(s);

	if (!is_like(line, wanted))
		world_fail(&s->world, "the client hears: %.*s", TEXT_ARGS(line));
	buf_consume(&s->world.heard, line.n + 2);
}

/* A whole reply with this code. */
static void hear_reply(struct script *s, struct text code)
{
	bool is_last = false;

	while (!is_last) {
		struct text line = next_line(s);
		if (!text_has_prefix(line, code) || line.n <= code.n)
			world_fail(&s->world, "the client hears: %.*s", TEXT_ARGS(line));
		is_last = line.p[code.n] == ' ';
		buf_consume(&s->world.heard, line.n + 2);
	}
}

static void hear_nothing(struct script *s)
{
	if (s->world.heard.n)
		world_fail(&s->world, "the client hears also: %.*s", TEXT_ARGS(next_line(s)));
}

static void hear_end(struct script *s)
{
	hear_nothing(s);
	if (!s->world.is_ended)
		world_fail(&s->world, "the connection is not closed");
	world_close(&s->world);
}

/* ---- what the others hear ---- */

static bool has_words(struct text line, struct text words)
{
	struct text word, rest, other;
	bool is_there = true;

	while (is_there && words.n) {
		text_cut(words, ' ', &word, &words);
		is_there = false;
		for (rest = line; rest.n && !is_there;) {
			text_cut(rest, ' ', &other, &rest);
			is_there = text_is_equal(word, other);
		}
	}
	return is_there;
}

/* The next message with this name; those before it are passed over. */
static void other_hears(struct script *s, enum other other, struct text words)
{
	struct end *end = &s->world.others[other];
	struct text rest = text_skip(buf_text(&end->said), end->heard), line, name, got_name;

	text_cut(words, ' ', &name, &line);
	if (text_is_cstr(name, "nothing")) {
		if (rest.n && !text_is_cstr(rest, "gone\n"))
			world_fail(&s->world, "%s hears %.*s", other_name(other), TEXT_ARGS(rest));
		return;
	}
	do {
		if (rest.n == 0)
			world_fail(&s->world, "%s hears no such thing", other_name(other));
		text_cut(rest, '\n', &line, &rest);
		text_cut(line, ' ', &got_name, &(struct text){ 0 });
	} while (!text_is_equal(name, got_name));
	if (!has_words(line, words))
		world_fail(&s->world, "%s hears: %.*s", other_name(other), TEXT_ARGS(line));
	end->heard = end->said.n - rest.n;
}

static void compare_message(struct script *s)
{
	struct text got = buf_text(&s->world.message), wanted = buf_text(&s->wanted);
	struct buf shown;

	if (text_is_equal(got, wanted))
		return;
	buf_init(&shown, SCRIPT_MAX);
	buf_add_escaped(&shown, text_slice(got, 0, 10000));
	world_fail(&s->world, "queue holds %zu bytes: %s", got.n, buf_cstr(&shown));
}

/* ---- steps ---- */

static int64_t time_of(struct script *s, struct text t)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	size_t n = 0;
	uint64_t count;

	while (n < t.n && t.p[n] >= '0' && t.p[n] <= '9')
		n++;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (text_is_cstr(text_skip(t, n), units[i].unit) &&
		    text_parse_u64(text_slice(t, 0, n), 1000000, &count))
			return (int64_t)count * units[i].ms;
	world_fail(&s->world, "no time: %.*s", TEXT_ARGS(t));
}

static bool step_of_other(struct script *s, struct text subject, struct text words)
{
	struct text verb, object;

	text_cut(words, ' ', &verb, &object);
	for (enum other other = 0; other < OTHER_COUNT; other++) {
		struct end *end = &s->world.others[other];
		if (!text_is_cstr(subject, other_name(other)))
			continue;
		if (text_is_cstr(verb, "hears"))
			other_hears(s, other, object);
		else if (text_is_cstr(verb, "says"))
			others_tell(&s->world, other, object);
		else if (text_is_cstr(words, "is silent"))
			end->mood = MOOD_SILENT;
		else if (text_is_cstr(words, "is away"))
			end->mood = MOOD_AWAY;
		else if (text_is_cstr(words, "is back"))
			end->mood = MOOD_ORDINARY;
		else if (text_is_cstr(words, "leaves"))
			link_close(&end->link);
		else
			return false;
		return true;
	}
	return false;
}

static bool step_of_client(struct script *s, struct text words)
{
	struct text verb, object;
	uint64_t n;

	text_cut(words, ' ', &verb, &object);
	if (text_is_cstr(words, "leaves"))
		world_close(&s->world);
	else if (text_is_cstr(words, "ends"))
		world_close_half(&s->world);
	else if (text_is_cstr(words, "waits"))
		hear_nothing(s);
	else if (text_is_cstr(words, "goes deaf"))
		s->world.is_deaf = true;
	else if (text_is_cstr(verb, "is"))
		return addr_parse(object, &s->world.address);
	else if (text_is_cstr(verb, "cuts") && text_parse_u64(object, SEND_MAX, &n))
		s->world.piece = n;
	else
		return false;
	return true;
}

static bool step_of_tls(struct script *s, struct text words)
{
	bool is_wanted = text_is_cstr(words, "");

	if (!is_wanted && !text_is_cstr(words, "fails"))
		return false;
	if (world_start_tls(&s->world) != is_wanted)
		world_fail(&s->world, is_wanted ? "the handshake fails" : "the handshake succeeds");
	return true;
}

static bool step(struct script *s, struct text line)
{
	struct text subject, words;

	text_cut(line, ' ', &subject, &words);
	if (text_is_cstr(subject, "listener"))
		return true; /* was read before */
	if (text_is_cstr(subject, "S:"))
		hear_line(s, words);
	else if (text_is_cstr(subject, "S*"))
		hear_reply(s, words);
	else if (text_is_cstr(line, "closed"))
		hear_end(s);
	else if (text_is_cstr(line, "connect"))
		world_connect(&s->world);
	else if (text_is_cstr(subject, "client"))
		return step_of_client(s, words);
	else if (text_is_cstr(subject, "tls"))
		return step_of_tls(s, words);
	else if (text_has_prefix(line, text_from_cstr("time passes ")))
		world_pass_time(&s->world, time_of(s, text_skip(line, 12)));
	else
		return step_of_other(s, subject, words);
	return true;
}

/* Groups end where another kind of line follows. */
static void end_groups(struct script *s, char next)
{
	if (next != 'C' && s->send.n) {
		hear_nothing(s);
		world_send(&s->world, buf_text(&s->send));
		buf_reset(&s->send);
	}
	if (next != 'M' && s->wanted.n) {
		compare_message(s);
		buf_reset(&s->wanted);
	}
}

static bool is_piece(struct text line, char of)
{
	return line.n >= 2 && line.p[0] == of && strchr(":~*", line.p[1]);
}

static void play_line(struct script *s, struct text line)
{
	bool is_client = is_piece(line, 'C'), is_message = is_piece(line, 'M');

	s->world.line++;
	if (!is_client && !is_message)
		line = text_trim(line);
	if (line.n == 0 || line.p[0] == '#')
		return;
	end_groups(s, is_client ? 'C' : is_message ? 'M' : 0);
	if (is_client)
		add_piece(s, line.p[1], text_skip(line, 3), &s->send);
	else if (is_message)
		add_piece(s, line.p[1], text_skip(line, 3), &s->wanted);
	else if (!step(s, line))
		world_fail(&s->world, "no such step");
	world_settle(&s->world);
}

/* The lines that begin with "listener". TLS is off where they do not speak of it. */
static void read_settings(struct script *s, struct buf *out)
{
	struct text rest = s->rest, line, word, setting;
	bool has_tls = false;

	while (rest.n) {
		text_cut(rest, '\n', &line, &rest);
		text_cut(line, ' ', &word, &setting);
		if (!text_is_cstr(word, "listener"))
			continue;
		has_tls |= text_has_prefix(setting, text_from_cstr("tls "));
		buf_add(out, setting);
		buf_add_byte(out, '\n');
	}
	if (!has_tls)
		buf_add_cstr(out, "tls off\n");
}

static void play(struct script *s)
{
	struct text line;
	struct buf settings;

	buf_init(&settings, SCRIPT_MAX);
	buf_init(&s->send, SEND_MAX);
	buf_init(&s->wanted, SEND_MAX);
	read_settings(s, &settings);
	addr_parse(text_from_cstr("192.0.2.1"), &s->world.address);
	world_init(&s->world, buf_text(&settings));
	while (s->rest.n) {
		text_cut(s->rest, '\n', &line, &s->rest);
		play_line(s, line);
	}
	end_groups(s, 0);
	hear_nothing(s);
	world_done(&s->world);
	buf_done(&settings);
	buf_done(&s->send);
	buf_done(&s->wanted);
}

static bool read_script(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *p;
	ssize_t n;

	if (fd < 0)
		return false;
	while ((p = buf_reserve(out, 65536)) && (n = read(fd, p, 65536)) > 0)
		out->n += (size_t)n;
	close(fd);
	return p && n == 0;
}

int main(int argc, char **argv)
{
	static struct script script;
	struct buf bytes;

	signal(SIGPIPE, SIG_IGN);
	buf_init(&bytes, SCRIPT_MAX);
	if (argc != 2 || !read_script(argv[1], &bytes)) {
		fprintf(stderr, "usage: smtp-script FILE.smtp\n");
		return 2;
	}
	script.world.file = argv[1];
	script.rest = buf_text(&bytes);
	play(&script);
	buf_done(&bytes);
	return 0;
}
