/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: any bytes as a configuration file. Checked beside memory safety: a refused file has an error
 * line, a taken one prints to a text that parses to the same text, for every role and for all.
 */
#include "base/ensure.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_round_trip(const struct conf *c, unsigned readers)
{
	struct buf once, twice, errors;
	struct conf *again;

	buf_init(&once, CONF_MAX_PRINT);
	buf_init(&twice, CONF_MAX_PRINT);
	buf_init(&errors, CONF_MAX_ERROR_TEXT);
	ASSERT(conf_print(c, readers, &once));
	again = conf_parse(buf_text(&once), "fuzz", CONF_PART, &errors);
	ASSERT(again != NULL);
	ASSERT(conf_print(again, readers, &twice));
	ASSERT(text_is_equal(buf_text(&once), buf_text(&twice)));
	conf_free(again);
	buf_done(&once);
	buf_done(&twice);
	buf_done(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text bytes = text_from_bytes(data, n);
	enum conf_mode modes[] = { CONF_WHOLE, CONF_PART };

	for (size_t i = 0; i < 2; i++) {
		struct buf errors;
		struct conf *c;
		buf_init(&errors, CONF_MAX_ERROR_TEXT);
		c = conf_parse(bytes, "fuzz", modes[i], &errors);
		ASSERT((c == NULL) == (errors.n > 0));
		for (unsigned role = 0; c && role < ROLE_COUNT; role++)
			check_round_trip(c, 1u << role);
		if (c)
			check_round_trip(c, CONF_FOR_ALL);
		conf_free(c);
		buf_done(&errors);
	}
	return 0;
}
