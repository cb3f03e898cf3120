/* SPDX-License-Identifier: Apache-2.0
 *
 * The reverse check. Called by judge/authenticate.c. At most 1 + max_names questions are asked. A name
 * whose addresses cannot be learned does not hide the next one; only when none leads back is the check
 * itself without a result for now.
 */
#include "proto/iprev.h"

static bool has_address(const struct dns_answer *answer, const struct addr *client)
{
	for (size_t i = 0; i < answer->n; i++)
		if (addr_is_equal(&answer->records[i].address, client))
			return true;
	return false;
}

static struct iprev_result end(enum auth_result result, const char *reason)
{
	return (struct iprev_result){ .result = result, .reason = reason };
}

void iprev_check(const struct addr *client, unsigned max_names, const struct dns_source *dns,
		 struct arena *arena, struct iprev_result *ret_result)
{
	enum dns_type type = addr_is_v4(client) ? DNS_A : DNS_AAAA;
	char reverse[DNS_REVERSE_SIZE];
	struct dns_answer names, addresses;
	bool is_uncertain = false;

	dns_print_reverse(client, reverse);
	dns_ask(dns, DNS_PTR, text_from_cstr(reverse), arena, &names);
	if (names.status != DNS_FOUND) {
		*ret_result = names.status == DNS_FAILED ? end(AUTH_TEMPERROR, "DNS did not answer")
							 : end(AUTH_PERMERROR, "the address has no name");
		return;
	}
	for (size_t i = 0; i < names.n && i < max_names; i++) {
		dns_ask(dns, type, names.records[i].name, arena, &addresses);
		is_uncertain = is_uncertain || addresses.status == DNS_FAILED;
		if (!has_address(&addresses, client))
			continue;
		*ret_result = (struct iprev_result){ .result = AUTH_PASS, .name = names.records[i].name };
		return;
	}
	*ret_result = is_uncertain ? end(AUTH_TEMPERROR, "DNS did not answer")
				   : end(AUTH_FAIL, "no name of the address leads back to it");
	ret_result->name = names.records[0].name;
}
