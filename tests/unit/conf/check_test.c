/* SPDX-License-Identifier: Apache-2.0
 *
 * What does not fit together across settings of a whole file, with the place that the mistake points at.
 */
#include "conf_fixture.h"

static const struct mistake rows[] = {
	{ "three lines are a gateway", GOOD, "" },
	{ "empty file", "",
	  "f:1:1: no listener, so no mail comes in (add listener public { address 0.0.0.0 [::] })\n"
	  "f:1:1: no domain, so no mail is taken (add domain NAME { next-hop HOST })\n" },
	{ "no domain, but clients that relay", "listener a { address [::1]\nrelay-from ::1 }", "" },
	{ "missing block that is misspelt", "listner a { address [::1] }\ndomain a.b { mx yes }",
	  "f:1:1: unknown setting or block 'listner' (did you mean listener?)\n" },
	{ "needed setting is missing", "listener a { port 25 }\ndomain a.b { mx yes }",
	  "f:1:1: listener 'a': the setting address is missing\n" },
	{ "needed setting is wrong, not missing", "listener a { address x }\ndomain a.b { mx yes }",
	  "f:1:22: address: expected an IP address, with a port or without, found 'x'\n" },
	{ "needed setting of a stub zone", GOOD "stub-zone a.b { }",
	  "f:4:1: stub-zone 'a.b': the setting server is missing\n" },
	{ "host name that is not qualified",
	  "hostname mx\nlistener a { address [::1] }\ndomain a.b { mx yes }",
	  "f:1:1: hostname: 'mx' is not fully qualified (write for example mx.example.com)\n" },

	{ "two settings on one line", GOOD "listener a { address [::2]:26 port 27 }",
	  "f:4:31: address: 'port' is the name of a setting (put it on its own line, or in double quotes)\n"
	  "f:4:36: address: expected an IP address, with a port or without, found '27'\n" },
	{ "two listeners on one address",
	  GOOD "listener b { address 192.0.2.1:2525 }\n"
	       "listener c {\n\tport 2525\n\taddress [::1] 192.0.2.1\n}",
	  "f:7:16: address: 192.0.2.1:2525 is taken by listener 'b' at line 4 already\n" },
	{ "listener on an address of all addresses", GOOD "listener b { address 192.0.2.1 }",
	  "f:4:22: address: 192.0.2.1:25 is taken by listener 'public' at line 2 already\n" },
	{ "all addresses beside one", "listener a { address [::1]:25 [::] }\ndomain a.b { mx yes }",
	  "f:1:31: address: [::]:25 is taken by listener 'a' at line 1 already\n" },
	{ "one address with two ports", GOOD "listener b { address 192.0.2.1:26 192.0.2.1:27 }", "" },
	{ "open relay", GOOD "listener b { address [::2]:26\nrelay-from 10.0.0.0/8 0.0.0.0/0 ::/0 }",
	  "f:5:23: relay-from: this is everybody, which makes an open relay\n"
	  "f:5:33: relay-from: this is everybody, which makes an open relay\n" },
	{ "exempt from nothing", GOOD "listener b { address [::1]:26\nbare-newline-exempt ::1 }",
	  "f:5:1: bare-newline-exempt: has no effect without bare-newline reject\n" },
	{ "exempt from rejection",
	  GOOD "listener b { address [::2]:26\nbare-newline-exempt ::1\nbare-newline reject }", "" },

	{ "domain without a way", GOOD "domain a.b { }",
	  "f:4:1: domain 'a.b': where does its mail go? (set one of next-hop, lmtp, maildir, mx)\n" },
	{ "domain with mx no", GOOD "domain a.b { mx no }",
	  "f:4:1: domain 'a.b': where does its mail go? (set one of next-hop, lmtp, maildir, mx)\n" },
	{ "domain with a way and mx no", GOOD "domain a.b { mx no\nmaildir /x }", "" },
	{ "domain with two ways", GOOD "domain a.b {\nlmtp a\nmaildir /x\n}",
	  "f:6:1: maildir: domain 'a.b' has a way for its mail already, lmtp at line 5\n" },
	{ "domain with a wrong way", GOOD "domain a.b { maildir x }",
	  "f:4:22: maildir: expected a path that begins with /, found 'x'\n" },
	{ "recipients twice", GOOD "domain a.b { mx yes\nrecipients joe\nrecipients-file /x }",
	  "f:6:1: recipients-file: recipients is set at line 5 (use one of them)\n" },
	{ "any and others", GOOD "domain a.b { mx yes\nrecipients joe any }",
	  "f:5:16: recipients: any stands alone\n" },
	{ "recipient of another domain", GOOD "domain a.b { mx yes\nrecipients joe joe@A.B joe@b.c }",
	  "f:5:24: recipients: 'joe@b.c' is not in the domain 'a.b'\n" },
	{ "way for all others", GOOD "domain * { next-hop relay.example.net }", "" },
	{ "recipients of all others", GOOD "domain * { mx yes\nrecipients joe }",
	  "f:5:1: recipients: not for domain *, which stands for the domains of others\n" },

	{ "user ids of the system", GOOD "uid-base 500",
	  "f:4:1: uid-base: the ids 500-531 may belong to system users (begin at 1000 or above)\n" },
	{ "user ids that are reserved", GOOD "uid-base 65510",
	  "f:4:1: uid-base: the range 65510-65541 holds 65534, which is reserved\n" },
	{ "administrator among the roles", GOOD "uid-base 64200\nadmin root 64231 64232",
	  "f:5:12: admin: the user 64231 is one of the roles' own (uid-base)\n" },

	{ "forward without forwarder", GOOD "resolver { mode forward }",
	  "f:4:12: mode: forward needs the setting forwarder\n" },
	{ "caches that fit", GOOD "resolver { cache-size 512M }", "" },
	{ "questions that fit", GOOD "resolver { max-queries 40000 }", "" },
	{ "caches and questions that do not fit together",
	  GOOD "resolver { max-queries 40000\ncache-size 100M }",
	  "f:5:1: cache-size 100M and max-queries 40000 may need 1578M of memory together, and the resolver "
	  "has "
	  "1536M (make one of them smaller)\n" },
	{ "forwarder without forward", GOOD "resolver { forwarder 192.0.2.53 }",
	  "f:4:12: forwarder: has no effect without mode forward\n" },
	{ "ciphers without effect", GOOD "tls { min-version 1.3\nciphers HIGH }",
	  "f:5:1: ciphers: has no effect with min-version 1.3, it is for TLS 1.2\n" },
	{ "first pause longer than life", GOOD "queue { retry 2h\nexpire 1h\nbounce-expire 1h }",
	  "f:4:9: retry: the first pause is longer than expire, so nothing is ever tried again\n" },

	{ "a client's pause above its maximum", GOOD "policy {\n  crash-pause 1h\n  crash-pause-max 1m\n}",
	  "f:5:3: policy crash-pause (1h) is above policy crash-pause-max (1m)\n" },
	{ "pause above its maximum", GOOD "restart-delay 1m\nrestart-delay-max 1s",
	  "f:4:1: restart-delay (1m) is above restart-delay-max (1s)\n" },
	{ "connections of one client above those of all",
	  GOOD "listener b { address [::2]:26\nmax-connections 10\nmax-connections-per-client 11 }",
	  "f:6:1: listener max-connections-per-client (11) is above listener max-connections (10)\n" },
	{ "default of one client above those of all",
	  GOOD "listener b { address [::2]:26\nmax-connections 10 }", "" },
	{ "message larger than its room", GOOD "queue { waiting-files 10M }",
	  "f:4:9: listener max-message-size (50M) is above queue waiting-files (10M)\n" },
	{ "message larger than what is scanned",
	  "listener a { address [::1]\nmax-message-size 1G }\ndomain a.b { mx yes }",
	  "f:2:1: listener max-message-size (1G) is above scan max-decoded-size (256M)\n" },
	{ "warning after the end", GOOD "queue { warn-after 6d }",
	  "f:4:9: queue warn-after (6d) is above queue expire (5d)\n" },
	{ "wrong settings are not compared", GOOD "queue { warn-after 6d\nexpire x }",
	  "f:5:8: expire: expected a time such as 30s, found 'x'\n" },
};

int main(void)
{
	return run_rows("check", rows, sizeof rows / sizeof *rows, test_whole);
}
