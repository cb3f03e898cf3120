/* SPDX-License-Identifier: Apache-2.0
 *
 * A zone in memory. Called by the command line and by tests; no part of the gateway is given one. What
 * is asked for was made of a stranger's bytes; what the zone holds came from whoever runs the command.
 *
 * A node is a name; each ancestor of a node is a node too, so that "is there anything below" is one
 * look-up. Names are kept as labels with dots between, in lower case; a byte that is written as \DDD is
 * that byte, only a dot within a label stays "\.", which no question can hold. Nodes hang in a hash table
 * that doubles; all else lies in one arena, whose maximum is the zone's.
 */
#include "proto/dns_zone.h"

#include "base/ensure.h"

#include <stdlib.h>

#define NAME_MAX_BYTES 255

struct zone_record {
	struct zone_record *next;
	uint16_t type;
	struct dns_record record;
};

struct zone_failure {
	struct zone_failure *next;
	uint16_t type;
	const char *why;
};

struct node {
	struct node *next; /* of the same slot */
	uint64_t hash;
	struct text name;
	struct zone_record *first, **last;
	struct zone_failure *failures;
};

struct dns_zone {
	struct arena arena;
	struct node **slots;
	size_t n_slots; /* a power of two */
	size_t n_nodes;
};

struct dns_zone *dns_zone_new(size_t max_bytes)
{
	struct dns_zone *zone = mem_zalloc(1, sizeof *zone);

	arena_init(&zone->arena, max_bytes);
	zone->n_slots = 64;
	zone->slots = mem_zalloc(zone->n_slots, sizeof *zone->slots);
	return zone;
}

void dns_zone_free(struct dns_zone *zone)
{
	if (!zone)
		return;
	arena_reset(&zone->arena);
	free(zone->slots);
	free(zone);
}

/* ---- names ---- */

struct zone_name {
	char p[NAME_MAX_BYTES + 1];
	size_t n;
};

static bool read_escape(struct text t, size_t *at, unsigned *ret_byte)
{
	uint64_t number;

	if (*at >= t.n)
		return false;
	if (t.p[*at] < '0' || t.p[*at] > '9') {
		*ret_byte = (unsigned char)t.p[(*at)++];
		return true;
	}
	if (t.n - *at < 3 || !text_parse_u64(text_slice(t, *at, *at + 3), 255, &number))
		return false;
	*ret_byte = (unsigned)number;
	*at += 3;
	return true;
}

static bool add_byte(struct zone_name *name, char c)
{
	if (name->n >= NAME_MAX_BYTES)
		return false;
	name->p[name->n++] = text_lower_byte(c);
	return true;
}

/* The form of rfc1035 5.1 as the form that the zone compares. The root is ".". */
static bool read_name(struct text t, struct zone_name *ret_name)
{
	unsigned byte;

	ret_name->n = 0;
	if (text_is_cstr(t, "."))
		return add_byte(ret_name, '.');
	for (size_t i = 0; i < t.n;) {
		char c = t.p[i++];
		if (c != '\\') {
			if (!add_byte(ret_name, c))
				return false;
			continue;
		}
		if (!read_escape(t, &i, &byte) || (byte == '.' && !add_byte(ret_name, '\\')) ||
		    !add_byte(ret_name, (char)byte))
			return false;
	}
	if (ret_name->n && ret_name->p[ret_name->n - 1] == '.' && !(t.n > 1 && t.p[t.n - 2] == '\\'))
		ret_name->n--;
	return dns_name_is_askable(text_from_bytes(ret_name->p, ret_name->n));
}

/* The name without its first label; false behind the last one. */
static bool cut_label(struct text *name)
{
	for (size_t i = 0; i < name->n; i++) {
		if (name->p[i] != '.' || (i > 0 && name->p[i - 1] == '\\'))
			continue;
		*name = text_skip(*name, i + 1);
		return name->n > 0;
	}
	return false;
}

/* ---- nodes ---- */

static struct node *find_node(const struct dns_zone *zone, struct text name)
{
	uint64_t hash = text_hash(name);
	struct node *node = zone->slots[hash & (zone->n_slots - 1)];

	while (node && !(node->hash == hash && text_is_equal(node->name, name)))
		node = node->next;
	return node;
}

static void insert(struct node **slots, size_t n_slots, struct node *node)
{
	struct node **slot = &slots[node->hash & (n_slots - 1)];

	node->next = *slot;
	*slot = node;
}

static void double_slots(struct dns_zone *zone)
{
	size_t n = zone->n_slots * 2;
	struct node **slots = mem_zalloc(n, sizeof *slots), *node, *next;

	for (size_t i = 0; i < zone->n_slots; i++) {
		for (node = zone->slots[i]; node; node = next) {
			next = node->next;
			insert(slots, n, node);
		}
	}
	free(zone->slots);
	zone->slots = slots;
	zone->n_slots = n;
}

/* Makes the node and those above it. NULL: the zone is full. */
static struct node *make_node(struct dns_zone *zone, struct text name)
{
	struct node *node, *lowest = NULL;

	do {
		node = find_node(zone, name);
		if (node)
			return lowest ? lowest : node;
		node = arena_alloc(&zone->arena, sizeof *node);
		if (!node || !arena_copy(&zone->arena, name, &node->name))
			return NULL;
		node->hash = text_hash(name);
		node->last = &node->first;
		if (zone->n_nodes++ >= zone->n_slots)
			double_slots(zone);
		insert(zone->slots, zone->n_slots, node);
		lowest = lowest ? lowest : node;
	} while (cut_label(&name));
	return lowest;
}

