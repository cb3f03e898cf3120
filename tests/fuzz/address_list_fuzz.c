/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a field with addresses. Checked beside memory safety: each address is its local part, "@"
 * and domain; the counts are those of the lists; what has no mark of a second reading is read again from
 * what it was read as, and gives the same address; limits hold. The same field as ids and as URLs: no item is
 * empty or longer than the field.
 */
#include "base/ensure.h"
#include "proto/address_list.h"
#include "proto/angle_list.h"

#define ADDRESSES_MAX 100
#define MEMORY        ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_address(const struct address *a)
{
	if (a->domain.p) {
		ASSERT(a->local.n + 1 + a->domain.n == a->address.n);
		ASSERT(a->address.p[a->local.n] == '@');
	} else {
		ASSERT(a->defects & ADDRESS_DEFECT_NO_DOMAIN);
	}
	ASSERT(text_find_byte(a->address, '\n') == a->address.n || !a->domain.p);
}

static void check_again(const struct address *a, struct charset_cache *cache)
{
	struct address_list again;
	struct arena arena;
	struct buf line;

	if (!a->domain.n || !a->local.n || a->defects & (ADDRESS_DEFECTS_AMBIGUOUS | ADDRESS_DEFECT_SYNTAX))
		return;
	arena_init(&arena, MEMORY);
	buf_init(&line, a->address.n + 2);
	buf_add_byte(&line, '<');
	buf_add(&line, a->address);
	buf_add_byte(&line, '>');
	ASSERT(address_list_parse(buf_text(&line), 2, cache, &arena, &again));
	ASSERT(again.n_addresses == 1 && text_is_equal(again.first->address, a->address));
	ASSERT(text_is_equal(again.first->domain, a->domain));
	buf_done(&line);
	arena_reset(&arena);
}

static void check_angles(struct text in, enum angle_kind kind)
{
	struct angle_list list;
	struct arena arena;
	size_t n_items = 0;

	arena_init(&arena, MEMORY);
	(void)!angle_list_parse(in, kind, ADDRESSES_MAX, &arena, &list);
	for (const struct angle_item *item = list.first; item; item = item->next, n_items++)
		ASSERT(item->text.n > 0 && item->text.n <= in.n);
	ASSERT(n_items == list.n_items && n_items <= ADDRESSES_MAX);
	arena_reset(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct charset_cache *cache;
	struct address_list list;
	struct arena arena;
	size_t n_addresses = 0, n_groups = 0, n_members = 0, n_in_groups = 0;

	if (!cache)
		cache = charset_cache_new();
	arena_init(&arena, MEMORY);
	(void)!address_list_parse(text_from_bytes(data, n), ADDRESSES_MAX, cache, &arena, &list);
	for (const struct address *a = list.first; a; a = a->next) {
		check_address(a);
		check_again(a, cache);
		n_addresses++;
		n_members += a->group != NULL;
	}
	for (const struct address_group *g = list.first_group; g; g = g->next) {
		n_groups++;
		n_in_groups += g->n_addresses;
	}
	ASSERT(n_addresses == list.n_addresses && n_addresses <= ADDRESSES_MAX);
	ASSERT(n_groups == list.n_groups && n_groups <= ADDRESSES_MAX && n_members == n_in_groups);
	arena_reset(&arena);
	check_angles(text_from_bytes(data, n), ANGLE_IDS);
	check_angles(text_from_bytes(data, n), ANGLE_URLS);
	return 0;
}
