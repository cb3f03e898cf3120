/* SPDX-License-Identifier: Apache-2.0
 *
 * dns_recorder - a dns_source that passes questions on and remembers every answer, for people to see on
 * what a verdict was built.
 */
#ifndef CLI_DNS_RECORDER_H
#define CLI_DNS_RECORDER_H

#include "base/json_writer.h"
#include "proto/dns_source.h"

#define DNS_RECORDER_MAX 4096 /* questions kept; what is asked beyond is answered, and counted only */

struct dns_recorded {
	enum dns_type type;
	struct text name;
	struct dns_answer answer;
};

struct dns_recorder {
	const struct dns_source *source;
	struct arena arena; /* of what is kept; answers stay as long */
	struct dns_recorded *questions;
	size_t n, cap;
	size_t n_left_out;
};

void dns_recorder_init(struct dns_recorder *recorder, const struct dns_source *source);
void dns_recorder_done(struct dns_recorder *recorder);
struct dns_source dns_recorder_source(struct dns_recorder *recorder);

/* An array of { "name", "type", "status", "secure", "values": [...] }. */
void dns_recorder_json(const struct dns_recorder *recorder, struct json_writer *w);
/* One line for each record. */
void dns_recorder_print(const struct dns_recorder *recorder, struct buf *out);

#endif
