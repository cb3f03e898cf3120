/* SPDX-License-Identifier: Apache-2.0
 *
 * domain - internationalised domain names in the form that DNS and our own tables know. rfc5890 2.3.2
 */
#ifndef PROTO_DOMAIN_H
#define PROTO_DOMAIN_H

#include "base/arena.h"

/* A name that has U-labels with A-labels in their place, by IDNA2008 with the mapping of UTS #46, in
 * lower case: "Bücher.example" is "xn--bcher-kva.example". An ASCII name, a literal and nothing at all
 * stay as they are. False: no registrar could have given this name (or the arena is full). */
bool domain_to_ascii(struct text name, struct arena *a, struct text *ret_ascii);

/* The same domain, in whichever of its forms each is written. */
bool domain_is_equal(struct text a, struct text b);

#endif
