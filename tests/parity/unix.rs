//! `--unix`.

use harness::Broker;

use crate::support::{BOTH, expect};

#[test]
fn the_socket_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let name = path.to_str().unwrap();
    // The first listener is the harness's own.
    let broker = Broker::builder()
        .config(format!("listener 0 {name}"))
        .start();
    for tool in BOTH {
        for more in [&[][..], &["-p", "0"]] {
            tool()
                .args(["--unix", name])
                .args(more)
                .run()
                .assert_success();
        }
    }
    // A connection over TCP would have been logged with its address.
    assert!(!broker.log().contains("New connection from 127"));
}

/// Ours: 14, an operating system error.
#[test]
fn a_socket_that_is_not_there() {
    for tool in BOTH {
        tool()
            .args(["--unix", "/nonexistent/socket"])
            .run()
            .assert_code(expect(14, 1));
    }
}
