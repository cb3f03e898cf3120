/* SPDX-License-Identifier: Apache-2.0
 *
 * authenticate - what the files of `postern authenticate` share. docs/authenticate-json.md describes the
 * input and the output.
 */
#ifndef CLI_AUTHENTICATE_H
#define CLI_AUTHENTICATE_H

#include "base/json_writer.h"
#include "cli/dns_recorder.h"
#include "judge/authenticate.h"
#include "proto/dns_zone.h"

#define AUTHENTICATE_MESSAGE_MAX ((size_t)512 << 20)
#define AUTHENTICATE_SEALERS_MAX 256
#define AUTHENTICATE_UNKNOWN_MAX 16

/* One case: what is asked, and what answers. */
struct authenticate_case {
	struct text id; /* empty: none given */
	bool has_number;
	int64_t number; /* the id as a number */
	struct authenticate_input input;
	struct authenticate_settings settings;
	struct text sealers[AUTHENTICATE_SEALERS_MAX];
	struct text unknown[AUTHENTICATE_UNKNOWN_MAX]; /* keys that were passed over */
	size_t n_unknown;
	struct dns_zone *zone; /* NULL: that of the command line, or the network */
	struct buf message;    /* input.message points into it */
	struct buf scratch;    /* of files */
	struct arena arena;    /* of the texts */
};

void authenticate_case_init(struct authenticate_case *c, const struct authenticate_settings *settings);
void authenticate_case_done(struct authenticate_case *c);

/* A line of --batch. False: the mistake is in `why`. */
bool authenticate_case_read(struct authenticate_case *c, struct text line, struct buf *why);

/* The message in its form of transmission: when it has no CRLF at all, each LF becomes one. */
bool authenticate_case_take_message(struct authenticate_case *c, struct text message, struct buf *why);
bool authenticate_case_load_message(struct authenticate_case *c, const char *file, struct buf *why);

void authenticate_print_json(const struct authenticate_case *c, const struct authenticate_report *report,
			     const struct dns_recorder *dns, struct json_writer *w);
void authenticate_print_text(const struct authenticate_case *c, const struct authenticate_report *report,
			     const struct dns_recorder *dns, struct buf *out);

#endif
