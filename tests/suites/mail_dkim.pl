#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Verifies messages with Mail::DKIM, for differential_dkim.py. Standard input has one line for each message: "dkim" or
# "arc", HTAB, its file; the first line is the file of the zone, with a name, HTAB and a TXT record on each line.
# Prints one line for each: the result of the first signature, or of the chain, HTAB, why.
use strict;
use warnings;
use Mail::DKIM::ARC::Verifier;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;

package Record {
	sub new { my ($class, $text) = @_; return bless { text => $text }, $class }
	sub type { return 'TXT' }
	sub txtdata { return $_[0]{text} }
	sub char_str_list { return ($_[0]{text}) }
}

my %zone;

sub read_file {
	my ($path) = @_;
	open my $file, '<:raw', $path or die "$path: $!";
	local $/ = undef;
	my $bytes = <$file>;
	close $file;
	return defined $bytes ? $bytes : '';
}

sub verify {
	my ($kind, $path) = @_;
	my $verifier = $kind eq 'arc' ? Mail::DKIM::ARC::Verifier->new : Mail::DKIM::Verifier->new;
	$verifier->PRINT(read_file($path));
	$verifier->CLOSE;
	return ($verifier->result, $verifier->result_detail) if $kind eq 'arc';
	my ($signature) = $verifier->signatures;
	return ('none', '') if !$signature;
	return ($signature->result || 'none', $signature->result_detail || '');
}

no warnings 'redefine';
*Mail::DKIM::DNS::query = sub {
	my ($name) = @_;
	return exists $zone{lc $name} ? (Record->new($zone{lc $name})) : ();
};
$| = 1;
my $zone = <STDIN>;
chomp $zone;
for (split /\n/, read_file($zone)) {
	my ($name, $text) = split /\t/, $_, 2;
	$zone{lc $name} = $text;
}
while (my $line = <STDIN>) {
	chomp $line;
	my ($result, $why) = eval { verify(split /\t/, $line, 2) };
	($result, $why) = ('error', $@) if !defined $result;
	$why =~ s/\s+/ /g;
	print "$result\t$why\n";
}
