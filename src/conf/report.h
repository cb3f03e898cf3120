/* SPDX-License-Identifier: Apache-2.0
 *
 * report - the mistakes of one file, collected and then given out in the order of the file.
 */
#ifndef CONF_REPORT_H
#define CONF_REPORT_H

#include "base/buf.h"
#include "conf/conf.h"

struct conf_mistake {
	struct conf_place at;
	char *text;
};

struct conf_report {
	struct conf_mistake v[CONF_MAX_ERRORS];
	size_t n;    /* kept */
	size_t more; /* above CONF_MAX_ERRORS, counted only */
};

/* A piece of the file for a message: in quotes, escaped, cut to a readable length. Use:
 * conf_quote(t).s within one call. */
struct conf_quoted {
	char s[88];
};

struct conf_quoted conf_quote(struct text t);
/* "expected A NUMBER, found 'abc'"; always false, for parsers to return. */
bool conf_expected(struct buf *why, const char *expected, struct text word);

void conf_report(struct conf_report *r, struct conf_place at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool conf_report_is_empty(const struct conf_report *r);
/* Adds "file:line:column: text" lines, in the order of the file. */
void conf_report_print(struct conf_report *r, const char *file_name, struct buf *errors);
void conf_report_done(struct conf_report *r);

#endif
