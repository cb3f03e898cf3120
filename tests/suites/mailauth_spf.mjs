// SPDX-License-Identifier: Apache-2.0
//
// Asks mailauth (npm) about SPF: reads cases as `postern authenticate --batch` does, one JSON object a line, and
// answers {"result", "said"} a line. Run by differential_spf.py with the directory in which npm has installed it.
import { createRequire } from 'node:module';
import readline from 'node:readline';

const { spf } = createRequire(process.argv[2] + '/')('mailauth/lib/spf');

const failure = code => Object.assign(new Error(code), { code });

// As Node's dns.promises.resolve, from the zone of a case.
const resolverOf = zone => async (name, type) => {
	const node = zone[name.replace(/\.$/, '').toLowerCase()];
	if (!node) throw failure('ENOTFOUND');
	const values = node[type];
	if (values === 'TIMEOUT') throw failure('ETIMEOUT');
	if (!values || !values.length) throw failure('ENODATA');
	if (type === 'TXT') return values.map(value => [value]);
	return type === 'MX' ? values.map(([priority, exchange]) => ({ priority, exchange })) : values;
};

for await (const line of readline.createInterface({ input: process.stdin })) {
	const { mail_from, ip, helo, receiver, zone } = JSON.parse(line);
	const answer = await spf({ sender: mail_from || `postmaster@${helo}`, ip, helo, mta: receiver, resolver: resolverOf(zone) });
	console.log(JSON.stringify({ result: answer.status.result, said: answer.status.comment || '' }));
}
