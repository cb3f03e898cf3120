/* SPDX-License-Identifier: Apache-2.0
 *
 * postern.conf(5) out of the schema, in mdoc(7). Called at build time by a small program that writes the man
 * page, and by the check that the documents name every setting. There is no other text about settings: what
 * an administrator should know about one stands in its row.
 *
 * Invariant: no text of the schema can be read as a macro or an escape; it passes add_text.
 */
#include "conf/conf.h"
#include "conf/value.h"

/* Text that roff takes as it is. */
static void add_text(const char *s, struct buf *out)
{
	if (*s == '.' || *s == '\'')
		buf_add_cstr(out, "\\&");
	for (; *s; s++) {
		if (*s == '\\')
			buf_add_cstr(out, "\\e");
		else if (*s == '"')
			buf_add_cstr(out, "\\(dq");
		else
			buf_add_byte(out, *s);
	}
}

/* One sentence a line, as mdoc asks. */
static void add_sentences(const char *s, struct buf *out)
{
	struct text rest = text_from_cstr(s);
	struct buf line;

	buf_init(&line, 4096);
	while (rest.n) {
		size_t end = text_find(rest, text_from_cstr(". "));
		end = end == SIZE_MAX ? rest.n : end + 1;
		buf_reset(&line);
		buf_add(&line, text_slice(rest, 0, end));
		add_text(buf_cstr(&line), out);
		buf_add_byte(out, '\n');
		rest = text_skip(rest, end + 1);
	}
	buf_done(&line);
}

static void add_words(const struct conf_row *row, struct buf *out)
{
	for (size_t i = 0; row->words[i]; i++)
		buf_printf(out, "%s%s", i ? "|" : "", row->words[i]);
}

static void add_bounds(const struct conf_row *row, struct buf *out)
{
	const struct conf_kind *kind = conf_kind_of(row);

	if (row->use & CONF_USE_NEEDED)
		buf_add_cstr(out, "Must be set.\n");
	if (row->use & CONF_USE_RESTART)
		buf_add_cstr(out, "A change needs a restart.\n");
	if (kind->is_list)
		buf_printf(out, "At most %s values%s.\n", row->max,
			   row->use & CONF_USE_REPEAT ? ", which may stand on several lines" : "");
	else if (row->type == CONF_TYPE_COUNT || row->type == CONF_TYPE_SIZE || row->type == CONF_TYPE_TIME)
		buf_printf(out, "From %s to %s.\n", row->min, row->max);
	else if (row->type == CONF_TYPE_RATE)
		buf_printf(out, "From %s to %s, in a time from 1s to 1d.\n", row->min, row->max);
	if (*row->initial) {
		buf_add_cstr(out, "Default: ");
		add_text(row->initial, out);
		buf_add_cstr(out, ".\n");
	}
}

static void add_row(const struct conf_row *row, struct buf *out)
{
	buf_printf(out, ".It Ic %s Ar ", row->name);
	if (row->words)
		add_words(row, out);
	else
		add_text(conf_kind_of(row)->name, out);
	if (row->type == CONF_TYPE_WORDS)
		buf_add_cstr(out, " ...");
	buf_add_byte(out, '\n');
	add_sentences(row->help, out);
	add_bounds(row, out);
}

static void add_block(const struct conf_block *block, struct buf *out)
{
	bool is_top = block->shape == CONF_SHAPE_TOP;

	buf_printf(out, ".Ss %s%s\n", is_top ? "Outside of blocks" : block->name,
		   block->shape == CONF_SHAPE_MANY ? " NAME" : "");
	if (!is_top)
		add_sentences(block->help, out);
	buf_add_cstr(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < block->n_rows; i++)
		add_row(&block->rows[i], out);
	buf_add_cstr(out, ".El\n");
}

