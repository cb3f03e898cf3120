/* SPDX-License-Identifier: Apache-2.0
 *
 * inspect_links - links and texts as people see them, for `postern inspect`.
 */
#ifndef CLI_INSPECT_LINKS_H
#define CLI_INSPECT_LINKS_H

#include "cli/inspect.h"

struct message_view;

/* Of all parts and readings, in the arena of the inspection. */
struct message_view *inspect_make_view(struct inspect *in);

/* "links" and "texts" of the object that is open. */
void inspect_add_links(struct inspect *in, struct json_writer *w, const struct message_view *view);
void inspect_print_links(struct inspect *in, const struct message_view *view);

#endif
