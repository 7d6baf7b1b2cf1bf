//! `-d` shows what was agreed on, and the certificates that the broker sent, accepted or not.

use harness::lab::Draft;
use harness::{Broker, mqpub, mqsub};

use crate::support::{Root, TLS_VERSIONS, TlsVersion, broker, with_cafile};

#[test]
fn version_suite_and_chain() {
    let root = Root::new();
    let above = Draft::new("above").authority(None).signed_by(&root.party);
    let server = Draft::new("localhost").names(&["localhost", "127.0.0.1"]);
    let server = server.signed_by(&above);
    for version in TLS_VERSIONS {
        let broker = broker(&server.serve(&[&above]), version);
        let sub = mqsub()
            .args(broker.args())
            .args(["-t", "a", "-E", "-d", "--cafile"])
            .arg(&root.path);
        for tool in [with_cafile(&broker, &root.path).arg("-d"), sub] {
            let output = tool.run().assert_success();
            let text = output.stderr_str();
            let begin = match version {
                TlsVersion::Only12 => "debug: TLS 1.2, TLS_ECDHE_ECDSA_WITH_AES_",
                TlsVersion::Only13 => "debug: TLS 1.3, TLS_AES_",
            };
            assert!(text.lines().any(|line| line.starts_with(begin)), "{output}");
            assert!(text.contains(", no ALPN\n"), "{output}");
            for line in [
                "debug: certificate 1: subject \"CN=localhost\", issuer \"CN=above\", valid from 2020-01-01 00:00:00 UTC to 2099-01-01 00:00:00 UTC, names DNS \"localhost\", IP 127.0.0.1\n",
                "debug: certificate 2: subject \"CN=above\", issuer \"CN=the laboratory's root\", valid from 2020-01-01 00:00:00 UTC to 2099-01-01 00:00:00 UTC, names Common Name \"above\"\n",
            ] {
                assert!(text.contains(line), "{output}");
            }
        }
        let output = with_cafile(&broker, &root.path).run().assert_success();
        assert!(output.stderr.is_empty(), "{output}");
    }
}

#[test]
fn the_name_of_the_protocol() {
    let root = Root::new();
    let server = Draft::new("localhost").names(&["localhost"]);
    let server = server.signed_by(&root.party);
    // mosquitto chooses no name but for WebSocket.
    let server = harness::TlsServer::start(&server.serve(&[]), &["-alpn", "mqtt"]);
    let tool = mqpub()
        .args(["-h", "localhost", "-p", &server.port().to_string()])
        .args(["-t", "a", "-m", "x", "-d", "--tls-alpn", "mqtt"])
        .arg("--cafile")
        .arg(&root.path)
        .spawn();
    tool.wait_for_stderr(", ALPN mqtt\n");
}

#[test]
fn the_chain_of_one_that_is_refused() {
    let (root, other) = (Root::new(), Root::new());
    let server = Draft::new("evil\u{1b}[2J").names(&["localhost"]);
    let server = server.signed_by(&root.party);
    let broker: Broker = broker(&server.serve(&[]), TLS_VERSIONS[1]);
    let output = with_cafile(&broker, &other.path).arg("-d").run();
    let output = output.assert_code(8);
    let line =
        "debug: certificate 1: subject \"CN=evil\\x1b[2J\", issuer \"CN=the laboratory's root\"";
    assert!(output.stderr_str().contains(line), "{output}");
    let output = with_cafile(&broker, &other.path)
        .args(["-d", "--insecure"])
        .run();
    assert!(output.assert_success().stderr_str().contains(line));
}
