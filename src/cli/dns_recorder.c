/* SPDX-License-Identifier: Apache-2.0
 *
 * Remembers questions and answers. Called by authenticate.c. The answer that the check gets lives in the
 * check's arena, so what is kept is a copy, in an arena of the recorder's own.
 */
#include "cli/dns_recorder.h"

#include "base/ensure.h"

#include <stdlib.h>

#define KEPT_MAX ((size_t)16 << 20)

void dns_recorder_init(struct dns_recorder *recorder, const struct dns_source *source)
{
	*recorder = (struct dns_recorder){ .source = source };
	arena_init(&recorder->arena, KEPT_MAX);
}

void dns_recorder_done(struct dns_recorder *recorder)
{
	arena_reset(&recorder->arena);
	free(recorder->questions);
	recorder->questions = NULL;
}

static bool keep(struct arena *arena, const struct dns_answer *answer, struct dns_answer *ret_kept)
{
	*ret_kept = *answer;
	ret_kept->records = arena_alloc(arena, answer->n * sizeof *answer->records);
	if (!ret_kept->records)
		return false;
	for (size_t i = 0; i < answer->n; i++) {
		ret_kept->records[i] = answer->records[i];
		if (!arena_copy(arena, answer->records[i].name, &ret_kept->records[i].name) ||
		    !arena_copy(arena, answer->records[i].data, &ret_kept->records[i].data))
			return false;
	}
	return true;
}

static struct dns_recorded *next_place(struct dns_recorder *recorder)
{
	if (recorder->n == DNS_RECORDER_MAX)
		return NULL;
	if (recorder->n == recorder->cap) {
		recorder->cap = recorder->cap ? recorder->cap * 2 : 16;
		recorder->questions =
			mem_realloc(recorder->questions, recorder->cap * sizeof *recorder->questions);
	}
	return &recorder->questions[recorder->n];
}

static void ask(void *context, enum dns_type type, struct text name, struct arena *arena,
		struct dns_answer *ret_answer)
{
	struct dns_recorder *recorder = context;
	struct dns_recorded *place = next_place(recorder);

	dns_ask(recorder->source, type, name, arena, ret_answer);
	if (place && arena_copy(&recorder->arena, name, &place->name) &&
	    keep(&recorder->arena, ret_answer, &place->answer)) {
		place->type = type;
		recorder->n++;
	} else {
		recorder->n_left_out++;
	}
}

struct dns_source dns_recorder_source(struct dns_recorder *recorder)
{
	return (struct dns_source){ recorder, ask };
}

static void print_value(enum dns_type type, const struct dns_record *record, struct buf *out)
{
	char address[ADDR_TEXT_SIZE];

	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		addr_print(&record->address, address);
		buf_add_cstr(out, address);
		break;
	case DNS_MX:
		buf_printf(out, "%u ", record->preference);
		buf_add(out, record->name);
		break;
	case DNS_PTR:
		buf_add(out, record->name);
		break;
	case DNS_TXT:
		buf_add(out, record->data);
	}
}

void dns_recorder_json(const struct dns_recorder *recorder, struct json_writer *w)
{
	struct buf value;

	buf_init(&value, 1 << 17);
	json_open_array(w);
	for (size_t i = 0; i < recorder->n; i++) {
		const struct dns_recorded *q = &recorder->questions[i];
		json_open_object(w);
		json_key_text(w, "name", q->name);
		json_key_cstr(w, "type", dns_type_word(q->type));
		json_key_cstr(w, "status", dns_status_word(q->answer.status));
		if (q->answer.why)
			json_key_cstr(w, "why", q->answer.why);
		json_key_bool(w, "secure", q->answer.is_secure);
		json_key_array(w, "values");
		for (size_t k = 0; k < q->answer.n; k++) {
			buf_reset(&value);
			print_value(q->type, &q->answer.records[k], &value);
			json_text(w, buf_text(&value));
		}
		json_close(w);
		json_close(w);
	}
	json_close(w);
	buf_done(&value);
}

void dns_recorder_print(const struct dns_recorder *recorder, struct buf *out)
{
	struct buf value;

	buf_init(&value, 1 << 17);
	for (size_t i = 0; i < recorder->n; i++) {
		const struct dns_recorded *q = &recorder->questions[i];
		buf_add_cstr(out, "  ");
		buf_add_escaped(out, q->name);
		buf_printf(out, " %s: %s%s%s\n", dns_type_word(q->type), dns_status_word(q->answer.status),
			   q->answer.why ? ", " : "", q->answer.why ? q->answer.why : "");
		for (size_t k = 0; k < q->answer.n; k++) {
			buf_reset(&value);
			print_value(q->type, &q->answer.records[k], &value);
			buf_add_cstr(out, "      ");
			buf_add_escaped(out, buf_text(&value));
			buf_add_byte(out, '\n');
		}
	}
	if (recorder->n_left_out)
		buf_printf(out, "  %zu more questions\n", recorder->n_left_out);
	buf_done(&value);
}
