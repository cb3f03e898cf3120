/* SPDX-License-Identifier: Apache-2.0
 *
 * The way out of a spool: one message as records. Called by tools and by whoever moves a gateway to
 * another machine.
 *
 * Reads through spool_read, so that every row was checked against its bounds; what is damaged is an
 * error, and the sum at the end comes only after the whole body was there. The grammar stands in
 * spool_record.h.
 */
#include "store/spool_record.h"

#include "base/ensure.h"
#include "base/wire.h"

#include <errno.h>
#include <openssl/evp.h>
#include <unistd.h>

struct exporter {
	enum error (*put)(void *owner, struct text record);
	void *owner;
	EVP_MD_CTX *sum;
	struct wire_writer w;
	uint8_t record[SPOOL_RECORD_MAX];
};

static void begin(struct exporter *x, enum spool_record type)
{
	x->w = wire_writer_of(x->record, sizeof x->record);
	wire_put_int(&x->w, 0, 4);
	wire_put_int(&x->w, type, 1);
}

static struct text finish(struct exporter *x)
{
	struct wire_writer length = wire_writer_of(x->record, 4);
	size_t n = wire_written(&x->w);

	ASSERT(!x->w.bad); /* all texts are within their bounds, and these fit */
	wire_put_int(&length, n - 4, 4);
	return text_from_bytes(x->record, n);
}

static enum error end(struct exporter *x)
{
	struct text record = finish(x);

	ASSERT(EVP_DigestUpdate(x->sum, record.p, record.n) == 1);
	return x->put(x->owner, record);
}

static enum error put_message(struct exporter *x, const struct spool_message *m)
{
	struct wire_writer *w = &x->w;

	begin(x, SPOOL_RECORD_MESSAGE);
	wire_put_int(w, m->id, 8);
	wire_put_int(w, (uint64_t)m->arrival, 8);
	wire_put_int(w, m->session, 8);
	wire_put_bytes(w, text_from_bytes(m->client.b, sizeof m->client.b));
	wire_put_int(w, m->port, 2);
	wire_put_int(w, m->listener, 4);
	wire_put_counted(w, m->helo);
	wire_put_counted(w, m->sender);
	wire_put_counted(w, m->envid);
	wire_put_int(w, m->body_type, 1);
	wire_put_int(w, m->ret, 1);
	wire_put_int(w, m->body_size, 8);
	wire_put_int(w, m->header_size, 4);
	wire_put_int(w, m->n_rcpts, 4);
	wire_put_int(w, m->state, 1);
	wire_put_int(w, m->flags, 4);
	wire_put_int(w, m->scans, 4);
	wire_put_counted(w, m->reason);
	wire_put_counted(w, m->head);
	wire_put_counted(w, m->origin);
	return end(x);
}

static enum error put_rcpt(struct exporter *x, const struct spool_rcpt *r)
{
	struct wire_writer *w = &x->w;

	begin(x, SPOOL_RECORD_RCPT);
	wire_put_int(w, r->index, 4);
	wire_put_counted(w, r->address);
	wire_put_counted(w, r->orcpt);
	wire_put_int(w, r->notify, 1);
	wire_put_counted(w, r->route);
	wire_put_int(w, r->state, 1);
	wire_put_int(w, r->attempts, 4);
	wire_put_int(w, (uint64_t)r->next_attempt, 8);
	wire_put_int(w, (uint64_t)r->last_attempt, 8);
	wire_put_int(w, (uint64_t)r->warned, 8);
	wire_put_int(w, r->code, 2);
	wire_put_counted(w, r->enhanced);
	wire_put_counted(w, r->answer);
	wire_put_counted(w, r->remote);
	return end(x);
}

static enum error put_chunk(struct exporter *x, struct text chunk)
{
	begin(x, SPOOL_RECORD_BODY);
	wire_put_bytes(&x->w, chunk);
	return end(x);
}

static enum error put_inline(struct exporter *x, struct spool *s, const struct spool_message *m)
{
	enum error e;
	struct buf body;

	buf_init(&body, SPOOL_INLINE_MAX);
	e = spool_read_body(s, m->id, &body);
	if (e == ERROR_NOT_FOUND || (!e && body.n != m->body_size))
		e = ERROR_CORRUPT;
	if (!e && body.n > 0)
		e = put_chunk(x, buf_text(&body));
	buf_done(&body);
	return e;
}

static enum error read_chunk(int fd, char *chunk, size_t n)
{
	while (n > 0) {
		ssize_t got = read(fd, chunk, n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? error_of_errno(errno) : ERROR_CORRUPT;
		chunk += got;
		n -= (size_t)got;
	}
	return ERROR_NONE;
}

static enum error put_file(struct exporter *x, struct spool *s, const struct spool_message *m)
{
	char *chunk = mem_alloc(SPOOL_CHUNK_MAX);
	uint64_t left = m->body_size;
	int fd = -1;
	enum error e = spool_open_body(s, m->id, m->body_size, &fd);

	while (!e && left > 0) {
		size_t n = left < SPOOL_CHUNK_MAX ? (size_t)left : SPOOL_CHUNK_MAX;
		e = read_chunk(fd, chunk, n);
		if (!e)
			e = put_chunk(x, text_from_bytes(chunk, n));
		left -= n;
	}
	if (fd >= 0)
		close(fd);
	free(chunk);
	return e;
}

static enum error put_sum(struct exporter *x)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	ASSERT(EVP_DigestFinal_ex(x->sum, sum, &n) == 1);
	begin(x, SPOOL_RECORD_END);
	wire_put_bytes(&x->w, text_from_bytes(sum, n));
	return x->put(x->owner, finish(x));
}

enum error spool_export(struct spool *s, uint64_t id, enum error (*put)(void *owner, struct text record),
			void *owner)
{
	struct exporter *x = mem_zalloc(1, sizeof *x);
	struct spool_rcpt *rcpts = NULL;
	struct spool_message m;
	struct arena arena;
	enum error e;

	x->put = put;
	x->owner = owner;
	x->sum = EVP_MD_CTX_new();
	ASSERT(x->sum && EVP_DigestInit_ex(x->sum, EVP_sha256(), NULL) == 1);
	arena_init(&arena, SPOOL_ARENA_SIZE(SPOOL_RCPTS_MAX));
	e = spool_read(s, id, &arena, &m, &rcpts);
	if (!e)
		e = put_message(x, &m);
	for (uint32_t i = 0; !e && i < m.n_rcpts; i++)
		e = put_rcpt(x, &rcpts[i]);
	if (!e)
		e = m.has_file ? put_file(x, s, &m) : put_inline(x, s, &m);
	if (!e)
		e = put_sum(x);
	arena_reset(&arena);
	EVP_MD_CTX_free(x->sum);
	free(x);
	return e;
}
