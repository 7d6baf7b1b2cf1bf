//! `-k`.

use crate::support::{BOTH, both_send, expect};

#[test]
fn it_is_60_seconds_unless_given() {
    for (args, seconds) in [
        (&[][..], 60),
        (&["-k", "5"], 5),
        (&["--keepalive", "65535"], 65_535),
    ] {
        for sent in both_send(args) {
            assert_eq!(sent.connect.keep_alive, seconds);
        }
    }
}

/// Ours: 0 switches it off; the original refuses it.
#[test]
fn zero() {
    for tool in BOTH {
        let broker = harness::Broker::start();
        let output = tool().args(broker.args()).args(["-k", "0"]).run();
        assert_eq!(output.status, expect(0, 1), "{output}");
    }
}
