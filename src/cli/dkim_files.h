/* SPDX-License-Identifier: Apache-2.0
 *
 * dkim_files - keys of DKIM on disk, as `postern dkim` makes and shows them; roles/keyring/dkim_keys.h says
 * where they lie. Works as the owner of keyring's directory: root steps down to that user before it touches
 * anything there, so that a link put there by a keyring that was taken over leads nowhere.
 */
#ifndef CLI_DKIM_FILES_H
#define CLI_DKIM_FILES_H

#include "base/buf.h"

#include <openssl/types.h>

#define DKIM_FILES_MAX    64
#define DKIM_SELECTOR_MAX 63

struct dkim_file {
	char selector[DKIM_SELECTOR_MAX + 1];
	bool is_active;   /* .pem; else .new */
	const char *kind; /* "rsa" "ed25519" */
	unsigned bits;
	struct buf record; /* what is to be published */
};

/* Steps down and stands in the folder of the profile, which is made. False: said in `why`. */
bool dkim_files_enter(const char *keyring_directory, struct text profile, struct buf *why);
/* In the order of their selectors; at most DKIM_FILES_MAX. The caller frees each with dkim_file_done. */
size_t dkim_files_list(struct dkim_file *ret_files);
void dkim_file_done(struct dkim_file *f);
/* Makes SELECTOR.new. bits 0: Ed25519. */
bool dkim_files_make(const char *selector, unsigned bits, struct buf *why);
/* From one of the endings ".new", ".pem", ".old" to another, synced. */
bool dkim_files_rename(const char *selector, const char *from, const char *to, struct buf *why);

#endif
