/* SPDX-License-Identifier: Apache-2.0
 *
 * zone_json - the answers of DNS as JSON, and a zone out of a file of either form.
 *
 *	{ "example.com": { "TXT": ["v=spf1 mx -all"], "MX": [[10, "mx.example.com"], "20 mx2.example.com"],
 *			   "A": "192.0.2.1", "AAAA": "TIMEOUT" },
 *	  "slow.example.com": "TIMEOUT" }
 *
 * A name has an object of types, a list of such objects, or a list of texts or one text, which are TXT
 * records. A value is a text or a list of them; a list within the list is one record: the strings of a TXT
 * record, or preference and name of an MX record. "TIMEOUT" and "SERVFAIL" in place of a value make
 * questions for it fail; as a name's value or key, those for all types of which it has no record.
 */
#ifndef CLI_ZONE_JSON_H
#define CLI_ZONE_JSON_H

#include "base/buf.h"
#include "proto/dns_zone.h"

#include <jansson.h>

#define ZONE_MAX ((size_t)256 << 20) /* bytes of a zone in memory */

/* False: a mistake, said in `why`. */
bool zone_read_json(struct dns_zone *zone, json_t *names, struct buf *why);

/* JSON when it begins with "{", else a master file. `file` is its name in mistakes: file:line:column: what.
 */
bool zone_read_text(struct dns_zone *zone, struct text content, const char *file, struct buf *why);

/* A whole file of at most `max` bytes; the caller frees. False: said in `why`. "-" is standard input. */
bool zone_load_file(const char *file, size_t max, struct buf *ret_content, struct buf *why);

#endif
