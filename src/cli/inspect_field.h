/* SPDX-License-Identifier: Apache-2.0
 *
 * inspect_field - fields of a header by their grammar, for `postern inspect --json`.
 */
#ifndef CLI_INSPECT_FIELD_H
#define CLI_INSPECT_FIELD_H

#include "cli/inspect.h"

/* Adds what the field's grammar gives to the object that is open: "value" and "parameters", "addresses",
 * "date", "ids" or "urls"; nothing for text. */
void inspect_add_grammar(struct inspect *in, struct json_writer *w, const struct mime_field *field);

#endif
