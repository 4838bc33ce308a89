# A cable between two network namespaces: two TUN devices, and what comes out of one goes into the other. It can be slow and
# lose packets, as `tc netem` would have it, on kernels without that. perl line.pl NEAR FAR SHAPE, where the file SHAPE has the
# delay in milliseconds and the loss in percent; HUP reads it again. Both devices go with this process.
use strict;
use Fcntl;
use Time::HiRes 'time';

my ( $near, $far, $shape ) = @ARGV;
my ( $delay, $loss );

sub device {
    my ($name) = @_;
    sysopen my $file, '/dev/net/tun', O_RDWR | O_NONBLOCK or die "/dev/net/tun: $!\n";
    # TUNSETIFF, with IFF_TUN and IFF_NO_PI: each read is one IP packet, and nothing else.
    ioctl $file, 0x400454ca, pack 'a16 S x22', $name, 0x1001 or die "TUNSETIFF $name: $!\n";
    return $file;
}

sub look {
    open my $file, '<', $shape or die "$shape: $!\n";
    ( $delay, $loss ) = split ' ', <$file>;
}

my @ends = ( device($near), device($far) );
my $changed = 1;
$SIG{HUP} = sub { $changed = 1 };
my @underway;
while (1) {
    my $now = time;
    while ( @underway && $underway[0][0] <= $now ) {
        my ( undef, $to, $packet ) = @{ shift @underway };
        syswrite $to, $packet;
    }
    my $ready = '';
    vec( $ready, fileno $_, 1 ) = 1 for @ends;
    my $wait = @underway ? $underway[0][0] - time : undef;
    $wait = 0 if defined $wait && $wait < 0;
    my $found = select( $ready, undef, undef, $wait );
    # Before anything is read: what is sent after HUP goes by the new shape, also where that came just before the wait.
    if ($changed) { $changed = 0; look() }
    next if $found < 1;
    for my $at ( 0, 1 ) {
        next unless vec $ready, fileno $ends[$at], 1;
        while ( sysread $ends[$at], my $packet, 65_536 ) {
            next if rand(100) < $loss;
            my $to = $ends[ 1 - $at ];
            if   ( $delay > 0 ) { push @underway, [ time + $delay / 1000, $to, $packet ] }
            else                { syswrite $to, $packet }
        }
    }
}
