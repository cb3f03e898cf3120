/* SPDX-License-Identifier: Apache-2.0
 *
 * Collects the domains of every From field. Called on a stranger's message, before DMARC. Where mail programs
 * would find different addresses in a field all of them count, and the field is malformed; so it is when an
 * address has no domain that the DNS could know. An address that stands in a name's place beside another in
 * angle brackets is a name: what a name pretends is not what DMARC is about. rfc9989 5.3.1, 11.4 and 11.5
 */
#include "proto/dmarc_from.h"

#include "proto/address_list.h"
#include "proto/domain.h"
#include "proto/mime_header.h"

/* Addresses of one field beyond this are not read. */
#define ADDRESSES_MAX 256
#define UNCLEAR       (ADDRESS_DEFECTS_AMBIGUOUS & ~(unsigned)ADDRESS_DEFECT_BARE_NAME)

struct collector {
	struct arena *arena;
	struct charset_cache *charsets; /* of names, which nobody looks at */
	struct dmarc_from *from;
	struct text domains[DMARC_FROM_DOMAINS_MAX];
};

static bool is_known(const struct collector *c, struct text domain)
{
	for (size_t i = 0; i < c->from->n_domains; i++)
		if (text_is_equal(c->domains[i], domain))
			return true;
	return false;
}

/* A-labels in lower case, without a last dot. */
static bool normalize(struct collector *c, struct text domain, struct text *ret_domain)
{
	struct text ascii;
	char *out;

	if (domain.n > 0 && domain.p[domain.n - 1] == '.')
		domain.n--;
	if (domain.n == 0 || domain.p[0] == '[' || !domain_to_ascii(domain, c->arena, &ascii) ||
	    !dns_name_is_valid(ascii))
		return false;
	out = arena_alloc(c->arena, ascii.n);
	if (out == NULL)
		return false;
	for (size_t i = 0; i < ascii.n; i++)
		out[i] = text_lower_byte(ascii.p[i]);
	*ret_domain = text_from_bytes(out, ascii.n);
	return true;
}

static void add_address(struct collector *c, const struct address *address)
{
	struct dmarc_from *from = c->from;
	struct text domain;

	if (!normalize(c, address->domain, &domain)) {
		from->is_malformed = true;
	} else if (!is_known(c, domain)) {
		if (from->n_domains == DMARC_FROM_DOMAINS_MAX)
			from->is_malformed = true;
		else
			c->domains[from->n_domains++] = domain;
	}
}

static bool add_field(struct collector *c, struct text body)
{
	struct address_list list;
	bool is_whole = address_list_parse(body, ADDRESSES_MAX, c->charsets, c->arena, &list);

	c->from->n_fields++;
	for (const struct address *a = list.first; a; a = a->next)
		if (!a->is_other)
			add_address(c, a);
	c->from->is_malformed |= (list.defects & UNCLEAR) != 0;
	return is_whole;
}

bool dmarc_from_read(struct text message, const struct mime_limits *limits, struct arena *arena,
		     struct dmarc_from *ret_from)
{
	struct mime_header_reader reader = mime_header_reader_of(message, limits);
	struct collector c = { .arena = arena, .from = ret_from };
	struct mime_field field;
	bool is_whole = true;
	struct text *domains;

	*ret_from = (struct dmarc_from){ 0 };
	c.charsets = charset_cache_new();
	while (is_whole && mime_header_next(&reader, &field))
		if (text_is_cstr_nocase(field.name, "From"))
			is_whole = add_field(&c, field.body);
	charset_cache_free(c.charsets);
	is_whole = is_whole && reader.trouble == MIME_TROUBLE_NONE;
	domains = arena_alloc(arena, sizeof *domains * (ret_from->n_domains + 1));
	if (domains == NULL)
		ret_from->n_domains = 0;
	else
		memcpy(domains, c.domains, sizeof *domains * ret_from->n_domains);
	is_whole = is_whole && domains != NULL;
	ret_from->domains = domains;
	ret_from->is_malformed |= !is_whole;
	return is_whole;
}
