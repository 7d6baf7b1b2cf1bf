//! `--proxy socks5h://`, through a real SOCKS server.

use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use harness::{Broker, Running, Tool, free_port};

use crate::not_yet::not_yet;
use crate::support::{BOTH, expect};

/// Starts microsocks; gives its port.
fn microsocks(args: &[&str]) -> (Running, u16) {
    for _ in 0..20 {
        let port = free_port();
        let number = port.to_string();
        let proxy = Tool::new("microsocks")
            .args(["-i", "127.0.0.1", "-p", &number])
            .args(args)
            .spawn();
        let deadline = Instant::now() + Duration::from_secs(30);
        while proxy.is_running() && Instant::now() < deadline {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return (proxy, port);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    panic!("microsocks does not start");
}

#[test]
fn the_proxy_connects() {
    if not_yet("--proxy") {
        return;
    }
    let (proxy, port) = microsocks(&[]);
    let url = format!("socks5h://127.0.0.1:{port}");
    for tool in BOTH {
        let broker = Broker::start();
        tool()
            .args(broker.args())
            .args(["--proxy", &url])
            .run()
            .assert_success();
        let target = format!("to localhost:{}", broker.port());
        let line = |text: &str| text.contains(&target) || text.contains("connected to localhost");
        proxy.wait_for_stderr(line);
    }
}

#[test]
fn with_credentials() {
    if not_yet("--proxy") {
        return;
    }
    let (_proxy, port) = microsocks(&["-u", "user", "-P", "p:w"]);
    for (login, right) in [
        ("user:p%3Aw@", true),
        ("user:wrong@", false),
        ("user@", false),
        ("", false),
    ] {
        for tool in BOTH {
            let broker = Broker::start();
            let output = tool()
                .args(broker.args())
                .args(["--proxy", &format!("socks5h://{login}127.0.0.1:{port}")])
                .run();
            assert_eq!(output.status == 0, right, "{login}\n{output}");
        }
    }
}

/// Ours: 16, the number for a proxy. The original's is 1.
#[test]
fn a_proxy_that_is_not_there() {
    if not_yet("--proxy") {
        return;
    }
    let nobody = harness::unused_port();
    for tool in BOTH {
        let broker = Broker::start();
        let url = format!("socks5h://127.0.0.1:{}", nobody.port());
        let output = tool().args(broker.args()).args(["--proxy", &url]).run();
        assert_eq!(output.status, expect(16, 1), "{output}");
    }
}

#[test]
fn only_socks5h() {
    if not_yet("--proxy") {
        return;
    }
    for tool in BOTH {
        crate::support::refuses(tool, &[&["--proxy", "foo://x"], &["--proxy", "x"]]);
    }
}
