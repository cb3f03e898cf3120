/* SPDX-License-Identifier: Apache-2.0
 *
 * Puts messages together from the rows that were found, and gives each to the import, which checks it
 * once more and writes it anew. Called by `postern queue salvage`.
 *
 * Trusts nothing in the damaged directory. What is doubtful is held with its reason, so that salvage
 * neither loses a message silently nor sends one that may be wrong.
 */
#include "store/salvage.h"
#include "store/salvage_find.h"
#include "store/spool_format.h"
#include "store/spool_record.h"

#include "base/ensure.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char doubtful[] = "found on an unlinked page, may have been delivered before";
static const char no_envelope[] = "sender and state are lost";
static const char rcpts_lost[] = "some recipients are lost";
static const char no_rcpts[] = "all recipients are lost";
static const char no_body[] = "the body is lost or damaged";
static const char no_import[] = "a field is out of bounds";

struct salvage {
	const struct salvage_options *options;
	struct salvage_report *report;
	struct salvage_pages pages;
	struct salvage_tree tree; /* the page that was read last */
	struct spool_import *import;
	int bodies_fd;
};

/* One message being put together; what the texts of rows point to is in `payload` of each. */
struct parts {
	const struct salvage_place *places; /* all of one id */
	size_t n;
	const struct salvage_place *message, *body, *rcpts;
	size_t n_rcpts; /* places from `rcpts` on; equal indexes are not counted twice */
	struct buf payload, rcpt_payload, body_payload;
	struct salvage_row row, body_row;
	int body_fd;
	struct salvage_note note;
};

static bool read_place(struct salvage *s, const struct salvage_place *place, struct buf *payload,
		       struct salvage_row *ret_row)
{
	if (s->tree.number != place->page && !salvage_tree_read(&s->pages, place->page, &s->tree)) {
		s->tree.number = 0;
		return false;
	}
	return place->cell < s->tree.n_cells &&
	       salvage_row_read(&s->pages, &s->tree, place->cell, payload, ret_row) &&
	       ret_row->kind == place->kind && ret_row->id == place->id;
}

static bool is_repeated(const struct parts *p, size_t i)
{
	return i > 0 && p->places[i].kind == p->places[i - 1].kind &&
	       p->places[i].index == p->places[i - 1].index;
}

static void hold(struct parts *p, const char *why)
{
	if (p->note.outcome != SALVAGE_WHOLE)
		return;
	p->note.outcome = SALVAGE_HELD;
	p->note.why = why;
}

static void lose(struct parts *p, const char *why)
{
	p->note.outcome = SALVAGE_LOST;
	p->note.why = why;
}

static void sort_out(struct parts *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct salvage_place *place = &p->places[i];
		if (place->kind == SALVAGE_MESSAGE && !p->message)
			p->message = place;
		if (place->kind == SALVAGE_BODY && !p->body)
			p->body = place;
		if (place->kind == SALVAGE_RCPT && !p->rcpts)
			p->rcpts = place;
		p->n_rcpts += place->kind == SALVAGE_RCPT && !is_repeated(p, i);
	}
}

/* ---- bodies ---- */

