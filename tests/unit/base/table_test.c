/* SPDX-License-Identifier: Apache-2.0
 *
 * The hash table against a plain array, and the heap against sorting.
 */
#include "../unit.h"
#include "base/table.h"

#define KEYS  500
#define STEPS 40000

/* xorshift: the same numbers in every run. */
static uint64_t next_number(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void check_all(const struct table *t, char *const *model, char *values)
{
	size_t n = 0, at = 0, seen = 0;

	for (size_t i = 0; i < KEYS; i++) {
		assert_ptr_equal(table_get(t, i * 0x10001), model[i]);
		n += model[i] != NULL;
	}
	assert_int_equal(t->n, n);
	for (char *v; (v = table_next(t, &at)); seen++)
		assert_true(v >= values && v < values + KEYS);
	assert_int_equal(seen, n);
}

static void table_does_what_an_array_does(void **state)
{
	static char values[KEYS], *model[KEYS];
	struct table t;
	uint64_t seed = 88172645463325252u;

	(void)state;
	table_init(&t);
	assert_null(table_get(&t, 1));
	assert_null(table_remove(&t, 1));
	for (int step = 0; step < STEPS; step++) {
		uint64_t r = next_number(&seed);
		size_t key = r % KEYS;
		char *value = &values[(r >> 20) % KEYS];
		if (r >> 63) {
			table_put(&t, key * 0x10001, value);
			model[key] = value;
		} else {
			assert_ptr_equal(table_remove(&t, key * 0x10001), model[key]);
			model[key] = NULL;
		}
		if (step % 1000 == 0)
			check_all(&t, model, values);
	}
	check_all(&t, model, values);
	table_done(&t);
}

static void heap_gives_the_smallest_first(void **state)
{
	struct heap h;
	struct heap_entry e = { 0, 0 };
	uint64_t seed = 1;
	int64_t last = INT64_MIN;
	size_t n = 0;

	(void)state;
	heap_init(&h);
	assert_false(heap_peek(&h, &e));
	for (int i = 0; i < 5000; i++) {
		heap_push(&h, (int64_t)(next_number(&seed) % 1000) - 500, (uint64_t)i);
		if (i % 3 == 0)
			heap_pop(&h);
	}
	for (; heap_peek(&h, &e); n++) {
		assert_true(e.when >= last);
		last = e.when;
		heap_pop(&h);
	}
	assert_int_equal(n, 5000 - 1667);
	heap_done(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_does_what_an_array_does),
		cmocka_unit_test(heap_gives_the_smallest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
