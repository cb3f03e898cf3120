/* SPDX-License-Identifier: Apache-2.0
 *
 * dmarc_report - an aggregate report: what somebody received in the name of a domain in one period.
 * rfc9990 3.1
 *
 * Read from what strangers send (dmarc_report_read, or piece by piece), written for what we send
 * (dmarc_report_write). Reading is meant for reports as they are in the world: older and newer versions,
 * elements in any order, unknown ones passed over; a word that is none of the standard's is "unknown". It
 * never expands an entity and refuses a document type. Everything is bounded by struct dmarc_report_limits,
 * and which bound was met is part of the answer. Texts lie in the arena.
 */
#ifndef PROTO_DMARC_REPORT_H
#define PROTO_DMARC_REPORT_H

#include "base/arena.h"
#include "base/buf.h"
#include "proto/auth_result.h"
#include "proto/dmarc.h"
#include "proto/mime_limits.h"

struct dmarc_report_limits {
	size_t packed_bytes; /* of a gzip, zip or XML file as it came */
	size_t xml_bytes;
	unsigned ratio; /* of both, where the XML has more than a megabyte */
	size_t records;
	size_t elements;   /* of the whole document */
	size_t text_bytes; /* of one element */
	unsigned depth;
};

struct dmarc_report_limits dmarc_report_limits_default(void);

enum dmarc_report_trouble {
	DMARC_REPORT_FINE,
	DMARC_REPORT_NOT_A_REPORT, /* neither gzip, nor zip, nor XML */
	DMARC_REPORT_XML,          /* not well-formed */
	DMARC_REPORT_DOCTYPE,      /* declares a document type */
	DMARC_REPORT_ROOT,         /* XML of something else */
	DMARC_REPORT_PACKING,      /* damaged gzip or zip, or one in a way that is not read */
	DMARC_REPORT_PACKED_BYTES, /* from here: a limit was met */
	DMARC_REPORT_XML_BYTES,
	DMARC_REPORT_RATIO,
	DMARC_REPORT_RECORDS,
	DMARC_REPORT_ELEMENTS,
	DMARC_REPORT_TEXT_BYTES,
	DMARC_REPORT_DEPTH,
	DMARC_REPORT_MEMORY,
	DMARC_REPORT_TROUBLE_COUNT
};

/* One line for people, with the name of the limit: "unpacks to more than 250 times its size". */
const char *dmarc_report_trouble_text(enum dmarc_report_trouble trouble);

/* Words of the standard; what is absent is *_ABSENT, and a word of another kind *_UNKNOWN. */
enum dmarc_report_disposition {
	DMARC_REPORT_ABSENT,
	DMARC_REPORT_UNKNOWN,
	DMARC_REPORT_NONE,
	DMARC_REPORT_PASS, /* it passed, and the policy is more than none */
	DMARC_REPORT_QUARANTINE,
	DMARC_REPORT_REJECT,
};

struct dmarc_report_error {
	struct dmarc_report_error *next;
	struct text text;
};

/* rfc9990 3.1.1.14. "sampled_out" and "forwarded" are of the replaced standard. */
struct dmarc_report_reason {
	struct dmarc_report_reason *next;
	struct text type; /* the word as written */
	struct text comment;
};

/* rfc9990 3.1.1.12 and 3.1.1.13 */
struct dmarc_report_auth {
	struct dmarc_report_auth *next;
	struct text domain, selector, scope;
	struct text result; /* the word as written */
	struct text human_result;
};

/* rfc9990 3.1.1.7 */
struct dmarc_report_record {
	struct dmarc_report_record *next;
	struct text source_ip;
	uint64_t count;
	enum dmarc_report_disposition disposition;
	bool has_dkim, has_spf; /* the two are there */
	bool is_dkim_aligned, is_spf_aligned;
	struct dmarc_report_reason *reasons;
	struct text header_from, envelope_from, envelope_to;
	bool has_envelope_from; /* may be there and empty: a null sender */
	struct dmarc_report_auth *dkim, *spf;
};

/* rfc9990 3.1.1.5. Policies are words as enum dmarc_report_disposition, without pass. */
struct dmarc_report_policy {
	struct text domain;
	struct text discovery_method; /* "treewalk", "psl" or empty */
	enum dmarc_report_disposition p, sp, np;
	char adkim, aspf; /* 'r', 's', or 0: absent */
	char testing;     /* 'y', 'n', or 0 */
	struct text fo;
};

struct dmarc_report {
	struct text version;
	struct text org_name, email, extra_contact_info, report_id, generator;
	int64_t begin, end; /* seconds since 1970; 0: absent */
	struct dmarc_report_error *errors;
	struct dmarc_report_policy policy;
	struct dmarc_report_record *records;
	size_t n_records;
	uint64_t n_messages; /* the sum of their counts, at most UINT64_MAX */
};

/* --- reading --- */

/* A file: XML, or gzip or zip with XML as its only or first file. */
enum dmarc_report_trouble dmarc_report_read(struct text file, const struct dmarc_report_limits *limits,
					    struct arena *arena, struct dmarc_report *ret_report);

/* Is this gzip, zip or XML, by its first bytes? */
bool dmarc_report_is_file(struct text file);

/* The file within the mail that carries it, decoded; false: there is none, or it is larger than ret_file may
 * be. The arena is for reading the message. */
bool dmarc_report_find(struct text message, const struct mime_limits *limits, struct arena *arena,
		       struct buf *ret_file);

/* The same in pieces, only XML (dmarc_report_xml.c). Opaque; free it whatever came. */
struct dmarc_report_reader;
struct dmarc_report_reader *dmarc_report_reader_new(const struct dmarc_report_limits *limits,
						    struct arena *arena, struct dmarc_report *report);
void dmarc_report_reader_free(struct dmarc_report_reader *r);
/* The last piece, which may be empty, says so. */
enum dmarc_report_trouble dmarc_report_reader_feed(struct dmarc_report_reader *r, struct text piece,
						   bool is_last);

/* --- writing --- */

/* Adds the XML, valid against the schema of rfc9990 A if there is at least one record, each has a result for
 * DKIM and SPF, and words are of the standard. What XML cannot hold becomes "?". */
bool dmarc_report_write(const struct dmarc_report *report, struct buf *out);
/* Packs it as rfc1952 says, without name and time: the same XML gives the same bytes. */
bool dmarc_report_gzip(struct text xml, struct buf *out);

/* "receiver!domain!begin!end!unique.xml.gz"; unique may be empty. rfc9990 3.5.2 */
void dmarc_report_file_name(struct buf *out, struct text receiver, struct text domain, int64_t begin,
			    int64_t end, struct text unique);

struct dmarc_report_mail {
	struct text receiver;     /* domain of whoever sends it */
	struct text domain;       /* reported about */
	struct text from, to;     /* addresses */
	struct text report_id;    /* dot-atom, without "<>" */
	struct text message_id;   /* with "@", without "<>" */
	struct text boundary;     /* must not occur in base64 */
	struct text organization; /* for the text of people */
	int64_t begin, end;
	int64_t now;        /* Date */
	struct text gzip;   /* the attachment */
	struct text unique; /* of the file's name; may be empty */
};

/* A whole message with CRLF: a text for people, and the attachment. rfc9990 3.5.2 */
bool dmarc_report_mail_write(const struct dmarc_report_mail *mail, struct buf *out);

#endif
