/* SPDX-License-Identifier: Apache-2.0
 *
 * Where aggregate reports go. Called by the authentication room once a message's policy is known: the
 * addresses come from the DNS of a stranger, who could name anybody's. So an address outside of the policy's
 * organisation counts only when its own host has said that it takes these reports. Invariant: what another
 * host wants instead stays at that host.
 */
#include "proto/dmarc.h"

struct list {
	struct text *addresses;
	size_t n;
};

static struct text host_of(struct text address)
{
	return text_skip(address, text_find_last_byte(address, '@') + 1);
}

static void add(struct list *list, struct text address)
{
	for (size_t i = 0; i < list->n; i++)
		if (text_is_equal_nocase(list->addresses[i], address))
			return;
	if (list->n < DMARC_DESTINATIONS_MAX)
		list->addresses[list->n++] = address;
}

/* An override that leads elsewhere again is followed by nothing: neither to it nor to the first. rfc9990 4 */
static void add_instead(struct list *list, const struct dmarc_record *record, struct text host,
			struct arena *arena)
{
	struct text address;

	for (size_t i = 0; i < record->n_rua; i++)
		if (dmarc_uri_mailbox(record->rua[i].uri, arena, &address) &&
		    text_is_equal_nocase(host_of(address), host))
			add(list, address);
}

size_t dmarc_find_destinations(const struct dmarc_record *record, struct text policy_domain,
			       enum dmarc_discovery discovery, const struct dns_source *dns,
			       struct arena *arena, struct text ret_addresses[DMARC_DESTINATIONS_MAX])
{
	struct list list = { .addresses = ret_addresses };
	struct dmarc_record theirs;
	struct text address;

	for (size_t i = 0; i < record->n_rua && i < DMARC_DESTINATIONS_MAX; i++) {
		if (!dmarc_uri_mailbox(record->rua[i].uri, arena, &address) ||
		    dmarc_verify_destination(policy_domain, host_of(address), discovery, dns, arena,
					     &theirs) != DNS_FOUND)
			continue;
		if (theirs.n_rua > 0)
			add_instead(&list, &theirs, host_of(address), arena);
		else
			add(&list, address);
	}
	return list.n;
}
