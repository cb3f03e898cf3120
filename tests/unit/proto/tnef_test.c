/* SPDX-License-Identifier: Apache-2.0
 *
 * winmail.dat: files built here, with bodies, attachments, names and messages within; cut at each byte;
 * nested beyond the limit.
 */
#include "base/buf.h"
#include "proto/tnef.h"

#include "unit.h"

#define LITERAL(s) text_from_bytes(s, sizeof(s) - 1)

static const struct tnef_limits limits = { .items = 20, .depth = 3 };

static void add_int(struct buf *out, uint64_t value, unsigned n_bytes)
{
	for (unsigned i = 0; i < n_bytes; i++)
		buf_add_byte(out, (char)(value >> 8 * i));
}

static void add_attribute(struct buf *out, unsigned level, unsigned id, struct text data)
{
	unsigned sum = 0;

	add_int(out, level, 1);
	add_int(out, id, 4);
	add_int(out, data.n, 4);
	buf_add(out, data);
	for (size_t i = 0; i < data.n; i++)
		sum += (unsigned char)data.p[i];
	add_int(out, sum, 2);
}

static void add_property(struct buf *out, unsigned type, unsigned id, struct text value)
{
	add_int(out, type, 2);
	add_int(out, id, 2);
	add_int(out, 1, 4);
	add_int(out, value.n, 4);
	buf_add(out, value);
	add_int(out, 0, -value.n & 3);
}

static void begin(struct buf *out)
{
	add_int(out, 0x223e9f78, 4);
	add_int(out, 1, 2);
	add_attribute(out, 1, 0x69007, LITERAL("\xe4\x04\0\0\0\0\0\0"));
}

static void add_properties(struct buf *out, unsigned level, unsigned id, unsigned count,
			   const struct buf *properties)
{
	struct buf all;

	buf_init(&all, 10000);
	add_int(&all, count, 4);
	buf_add(&all, buf_text(properties));
	add_attribute(out, level, id, buf_text(&all));
	buf_done(&all);
}

/* A message with a body in three forms, a file, and a message within that has a file too. */
static void build(struct buf *out)
{
	struct buf p, inner;

	buf_init(&p, 10000);
	buf_init(&inner, 10000);
	begin(out);
	add_attribute(out, 1, 0x2800c, LITERAL("text\0"));
	add_int(&p, 0x0003, 2);
	add_int(&p, 0x3fde, 2);
	add_int(&p, 65001, 4);
	add_property(&p, 0x001f, 0x1000, LITERAL("u\0\0\0"));
	add_property(&p, 0x0102, 0x1013, LITERAL("<p>"));
	add_property(&p, 0x0102, 0x1009, LITERAL("rtf"));
	add_properties(out, 1, 0x69003, 4, &p);
	add_attribute(out, 2, 0x69002, LITERAL("\1\0............"));
	add_attribute(out, 2, 0x18010, LITERAL("SHORT~1.EXE\0"));
	add_attribute(out, 2, 0x6800f, LITERAL("MZ"));
	buf_reset(&p);
	add_int(&p, 0x001f, 2); /* a named property, which is passed over */
	add_int(&p, 0x8001, 2);
	buf_add(&p, LITERAL("................\1\0\0\0\6\0\0\0a\0b\0\0\0\0\0"));
	add_int(&p, 1, 4);
	buf_add(&p, LITERAL("\2\0\0\0x\0\0\0"));
	add_property(&p, 0x001f, 0x3707, LITERAL("l\0o\0n\0g\0.\0e\0x\0e\0\0\0"));
	add_property(&p, 0x001e, 0x370e, LITERAL("application/x-msdownload\0"));
	add_property(&p, 0x001e, 0x3712, LITERAL("id@x\0"));
	add_properties(out, 2, 0x69005, 4, &p);
	add_attribute(out, 2, 0x69002, LITERAL("\1\0............"));
	buf_add(&inner, LITERAL("................"));
	begin(&inner);
	add_attribute(&inner, 2, 0x69002, LITERAL("\2\0............"));
	add_attribute(&inner, 2, 0x18010, LITERAL("inner.bin\0"));
	add_attribute(&inner, 2, 0x6800f, LITERAL("bytes"));
	buf_reset(&p);
	add_property(&p, 0x000d, 0x3701, buf_text(&inner));
	add_property(&p, 0x001e, 0x3001, LITERAL("A message\0"));
	add_properties(out, 2, 0x69005, 2, &p);
	buf_done(&p);
	buf_done(&inner);
}

static const char *const kind_words[] = { "message", "text", "html", "rtf", "attachment", "object" };

static void print_item(const struct tnef_item *item, struct buf *out)
{
	buf_printf(out, "%u %s", item->depth, kind_words[item->kind]);
	if (item->kind != TNEF_MESSAGE)
		buf_printf(out, " \"%.*s\"", TEXT_ARGS(item->data));
	if (item->charset.n)
		buf_printf(out, " %.*s", TEXT_ARGS(item->charset));
	for (int i = 0; i < TNEF_NAME_COUNT; i++)
		if (item->names[i].bytes.n)
			buf_printf(out, " name%d %.*s:%zu", i, TEXT_ARGS(item->names[i].charset),
				   item->names[i].bytes.n);
	if (item->media_type.bytes.n)
		buf_printf(out, " %.*s", TEXT_ARGS(item->media_type.bytes));
	if (item->content_id.bytes.n)
		buf_printf(out, " <%.*s>", TEXT_ARGS(item->content_id.bytes));
	buf_add_byte(out, '\n');
}

