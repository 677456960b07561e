# Sends standard input by Net::SMTP: PORT none|starttls|implicit CA-FILE USERNAME PASSWORD FROM TO...
use strict;
use warnings;
use MIME::Base64;
use Net::Cmd;
use Net::SMTP;

my ($port, $tls, $ca_file, $username, $password, $mail_from, @recipients) = @ARGV;
my @trust = (SSL_ca_file => $ca_file, SSL_verifycn_name => 'localhost');
my $client = Net::SMTP->new('localhost', Port => $port, Hello => 'client.company.example', Timeout => 30,
    $tls eq 'implicit' ? (SSL => 1, @trust) : ()) or die "can't connect: $@\n";
if ($tls eq 'starttls') { $client->starttls(@trust) or die 'STARTTLS: ' . $client->message }
if ($username ne '') {
    my $response = encode_base64("\0$username\0$password", '');
    $client->command("AUTH PLAIN $response")->response() == CMD_OK or die 'AUTH: ' . $client->message;
}
$client->mail($mail_from) or die 'MAIL: ' . $client->message;
for my $recipient (@recipients) { $client->to($recipient) or die 'RCPT: ' . $client->message }
binmode STDIN;
$client->data() or die 'DATA: ' . $client->message;
while (my $line = <STDIN>) {
    $line =~ s/\r\n\z/\n/;
    $client->datasend($line) or die 'lost';
}
$client->dataend() or die 'end of the mail: ' . $client->message;
$client->quit();
