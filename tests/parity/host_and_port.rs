//! `-h` and `-p`.

use std::net::ToSocketAddrs as _;

use harness::{Broker, free_port};

use crate::support::{BOTH, expect};

#[test]
fn addresses_and_names() {
    for tool in BOTH {
        for host in ["127.0.0.1", "::1", "localhost"] {
            for (host_option, port_option) in [("-h", "-p"), ("--host", "--port")] {
                let broker = Broker::start();
                tool()
                    .args([host_option, host, port_option, &broker.port().to_string()])
                    .run()
                    .assert_success();
            }
        }
    }
}

#[test]
fn the_host_is_localhost_unless_given() {
    for tool in BOTH {
        let broker = Broker::start();
        tool()
            .args(["-p", &broker.port().to_string()])
            .run()
            .assert_success();
    }
}

/// A broker that listens on one address of the name only.
#[test]
fn every_address_of_a_name_is_tried() {
    for address in ("localhost", 0).to_socket_addrs().unwrap() {
        let port = free_port().to_string();
        let config = format!("listener {port} {}", address.ip());
        let _broker = Broker::builder().config(config).start();
        for tool in BOTH {
            tool()
                .args(["-h", "localhost", "-p", &port])
                .run()
                .assert_success();
        }
    }
}

/// Ours: a usage error, for an empty name and for port 0 without a socket.
#[test]
fn an_empty_host_and_port_zero() {
    for tool in BOTH {
        tool().args(["-h", ""]).run().assert_code(1);
        let output = tool().args(["-h", "localhost", "-p", "0"]).run();
        assert_eq!(output.status, expect(1, 1), "{output}");
    }
}
