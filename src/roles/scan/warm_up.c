/* SPDX-License-Identifier: Apache-2.0
 *
 * Called by authentication_room.c before the zygote enters its sandbox. Everything here is constant: nobody's
 * bytes, nobody's key (the halves that sign were thrown away). The signatures are well-formed, the hashes of
 * the body are those of an empty one, so that verifying goes all the way to the key.
 */
#include "roles/scan/warm_up.h"

#include "base/ensure.h"
#include "judge/authenticate.h"

#define EMPTY_BODY "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static const char message[] =
	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=warm.example; s=rsa; h=from; bh=" EMPTY_BODY
	";\r\n b="
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\r\n"
	"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=warm.example; s=ed; h=from; "
	"bh=" EMPTY_BODY
	";\r\n b=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\r\n"
	"From: =?utf-8?q?w=C3=A4rm?= <a@b\xc3\xbc"
	"cher.warm.example>\r\n\r\n";

static const struct {
	const char *name, *txt;
} records[] = {
	{ "rsa._domainkey.warm.example",
	  "v=DKIM1; k=rsa; "
	  "p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAubsi4tXvKcFMSMEIvwmzcBQhsqCAytKJkMDXw7V"
	  "IuJbPvm++Nr++F/"
	  "c1u2NbhEhlp5VyfAFqnSvoH8URcHgRNGPzLu822uLvq76CNntUlbnEt05ZvU+smAdGigJP4+9efXdXSbvjLG1L"
	  "mI1Woll4URM4ka3HkCyy/barJpx6ktf6FpNxiKh3PBi1Wz7orJqn9SDsYbY7mdjYQ5pcUAK2vcfZyDhhlHzg/"
	  "acmYH39UqiyhQ/Ag"
	  "PUC02gUCYL7Of88mTP7bkrqWwmYTJgJJawixpYyTfjMpXsQKSdPaMnq7Q0QlJywJckGJTjlHrFTdoB4ovuZDDDBVyIO5KNd7c8"
	  "8Pw"
	  "IDAQAB" },
	{ "ed._domainkey.warm.example",
	  "v=DKIM1; k=ed25519; p=/rUFUd6RC3T//Ri0L7pBnPxMTuDDki8NIJSdQQfbS4o=" },
	{ "warm.example", "v=spf1 ip4:192.0.2.1 -all" },
	{ "_dmarc.warm.example", "v=DMARC1; p=none" },
};

static void answer(void *context, enum dns_type type, struct text name, struct arena *arena,
		   struct dns_answer *ret_answer)
{
	(void)context;
	ret_answer->status = DNS_NO_NAME;
	for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
		struct dns_record *r;
		if (type != DNS_TXT || !text_is_equal_nocase(name, text_from_cstr(records[i].name)))
			continue;
		r = arena_alloc(arena, sizeof *r);
		ASSERT(r != NULL);
		r->data = text_from_cstr(records[i].txt);
		*ret_answer = (struct dns_answer){ .status = DNS_FOUND, .records = r, .n = 1 };
	}
}

void warm_up(void)
{
	const struct dns_source dns = { NULL, answer };
	struct authenticate_settings settings = authenticate_settings_default();
	struct authenticate_input input = { .message = text_from_bytes(message, sizeof message - 1),
					    .has_message = true,
					    .has_client = true,
					    .has_mail_from = true,
					    .helo = TEXT("warm.example"),
					    .mail_from = TEXT("a@warm.example"),
					    .receiver = TEXT("warm.example"),
					    .now = 1 };
	struct authenticate_report report;
	struct arena arena;

	ASSERT(addr_parse(text_from_cstr("192.0.2.1"), &input.client));
	arena_init(&arena, AUTHENTICATE_ARENA);
	authenticate_message(&input, &settings, &dns, &arena, &report);
	ASSERT(report.spf[SPF_MAILFROM].result == AUTH_PASS && report.dkim.n == 2);
	for (size_t i = 0; i < 2; i++) /* all but the signature itself is good */
		ASSERT(report.dkim.signatures[i].reason == DKIM_REASON_SIGNATURE);
	arena_reset(&arena);
}
