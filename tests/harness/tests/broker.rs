//! The real broker.

use std::fs;
use std::net::{TcpListener, TcpStream};

use harness::{Authority, Broker, Tool};

fn publish(broker: &Broker) -> Tool {
    Tool::new("mosquitto_pub")
        .args(broker.args())
        .args(["-t", "a/b", "-m", "text"])
}

#[test]
fn it_carries_messages_on_both_loopback_addresses() {
    let broker = Broker::start();
    let port = broker.port().to_string();
    let has_ipv6 = TcpListener::bind(("::1", 0)).is_ok();
    for host in ["127.0.0.1", "::1"] {
        if host == "::1" && !has_ipv6 {
            continue;
        }
        let subscriber = Tool::new("mosquitto_sub")
            .args(["-h", host, "-p", &port, "-t", "a/#", "-C", "1"])
            .spawn();
        broker.wait_for_log_times("Sending SUBACK", if host == "::1" { 2 } else { 1 });
        publish(&broker).run().assert_success();
        assert_eq!(subscriber.wait().assert_success().stdout_str(), "text\n");
    }
}

#[test]
fn it_listens_on_loopback_only() {
    let broker = Broker::start();
    let port = format!(":{:04X}", broker.port());
    let ipv4 = fs::read_to_string("/proc/net/tcp").unwrap();
    let ipv6 = fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    let listening: Vec<_> = ipv4
        .lines()
        .chain(ipv6.lines())
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|fields| fields[1].ends_with(&port) && fields[3] == "0A")
        .map(|fields| fields[1].trim_end_matches(&port).to_owned())
        .collect();
    let loopback = ["0100007F", "00000000000000000000000001000000"];
    assert!(listening.contains(&loopback[0].to_owned()), "{listening:?}");
    for address in listening {
        assert!(loopback.contains(&address.as_str()), "{address}");
    }
}

#[test]
fn it_is_gone_after_drop() {
    let broker = Broker::start();
    let (port, pid) = (broker.port(), broker.pid());
    assert!(fs::exists(format!("/proc/{pid}")).unwrap());
    drop(broker);
    assert!(!fs::exists(format!("/proc/{pid}")).unwrap());
    TcpStream::connect(("127.0.0.1", port)).unwrap_err();
}

#[test]
fn it_asks_for_credentials_and_reads_the_password_file_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("passwd");
    fs::write(&file, "").unwrap();
    let broker = Broker::builder()
        .anonymous(false)
        .password_file(&file)
        .start();
    let alice = || publish(&broker).args(["-u", "alice", "-P", "pw"]).run();
    publish(&broker).run().assert_code(5);
    alice().assert_code(5);
    Tool::new("mosquitto_passwd")
        .arg("-b")
        .arg(&file)
        .args(["alice", "pw"])
        .run()
        .assert_success();
    broker.reload();
    alice().assert_success();
}

#[test]
fn it_speaks_tls_and_comes_back_on_its_port() {
    let authority = Authority::new();
    let mut broker = Broker::builder()
        .tls(&authority.server("localhost"))
        .start();
    let tls = |broker: &Broker| {
        publish(broker)
            .arg("--cafile")
            .arg(authority.pem_path())
            .run()
    };
    tls(&broker).assert_success();
    let port = broker.port();
    broker.stop();
    assert_ne!(tls(&broker).status, 0);
    broker.restart();
    assert_eq!(broker.port(), port);
    tls(&broker).assert_success();
}

#[test]
fn a_broken_configuration_shows_the_log() {
    let message = crate::panic_message(|| {
        drop(Broker::builder().config("no_such_option true").start());
    });
    assert!(message.contains("no_such_option"), "{message}");
}
