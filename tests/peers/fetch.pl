# Fetches all mails by Net::POP3 into files: PORT none|starttls|implicit CA-FILE USERNAME PASSWORD FOLDER
use strict;
use warnings;
use Net::POP3;

my ($port, $tls, $ca_file, $username, $password, $folder) = @ARGV;
my @trust = (SSL_ca_file => $ca_file, SSL_verifycn_name => 'localhost');
my $client = Net::POP3->new('localhost', Port => $port, Timeout => 30, $tls eq 'implicit' ? (SSL => 1, @trust) : ())
    or die "can't connect: $@\n";
if ($tls eq 'starttls') { $client->starttls(@trust) or die 'STLS: ' . $client->message }
defined $client->login($username, $password) or die 'PASS: ' . $client->message;
for my $number (keys %{ $client->list }) {
    my $lines = $client->get($number) or die 'RETR: ' . $client->message;
    open my $file, '>:raw', "$folder/$number" or die "$folder/$number: $!\n";
    print $file map { s/\r?\n\z/\r\n/r } @$lines;
    close $file or die "$folder/$number: $!\n";
}
$client->quit();
