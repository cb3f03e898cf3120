/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a URL, relative to one and alone. Checked beside memory safety: what was parsed parses to
 * itself, its parts lie in it, a host is in ASCII and lower case, its registrable domain is its end.
 */
#include "base/ensure.h"
#include "proto/public_suffix.h"
#include "proto/url.h"

#define MEMORY ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool lies_in(struct text t, struct text whole)
{
	return t.n == 0 || (t.p >= whole.p && t.p + t.n <= whole.p + whole.n);
}

static void check_host(const struct url *url)
{
	struct text domain = public_suffix_registrable(url->host);

	ASSERT(url->host.n > 0);
	for (size_t i = 0; i < url->host.n; i++)
		ASSERT(url->host.p[i] == text_lower_byte(url->host.p[i]) && !(url->host.p[i] & '\x80'));
	ASSERT(lies_in(domain, url->host));
	if (domain.n && domain.p > url->host.p)
		ASSERT(domain.p[-1] == '.');
}

static void check(const struct url *url, struct arena *arena)
{
	struct url again;

	ASSERT(text_is_ascii(url->normal) && lies_in(url->scheme, url->normal) &&
	       lies_in(url->host, url->normal));
	ASSERT(lies_in(url->path, url->normal) && lies_in(url->query, url->normal));
	ASSERT(lies_in(url->user, url->normal) && lies_in(url->fragment, url->normal));
	if (url_is_web(url))
		check_host(url);
	if (url->normal.n > URL_MAX_BYTES)
		return;
	ASSERT(url_parse(url->normal, NULL, arena, &again));
	ASSERT(text_is_equal(again.normal, url->normal) && text_is_equal(again.host, url->host));
	ASSERT(again.port == url->port && again.host_kind == url->host_kind);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text raw = text_from_bytes(data, n);
	struct url base, url;
	struct arena arena;

	arena_init(&arena, MEMORY);
	ASSERT(url_parse((struct text)TEXT("https://u@base.example:99/a/b?c"), NULL, &arena, &base));
	if (url_parse(raw, &base, &arena, &url))
		check(&url, &arena);
	if (url_parse(raw, NULL, &arena, &url))
		check(&url, &arena);
	arena_reset(&arena);
	return 0;
}