static bool open_body_file(struct salvage *s, struct parts *p, uint64_t *ret_size)
{
	char name[SPOOL_ID_SIZE];
	struct stat st;

	spool_print_id(p->note.id, name);
	p->body_fd = s->bodies_fd < 0
			     ? -1
			     : openat(s->bodies_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (p->body_fd < 0 || fstat(p->body_fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	*ret_size = (uint64_t)st.st_size;
	return true;
}

static bool find_body(struct salvage *s, struct parts *p, uint64_t *ret_size)
{
	if (p->message && p->row.message.has_file)
		return open_body_file(s, p, ret_size);
	if (!p->body)
		return !p->message && open_body_file(s, p, ret_size);
	if (!read_place(s, p->body, &p->body_payload, &p->body_row))
		return false;
	*ret_size = p->body_row.body.n;
	return true;
}

static enum error import_file(struct salvage *s, struct parts *p)
{
	char *chunk = mem_alloc(SPOOL_CHUNK_MAX);
	enum error e = ERROR_NONE;
	ssize_t n;

	while (!e) {
		n = read(p->body_fd, chunk, SPOOL_CHUNK_MAX);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break; /* too short is found by the import */
		e = spool_import_body(s->import, text_from_bytes(chunk, (size_t)n));
	}
	free(chunk);
	return e;
}

/* ---- one message ---- */

static void find_message(struct salvage *s, struct parts *p)
{
	struct spool_message *m = &p->row.message;

	if (p->message && read_place(s, p->message, &p->payload, &p->row)) {
		p->note.sender = m->sender;
	} else {
		p->message = NULL;
		hold(p, no_envelope);
		*m = (struct spool_message){ .id = p->note.id, .arrival = (int64_t)(p->note.id >> 20) };
	}
	for (size_t i = 0; i < p->n; i++)
		if (p->places[i].is_doubtful && !is_repeated(p, i))
			hold(p, doubtful);
	if (p->message && p->n_rcpts != m->n_rcpts)
		hold(p, rcpts_lost);
	m->n_rcpts = (uint32_t)p->n_rcpts;
}

static void find_rcpt(struct salvage *s, struct parts *p)
{
	struct salvage_row row;

	p->note.n_rcpts = (uint32_t)p->n_rcpts;
	if (p->rcpts && read_place(s, p->rcpts, &p->rcpt_payload, &row))
		p->note.rcpt = row.rcpt.address;
}

static enum error import_rcpts(struct salvage *s, const struct parts *p)
{
	struct buf payload;
	struct salvage_row row;
	enum error e = ERROR_NONE;
	uint32_t n = 0;

	buf_init(&payload, SALVAGE_PAYLOAD_MAX);
	for (size_t i = 0; i < p->n && !e; i++) {
		if (p->places[i].kind != SALVAGE_RCPT || is_repeated(p, i))
			continue;
		if (!read_place(s, &p->places[i], &payload, &row))
			e = ERROR_CORRUPT;
		row.rcpt.index = n++; /* those that are left are numbered anew */
		if (!e)
			e = spool_import_rcpt(s->import, &row.rcpt);
	}
	buf_done(&payload);
	return e;
}

static enum error import_body(struct salvage *s, struct parts *p)
{
	if (p->body_fd >= 0)
		return import_file(s, p);
	if (p->body_row.body.n == 0)
		return ERROR_NONE;
	return spool_import_body(s->import, p->body_row.body);
}

static enum error import_message(struct salvage *s, struct parts *p)
{
	struct spool_message *m = &p->row.message;
	enum error e;
	char reason[160];

	snprintf(reason, sizeof reason, "salvaged: %s", p->note.why ? p->note.why : "");
	if (p->note.outcome == SALVAGE_HELD) {
		m->state = SPOOL_HELD;
		m->reason = text_from_cstr(reason);
	}
	e = spool_import_message(s->import, m);
	if (!e)
		e = import_rcpts(s, p);
	if (!e)
		e = import_body(s, p);
	return e ? e : spool_import_end(s->import);
}

static enum error put_together(struct salvage *s, struct parts *p)
{
	uint64_t size = 0;
	enum error e;

	sort_out(p);
	find_message(s, p);
	find_rcpt(s, p);
	if (p->n_rcpts == 0)
		lose(p, no_rcpts);
	else if (!find_body(s, p, &size) || (p->message && size != p->row.message.body_size))
		lose(p, no_body);
	if (p->note.outcome == SALVAGE_LOST)
		return ERROR_NONE;
	p->row.message.body_size = size;
	e = import_message(s, p);
	if (e != ERROR_MALFORMED && e != ERROR_CORRUPT && e != ERROR_TOO_LARGE)
		return e;
	lose(p, p->body_fd >= 0 ? no_body : no_import);
	spool_import_cancel(s->import);
	return ERROR_NONE;
}

static void tell(struct salvage *s, const struct parts *p)
{
	uint64_t *counts[] = { &s->report->n_whole, &s->report->n_held, &s->report->n_lost };

	++*counts[p->note.outcome];
	if (s->options->tell)
		s->options->tell(s->options->owner, &p->note);
}

static enum error take_message(struct salvage *s, const struct salvage_place *places, size_t n)
{
	struct parts *p = mem_zalloc(1, sizeof *p);
	enum error e;

	p->places = places;
	p->n = n;
	p->note.id = places->id;
	p->body_fd = -1;
	buf_init(&p->payload, SALVAGE_PAYLOAD_MAX);
	buf_init(&p->rcpt_payload, SALVAGE_PAYLOAD_MAX);
	buf_init(&p->body_payload, SALVAGE_PAYLOAD_MAX);
	e = put_together(s, p);
	if (!e)
		tell(s, p);
	if (p->body_fd >= 0)
		close(p->body_fd);
	buf_done(&p->payload);
	buf_done(&p->rcpt_payload);
	buf_done(&p->body_payload);
	free(p);
	return e;
}

static enum error take_messages(struct salvage *s, const struct salvage_places *places)
{
	enum error e = ERROR_NONE;
	size_t n;

	for (size_t i = 0; i < places->n && !e; i += n) {
		for (n = 1; i + n < places->n && places->v[i + n].id == places->v[i].id; n++)
			;
		e = take_message(s, &places->v[i], n);
	}
	return e;
}

enum error salvage_run(const struct salvage_options *options, struct salvage_report *ret_report)
{
	struct salvage *s = mem_zalloc(1, sizeof *s);
	struct spool_import_count count;
	struct salvage_places places = { 0 };
	enum error e, closing;

	*ret_report = (struct salvage_report){ 0 };
	s->options = options;
	s->report = ret_report;
	e = salvage_pages_open(&s->pages, options->damaged_fd);
	if (e) {
		free(s);
		return e;
	}
	s->bodies_fd = openat(options->damaged_fd, SPOOL_BODIES_NAME,
			      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	s->import = spool_import_new(options->into);
	e = salvage_find(&s->pages, &places);
	ret_report->n_pages = s->pages.n_pages;
	ret_report->n_bad_pages = places.n_bad_pages;
	ret_report->n_frames = s->pages.n_frames;
	ret_report->n_bad_frames = s->pages.n_bad_frames;
	if (!e)
		e = take_messages(s, &places);
	closing = spool_import_close(s->import, &count);
	if (s->bodies_fd >= 0)
		close(s->bodies_fd);
	salvage_places_free(&places);
	salvage_pages_close(&s->pages);
	free(s);
	return e ? e : closing;
}
