//! The certificates, judged by the originals.

use harness::{Authority, Broker, ServerCert, Tool, mkcert};

fn publish(certificate: &ServerCert, cafile: &std::path::Path) -> i32 {
    let broker = Broker::builder().tls(certificate).start();
    let tool = Tool::new("mosquitto_pub").args(broker.args());
    tool.args(["-t", "a", "-m", "text", "--cafile"])
        .arg(cafile)
        .run()
        .status
}

#[test]
fn a_fault_makes_a_certificate_unusable() {
    let authority = Authority::new();
    let cafile = authority.pem_path();
    assert_eq!(publish(&authority.server("localhost"), cafile), 0);
    for (fault, certificate) in [
        ("expired", authority.certificate().expired()),
        ("not yet valid", authority.certificate().not_yet_valid()),
        (
            "another name",
            authority.certificate().names(&["example.test"]),
        ),
        (
            "for clients only",
            authority.certificate().for_clients_only(),
        ),
        ("self-signed", ServerCert::self_signed()),
        ("another authority", Authority::new().certificate()),
    ] {
        assert_ne!(publish(&certificate.make(), cafile), 0, "{fault}");
    }
}

#[test]
fn mkcert_makes_a_usable_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (cert_path, key_path, root) = mkcert(folder.path(), &["localhost"]);
    let broker = Broker::builder()
        .config(format!("certfile {}", cert_path.display()))
        .config(format!("keyfile {}", key_path.display()))
        .start();
    Tool::new("mosquitto_pub")
        .args(broker.args())
        .args(["-t", "a", "-m", "text", "--cafile"])
        .arg(root)
        .run()
        .assert_success();
}
