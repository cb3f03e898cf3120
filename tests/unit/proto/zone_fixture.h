/* SPDX-License-Identifier: Apache-2.0
 *
 * zone_fixture - a zone written into a test, as a source of answers that counts the questions.
 */
#ifndef TESTS_UNIT_PROTO_ZONE_FIXTURE_H
#define TESTS_UNIT_PROTO_ZONE_FIXTURE_H

#include "proto/dns_zone.h"
#include "unit.h"

struct zone_fixture {
	struct dns_zone *zone;
	struct dns_source source; /* counts, and asks the zone */
	struct arena arena;
	unsigned n_questions;
};

static inline void zone_fixture_ask(void *context, enum dns_type type, struct text name, struct arena *arena,
				    struct dns_answer *ret_answer)
{
	struct zone_fixture *f = context;
	struct dns_source zone = dns_zone_source(f->zone);

	f->n_questions++;
	dns_ask(&zone, type, name, arena, ret_answer);
}

static inline void zone_fixture_init(struct zone_fixture *f, const char *master_file)
{
	struct dns_zone_mistake mistake;

	*f = (struct zone_fixture){ .zone = dns_zone_new((size_t)1 << 24) };
	f->source = (struct dns_source){ f, zone_fixture_ask };
	arena_init(&f->arena, (size_t)1 << 24);
	if (!dns_zone_read(f->zone, text_from_cstr(master_file), &mistake))
		fail_msg("zone:%u:%u: %s", mistake.line, mistake.column, mistake.what);
}

static inline void zone_fixture_done(struct zone_fixture *f)
{
	dns_zone_free(f->zone);
	arena_reset(&f->arena);
}

#endif
