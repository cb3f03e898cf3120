/* SPDX-License-Identifier: Apache-2.0
 *
 * form - may these bytes be signed? Only what a server signs in a TLS handshake.
 *
 * A room that has been taken over can ask for one signature; it must not be able to have anything
 * signed that means something elsewhere (a certificate, a message, another protocol).
 *
 *	TLS 1.3  64 * SP "TLS 1.3, server CertificateVerify" NUL transcript-hash      rfc8446 4.4.3
 *	TLS 1.2  client_random[32] server_random[32] 3 named_curve[2] length[1] point  rfc8422 5.4
 *
 * Pure.
 */
#ifndef KEYRING_FORM_H
#define KEYRING_FORM_H

#include "base/text.h"
#include "ipc/session_keyring.h"

enum form { FORM_NONE, FORM_TLS_1_3, FORM_TLS_1_2 };

/* FORM_NONE: refused. The scheme decides whether a form may occur with it: PKCS#1 v1.5 is not of TLS
 * 1.3. */
enum form form_find(enum session_keyring_scheme scheme, struct text data);

#endif
