/* SPDX-License-Identifier: Apache-2.0
 *
 * dkim_keys - the private keys of DKIM: found in the directory of keyring, never made and never given out
 *here.
 *
 *	keys/dkim/PROFILE/SELECTOR.pem  a key that signs (PKCS#8, PEM, mode 0600)
 *	keys/dkim/PROFILE/SELECTOR.new  one that is not yet published: `postern dkim activate` renames it
 *
 * PROFILE is the name of a block dkim. RSA of 1024 to 4096 bits and Ed25519; at most DKIM_KEYS_MAX for a
 *profile, in the order of their selectors.
 */
#ifndef KEYRING_DKIM_KEYS_H
#define KEYRING_DKIM_KEYS_H

#include "base/buf.h"
#include "conf/conf.h"
#include "proto/dkim_sign.h"

#define DKIM_KEYS_MAX     4
#define DKIM_SELECTOR_MAX 63

struct dkim_keys;

struct dkim_keys *dkim_keys_new(void);
void dkim_keys_free(struct dkim_keys *k); /* NULL is allowed */

/* Those of all profiles, in the place of what was loaded before. A file that is no key is left out and told
 * in `why`, a line each; false then. */
bool dkim_keys_load(struct dkim_keys *k, const struct conf *conf, struct buf *why);
size_t dkim_keys_count(const struct dkim_keys *k);

/* What a room prepared, in relaxed or simple form as the profile has it. */
struct dkim_keys_job {
	const struct conf_dkim *profile;
	unsigned char body_hash[DKIM_DIGEST_BYTES];
	struct text *names;
	size_t n_names;
	struct text covered;
	int64_t now; /* seconds since 1970 */
};

/* One DKIM-Signature by each key of the profile. False: not of the form, or no key; `out` is as before then.
 */
bool dkim_keys_sign(struct dkim_keys *k, const struct dkim_keys_job *job, struct buf *out);

#endif
