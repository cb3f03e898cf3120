/* SPDX-License-Identifier: Apache-2.0
 *
 * judge - what is to be thought of one message.
 *
 * judge_message reads the message once into its parts (proto/mime_part.h), gives them to each engine
 * of the table in judge.c in turn, and adds their findings up. It runs in a room: no files, no
 * network, no clock; memory within the arena and limits given, time bounded by the limits and, at
 * last, by the room's own CPU limit. An engine is one function and one row of the table.
 *
 * The worst finding counts, in the order virus, unscannable, spam, clean: what could not be looked at
 * is held even when the rest of it is only spam, and is never called clean.
 */
#ifndef JUDGE_JUDGE_H
#define JUDGE_JUDGE_H

#include "base/addr.h"
#include "proto/mime_part.h"

/* The values are those of queue_judge.def's enum finding. */
enum judge_finding { JUDGE_CLEAN, JUDGE_SPAM, JUDGE_VIRUS, JUDGE_UNSCANNABLE };

/* What is known of a message beside its bytes. Recipients by index, in the order of the envelope. */
struct judge_input {
	struct text message;
	struct addr client;
	struct text helo, sender;
	bool authenticated;
	const struct text *rcpts;
	size_t n_rcpts;
};

struct judge_limits {
	struct mime_limits mime;
};

struct judge_limits judge_limits_default(void);

#define JUDGE_REASONS_MAX 16 /* more are counted into finding and score, but not kept */

/* Why: names from our own tables, never a stranger's bytes. */
struct judge_reason {
	const char *engine; /* at most 32 bytes */
	const char *symbol; /* at most 64 bytes */
	enum judge_finding finding;
	unsigned weight; /* 0..100, added to the score */
};

struct judge_report {
	enum judge_finding finding;
	unsigned score; /* 0..100 */
	struct judge_reason reasons[JUDGE_REASONS_MAX];
	size_t n_reasons;
	unsigned ambiguities; /* MIME_REASON_: why mail programs read the message in different ways */
	unsigned facts;       /* MIME_FACT_: signed, encrypted ... */
};

/* What an engine works with. */
struct judge_work {
	const struct judge_input *input;
	const struct judge_limits *limits;
	const struct mime_tree *tree;
	struct arena *arena;
	struct buf *scratch; /* what judge_decode gave last */
	size_t decoded_left; /* bytes that may still be decoded */
	struct judge_report *report;
};

/* The report is the same for all recipients as yet. */
void judge_message(const struct judge_input *input, const struct judge_limits *limits, struct arena *arena,
		   struct judge_report *ret_report);

/* The report on a message that is not read at all. */
void judge_refuse(enum mime_trouble why, struct judge_report *ret_report);

/* For engines: one finding more. The same engine and symbol count once. */
void judge_add(struct judge_work *work, const char *engine, const char *symbol, enum judge_finding finding,
	       unsigned weight);

/* The content of a part with an encoding undone, until the next call. False when that passes the limit
 * of decoded bytes: the message is then reported as unscannable. */
bool judge_decode(struct judge_work *work, const struct mime_part *part, enum mime_encoding encoding,
		  struct text *ret_content);
/* For engines: something was not looked at, because of a limit. */
void judge_add_trouble(struct judge_work *work, enum mime_trouble trouble);

/* No view of a message, decoded or not, is larger than this: an engine's buffers need no more. */
size_t judge_view_max(const struct judge_input *input);

const char *judge_finding_word(enum judge_finding finding);

#endif
