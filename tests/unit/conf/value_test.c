/* SPDX-License-Identifier: Apache-2.0
 *
 * Values: what each type takes, and the exact mistake and place for what it does not.
 */
#include "conf_fixture.h"

static const struct mistake rows[] = {
	{ "number is taken", "uid-base 64200", "" },
	{ "number zero is taken", "uid-base 0", "" },
	{ "number in words", "uid-base many", "f:1:10: uid-base: expected a number, found 'many'\n" },
	{ "number with a unit", "uid-base 64K",
	  "f:1:10: uid-base: expected a plain number, found '64K' (leave out 'K')\n" },
	{ "number in octal", "uid-base 0644",
	  "f:1:10: uid-base: '0644' has a leading zero (write 644; numbers are decimal)\n" },
	{ "number of zeros", "uid-base 00",
	  "f:1:10: uid-base: '00' has a leading zero (write 0; numbers are decimal)\n" },
	{ "number in hexadecimal", "uid-base 0x10", "f:1:10: uid-base: expected a number, found '0x10'\n" },
	{ "number with a sign", "uid-base -1", "f:1:10: uid-base: expected a number, found '-1'\n" },
	{ "number above its bound", "listener a { port 70000 }",
	  "f:1:19: port: 70000 is out of range 1-65535\n" },
	{ "number below its bound", "listener a { port 0 }", "f:1:19: port: 0 is out of range 1-65535\n" },
	{ "number above all bounds", "uid-base 99999999999999999999",
	  "f:1:10: uid-base: '99999999999999999999' is too large a number\n" },
	{ "number that is empty", "uid-base \"\"", "f:1:10: uid-base: expected a number, found ''\n" },

	{ "sizes are taken", "queue { memory 256M\nreserve 0\nmin-free 4096B\nbounce-size 64K }", "" },
	{ "size without unit", "queue { memory 50 }",
	  "f:1:16: memory: '50' has no unit (a size has B, K, M or G, for example 50M)\n" },
	{ "size with the unit of a time", "queue { memory 50m }",
	  "f:1:16: memory: unknown unit 'm' in '50m' (a size has B, K, M or G; did you mean 50M?)\n" },
	{ "size with a long unit", "queue { memory 50MB }",
	  "f:1:16: memory: unknown unit 'MB' in '50MB' (a size has B, K, M or G; did you mean 50M?)\n" },
	{ "size with a strange unit", "queue { memory 50x }",
	  "f:1:16: memory: unknown unit 'x' in '50x' (a size has B, K, M or G)\n" },
	{ "size with a fraction", "queue { memory 1.5G }",
	  "f:1:16: memory: '1.5G' is not a whole number (write it in a smaller unit)\n" },
	{ "size in words", "queue { memory lots }",
	  "f:1:16: memory: expected a size such as 50M, found 'lots'\n" },
	{ "size with a leading zero", "queue { memory 050M }",
	  "f:1:16: memory: '050M' has a leading zero (write 50M; numbers are decimal)\n" },
	{ "size that overflows", "queue { memory 99999999999G }",
	  "f:1:16: memory: '99999999999G' is too large a number\n" },
	{ "size above its bound", "queue { memory 65G }", "f:1:16: memory: 65G is out of range 1M-64G\n" },
	{ "size zero where none may be", "queue { memory 0 }", "f:1:16: memory: 0 is out of range 1M-64G\n" },

	{ "times are taken",
	  "audit { flush 10ms\nretention 30d }\ndeliver { idle-time 0\nconnect-timeout 1m }", "" },
	{ "time without unit", "deliver { connect-timeout 30 }",
	  "f:1:27: connect-timeout: '30' has no unit (a time has ms, s, m, h or d, for example 30s)\n" },
	{ "time with a long unit", "deliver { connect-timeout 5min }",
	  "f:1:27: connect-timeout: unknown unit 'min' in '5min' (a time has ms, s, m, h or d; did you mean "
	  "5m?)\n" },
	{ "time with the unit of a size", "deliver { connect-timeout 5M }",
	  "f:1:27: connect-timeout: unknown unit 'M' in '5M' (a time has ms, s, m, h or d; did you mean "
	  "5m?)\n" },
	{ "time out of its bounds", "deliver { connect-timeout 1h }",
	  "f:1:27: connect-timeout: 1h is out of range 1s-10m\n" },
	{ "times in a list", "queue { retry 1s 5m 5m 30d }", "" },
	{ "time in a list out of bounds", "queue { retry 5m 0 31d }",
	  "f:1:18: retry: 0 is out of range 1s-30d\nf:1:20: retry: 31d is out of range 1s-30d\n" },

	{ "rate is taken", "listener a { connection-rate 60/1m }", "" },
	{ "rate without time", "listener a { connection-rate 60 }",
	  "f:1:30: connection-rate: expected a number in a time such as 60/1m, found '60'\n" },
	{ "rate with a bare unit", "listener a { connection-rate 60/m }",
	  "f:1:30: connection-rate: '60/m' has no number before the unit (did you mean 60/1m?)\n" },
	{ "rate of nothing", "listener a { connection-rate 0/1m }",
	  "f:1:30: connection-rate: 0 is out of range 1-10000000\n" },
	{ "rate in too long a time", "listener a { connection-rate 1/2d }",
	  "f:1:30: connection-rate: 2d is out of range 1s-1d\n" },

	{ "yes and no are taken", "listener a { vrfy yes\nchunking no }", "" },
	{ "perhaps", "listener a { vrfy perhaps }", "f:1:19: vrfy: expected yes or no, found 'perhaps'\n" },
	{ "true", "listener a { vrfy true }",
	  "f:1:19: vrfy: expected yes or no, found 'true' (did you mean yes?)\n" },
	{ "off", "listener a { vrfy off }",
	  "f:1:19: vrfy: expected yes or no, found 'off' (did you mean no?)\n" },

	{ "word of a choice is taken", "log-level debug", "" },
	{ "word that is near", "log-level wraning",
	  "f:1:11: log-level: 'wraning' is not one of: error, warning, info, debug (did you mean "
	  "warning?)\n" },
	{ "word that is far", "log-level loud",
	  "f:1:11: log-level: 'loud' is not one of: error, warning, info, debug\n" },

	{ "host name is taken", "hostname MX.Example.COM.", "" },
	{ "host name with a dash at the end", "hostname mx-.example.com",
	  "f:1:10: hostname: expected a domain name, found 'mx-.example.com'\n" },
	{ "host name with two dots", "hostname mx..example.com",
	  "f:1:10: hostname: expected a domain name, found 'mx..example.com'\n" },
	{ "host name in another script", "hostname m\xc3\xbcller.example",
	  "f:1:10: hostname: expected a domain name, found 'm\xc3\xbcller.example' (write other scripts in "
	  "their xn-- form)\n" },
	{ "host name that is an address", "hostname 192.0.2.1",
	  "f:1:10: hostname: expected a domain name, found '192.0.2.1'\n" },
	{ "domain that is a mailbox", "domain joe@example.com { mx yes }",
	  "f:1:8: domain: expected a domain name, found 'joe@example.com' (without the part before @)\n" },
	{ "stub zones are taken",
	  "stub-zone . { server [::1] }\nstub-zone 2.0.192.in-addr.arpa { server [::1] }", "" },
	{ "listener's name with a dot", "listener a.b { port 25 }",
	  "f:1:10: listener: expected a name of at most 64 letters, digits, - and _, found 'a.b'\n" },

	{ "addresses of a listener are taken",
	  "listener a { address 0.0.0.0 [::] 127.0.0.1:2525 [::1]:2525 [2001:db8::1] }", "" },
	{ "address with a wrong port", "listener a { address 127.0.0.1:65536 }",
	  "f:1:22: address: port: 65536 is out of range 1-65535\n" },
	{ "address with an empty port", "listener a { address 127.0.0.1: }",
	  "f:1:22: address: port: expected a number, found ''\n" },
	{ "address that is a name", "listener a { address localhost }",
	  "f:1:22: address: expected an IP address, with a port or without, found 'localhost'\n" },
	{ "address with a leading zero", "listener a { address 127.0.0.01 }",
	  "f:1:22: address: expected an IP address, with a port or without, found '127.0.0.01'\n" },
	{ "address as a star", "listener a { address * }",
	  "f:1:22: address: expected an IP address (for all addresses write 0.0.0.0 [::]), found '*'\n" },
	{ "IPv6 address without brackets", "listener a { address ::1:25 }",
	  "f:1:22: address: '::1:25' must have its IPv6 address in brackets, such as [2001:db8::1]:25\n" },
	{ "address given twice", "listener a { address 192.0.2.1\naddress 192.0.2.1 }",
	  "f:2:9: address: '192.0.2.1' is given twice (first at line 1)\n" },
	{ "source with a port", "deliver { source 192.0.2.1:25 }",
	  "f:1:18: source: expected an IP address, found '192.0.2.1:25'\n" },

	{ "networks are taken", "deliver { allow 10.0.0.0/8 192.0.2.1 2001:db8::/32 ::1 0.0.0.0/0 }", "" },
	{ "network with bits outside", "deliver { allow 10.1.0.0/8 }",
	  "f:1:17: allow: '10.1.0.0/8' has bits outside of its network (did you mean 10.0.0.0/8?)\n" },
	{ "IPv6 network with bits outside", "deliver { allow 2001:db8::1/32 }",
	  "f:1:17: allow: '2001:db8::1/32' has bits outside of its network (did you mean 2001:db8::/32?)\n" },
	{ "network of too many bits", "deliver { allow 10.0.0.0/33 }",
	  "f:1:17: allow: expected a network such as 192.0.2.0/24 or 2001:db8::/32, found '10.0.0.0/33'\n" },
	{ "network with an octal length", "deliver { allow 10.0.0.0/08 }",
	  "f:1:17: allow: expected a network such as 192.0.2.0/24, found '10.0.0.0/08'\n" },

	{ "servers are taken", "domain a.b { next-hop mail mail.a.b:2525 192.0.2.1 [2001:db8::1]:25 [::1] }",
	  "" },
	{ "server that is nothing", "domain a.b { next-hop mail!a }",
	  "f:1:23: next-hop: expected a host name or address, with a port or without, found 'mail!a'\n" },
	{ "server with a port in words", "domain a.b { next-hop mail:smtp }",
	  "f:1:23: next-hop: port: expected a number, found 'smtp'\n" },

	{ "path with blanks is taken", "state \"/srv/my mail\"", "" },
	{ "path that is relative", "state var/postern",
	  "f:1:7: state: expected a path that begins with /, found 'var/postern'\n" },
	{ "path that goes up", "state /var/../etc",
	  "f:1:7: state: expected a path without //, . and .., found '/var/../etc'\n" },
	{ "path with a slash at its end", "state /var/",
	  "f:1:7: state: expected a path without a / at its end, found '/var/'\n" },

	{ "recipients are taken",
	  "domain a.b { recipients joe joe+x@a.b \xc3\xa9mile \"o'neil\" }\ndomain b.c { recipients any }",
	  "" },
	{ "recipient that is none", "domain a.b { recipients joe..x }",
	  "f:1:25: recipients: expected any, a local part or a mail address, found 'joe..x'\n" },
	{ "recipient of a domain in another script", "domain a.b { recipients joe@m\xc3\xbcller.example }",
	  "f:1:25: recipients: expected any, a local part or a mail address, found "
	  "'joe@m\xc3\xbcller.example' "
	  "(write domains in other scripts in their xn-- form)\n" },
	{ "server in another script", "domain a.b { next-hop m\xc3\xbcller.example }",
	  "f:1:23: next-hop: expected a host name or address, with a port or without, found "
	  "'m\xc3\xbcller.example' (write other scripts in their xn-- form)\n" },
	{ "mailbox without domain", "postmaster joe",
	  "f:1:12: postmaster: expected a mail address, found 'joe'\n" },
	{ "users are taken", "admin root 1000 mail_admin", "" },
	{ "user that is none", "admin 01 a:b",
	  "f:1:7: admin: expected a user's name or number, found '01'\n"
	  "f:1:10: admin: expected a user's name or number, found 'a:b'\n" },

	{ "text with escapes is taken", "listener a { banner \"a \\\"b\\\" \\\\ c\" }", "" },
	{ "text that is not ASCII", "listener a { banner \"caf\xc3\xa9\" }",
	  "f:1:21: banner: 'caf\xc3\xa9' has characters that are not printable ASCII\n" },
	{ "text that is too long",
	  "listener a { banner "
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaa }",
	  "f:1:21: banner: the length of 208 is out of range 0-200\n" },
	{ "long value is cut in the message",
	  "log-level "
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaa",
	  "f:1:11: log-level: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...' is not one of: error, "
	  "warning, "
	  "info, debug\n" },
};

int main(void)
{
	return run_rows("value", rows, sizeof rows / sizeof *rows, test_part);
}
