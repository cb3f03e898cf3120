/* SPDX-License-Identifier: Apache-2.0
 *
 * mime_entity - what the header of one message or part says about its body, all its contradictions
 * together. For mime_part.c.
 */
#ifndef PROTO_MIME_ENTITY_H
#define PROTO_MIME_ENTITY_H

#include "proto/mime_part.h"

#define MIME_BOUNDARIES_MAX 16

struct mime_entity {
	size_t n_types, n_encodings, n_dispositions;
	bool is_multipart, is_message, is_digest; /* some Content-Type says so */
	struct text boundaries[MIME_BOUNDARIES_MAX];
	size_t n_boundaries;
	struct text gap; /* where others see the body begin; empty: nowhere else */
	struct text type_value;
};

/* What reading costs, and where what is made goes. */
struct mime_reader {
	const struct mime_limits *limits;
	struct arena *arena;
	struct arena scratch; /* values of one field */
	struct mime_tree *tree;
	struct text message;
	size_t memory;      /* of the arena that may still be used */
	size_t work;        /* bytes that may still be looked at */
	size_t decoded;     /* bytes that may still be decoded */
	const char *resume; /* where a multipart goes on behind one within that has its boundary; NULL */
	bool is_ratio;      /* that bound is limits->ratio's */
	bool is_crlf;       /* lines of the message end so */
};

bool mime_reader_has_stopped(const struct mime_reader *r);
void mime_reader_stop(struct mime_reader *r, enum mime_trouble trouble);
void mime_reader_spend(struct mime_reader *r, size_t n);
/* Zeroed memory that lasts as long as the tree; NULL when a limit is met. */
void *mime_reader_alloc(struct mime_reader *r, size_t n);

/* One part more at the end of the list; NULL when a limit is met. */
struct mime_part *mime_reader_add_part(struct mime_reader *r, struct mime_part *parent, enum mime_kind kind);
/* The body with an encoding undone, in the arena; empty when a limit is met. */
struct text mime_reader_decode(struct mime_reader *r, const struct mime_part *part,
			       enum mime_encoding encoding);

/* Cuts t into header and body, part->header and part->body, and the facts out of the header. */
void mime_entity_read(struct mime_reader *r, struct mime_part *part, struct text t,
		      struct mime_entity *ret_entity);
/* One boundary more; the same twice counts once. */
void mime_entity_add_boundary(struct mime_reader *r, struct mime_entity *e, struct text boundary);

/* A name more for the part. */
void mime_entity_add_name(struct mime_reader *r, struct mime_part *part, struct mime_name name);

#endif
