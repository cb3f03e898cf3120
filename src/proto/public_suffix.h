/* SPDX-License-Identifier: Apache-2.0
 *
 * public_suffix - which part of a host's name somebody could have registered.
 *
 * By the public suffix list that libpsl has built in: no file is opened, so it works in a sandbox. Both
 * sections of the list count (registries and those who let names to the public, such as hosters). A name
 * that no rule matches has its last label as suffix, as the list's own rule "*" says.
 *
 * Hosts are A-labels (proto/domain.h) or UTF-8 in lower case; ASCII case does not matter. A dot behind the
 * name is passed over. Addresses are not names: ask before. Nothing is copied: what is given back is the
 * end of the text given.
 */
#ifndef PROTO_PUBLIC_SUFFIX_H
#define PROTO_PUBLIC_SUFFIX_H

#include "base/text.h"

/* "mail.example.co.uk" has "example.co.uk". {NULL, 0} when there is none: the host is a public suffix
 * itself, is empty, begins with a dot, has an empty label or is longer than a name may be. */
struct text public_suffix_registrable(struct text host);

/* Is the whole name a public suffix? Also "test", by the rule "*". */
bool public_suffix_is(struct text host);

/* Has the name at least two labels, of which the last is a top-level domain that the list knows? Tells
 * "example.com" from "report.txt". */
bool public_suffix_is_listed_below(struct text host);

#endif
