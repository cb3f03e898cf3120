/* SPDX-License-Identifier: Apache-2.0
 *
 * url - a URL as a browser takes it. rfc3986 3, and the WHATWG's URL standard where that is what is run
 *
 * Reads what strangers wrote: blanks around it, tabs and line ends within it, backslashes for slashes,
 * one slash or three for two, percent-coded and international hosts, IPv4 addresses as one decimal number,
 * in octal or in hex. What a browser would open in the end is in `normal` and in the parts; what was odd
 * on the way there is a bit in `oddities`. Whatever a browser would refuse is refused.
 *
 * The parts point into `normal`, which lies in the arena.
 */
#ifndef PROTO_URL_H
#define PROTO_URL_H

#include "base/arena.h"

#define URL_MAX_BYTES                                                                                        \
	65536 /* longer ones are refused, data: URIs are cut before (their data is not read here) */

enum url_host_kind {
	URL_HOST_NONE,   /* mailto:, data:, a path */
	URL_HOST_DOMAIN, /* in A-labels and lower case */
	URL_HOST_IPV4,   /* four decimal numbers */
	URL_HOST_IPV6,   /* in brackets */
	URL_HOST_OPAQUE, /* of a scheme that browsers do not know */
};

/* What was written otherwise than an honest program writes it. */
enum url_oddity {
	URL_ODD_CONTROL = 1 << 0,      /* tabs, line ends or other controls inside */
	URL_ODD_BACKSLASH = 1 << 1,    /* instead of a slash before the path */
	URL_ODD_SLASHES = 1 << 2,      /* not two of them behind the scheme */
	URL_ODD_USERINFO = 1 << 3,     /* "https://bank.example@evil.example" */
	URL_ODD_IP_FORM = 1 << 4,      /* 2130706433, 0x7f.1, 0177.0.0.1 */
	URL_ODD_ENCODED_HOST = 1 << 5, /* "%65vil.example" */
	URL_ODD_MAPPED_HOST = 1 << 6,  /* full-width letters, ideographic stops: becomes ASCII */
	URL_ODD_PORT = 1 << 7,         /* one that is not its scheme's */
};

struct url {
	struct text normal;
	struct text scheme; /* without the colon */
	struct text user;   /* user and password as they stand, without the @ */
	struct text host;
	struct text path;            /* with its slash; of "mailto:" and its kind all of it */
	struct text query, fragment; /* without ? and # */
	enum url_host_kind host_kind;
	unsigned port; /* 0: none named, or the scheme's own */
	unsigned oddities;
};

/* Parses a URL, relative to base when base is not NULL. False: no URL, or the arena is full. */
bool url_parse(struct text raw, const struct url *base, struct arena *a, struct url *ret_url);

/* A host as it stands in a URL, or in a text for people: percent-coding undone, international names in
 * A-labels, numbers that are IPv4 addresses as such. False: no host that could be opened. */
bool url_host_parse(struct text raw, struct arena *a, struct text *ret_host, enum url_host_kind *ret_kind,
		    unsigned *ret_oddities);

/* Is the scheme one of http, https, ftp, ws, wss? */
bool url_is_web(const struct url *url);

#endif
