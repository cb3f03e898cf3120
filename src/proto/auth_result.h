/* SPDX-License-Identifier: Apache-2.0
 *
 * auth_result - the result of one check of a message's origin, as all methods name it. rfc8601 2.7
 */
#ifndef PROTO_AUTH_RESULT_H
#define PROTO_AUTH_RESULT_H

enum auth_result {
	AUTH_NONE, /* nothing there to check */
	AUTH_PASS,
	AUTH_FAIL,
	AUTH_SOFTFAIL, /* SPF only */
	AUTH_NEUTRAL,
	AUTH_POLICY,    /* valid, but not to our rules, such as a key that is too short */
	AUTH_TEMPERROR, /* may be another next time */
	AUTH_PERMERROR,
	AUTH_RESULT_COUNT
};

const char *auth_result_word(enum auth_result result); /* "pass" */

#endif
