/* SPDX-License-Identifier: Apache-2.0
 *
 * The default limits of the MIME reader and the words of its troubles, reasons and defects. Called by
 * the engines of the judge, the command line and by tests. The defaults let through what real mail
 * needs, several times over: a mail of more than ten levels or a hundred parts is rare.
 */
#include "proto/mime_limits.h"

#include "base/ensure.h"

struct mime_limits mime_limits_default(void)
{
	return (struct mime_limits){
		.header_bytes = 256 << 10,
		.header_fields = 2000,
		.params = 64,
		.boundaries = 4,
		.name_bytes = 1024,
		.depth = 20,
		.parts = 1000,
		.decoded = 256 << 20,
		.ratio = 100,
		.memory = 2 << 20,
	};
}

const char *mime_trouble_word(enum mime_trouble trouble)
{
	static const char *const words[] = {
#define TROUBLE(name, word) word,
#include "proto/mime_troubles.def"
#undef TROUBLE
	};

	ASSERT(trouble < MIME_TROUBLE_COUNT);
	return words[trouble];
}

const struct mime_reason_row *mime_reason_at(enum mime_reason_bit bit)
{
	static const struct mime_reason_row rows[] = {
#define REASON(name, word, section, text) { word, section, text },
#include "proto/mime_reasons.def"
#undef REASON
	};

	ASSERT(bit < MIME_REASON_COUNT);
	return &rows[bit];
}

static const struct {
	const char *word, *section;
} defects[] = {
#define DEFECT(name, word, section) { word, section },
#include "proto/mime_defects.def"
#undef DEFECT
};

const char *mime_defect_word(enum mime_defect_bit bit)
{
	ASSERT(bit < MIME_DEFECT_COUNT);
	return defects[bit].word;
}

const char *mime_defect_section(enum mime_defect_bit bit)
{
	ASSERT(bit < MIME_DEFECT_COUNT);
	return defects[bit].section;
}