/* The name itself, else the wildcard of its closest encloser. rfc4592 3.3.1 */
static struct node *find_answer(const struct dns_zone *zone, struct text name)
{
	struct node *node = find_node(zone, name);
	char wildcard[NAME_MAX_BYTES + 3] = "*.";

	if (node)
		return node;
	while (cut_label(&name)) {
		if (!find_node(zone, name))
			continue;
		memcpy(wildcard + 2, name.p, name.n);
		return find_node(zone, text_from_bytes(wildcard, name.n + 2));
	}
	return find_node(zone, text_from_cstr("*"));
}

/* ---- adding ---- */

static bool copy_record(struct dns_zone *zone, uint16_t type, const struct dns_record *record,
			struct dns_record *ret_copy)
{
	*ret_copy = *record;
	ret_copy->name = ret_copy->data = (struct text){ NULL, 0 };
	if (type == DNS_TXT || type == DNS_ZONE_SPF)
		return arena_copy(&zone->arena, record->data, &ret_copy->data);
	return true;
}

enum error dns_zone_add(struct dns_zone *zone, struct text owner, uint16_t type,
			const struct dns_record *record)
{
	bool has_name = type == DNS_MX || type == DNS_PTR || type == DNS_ZONE_CNAME;
	struct zone_name name, target = { .n = 0 };
	struct zone_record *kept;
	struct node *node;

	if (!read_name(owner, &name) || (has_name && !read_name(record->name, &target)))
		return ERROR_MALFORMED;
	node = make_node(zone, text_from_bytes(name.p, name.n));
	kept = node ? arena_alloc(&zone->arena, sizeof *kept) : NULL;
	if (!kept || !copy_record(zone, type, record, &kept->record) ||
	    (has_name && !arena_copy(&zone->arena, text_from_bytes(target.p, target.n), &kept->record.name)))
		return ERROR_TOO_LARGE;
	kept->type = type;
	*node->last = kept;
	node->last = &kept->next;
	return ERROR_NONE;
}

enum error dns_zone_add_failure(struct dns_zone *zone, struct text owner, uint16_t type, const char *why)
{
	struct zone_name name;
	struct zone_failure *kept;
	struct node *node;

	if (!read_name(owner, &name))
		return ERROR_MALFORMED;
	node = make_node(zone, text_from_bytes(name.p, name.n));
	kept = node ? arena_alloc(&zone->arena, sizeof *kept) : NULL;
	if (!kept)
		return ERROR_TOO_LARGE;
	*kept = (struct zone_failure){ node->failures, type, why };
	node->failures = kept;
	return ERROR_NONE;
}

/* ---- answering ---- */

static size_t count_records(const struct node *node, uint16_t type)
{
	size_t n = 0;

	for (const struct zone_record *r = node->first; r; r = r->next)
		n += r->type == type;
	return n;
}

static const char *failure_of(const struct node *node, uint16_t type, size_t n_records)
{
	for (const struct zone_failure *f = node->failures; f; f = f->next)
		if (f->type == type || (f->type == DNS_ZONE_ANY && n_records == 0))
			return f->why;
	return NULL;
}

static const struct zone_record *find_alias(const struct node *node)
{
	for (const struct zone_record *r = node->first; r; r = r->next)
		if (r->type == DNS_ZONE_CNAME)
			return r;
	return NULL;
}

static void give(const struct node *node, enum dns_type type, size_t n, struct arena *arena,
		 struct dns_answer *ret_answer)
{
	ret_answer->status = DNS_FAILED;
	ret_answer->why = "memory";
	ret_answer->records = arena_alloc(arena, n * sizeof *ret_answer->records);
	if (!ret_answer->records)
		return;
	for (const struct zone_record *r = node->first; r; r = r->next)
		if (r->type == type)
			ret_answer->records[ret_answer->n++] = r->record;
	ret_answer->status = DNS_FOUND;
	ret_answer->why = NULL;
}

static void fail(struct dns_answer *answer, const char *why)
{
	answer->status = DNS_FAILED;
	answer->why = why;
}

static void ask(void *context, enum dns_type type, struct text asked, struct arena *arena,
		struct dns_answer *ret_answer)
{
	const struct dns_zone *zone = context;
	const struct zone_record *alias;
	struct zone_name folded = { .n = 0 };
	uint16_t number = (uint16_t)type;
	struct text name;

	ret_answer->status = DNS_NO_NAME;
	if (!dns_name_is_askable(asked))
		return;
	for (size_t i = 0; i < asked.n; i++)
		add_byte(&folded, asked.p[i]);
	name = text_from_bytes(folded.p, folded.n);
	for (unsigned hops = 0; hops <= DNS_ZONE_ALIASES_MAX; hops++) {
		const struct node *node = find_answer(zone, name);
		size_t n = node ? count_records(node, number) : 0;
		const char *why = node ? failure_of(node, number, n) : NULL;
		if (why)
			return fail(ret_answer, why);
		ret_answer->status = node ? DNS_NO_DATA : DNS_NO_NAME;
		if (n)
			return give(node, type, n, arena, ret_answer);
		alias = node ? find_alias(node) : NULL;
		if (!alias)
			return;
		name = alias->record.name;
	}
	fail(ret_answer, "aliases");
}

struct dns_source dns_zone_source(struct dns_zone *zone)
{
	return (struct dns_source){ zone, ask };
}
