/* SPDX-License-Identifier: Apache-2.0
 *
 * All checks of a message's origin. Called by the authentication room of scan and by the command line, with
 * a stranger's message and envelope. Each check is a module of proto; here is their order, and what one
 * needs of another: DMARC takes the results of SPF and DKIM, and what a trusted ARC chain says.
 *
 * Invariant: every field of the report is set, whatever the message is: a check that was not reached says so
 * by its result.
 */
#include "judge/authenticate.h"

#define IPREV_NAMES 10

struct authenticate_settings authenticate_settings_default(void)
{
	return (struct authenticate_settings){
		.spf = spf_limits_default(),
		.dkim = dkim_limits_default(),
		.discovery = DMARC_AUTO,
		.iprev_names = IPREV_NAMES,
	};
}

static void check_client(const struct authenticate_input *input, const struct authenticate_settings *settings,
			 const struct dns_source *dns, struct arena *arena,
			 struct authenticate_report *report)
{
	const bool is_wanted[] = { [SPF_HELO] = input->helo.n > 0, [SPF_MAILFROM] = input->has_mail_from };

	if (!input->has_client)
		return;
	report->has_iprev = true;
	iprev_check(&input->client, settings->iprev_names, dns, arena, &report->iprev);
	for (enum spf_identity identity = SPF_HELO; identity <= SPF_MAILFROM; identity++) {
		report->spf_query[identity] = (struct spf_query){
			.identity = identity,
			.client = input->client,
			.helo = input->helo,
			.mail_from = input->mail_from,
			.receiver = input->receiver,
			.now = input->now,
		};
		if (!is_wanted[identity])
			continue;
		report->has_spf[identity] = true;
		spf_check(&report->spf_query[identity], &settings->spf, dns, arena, &report->spf[identity]);
	}
}

static bool is_trusted_sealer(void *context, struct text domain)
{
	const struct authenticate_settings *settings = context;

	for (size_t i = 0; i < settings->n_trusted_sealers; i++)
		if (text_is_equal_nocase(settings->trusted_sealers[i], domain))
			return true;
	return false;
}

static void check_message(const struct authenticate_input *input,
			  const struct authenticate_settings *settings, const struct dns_source *dns,
			  struct arena *arena, struct authenticate_report *report)
{
	struct dkim_message m;

	report->has_message = true;
	if (!dkim_message_read(&m, input->message, &settings->dkim, arena)) {
		report->dkim.result = report->arc.result = AUTH_TEMPERROR;
		dkim_message_done(&m);
		return;
	}
	dkim_verify(&m, dns, input->now, &report->dkim);
	arc_validate(&m, dns, input->now, &report->arc);
	report->arc_trusted =
		arc_trusted_from(&report->arc, is_trusted_sealer, (struct authenticate_settings *)settings);
	dkim_message_done(&m);
}

void authenticate_message(const struct authenticate_input *input,
			  const struct authenticate_settings *settings, const struct dns_source *dns,
			  struct arena *arena, struct authenticate_report *ret_report)
{
	*ret_report = (struct authenticate_report){ 0 };
	check_client(input, settings, dns, arena, ret_report);
	if (input->has_message)
		check_message(input, settings, dns, arena, ret_report);
}
