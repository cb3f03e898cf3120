#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Asks Mail::DMARC (RFC 7489) about cases, one JSON object on each line, and answers one on each line.
use strict;
use warnings;
use JSON::PP;
use Mail::DMARC::PurePerl;
use Net::DNS;

package Zone;
sub new { my ($class, $zone) = @_; return bless { zone => $zone }, $class; }
sub packet {
	my ($self, $name, $type) = @_;
	my $packet = Net::DNS::Packet->new($name, $type);
	if ($type eq 'TXT') {
		$packet->push(answer => Net::DNS::RR->new(name => $name, type => 'TXT', txtdata => [$_]))
			for @{ $self->{zone}{lc $name} || [] };
	} elsif ($type eq 'A') {    # Mail::DMARC applies nothing to a domain that has no host
		$packet->push(answer => Net::DNS::RR->new("$name 60 IN A 192.0.2.1"));
	}
	return $packet;
}
sub send { my $self = shift; return $self->packet(@_); }
sub query { my $self = shift; my $packet = $self->packet(@_); return scalar $packet->answer ? $packet : undef; }
sub errorstring { return 'NOERROR'; }

package main;
binmode STDIN,  ':raw';
binmode STDOUT, ':raw';
$| = 1;
my $json = JSON::PP->new->canonical;
while (my $line = <STDIN>) {
	my $case  = $json->decode($line);
	my $dmarc = Mail::DMARC::PurePerl->new;
	$dmarc->set_resolver(Zone->new($case->{records}));
	$dmarc->header_from($case->{from});
	$dmarc->spf([{ domain => $case->{spf}, scope => 'mfrom', result => $case->{spf_result} }]);
	$dmarc->dkim([map { { domain => $_, selector => 's', result => 'pass' } } @{ $case->{dkim} }]);
	my $result = eval { $dmarc->validate };
	print $json->encode($result
		? { result => $result->result, disposition => $result->disposition, spf => $result->spf || 'fail',
			dkim => $result->dkim || 'fail', reason => join '; ', map { $_->comment || $_->type } @{ $result->reason || [] } }
		: { result => 'error', reason => "$@" }), "\n";
}
