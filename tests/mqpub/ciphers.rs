//! `--ciphers`: the cipher suites that are offered, by OpenSSL's names.

use harness::{Authority, Broker, Output, Tool, mqpub, mqsub};

use crate::support::{client_hello, complaint};

/// By OpenSSL's name, IANA's, and number (RFC 8446, appendix B.4; RFC 5289; RFC 7905).
const TLS13: [(&str, &str, u16); 3] = [
    ("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", 0x1302),
    ("TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", 0x1301),
    (
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_CHACHA20_POLY1305_SHA256",
        0x1303,
    ),
];
const TLS12: [(&str, &str, u16); 6] = [
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        0xc02c,
    ),
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        0xc02b,
    ),
    (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        0xcca9,
    ),
    (
        "ECDHE-RSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        0xc030,
    ),
    (
        "ECDHE-RSA-AES128-GCM-SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        0xc02f,
    ),
    (
        "ECDHE-RSA-CHACHA20-POLY1305",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        0xcca8,
    ),
];
const ALL_13: [u16; 3] = [0x1302, 0x1301, 0x1303];

/// The suites in a ClientHello, without the one that only signals (RFC 5746).
#[track_caller]
fn offered(options: &[&str]) -> Vec<u16> {
    const RENEGOTIATION: u16 = 0x00ff;
    let hello = client_hello(options);
    // Type, length, version, random, session identifier.
    let rest = &hello[4 + 2 + 32..];
    let rest = &rest[1 + usize::from(rest[0])..];
    let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
    rest[2..2 + length]
        .chunks(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
        .filter(|&suite| suite != RENEGOTIATION)
        .collect()
}

#[test]
fn every_suite_has_both_of_its_names() {
    for (openssl, iana, number) in TLS12 {
        let wanted = [&ALL_13[..], &[number]].concat();
        for name in [openssl, iana] {
            assert_eq!(offered(&["--ciphers", name]), wanted, "{name}");
        }
    }
    for (name, _, number) in TLS13 {
        assert_eq!(offered(&["--ciphers", name]), [number], "{name}");
    }
}

#[test]
fn the_order_is_the_preference() {
    let list =
        "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384";
    let suites_12 = [0xcca8, 0xc02f, 0xc02c];
    let wanted = [&ALL_13[..], &suites_12].concat();
    assert_eq!(offered(&["--ciphers", list]), wanted);
    // The other separators that OpenSSL knows.
    for separator in [",", " ", " : "] {
        let list = list.replace(':', separator);
        assert_eq!(offered(&["--ciphers", &list]), wanted);
    }
    let both = format!("TLS_CHACHA20_POLY1305_SHA256:{list}:TLS_AES_128_GCM_SHA256");
    let mut in_typed_order = vec![0x1303];
    in_typed_order.extend(suites_12);
    in_typed_order.push(0x1301);
    assert_eq!(offered(&["--ciphers", &both]), in_typed_order);
}

#[test]
fn words_for_all_good_suites_change_nothing_and_exclusions_exclude() {
    let all = offered(&[]);
    for list in [
        "DEFAULT",
        "HIGH:!aNULL",
        "ALL:!EXPORT:!LOW:!3DES:!kRSA",
        "!MD5:secure",
    ] {
        assert_eq!(offered(&["--ciphers", list]), all, "{list}");
    }
    for list in [
        "HIGH:!ECDHE-RSA-AES128-GCM-SHA256",
        "!ECDHE-RSA-AES128-GCM-SHA256:DEFAULT:ECDHE-RSA-AES128-GCM-SHA256",
    ] {
        let mut others = all.clone();
        others.retain(|number| *number != 0xC02F);
        assert_eq!(others.len(), all.len() - 1);
        assert_eq!(offered(&["--ciphers", list]), others, "{list}");
    }
}

#[test]
fn a_name_that_is_not_known_is_a_usage_error_with_all_names() {
    for (list, named) in [
        ("NONSENSE", "\"NONSENSE\""),
        ("!aNULL", "no cipher suite"),
        ("HIGH:!AESGCM", "\"!AESGCM\""),
        ("HIGH:!NONSENSE", "\"!NONSENSE\""),
        ("aNULL", "\"aNULL\""),
        ("ECDHE-RSA-AES128-GCM-SHA256:AES256-SHA", "\"AES256-SHA\""),
        ("", "no cipher suite"),
        (" : ", "no cipher suite"),
    ] {
        let output = mqpub()
            .args([
                "-t",
                "a",
                "-m",
                "x",
                "--tls-use-os-certs",
                "--ciphers",
                list,
            ])
            .run();
        let report = complaint(output, 1);
        assert!(report.error.contains("--ciphers"), "{report:?}");
        assert!(report.cause.contains(named), "{report:?}");
        for (name, _, _) in TLS13.into_iter().chain(TLS12) {
            assert!(report.hint.contains(name), "{name} is not in {report:?}");
        }
    }
}

/// A broker with an ECDSA certificate that has but two suites.
struct Narrow {
    authority: Authority,
    broker: Broker,
}

impl Narrow {
    fn start(only_tls12: bool) -> Self {
        let authority = Authority::new();
        let builder = Broker::builder()
            .tls(&authority.server("localhost"))
            .config("ciphers ECDHE-ECDSA-AES128-GCM-SHA256")
            .config("ciphers_tls1.3 TLS_CHACHA20_POLY1305_SHA256");
        let builder = if only_tls12 {
            builder.tls12_only()
        } else {
            builder
        };
        Self {
            authority,
            broker: builder.start(),
        }
    }

    fn publish(&self, tool: Tool, options: &[&str]) -> Output {
        tool.args(self.broker.args())
            .args(["-t", "a", "-m", "x", "--cafile"])
            .arg(self.authority.pem_path())
            .args(options)
            .run()
    }
}

#[test]
fn a_connection_uses_no_other_suite() {
    let broker = Narrow::start(true);
    for fitting in [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384:TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    ] {
        broker
            .publish(mqpub(), &["--ciphers", fitting])
            .assert_success();
    }
    for other in [
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "TLS_CHACHA20_POLY1305_SHA256",
    ] {
        let report = complaint(broker.publish(mqpub(), &["--ciphers", other]), 23);
        assert!(report.error.contains("TLS handshake"), "{report:?}");
    }

    let broker = Narrow::start(false);
    for (list, code) in [
        ("TLS_CHACHA20_POLY1305_SHA256", 0),
        ("TLS_AES_256_GCM_SHA384", 23),
        // Only TLS 1.2 has a suite in common.
        ("TLS_AES_256_GCM_SHA384:ECDHE-ECDSA-AES128-GCM-SHA256", 23),
    ] {
        broker
            .publish(mqpub(), &["--ciphers", list])
            .assert_code(code);
    }
    mqsub()
        .args(broker.broker.args())
        .args(["-t", "a", "-E", "--ciphers", "TLS_CHACHA20_POLY1305_SHA256"])
        .arg("--cafile")
        .arg(broker.authority.pem_path())
        .run()
        .assert_success();
}

#[test]
fn a_list_for_tls_1_2_leaves_tls_1_3_alone_as_in_the_original() {
    let broker = Narrow::start(false);
    let list = ["--ciphers", "ECDHE-RSA-AES128-GCM-SHA256"];
    let only_13 = [&list[..], &["--tls-version", "tlsv1.3"]].concat();
    for options in [&list[..], &only_13] {
        broker
            .publish(Tool::new("mosquitto_pub"), options)
            .assert_success();
    }
    let output = broker.publish(mqpub(), &list).assert_success();
    assert!(output.stderr.is_empty(), "{output}");
    // Nothing of the list can be used, and ours says so.
    let output = broker.publish(mqpub(), &only_13).assert_success();
    assert!(
        output.stderr_str().starts_with("warning: --ciphers"),
        "{output}"
    );
}
