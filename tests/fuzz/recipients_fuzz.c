/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the file of a domain's recipients. Checked beside memory safety: an address that was
 * found is of the domain and has a local part; one that no list can hold is not found.
 */
#include "base/ensure.h"
#include "roles/policy/recipients.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct conf *conf_of_one_domain(void)
{
	static const char plain[] = "hostname mx.test.example\nlistener public { address 127.0.0.1 }\n"
				    "domain test.example { next-hop 127.0.0.1\nrecipients-file /r }\n";
	static struct conf *conf;
	struct buf errors;

	if (conf)
		return conf;
	buf_init(&errors, CONF_MAX_ERROR_TEXT);
	conf = conf_parse(text_from_cstr(plain), "fuzz", CONF_WHOLE, &errors);
	ASSERT(conf != NULL);
	buf_done(&errors);
	return conf;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct conf *conf = conf_of_one_domain();
	struct recipients *r = recipients_new(conf);
	int fd = memfd_create("recipients", MFD_CLOEXEC);
	uint64_t route;

	ASSERT(fd >= 0 && write(fd, data, n) == (ssize_t)n && lseek(fd, 0, SEEK_SET) == 0);
	if (recipients_load_file(r, &conf->domain.v[0], fd)) {
		ASSERT(recipients_find(r, text_from_cstr("postmaster@test.example"), &route) ==
		       RECIPIENTS_OK);
		ASSERT(recipients_find(r, text_from_cstr("a@other.example"), &route) == RECIPIENTS_NOT_OURS);
		ASSERT(recipients_find(r, text_from_cstr("@test.example"), &route) != RECIPIENTS_OK);
	}
	close(fd);
	recipients_free(r);
	return 0;
}