/* Each type once, by an example row of it. */
static void add_types(struct buf *out)
{
	bool seen[CONF_TYPE_COUNT_OF] = { false };

	buf_add_cstr(out, "The values are\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < CONF_N_BLOCKS; i++)
		for (size_t j = 0; j < conf_blocks[i].n_rows; j++) {
			const struct conf_row *row = &conf_blocks[i].rows[j];
			const struct conf_kind *kind = conf_kind_of(row);
			if (seen[row->type] || !*kind->manual)
				continue;
			seen[row->type] = true;
			buf_printf(out, ".It Ar %s\n", kind->name);
			add_text(kind->manual, out);
			buf_add_byte(out, '\n');
		}
	buf_add_cstr(out, ".El\n");
}

static const char head[] =
	".\\\" SPDX-License-Identifier: Apache-2.0\n"
	".Dd November 24, 2026\n"
	".Dt POSTERN.CONF 5\n"
	".Os\n"
	".Sh NAME\n"
	".Nm postern.conf\n"
	".Nd configuration of the Postern mail gateway\n"
	".Sh DESCRIPTION\n"
	"One file holds the whole configuration.\n"
	"It has settings and blocks of settings:\n"
	".Bd -literal -offset indent\n"
	"setting value ...       # a comment\n"
	"block name {\n"
	"\tsetting value ...\n"
	"}\n"
	".Ed\n"
	".Pp\n"
	"A setting ends with its line, or with the brace that ends its block.\n"
	"Values with blanks, braces or number signs stand in double quotes,\n"
	"in which \\e\\(dq and \\e\\e stand for a double quote and a backslash.\n"
	"A setting is written once in its block, unless it is a list that may stand on several lines.\n"
	".Pp\n"
	"Nothing starts on a file with a mistake.\n"
	".Ql postern check Ar file\n"
	"shows every mistake of a file in one run, each with line and column.\n"
	".Pp\n"
	".Ql postern reload\n"
	"and the signal HUP put a changed file in force while mail flows.\n"
	"Either all of it is taken or nothing:\n"
	"a file that is wrong, or that changes a setting of which is said here that it needs a restart, is\n"
	"refused, and the gateway goes on as before.\n"
	"Domains may come and go, but a new one with a maildir needs a restart.\n"
	"The blocks listener cannot be added, removed or put in another order by a reload.\n"
	"Sessions and deliveries that are under way end by the settings with which they began.\n"
	".Pp\n";

static const char tail[] =
	".Sh EXAMPLES\n"
	"A gateway in front of one mail server:\n"
	".Bd -literal -offset indent\n"
	"hostname mx.example.com\n"
	"listener public { address 0.0.0.0 [::] }\n"
	"domain example.com { next-hop mail.example.com }\n"
	".Ed\n"
	".Pp\n"
	"The same, with a second port where the organisation's own servers hand in mail for others,\n"
	"and a list of the recipients that exist:\n"
	".Bd -literal -offset indent\n"
	"hostname mx.example.com\n"
	"listener public {\n"
	"\taddress 0.0.0.0 [::]\n"
	"\tmax-message-size 100M\n"
	"}\n"
	"listener private {\n"
	"\taddress 192.0.2.25:2525\n"
	"\trelay-from 192.0.2.0/24 2001:db8::/32\n"
	"\tpregreet-wait 0\n"
	"}\n"
	"domain example.com {\n"
	"\tnext-hop mail1.example.com mail2.example.com\n"
	"\ttls required\n"
	"\trecipients-file /etc/postern/example.com\n"
	"}\n"
	".Ed\n"
	".Sh SEE ALSO\n"
	".Xr postern 1 ,\n"
	".Xr posternd 8\n";

bool conf_print_manual(struct buf *out)
{
	buf_add_cstr(out, head);
	add_types(out);
	buf_add_cstr(out, ".Sh SETTINGS\n");
	for (size_t i = 0; i < CONF_N_BLOCKS; i++)
		add_block(&conf_blocks[i], out);
	buf_add_cstr(out, tail);
	return !out->overflow;
}