static void everything_within_is_found(void **state)
{
	struct arena arena;
	struct tnef tnef;
	struct buf file, out;

	(void)state;
	buf_init(&file, 10000);
	buf_init(&out, 10000);
	arena_init(&arena, 100000);
	build(&file);
	assert_true(tnef_read(buf_text(&file), &limits, &arena, &tnef));
	for (const struct tnef_item *item = tnef.first; item; item = item->next)
		print_item(item, &out);
	assert_string_equal(
		buf_cstr(&out),
		"0 message\n"
		"0 text \"text\" cp1252\n"
		"0 text \"u\" utf-16le\n"
		"0 html \"<p>\" cp65001\n"
		"0 rtf \"rtf\"\n"
		"0 attachment \"MZ\" name0 utf-16le:16 name3 cp1252:11 application/x-msdownload <id@x>\n"
		"1 message name4 cp1252:9\n"
		"1 object \"bytes\" name3 cp1252:9\n");
	assert_int_equal(tnef.defects, 0);
	assert_false(tnef.is_limited);
	buf_done(&file);
	buf_done(&out);
	arena_reset(&arena);
}

static void second_bytes_are_an_item_of_their_own(void **state)
{
	struct arena arena;
	struct tnef tnef;
	struct buf file;

	(void)state;
	buf_init(&file, 10000);
	arena_init(&arena, 100000);
	begin(&file);
	add_attribute(&file, 2, 0x18010, LITERAL("a.txt\0"));
	add_attribute(&file, 2, 0x6800f, LITERAL("harmless"));
	add_attribute(&file, 2, 0x6800f, LITERAL("MZ"));
	assert_true(tnef_read(buf_text(&file), &limits, &arena, &tnef));
	assert_int_equal(tnef.n_items, 3);
	unit_text_is(tnef.last->data, "MZ");
	unit_text_is(tnef.last->names[TNEF_NAME_TITLE].bytes, "a.txt");
	buf_done(&file);
	arena_reset(&arena);
}

static void a_file_cut_anywhere_gives_what_is_there(void **state)
{
	struct buf file;

	(void)state;
	buf_init(&file, 10000);
	build(&file);
	for (size_t n = 0; n < file.n; n++) {
		struct arena arena;
		struct tnef tnef;

		arena_init(&arena, 100000);
		assert_int_equal(tnef_read(text_from_bytes(file.p, n), &limits, &arena, &tnef), n >= 4);
		assert_true(tnef.n_items <= 8);
		arena_reset(&arena);
	}
	buf_done(&file);
}

static void defects_are_told(void **state)
{
	struct arena arena;
	struct tnef tnef;
	struct buf file;

	(void)state;
	buf_init(&file, 10000);
	arena_init(&arena, 100000);
	begin(&file);
	file.p[file.n - 1]++;
	assert_true(tnef_read(buf_text(&file), &limits, &arena, &tnef));
	assert_int_equal(tnef.defects, TNEF_DEFECT_CHECKSUM);
	buf_reset(&file);
	begin(&file);
	buf_add(&file, LITERAL("\2\x0f\x80\6\0\xff\xff\xff\xff"
			       "MZ"));
	assert_true(tnef_read(buf_text(&file), &limits, &arena, &tnef));
	assert_int_equal(tnef.defects, TNEF_DEFECT_CUT);
	unit_text_is(tnef.last->data, "MZ");
	buf_reset(&file);
	begin(&file);
	add_attribute(&file, 1, 0x69003, LITERAL("\1\0\0\0\x77\x07\0\x10...."));
	assert_true(tnef_read(buf_text(&file), &limits, &arena, &tnef));
	assert_int_equal(tnef.defects, TNEF_DEFECT_PROPERTY);
	buf_done(&file);
	arena_reset(&arena);
}

/* Each level holds the one before as the object of an attachment. */
static void nest(struct buf *file, unsigned levels)
{
	struct buf p, inner;

	buf_init(&p, 100000);
	buf_init(&inner, 100000);
	begin(file);
	for (unsigned i = 0; i < levels; i++) {
		buf_reset(&p);
		buf_reset(&inner);
		buf_add(&inner, LITERAL("................"));
		buf_add(&inner, buf_text(file));
		add_property(&p, 0x000d, 0x3701, buf_text(&inner));
		buf_reset(file);
		begin(file);
		add_properties(file, 2, 0x69005, 1, &p);
	}
	buf_done(&p);
	buf_done(&inner);
}

static void limits_are_told(void **state)
{
	struct tnef_limits few = { .items = 2, .depth = 3 };
	struct arena arena;
	struct tnef tnef;
	struct buf file;

	(void)state;
	buf_init(&file, 100000);
	arena_init(&arena, 100000);
	nest(&file, 2);
	assert_true(tnef_read(buf_text(&file), &limits, &arena, &tnef));
	assert_false(tnef.is_limited);
	buf_reset(&file);
	nest(&file, 3);
	assert_true(tnef_read(buf_text(&file), &limits, &arena, &tnef));
	assert_true(tnef.is_limited);
	assert_int_equal(tnef.n_items, 4);
	assert_true(tnef_read(buf_text(&file), &few, &arena, &tnef));
	assert_true(tnef.is_limited);
	assert_int_equal(tnef.n_items, 2);
	buf_done(&file);
	arena_reset(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_within_is_found),
		cmocka_unit_test(second_bytes_are_an_item_of_their_own),
		cmocka_unit_test(a_file_cut_anywhere_gives_what_is_there),
		cmocka_unit_test(defects_are_told),
		cmocka_unit_test(limits_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
