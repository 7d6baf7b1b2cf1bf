//! `-A`: the local address.

use harness::Broker;

use crate::support::{BOTH, expect};

#[test]
fn the_connection_comes_from_that_address() {
    for tool in BOTH {
        let broker = Broker::start();
        let port = broker.port().to_string();
        tool()
            .args(["-h", "127.0.0.1", "-p", &port, "-A", "127.0.0.3"])
            .run()
            .assert_success();
        broker.wait_for_log("New connection from 127.0.0.3:");
    }
}

/// Ours: an operating system error has the number 14.
#[test]
fn an_address_of_another_machine_is_an_error() {
    for tool in BOTH {
        let broker = Broker::start();
        tool()
            .args(broker.args())
            .args(["-A", "192.0.2.1"])
            .run()
            .assert_code(expect(14, 1));
        assert!(!broker.log().contains("New connection"));
    }
}
