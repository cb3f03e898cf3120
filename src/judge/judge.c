/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs the engines over one message and adds their findings up. Called by the message room and by
 * tests; the message is a stranger's, the rest of the input is what queue knows. Invariants: a message
 * that was not read to its end is never clean; every reason names an engine and a symbol of our own
 * tables; the report's finding is the worst of its reasons, whether kept or only counted.
 */
#include "judge/judge.h"

#include "base/ensure.h"
#include "judge/teststring.h"
#include "proto/mime_content.h"

#define SCORE_MAX  100
#define VIEW_SLACK 64

struct judge_limits judge_limits_default(void)
{
	return (struct judge_limits){ .mime = mime_limits_default() };
}

/* What the reader of the parts could not read to the end. */
static void run_structure(struct judge_work *work)
{
	if (work->tree->trouble != MIME_TROUBLE_NONE)
		judge_add_trouble(work, work->tree->trouble);
}

/* The engines, in the order in which they look at a message. */
static void (*const engines[])(struct judge_work *work) = {
	run_structure,
	teststring_run,
};

static unsigned rank_of(enum judge_finding finding)
{
	static const unsigned ranks[] = {
		[JUDGE_CLEAN] = 0, [JUDGE_SPAM] = 1, [JUDGE_UNSCANNABLE] = 2, [JUDGE_VIRUS] = 3
	};

	return ranks[finding];
}

const char *judge_finding_word(enum judge_finding finding)
{
	static const char *const words[] = {
		[JUDGE_CLEAN] = "clean",
		[JUDGE_SPAM] = "spam",
		[JUDGE_VIRUS] = "virus",
		[JUDGE_UNSCANNABLE] = "unscannable",
	};

	return words[finding];
}

static bool is_known(const struct judge_report *report, const char *engine, const char *symbol)
{
	for (size_t i = 0; i < report->n_reasons; i++)
		if (strcmp(report->reasons[i].engine, engine) == 0 &&
		    strcmp(report->reasons[i].symbol, symbol) == 0)
			return true;
	return false;
}

void judge_add(struct judge_work *work, const char *engine, const char *symbol, enum judge_finding finding,
	       unsigned weight)
{
	struct judge_report *report = work->report;

	ASSERT(weight <= SCORE_MAX);
	if (is_known(report, engine, symbol))
		return;
	if (rank_of(finding) > rank_of(report->finding))
		report->finding = finding;
	report->score = report->score + weight < SCORE_MAX ? report->score + weight : SCORE_MAX;
	if (report->n_reasons == JUDGE_REASONS_MAX)
		return;
	report->reasons[report->n_reasons++] = (struct judge_reason){
		.engine = engine, .symbol = symbol, .finding = finding, .weight = weight
	};
}

void judge_add_trouble(struct judge_work *work, enum mime_trouble trouble)
{
	judge_add(work, "mime", mime_trouble_word(trouble), JUDGE_UNSCANNABLE, 0);
}

/* No decoder makes its input longer, but for what is left of a group of base64. */
size_t judge_view_max(const struct judge_input *input)
{
	return input->message.n + VIEW_SLACK;
}

bool judge_decode(struct judge_work *work, const struct mime_part *part, enum mime_encoding encoding,
		  struct text *ret_content)
{
	buf_reset(work->scratch);
	if (!mime_part_decode(part, encoding, work->scratch) || work->scratch->n > work->decoded_left) {
		judge_add_trouble(work, MIME_TROUBLE_DECODED);
		return false;
	}
	work->decoded_left -= work->scratch->n;
	*ret_content = buf_text(work->scratch);
	return true;
}

void judge_message(const struct judge_input *input, const struct judge_limits *limits, struct arena *arena,
		   struct judge_report *ret_report)
{
	struct mime_tree tree;
	struct buf scratch;
	struct judge_work work = {
		.input = input,
		.limits = limits,
		.tree = &tree,
		.arena = arena,
		.scratch = &scratch,
		.decoded_left = limits->mime.decoded,
		.report = ret_report,
	};

	*ret_report = (struct judge_report){ 0 };
	buf_init(&scratch, judge_view_max(input));
	mime_tree_read(input->message, &limits->mime, arena, &tree);
	ret_report->ambiguities = tree.reasons;
	ret_report->facts = tree.facts;
	for (size_t i = 0; i < sizeof engines / sizeof *engines; i++)
		engines[i](&work);
	buf_done(&scratch);
}

void judge_refuse(enum mime_trouble why, struct judge_report *ret_report)
{
	struct judge_work work = { .report = ret_report };

	*ret_report = (struct judge_report){ 0 };
	judge_add_trouble(&work, why);
}
