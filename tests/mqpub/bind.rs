//! `-A`: the local address that a connection comes from; `--nodelay`.

use harness::{Broker, mqpub, mqsub};

use crate::support::complaint;

#[test]
fn the_broker_sees_the_local_address() {
    let broker = Broker::start();
    for (option, address) in [
        ("-A", "127.0.0.1"),
        ("-A", "127.4.5.6"),
        ("--bind", "127.7.8.9"),
    ] {
        mqpub()
            .args(broker.args())
            .args(["-t", "a", "-m", "x", option, address])
            .run()
            .assert_success();
        broker.wait_for_log(&format!("New connection from {address}:"));
    }
    mqsub()
        .args(broker.args())
        .args(["-t", "a", "-E", "-A", "localhost", "--nodelay"])
        .run()
        .assert_success();
}

#[test]
fn an_address_that_is_not_ours_is_14_and_an_unknown_name_15() {
    let broker = Broker::start();
    let port = broker.port().to_string();
    let from = |address: &str| {
        mqpub()
            .args(["-h", "127.0.0.1", "-p", &port])
            .args([
                "--connect-timeout",
                "100",
                "-t",
                "a",
                "-m",
                "x",
                "-A",
                address,
            ])
            .run()
    };
    // TEST-NET-1 (RFC 5737) is nobody's.
    let report = complaint(from("192.0.2.1"), 14);
    assert!(report.cause.contains("192.0.2.1 (-A)"), "{report:?}");
    assert!(report.hint.starts_with("check -A"), "{report:?}");
    let report = complaint(from("::1"), 14);
    assert!(report.cause.contains("not an IPv4 address"), "{report:?}");
    assert!(report.hint.starts_with("check -A"), "{report:?}");
    let report = complaint(from("no-such-host.invalid"), 15);
    assert!(report.error.contains("no-such-host.invalid"), "{report:?}");
    assert!(report.hint.contains("-A"), "{report:?}");
}
